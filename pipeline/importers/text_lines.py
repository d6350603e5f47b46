"""Lines of text as the view `records`, a block of lines at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.model.arrays import from_numbers
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_SCHEMA = pa.schema([("line_number", pa.int64()), ("line", pa.string())])
_LINE_END, _RETURN = ord("\n"), ord("\r")
_IS_SPACE = np.isin(np.arange(256), list(b" \t\n\r\v\f"))
_BLOCK_BYTES = 1 << 17
"""The engine holds several blocks, and as much again for what SQL makes of their lines."""


class TextLines:
    """The lines of a file that the engine may read any number of times.

    Columns are the number of the line in the file, from 1, and the line without its end. A line that holds nothing but
    white space is no record, but is counted.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened when it is read."""
        self._path = path

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Open the file."""
        return pa.RecordBatchReader.from_batches(_SCHEMA, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with ScannedAhead(self._read()) as ahead:
            yield from ahead

    def _read(self) -> Iterator[pa.RecordBatch]:
        first = 1
        for block, size in line_blocks(self._path, _BLOCK_BYTES):
            numbers, texts, count = _split(np.frombuffer(block, np.uint8, size))
            yield pa.record_batch([from_numbers(first + numbers, pa.int64()), texts], schema=_SCHEMA)
            first += count


def _split(block: NDArray[np.uint8]) -> tuple[NDArray[np.int64], pa.Array, int]:
    """Make an array of a block of lines, without Arrow's functions, which take a while to load.

    Returns:
        numbers of the lines that are records, from 0; their texts; how many lines there are.

    Raises:
        SourceError: a line is not valid UTF-8.
    """
    ends = np.flatnonzero(block == _LINE_END)
    if not len(ends) or ends[-1] != len(block) - 1:
        ends = np.append(ends, len(block))  # the last line of a file may lack its line end
    starts = np.append(0, ends[:-1] + 1)
    stops = ends.copy()
    while (has_return := (stops > starts) & (block[stops - 1] == _RETURN)).any():
        stops -= has_return
    is_blank = stops == starts
    for line in np.flatnonzero(~is_blank & _IS_SPACE[block[np.minimum(starts, len(block) - 1)]]):
        is_blank[line] = not block[starts[line] : stops[line]].tobytes().strip()
    numbers = np.flatnonzero(~is_blank)
    offsets = np.zeros(len(numbers) + 1, np.int32)
    np.cumsum((stops - starts)[numbers], out=offsets[1:])
    borders = np.zeros(len(block) + 1, np.int8)
    borders[starts[numbers]] = 1
    borders[stops[numbers]] = -1
    kept = block[np.cumsum(borders[:-1], dtype=np.int8).view(np.bool_)]
    texts = pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(kept)])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise SourceError("is not valid UTF-8") from error
    return numbers, texts, len(ends)
