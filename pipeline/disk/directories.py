"""Directories: made durably, renamed into place as a whole, exchanged."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
ASIDE = ".aside"
_OVERLAID = "it lies in a lower layer of an overlay, where no directory is renamed; remove it first, or copy it there"


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        with suppress(OSError):  # nothing was written through it
            os.close(descriptor)


def sync_file_system(directory: Path | int) -> None:
    """Make all that was written to a file system durable: cheaper than file by file where there are many.

    Args:
        directory: one that lies there, or the descriptor of one: then errors since that was opened are told.

    Raises:
        OSError: something could not be written.
    """
    descriptor = directory if isinstance(directory, int) else os.open(directory, os.O_RDONLY)
    try:
        try:
            call = ctypes.CDLL(None, use_errno=True).syncfs
        except (AttributeError, OSError, TypeError):
            os.sync()
            return
        if call(descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        if descriptor is not directory:
            with suppress(OSError):  # nothing was written through it
                os.close(descriptor)


def make_directories(path: Path, *, sync: bool) -> None:
    """Make a directory and those above it that are not there, durably."""
    if path.is_dir():
        return
    make_directories(path.parent, sync=sync)
    with suppress(FileExistsError):  # another run may make it at the same time
        path.mkdir()
    if sync:
        sync_directory(path.parent)


def rename_new(source: Path, target: Path) -> None:
    """Rename where nothing is yet; FileExistsError where something came in between."""
    if not _renameat2(source, target, _RENAME_NOREPLACE):
        if target.exists() or target.is_symlink():
            raise FileExistsError(errno.EEXIST, "exists already", str(target))
        source.rename(target)


def exchange(source: Path, target: Path) -> None:
    """Let two directories change places; where the system cannot, the target is gone for a moment."""
    if not _renameat2(source, target, _RENAME_EXCHANGE):
        aside = source.with_name(target.name + ASIDE)
        target.rename(aside)
        source.rename(target)
        aside.rename(source)


def exchange_at_once(source: Path, target: Path) -> None:
    """Let two directories change places in one step.

    Raises:
        OSError: the system cannot.
    """
    if not _renameat2(source, target, _RENAME_EXCHANGE):
        raise OSError(errno.ENOTSUP, "the file system cannot exchange two directories in one step", str(target))


def recover_exchanged(directory: Path, parent: Path, *, holding: Collection[str]) -> None:
    """Put back what an exchange that was cut off in between had put aside.

    Args:
        directory: where the other side of the exchange lay.
        parent: where the targets lie.
        holding: files of which each of them holds one; what has such a name and holds none came from others.
    """
    for aside in directory.glob("*" + ASIDE):
        target = parent / aside.name.removesuffix(ASIDE)
        if not os.path.lexists(target) and any((aside / name).is_file() for name in holding):
            aside.rename(target)


def _renameat2(source: Path, target: Path, flags: int) -> bool:
    """Rename with flags; False where the system or file system has no such call."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    # Both lie in one directory, so this is what an overlay says of what its image holds.
    says = _OVERLAID if code == errno.EXDEV else os.strerror(code)
    raise OSError(code, says, str(target))


def remove_entry(path: Path) -> None:
    """Remove a file, a link or a whole directory."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
