"""The versions that the bytes of a package depend on: those of workers must be the driver's."""

from __future__ import annotations

import re
import socket
import zoneinfo
from functools import cache
from importlib import metadata
from pathlib import Path

from pipeline.errors import UsageError

_DISTRIBUTIONS = ("measurement-export-pipeline", "pyarrow", "zstandard", "isal")
_ZONES = "tzdata"


@cache
def versions_here() -> dict[str, str]:
    """Give the versions of this process, by name."""
    return {**{name: metadata.version(name) for name in _DISTRIBUTIONS}, _ZONES: _version_of_zones()}


def _version_of_zones() -> str:
    """Version of the time zones that `zoneinfo` finds: the system's, else those of the package."""
    for directory in map(Path, zoneinfo.TZPATH):
        for file, pattern in (("tzdata.zi", r"# version (\S+)"), ("+VERSION", r"(\S+)")):
            try:
                with (directory / file).open(encoding="utf-8") as opened:
                    found = re.match(pattern, opened.readline())
            except OSError:
                continue
            if found:
                return found[1]
        if directory.is_dir():
            return "unknown"
    try:
        return metadata.version(_ZONES)
    except metadata.PackageNotFoundError:
        return "none"


def require_versions(wanted: dict[str, str]) -> None:
    """Require that this process has the versions of another.

    Raises:
        UsageError: one differs.
    """
    here = versions_here()
    different = [
        f"{name} {here.get(name)}, not {version}" for name, version in wanted.items() if here.get(name) != version
    ]
    if different:
        raise UsageError(
            f"the worker {socket.gethostname()} has {'; '.join(different)} as here: "
            "the bytes would not be the same; install the same versions there"
        )
