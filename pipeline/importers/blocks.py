"""Blocks of whole lines of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.model.columns import MAX_ROW_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_BYTES = 2 << 20


def line_blocks(path: Path, size: int = _BLOCK_BYTES) -> Iterator[tuple[bytearray, int]]:
    """Read a file into memory that is used again, a few megabytes at a time, or more where a line is longer.

    Args:
        path: the file.
        size: bytes to read at a time.

    Returns:
        the memory, and how many of its bytes are whole lines; they stay until the next ones are asked for. The last
        line of the file may lack its line end.

    Raises:
        SourceError: a line is longer than a row may be.
    """
    block = bytearray(size)
    filled = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(memoryview(block)[filled:]):
            filled += count
            whole = block.rfind(b"\n", filled - count, filled) + 1
            if whole:
                yield block, whole
                block[: filled - whole] = block[whole:filled]
                filled -= whole
            elif filled == len(block):
                if filled > MAX_ROW_BYTES:
                    raise SourceError(f"a line is longer than {MAX_ROW_BYTES >> 20} MiB")
                block = block + bytearray(filled)
    if filled:
        yield block, filled
