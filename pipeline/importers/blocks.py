"""Blocks of whole lines of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_BYTES = 2 << 20
_MAX_LINE_BYTES = 1 << 30


def line_blocks(path: Path) -> Iterator[tuple[bytearray, int]]:
    """Read a file into memory that is used again, a few megabytes at a time, or more where a line is longer.

    Returns:
        the memory, and how many of its bytes are whole lines; they stay until the next ones are asked for. The last
        line of the file may lack its line end.

    Raises:
        SourceError: a line is longer than 1 GiB.
    """
    block = bytearray(_BLOCK_BYTES)
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
                if filled >= _MAX_LINE_BYTES:
                    raise SourceError("a line is longer than 1 GiB")
                block = block + bytearray(filled)
    if filled:
        yield block, filled
