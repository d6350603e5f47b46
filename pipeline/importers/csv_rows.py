"""Rows of plain files of CSV: split by the compiled part, which takes half as long as the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.model.arrays import from_places, is_null
from pipeline.native import SLACK, CsvRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.importers.csv_shape import CsvShape

_BLOCK_BYTES = 1 << 18
_LARGE_BYTES = 1 << 20  # the engine reads less in the time that a thread takes
_NOT_PLAIN = (b'"', b"\r", b"\0")


class PlainCsv(EngineStream):
    """A file that all readers take alike: no quotes, lines that end in a line feed, the same number of fields in each.

    What is wrong with a row is left to the engine's own reader to say.
    """

    def __init__(self, path: Path, names: list[str], *, has_header: bool) -> None:
        """Look at the first rows: columns whose texts repeat there are dictionaries."""
        self._path = path
        self._names = names
        self._has_header = has_header
        blocks = self._blocks()  # which holds the text of the rows
        rows = next(blocks, None)
        kinds = [
            pa.string() if rows is None or rows.repeated_texts(at) is None else pa.dictionary(pa.int32(), pa.string())
            for at in range(len(names))
        ]
        super().__init__(pa.schema(list(zip(names, kinds, strict=True))), self._rows)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        for rows in self._blocks():
            columns = [_column(rows, at, kind) for at, kind in enumerate(self.schema.types)]
            yield pa.record_batch(columns, schema=self.schema)

    def _blocks(self) -> Iterator[CsvRows]:
        rows = CsvRows()
        skipped = int(self._has_header)
        for lines, size in line_blocks(self._path, _BLOCK_BYTES):
            block = np.empty(size + SLACK, np.uint8)
            block[:size] = np.frombuffer(lines, np.uint8, size)
            at = 0
            if skipped:
                at, _ = rows.split(block, 0, size, is_last=True, max_rows=1)
                skipped = 0
            at, is_sound = rows.split(block, at, size, is_last=True, max_rows=size)
            if not is_sound or at < size or rows.columns not in {0, len(self._names)}:
                raise SourceError("has rows that are not all of as many fields")
            if rows.count:
                yield rows


def plain_csv(path: Path, shape: CsvShape) -> PlainCsv | None:
    """Give the rows of a large file; None where it is small, or not so plain that all readers take it alike."""
    names = list(shape.names)
    if shape.delimiter != "," or len(names) == 1 or path.stat().st_size < _LARGE_BYTES:
        return None
    with path.open("rb", buffering=0) as file:
        if file.read(1) in {b"\n", b""}:
            return None
        file.seek(0)
        block = bytearray(_BLOCK_BYTES)
        while count := file.readinto(block):
            if any(block.find(one, 0, count) >= 0 for one in _NOT_PLAIN):
                return None
    try:
        return PlainCsv(path, names, has_header=shape.has_header)
    except SourceError:
        return None


def _column(rows: CsvRows, at: int, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return rows.texts(at)
    found = rows.repeated_texts(at)
    if found is not None:
        return found
    texts = rows.texts(at)
    return from_places(np.arange(len(texts)), texts, is_null(texts))
