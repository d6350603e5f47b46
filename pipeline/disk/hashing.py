"""SHA-256 of files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.disk.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
