"""What lies in a directory: names, contents, and the descriptor of a package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OWN_FILES = {"datapackage.json", "SHA256SUMS"}
"""What a package holds besides its tables."""


def only(directory: Path, pattern: str) -> Path:
    """The one file of a package that matches a pattern."""
    found = sorted(directory.glob(pattern))
    assert len(found) == 1, f"{pattern} in {sorted(p.name for p in directory.iterdir())}"
    return found[0]


def descriptor(directory: Path) -> dict[str, Any]:
    """The descriptor of a package."""
    return json.loads((directory / "datapackage.json").read_text(encoding="utf-8"))


def names_in(directory: Path) -> list[str]:
    """Names of what lies in a directory, sorted."""
    return sorted(path.name for path in directory.iterdir())


def snapshot(directory: Path) -> dict[str, tuple[object, ...]]:
    """What lies below a directory: contents and targets of links, times of the last change, and which file it is."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        # Directories change when something inside comes and goes, and are there or not.
        known = () if path.is_dir() and not path.is_symlink() else (status.st_mtime_ns, status.st_ino)
        found[str(path.relative_to(directory))] = (content, *known)
    return found


def contents(directory: Path) -> dict[str, bytes]:
    """Bytes of every file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def measurement_files(store: Path) -> list[Path]:
    """The Parquet files of a store."""
    return sorted(store.glob("sessions/*/measurements-*.parquet"))
