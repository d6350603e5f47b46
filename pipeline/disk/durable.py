"""Raw files: one whose writes are whole, and one that ends on the disk, past the page cache where that is possible."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from collections import deque
from contextlib import suppress
from functools import cache
from typing import IO, TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_BYTES = 4096
"""Where what is written past the page cache begins and ends, in memory and in the file."""
BLOCK_BYTES = 2 << 20
"""How much is written at a time; a multiple of `PAGE_BYTES`."""
_LEAST_PASSED = 8  # what part of a block may be written by itself
_REFUSALS = {errno.EINVAL, errno.ENOTSUP}
_SYNC_FILE_RANGE_WRITE = 2
_spare_blocks: deque[memoryview] = deque(maxlen=1)
"""A block that the last file is done with: fresh memory for each of many small files costs more than they do."""


class RawFile(Protocol):
    """What a `CountingFile` writes to."""

    def write(self, data: memoryview, /) -> object:
        """Write all of the data."""

    def flush(self) -> None:
        """Hand what is buffered to the operating system, if that can be done before the end."""


class WholeWrites:
    """Writes all of the data, which a raw file may do only in part."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: memoryview) -> None:
        """Write all of the data."""
        data = data.cast("B")
        while data.nbytes:
            data = data[self._file.write(data) :]

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


class DurableFile:
    """Writes to the disk while what comes next is made elsewhere: blocks of 2 MiB, or pages of memory as they lie.

    Both are written with O_DIRECT: a file that must be on the disk at the end need not be copied into the page cache
    first, which takes a multiple of the CPU time. Where that is refused, the system is told to begin with each write.
    What is an eighth of a block at least, and lies in memory as it can be written, is not copied into a block.
    A file shorter than a block is written at its end, as any other.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Write to a raw file that is empty."""
        self._file = file
        self._block = _take_block()
        self._filled = 0
        self._written = 0
        self._is_direct = False
        self._may_be_direct = hasattr(os, "O_DIRECT")

    def write(self, data: memoryview) -> None:
        """Take all of the data, and write the blocks that are full."""
        data = data.cast("B")
        if self._filled % PAGE_BYTES == 0 and data.nbytes * _LEAST_PASSED >= len(self._block) and _is_pages(data):
            self._write_filled()
            self._write_pages(data)
            return
        while data.nbytes:
            part = data[: len(self._block) - self._filled]
            self._block[self._filled : self._filled + part.nbytes] = part
            self._filled += part.nbytes
            data = data[part.nbytes :]
            if self._filled == len(self._block):
                self._write_filled()

    def flush(self) -> None:
        """Do nothing: a block that is not full waits for the rest of it, or for `end`."""

    def end(self) -> None:
        """Write what is left; the disk has all of it after an fsync."""
        self._leave_direct()
        self._write_all(self._block[: self._filled])
        self._filled = 0
        _spare_blocks.append(self._block)
        self._block = self._block[:0]

    def _write_filled(self) -> None:
        if self._filled:
            self._write_pages(self._block[: self._filled])
            self._filled = 0

    def _write_pages(self, data: memoryview) -> None:
        if self._may_be_direct and not self._is_direct:
            self._is_direct = self._may_be_direct = self._set_direct(on=True)
        self._write_all(data)
        if not self._is_direct and (start := _sync_file_range()):
            # Whether it worked is of no interest: the sync at the end tells.
            start(self._file.fileno(), self._written, data.nbytes, _SYNC_FILE_RANGE_WRITE)
        self._written += data.nbytes

    def _write_all(self, data: memoryview) -> None:
        while data.nbytes:
            try:
                count = self._file.write(data)
            except OSError as error:
                # The file system refuses it only now, or what a short write left does not begin where a block may.
                if not (self._is_direct and error.errno in _REFUSALS):
                    raise
                self._leave_direct()
                continue
            data = data[count:]

    def _leave_direct(self) -> None:
        if self._is_direct:
            self._set_direct(on=False)
        self._is_direct = self._may_be_direct = False

    def _set_direct(self, *, on: bool) -> bool:
        """Switch O_DIRECT; False where the file system has no such thing."""
        flags = fcntl.fcntl(self._file.fileno(), fcntl.F_GETFL)
        flags = flags | os.O_DIRECT if on else flags & ~os.O_DIRECT
        try:
            fcntl.fcntl(self._file.fileno(), fcntl.F_SETFL, flags)
        except OSError as error:
            if on and error.errno in _REFUSALS:
                return False
            raise
        return True


def _take_block() -> memoryview:
    """Give a block of memory, which begins at a page, as O_DIRECT asks."""
    with suppress(IndexError):  # another thread may take it at the same time
        if len(block := _spare_blocks.pop()) == BLOCK_BYTES:
            return block
    return memoryview(mmap.mmap(-1, BLOCK_BYTES))


def _is_pages(data: memoryview) -> bool:
    """Whether data is whole pages of memory that is not read-only, as that of our own buffers is."""
    if data.readonly or data.nbytes % PAGE_BYTES:
        return False
    return ctypes.addressof(ctypes.c_char.from_buffer(data)) % PAGE_BYTES == 0


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """The call that lets the system begin to write a part of a file to the disk; None where there is none."""
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return cast("Callable[[int, int, int, int], int]", call)
