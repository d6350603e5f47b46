"""Lines of text as the view `records`, a block of lines at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.model.arrays import from_numbers
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA = pa.schema([("line_number", pa.int64()), ("line", pa.string())])
_LINE_END = ord("\n")


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
        number = 1
        for block, size in line_blocks(self._path):
            texts = _split(np.frombuffer(block, np.uint8, size))
            numbers = from_numbers(np.arange(number, number + len(texts)), pa.int64())
            number += len(texts)
            lines = pa.record_batch([numbers, texts], schema=_SCHEMA)
            yield lines.filter(pc.greater(pc.binary_length(pc.ascii_trim_whitespace(texts)), 0))


def _split(block: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> pa.Array:
    """Make an array of a block of lines.

    Raises:
        SourceError: a line is not valid UTF-8.
    """
    ends = np.flatnonzero(block == _LINE_END)
    if not len(ends) or ends[-1] != len(block) - 1:
        ends = np.append(ends, len(block))  # the last line of a file may lack its line end
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    kept = block[block != _LINE_END]
    texts = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(kept)])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise SourceError("is not valid UTF-8") from error
    return pc.ascii_rtrim(texts, characters="\r")
