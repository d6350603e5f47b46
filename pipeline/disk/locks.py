"""Directories that one run at a time holds; what a dead run held is free."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from pipeline.disk.regular import require_regular
from pipeline.errors import BusyError, DestinationError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.04


class DirectoryLock:
    """Holds a directory by a lock file in it, which the system releases when the process ends, however it ends."""

    def __init__(self, directory: Path, *, held_as: Path, mode: int = 0o777, existing: bool = False) -> None:
        """Create the directory where it is not there, and hold it.

        Args:
            directory: the directory; its parent exists.
            held_as: what to call it in errors.
            mode: of a directory that is created, less the umask.
            existing: hold it only if it is there, and free at once.

        Raises:
            BusyError: another run holds it, or an existing one is gone.
            DestinationError: it is no directory.
            OSError: it cannot be created or locked.
        """
        self._directory = directory
        self._descriptor = -1
        for attempt in range(1 if existing else _ATTEMPTS):
            if attempt:
                # Whoever lists what is held looks for a moment only.
                time.sleep(_PAUSE_SECONDS)
            is_made = not existing and _make(directory, mode)
            try:
                descriptor = _open_in(directory, is_made=is_made)
            except FileNotFoundError:
                continue  # its last holder has just removed it
            try:
                if _lock(descriptor) and _is_same_file(descriptor, directory / LOCK_NAME):
                    self._descriptor, descriptor = descriptor, -1
                    _held.add(self)
                    return
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
        raise BusyError(f"{held_as}: another run is writing it; wait until that has ended")

    def release(self) -> None:
        """Let others hold the directory, which stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        with suppress(OSError):  # nothing was written; the lock is gone all the same
            # Of a process that was forked in this moment, too, which has a copy of the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        with suppress(OSError):
            os.close(descriptor)

    def remove(self, *, with_directory: bool = True) -> None:
        """Remove the lock file, and the directory if nothing else is in it; then let others hold it.

        Args:
            with_directory: do not leave the directory.
        """
        # In this order: who opens the file before it is gone finds, once it is locked, that it is another one.
        with suppress(OSError):
            (self._directory / LOCK_NAME).unlink()
        if with_directory:
            with suppress(OSError):
                self._directory.rmdir()
        self.release()


def _make(directory: Path, mode: int) -> bool:
    """Make a directory; False where it is there."""
    try:
        directory.mkdir(mode)
    except FileExistsError:
        return False
    return True


def _open_in(directory: Path, *, is_made: bool) -> int:
    """Open the lock file of a directory, which goes again where it was just made for that in vain."""
    kind = directory.lstat().st_mode  # of one moment, for its last holder may be removing it
    if stat.S_ISLNK(kind):
        raise DestinationError(f"{directory}: is a symbolic link, which is not followed; remove it")
    if not stat.S_ISDIR(kind):
        raise DestinationError(f"{directory}: is no directory; move it away")
    try:
        return open_lock(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT)
    except FileNotFoundError:
        raise
    except OSError:
        if is_made:  # a disk may have had room for it and not for a file
            with suppress(OSError):
                directory.rmdir()
        raise


def open_lock(path: Path, flags: int) -> int:
    """Open a lock file, which no link may lead to.

    Args:
        path: the file.
        flags: of `os.open`.

    Returns:
        a descriptor.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    with suppress(FileNotFoundError):
        require_regular(path.lstat(), path)
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


_held: WeakSet[DirectoryLock] = WeakSet()


def _leave_to_parent() -> None:
    """Let go of the locks in a process that was just forked: they are its parent's, and end with it."""
    for lock in list(_held):
        descriptor, lock._descriptor = lock._descriptor, -1  # noqa: SLF001 - they are of one file
        with suppress(OSError):  # it was let go already
            os.close(descriptor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def is_held(directory: Path) -> bool:
    """Whether a run holds a directory now."""
    try:
        descriptor = open_lock(directory / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
