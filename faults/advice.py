"""Does what the error of a file that is not read says to do: its line of jq, and the import of what that makes."""

from __future__ import annotations

import gzip
import re
import subprocess
from typing import TYPE_CHECKING

from injection import require

from pipeline import import_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def follow(told: str, path: Path, made: Path, store: Path, names: Mapping[str, str] | None = None) -> None:
    """Run the jq of an error, and import its lines with the options that the error names.

    Args:
        told: the error.
        path: the file that was refused.
        made: where to write the lines.
        store: where to import them.
        names: what to write for words that the error leaves open.

    Raises:
        WrongOutcomeError: the error names no jq, or jq makes no lines.
    """
    found = re.search(r"jq ((?:-\w )+)'(.*?)'(?= makes|,)", told)
    require(found is not None, f"names no jq: {told}")
    assert found is not None  # noqa: S101 - for the type checker
    flags, program = found.groups()
    for word, value in (names or {}).items():
        program = program.replace(word, value)
    options = re.findall(r"--map (\S+=\S+:\w+|\S+=[^\s;,]+)", told)
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    made.write_bytes(
        subprocess.run(["jq", *flags.split(), program], input=text, capture_output=True, check=True).stdout
    )
    require(made.stat().st_size > 0, f"jq makes nothing: {program}")
    import_sessions(made, store, mapping=options, started_at="2026-01-01T00:00:00Z")
