"""Rows of plain files of CSV: split by the compiled part, which takes half as long as the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.importers.values import is_exact
from pipeline.model.arrays import from_places, is_null
from pipeline.native import SLACK, CsvRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.importers.csv_shape import CsvShape
    from pipeline.importers.layouts import ColumnType

_BLOCK_BYTES = 1 << 18
_LARGE_BYTES = 1 << 20  # the engine reads less in the time that a thread takes
_NOT_PLAIN = (b'"', b"\r", b"\0")
_COMMA = ","
_TYPES = {"BIGINT": pa.int64(), "DOUBLE": pa.float64()}


class PlainCsv(EngineStream):
    """A file that all readers take alike: no quotes, lines that end in a line feed, the same number of fields in each.

    What is wrong with a row is left to the engine's own reader to say, and so are all numbers where one of a column
    that is read as numbers is written in another way, or does not fit.

    Attributes:
        types: of columns that are numbers, by their names in small letters; none where not all that are wanted are.
    """

    def __init__(self, path: Path, shape: CsvShape, types: Mapping[str, ColumnType]) -> None:
        """Look at the first rows: which columns are numbers there, and which texts repeat: these become dictionaries.

        Args:
            path: the file.
            shape: of it; its fields hold no commas.
            types: of columns that are wanted as numbers, by their names in small letters.

        Raises:
            SourceError: not all of the first rows have as many fields.
        """
        self._path = path
        self._shape = shape
        blocks = self._blocks()  # which holds the text of the rows
        rows = next(blocks, None)
        wanted = [_TYPES.get(types.get(name.lower(), "")) for name in shape.names]
        is_fit = rows is not None and all(
            kind is None or _numbers(rows, at, kind) is not None for at, kind in enumerate(wanted)
        )
        self.types = types if is_fit else {}
        kinds = [kind if is_fit and kind is not None else _kind_of_texts(rows, at) for at, kind in enumerate(wanted)]
        super().__init__(pa.schema(list(zip(shape.names, kinds, strict=True))), self._rows)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        for rows in self._blocks():
            columns = [_column(rows, at, kind) for at, kind in enumerate(self.schema.types)]
            yield pa.record_batch(columns, schema=self.schema)

    def _blocks(self) -> Iterator[CsvRows]:
        rows = CsvRows()
        skipped = int(self._shape.has_header)
        for lines, size in line_blocks(self._path, _BLOCK_BYTES):
            block = np.empty(size + SLACK, np.uint8)
            block[:size] = np.frombuffer(lines, np.uint8, size)
            if self._shape.delimiter != _COMMA:
                block[block == ord(self._shape.delimiter)] = ord(_COMMA)
            at = 0
            if skipped:
                at, _ = rows.split(block, 0, size, is_last=True, max_rows=1)
                skipped = 0
            at, is_sound = rows.split(block, at, size, is_last=True, max_rows=size)
            if not is_sound or at < size or rows.columns not in {0, len(self._shape.names)}:
                raise SourceError("has rows that are not all of as many fields")
            if rows.count:
                yield rows


def plain_csv(path: Path, shape: CsvShape, types: Mapping[str, ColumnType]) -> PlainCsv | None:
    """Give the rows of a large file; None where it is small, or not so plain that all readers take it alike.

    Args:
        path: the file.
        shape: of it.
        types: of columns that are wanted as numbers, by their names in small letters.
    """
    if len(shape.names) == 1 or path.stat().st_size < _LARGE_BYTES:
        return None
    not_plain = _NOT_PLAIN if shape.delimiter == _COMMA else (*_NOT_PLAIN, _COMMA.encode())
    with path.open("rb", buffering=0) as file:
        if file.read(1) in {b"\n", b""}:
            return None
        file.seek(0)
        block = bytearray(_BLOCK_BYTES)
        while count := file.readinto(block):
            if any(block.find(one, 0, count) >= 0 for one in not_plain):
                return None
    try:
        return PlainCsv(path, shape, types)
    except SourceError:
        return None


def _kind_of_texts(rows: CsvRows | None, at: int) -> pa.DataType:
    return pa.string() if rows is None or rows.repeated_texts(at) is None else pa.dictionary(pa.int32(), pa.string())


def _numbers(rows: CsvRows, at: int, kind: pa.DataType) -> pa.Array | None:
    """Make a column of numbers; None where one is written in another way than most, or would not be the same."""
    if pa.types.is_int64(kind):
        return rows.integers(at, after_blanks=True)
    numbers = rows.floats(at)
    return numbers if numbers is not None and is_exact(numbers) else None


def _column(rows: CsvRows, at: int, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return rows.texts(at)
    if not pa.types.is_dictionary(kind):
        numbers = _numbers(rows, at, kind)
        if numbers is None:
            raise SourceError("has numbers of several kinds in a column")
        return numbers
    found = rows.repeated_texts(at)
    if found is not None:
        return found
    texts = rows.texts(at)
    return from_places(np.arange(len(texts)), texts, is_null(texts))
