"""SHA-256 of files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.disk.regular import open_regular

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

_BLOCK_BYTES = 1 << 18
hashing_ends = threading.Event()
"""Is set when the process is to end: a large file takes minutes, in threads that no signal reaches."""


def file_sha256(
    path: Path, *, is_wanted: Callable[[], bool] = lambda: True, on_read: Callable[[int], None] = lambda _: None
) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Args:
        path: the file.
        is_wanted: is asked again and again; once it says no, the result is of no use and comes at once.
        on_read: gets the size of each part that was read, in bytes.

    Raises:
        OSError: it cannot be read, or is no regular file.
        KeyboardInterrupt: the process is to end.
    """
    import hashlib  # noqa: PLC0415 - the command line needs the event alone, and starts sooner

    digest = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK_BYTES))
    with open_regular(path) as file:
        while (size := file.readinto(block)) and is_wanted():
            if hashing_ends.is_set():
                raise KeyboardInterrupt
            digest.update(block[:size])
            on_read(size)
    return digest.hexdigest()


def cut_sha256(file: BinaryIO, ends: Sequence[int]) -> tuple[bytes, list[bytes]]:
    """SHA-256 of a file as a whole and of the parts it is cut into, while it is read once.

    Args:
        file: it.
        ends: of the parts, rising; the last is the end of the file.

    Raises:
        EOFError: it ends before.
        OSError: it cannot be read.
        KeyboardInterrupt: the process is to end.
    """
    import hashlib  # noqa: PLC0415 - as above

    file.seek(0)
    whole = hashlib.sha256()
    parts: list[bytes] = []
    at = 0
    for end in ends:
        part = hashlib.sha256()
        _add_bytes(file, end - at, [whole, part])
        parts.append(part.digest())
        at = end
    return whole.digest(), parts


def part_sha256(file: BinaryIO, start: int, stop: int) -> bytes:
    """SHA-256 of some bytes of a file.

    Raises:
        EOFError: it ends before.
        OSError: it cannot be read.
        KeyboardInterrupt: the process is to end.
    """
    import hashlib  # noqa: PLC0415 - as above

    digest = hashlib.sha256()
    file.seek(start)
    _add_bytes(file, stop - start, [digest])
    return digest.digest()


def _add_bytes(file: BinaryIO, size: int, digests: Sequence[hashlib._Hash]) -> None:
    while size:
        if hashing_ends.is_set():
            raise KeyboardInterrupt
        block = file.read(min(size, _BLOCK_BYTES))
        if not block:
            raise EOFError("it is shorter than its parts")
        for digest in digests:
            digest.update(block)
        size -= len(block)
