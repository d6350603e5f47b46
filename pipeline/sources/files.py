"""Finds the files that a source names."""

from __future__ import annotations

import glob
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

_BESIDE = ".session.json"


def find_files(sources: Sequence[Path], *, walks: bool = False) -> list[Path]:
    """Expand globs and check that every file is there; the order is that of the sources, then of the names.

    Args:
        sources: files and globs.
        walks: take the files in and below a directory, but for hidden ones and records beside files; else it is an
            error.

    Raises:
        SourceError: a path does not exist, is a directory, or a glob matches nothing.
    """
    paths: list[Path] = []
    for path in sources:
        if path.is_file():
            found = [path]
        elif path.is_dir() and walks and not (path / "store.json").exists():
            found = _walk(path)
        elif path.is_dir() and walks:
            raise SourceError(f"{path}: is a store, whose files are not read one by one; `pipeline import` takes it")
        elif path.is_dir():
            raise SourceError(
                f"{path}: is a directory but no store, it has no store.json; "
                f"name the files in it, such as '{path}/*.parquet'"
            )
        elif glob.has_magic(str(path)):
            found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - a user's pattern may be absolute
            found = [name for name in found if name.is_file() and not name.name.endswith(_BESIDE)]
            if not found:
                raise SourceError(f"{path}: no file matches this pattern")
        elif path.exists():
            raise SourceError(f"{path}: is {_kind(path)}; a source is read more than once, so write it to a file first")
        elif path.is_symlink():
            raise SourceError(f"{path}: is a symbolic link that leads nowhere; mend it, or name the file itself")
        else:
            raise SourceError(f"{path}: does not exist{_near(path)}")
        paths += [name for name in found if name not in paths]
    return paths


def _walk(directory: Path) -> list[Path]:
    """Find the files in and below a directory; links to directories are not followed."""

    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot be read ({error.strerror})") from error

    found: list[Path] = []
    for place, directories, names in os.walk(directory, onerror=stop):
        directories[:] = [name for name in directories if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".") and not name.endswith(_BESIDE)]
    found = sorted(path for path in found if path.is_file())
    if not found:
        raise SourceError(f"{directory}: has no files")
    return found


def _kind(path: Path) -> str:
    """Say what is there that is neither a file nor a directory."""
    mode = path.stat().st_mode
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; neither does {path.parent}" if path.parent != path else ""
    return "; " + suggest(path.name, sorted(p.name for p in path.parent.iterdir()), noun="there are")
