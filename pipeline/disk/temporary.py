"""Directories for temporary files: where TMPDIR says or nowhere, and removed at last when a run is killed."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.directories import remove_entry
from pipeline.disk.locks import LOCK_NAME, DirectoryLock, is_held
from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT = "/tmp"  # noqa: S108 - what POSIX names where TMPDIR is not set
_NAME = re.compile(r"pipeline-[0-9a-f]{16}")


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Make a directory for temporary files, which is removed at the end.

    They may hold rows of the source, so they lie in the directory that TMPDIR names, /tmp where it is not set, and
    never anywhere else. It is held meanwhile. What runs of this user left there when they were killed is removed
    first: it is what nobody holds.

    Raises:
        DestinationError: there can be none; the message names the place.
    """
    parent = Path(os.environ.get("TMPDIR") or _DEFAULT).absolute()
    _remove_left(parent)
    path = parent / f"pipeline-{os.urandom(8).hex()}"
    with temporary_errors(parent):
        lock = DirectoryLock(path, held_as=path, mode=0o700)
    try:
        yield path
    finally:
        _remove(path, lock)


@contextmanager
def temporary_errors(directory: Path) -> Iterator[None]:
    """Say that temporary files cannot be written, and what decides where they lie."""
    try:
        yield
    except OSError as error:
        raise DestinationError(
            f"{directory}: temporary files cannot be written ({error.strerror or error}); TMPDIR says where they go"
        ) from error


def _remove_left(parent: Path) -> None:
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with suppress(OSError, DestinationError):
                    if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                        _remove_if_left(Path(entry.path))


def _remove_if_left(path: Path) -> None:
    if not is_held(path):
        # A run that is about to hold it sees that it is gone, and makes it again.
        _remove(path, DirectoryLock(path, held_as=path, mode=0o700))


def _remove(path: Path, lock: DirectoryLock) -> None:
    with suppress(OSError):
        for entry in path.iterdir():
            if entry.name != LOCK_NAME:
                remove_entry(entry)
    lock.remove()
