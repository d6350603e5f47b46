"""Places for temporary files that are none: what TMPDIR may name beside a directory that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _missing(path: Path) -> Path:
    return path / "missing"


def _file(path: Path) -> Path:
    (path / "file").write_bytes(b"")
    return path / "file"


def _below_a_file(path: Path) -> Path:
    return _file(path) / "x"


def _dangling(path: Path) -> Path:
    (path / "link").symlink_to(path / "nowhere")
    return path / "link"


def _looping(path: Path) -> Path:
    (path / "loop").symlink_to(path / "loop")
    return path / "loop"


BAD_PLACES: dict[str, Callable[[Path], Path]] = {
    "missing": _missing,
    "a file": _file,
    "below a file": _below_a_file,
    "a dangling link": _dangling,
    "a loop of links": _looping,
}
"""By what is wrong with them: makes the place in an empty directory, and gives its path."""
