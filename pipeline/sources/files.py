"""Finds the files that a source names, and the format of each."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUFFIXES = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
_COMPRESSED_SUFFIXES = {".gz", ".zst"}
_COMPRESSIBLE_FORMATS = {"csv", "ndjson"}


def find_files(sources: Sequence[str | Path]) -> list[Path]:
    """Expand globs and check that every file is there; the order is that of the sources, then of the names.

    Raises:
        SourceError: a path does not exist, is a directory, or a glob matches nothing.
    """
    paths: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_file():
            found = [path]
        elif path.is_dir():
            raise SourceError(
                f"{path}: is a directory but no store, it has no store.json; "
                f"name the files in it, such as '{path}/*.parquet'"
            )
        elif glob.has_magic(str(source)):
            found = sorted(Path(name) for name in glob.glob(str(source), recursive=True))  # noqa: PTH207 - a user's pattern may be absolute
            found = [name for name in found if name.is_file() and not name.name.endswith(".session.json")]
            if not found:
                raise SourceError(f"{source}: no file matches this pattern")
        else:
            raise SourceError(f"{path}: does not exist{_near(path)}")
        paths += [name for name in found if name not in paths]
    return paths


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; neither does {path.parent}" if path.parent != path else ""
    return "; " + suggest(path.name, sorted(p.name for p in path.parent.iterdir()), noun="there are")


def file_format(path: Path) -> str:
    """Name the format of a file by the end of its name.

    Raises:
        SourceError: the name says no format that can be read.
    """
    compressed = path.suffix in _COMPRESSED_SUFFIXES
    found = format_by_name(path)
    if found is None:
        raise SourceError(f"{path}: what format is it? Its name must end in one of {', '.join(_SUFFIXES)}")
    if compressed and found not in _COMPRESSIBLE_FORMATS:
        raise SourceError(f"{path}: {found} files are compressed inside; decompress this one first")
    return found


def format_by_name(path: Path) -> str | None:
    """Name the format that the end of a name says, None where it says none."""
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSED_SUFFIXES else path.suffix
    return _SUFFIXES.get(suffix.lower())
