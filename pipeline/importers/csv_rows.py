"""Rows of plain files of CSV: split by the compiled part, which takes half as long as the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.importers.values import is_exact
from pipeline.model.arrays import from_places, is_null, text_lengths
from pipeline.native import SLACK, CsvRows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.importers.csv_shape import CsvShape
    from pipeline.importers.layouts import ColumnType

_BLOCK_BYTES = 1 << 18
_LARGE_BYTES = 1 << 20  # the engine reads less in the time that a thread takes
_NOT_PLAIN = (b'"', b"\r", b"\0")
_COMMA = ","
_BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What the engine's `trim` takes away: the space separators of Unicode."""
_TYPES = {"BIGINT": pa.int64(), "DOUBLE": pa.float64()}


class PlainCsv(EngineStream):
    """A file that all readers take alike: no quotes, lines that end in a line feed, the same number of fields in each.

    What is wrong with a row is left to the engine's own reader to say, and so are all numbers where one of a column
    that is read as numbers is written in another way, or does not fit.

    Attributes:
        types: of columns that are numbers, by their names in small letters; none where not all that are wanted are.
        held: of columns that are left, how many fields hold more than blanks; None before all rows were read.
    """

    def __init__(
        self, path: Path, shape: CsvShape, types: Mapping[str, ColumnType], left: Collection[str] = ()
    ) -> None:
        """Look at the first rows: which columns are numbers there, and which texts repeat: these become dictionaries.

        Args:
            path: the file.
            shape: of it; its fields hold no commas.
            types: of columns that are wanted as numbers, by their names in small letters.
            left: names of columns whose fields are counted.

        Raises:
            SourceError: not all of the first rows have as many fields.
        """
        self._path = path
        self._shape = shape
        self._left = [name for name in shape.names if name in left]
        self.held: dict[str, int] | None = None
        self._shift = np.uint8((ord(_COMMA) - ord(shape.delimiter)) % 256)
        rows = CsvRows()
        first = next(self._blocks(), None)
        has_rows = first is not None and self._split(rows, first)
        wanted = [_TYPES.get(types.get(name.lower(), "")) for name in shape.names]
        is_fit = has_rows and all(
            kind is None or _numbers(rows, at, kind) is not None for at, kind in enumerate(wanted)
        )
        self.types = types if is_fit else {}
        kinds = [
            kind if is_fit and kind is not None else _kind_of_texts(rows, at) if has_rows else pa.string()
            for at, kind in enumerate(wanted)
        ]
        super().__init__(pa.schema(list(zip(shape.names, kinds, strict=True))), self._rows)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        rows = CsvRows()
        held = dict.fromkeys(self._left, 0)
        for block in self._blocks():
            if self._split(rows, block):
                columns = [_column(rows, at, kind) for at, kind in enumerate(self.schema.types)]
                batch = pa.record_batch(columns, schema=self.schema)
                for name in held:
                    held[name] += _count_held(batch.column(name))
                yield batch
        self.held = held

    def _blocks(self) -> Iterator[tuple[NDArray[np.uint8], bool]]:
        """Give blocks of whole lines with commas between their fields, and whether a block begins with the header."""
        has_header = self._shape.has_header
        for lines, size in line_blocks(self._path, _BLOCK_BYTES):
            block = np.empty(size + SLACK, np.uint8)
            text = np.frombuffer(lines, np.uint8, size)
            # As many bytes are compared and added at once as the machine can: a mask takes ten times as long.
            np.add(text, (text == ord(self._shape.delimiter)) * self._shift, out=block[:size])
            yield block, has_header
            has_header = False

    def _split(self, rows: CsvRows, block: tuple[NDArray[np.uint8], bool]) -> bool:
        """Split the rows of a block; False where there are none.

        Raises:
            SourceError: not all have as many fields.
        """
        text, has_header = block
        size = len(text) - SLACK
        at = 0
        if has_header:
            at, _ = rows.split(text, 0, size, is_last=True, max_rows=1)
        at, is_sound = rows.split(text, at, size, is_last=True, max_rows=size)
        if not is_sound or at < size or rows.columns not in {0, len(self._shape.names)}:
            raise SourceError("has rows that are not all of as many fields")
        return bool(rows.count)


def plain_csv(
    path: Path, shape: CsvShape, types: Mapping[str, ColumnType], left: Collection[str] = ()
) -> PlainCsv | None:
    """Give the rows of a large file; None where it is small, or not so plain that all readers take it alike.

    Args:
        path: the file.
        shape: of it.
        types: of columns that are wanted as numbers, by their names in small letters.
        left: names of columns whose fields are counted.
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
        return PlainCsv(path, shape, types, left)
    except SourceError:
        return None


def _kind_of_texts(rows: CsvRows, at: int) -> pa.DataType:
    return pa.string() if rows.repeated_texts(at) is None else pa.dictionary(pa.int32(), pa.string())


def _count_held(column: pa.Array) -> int:
    """Count the fields that hold more than blanks."""
    if pa.types.is_dictionary(column.type):
        is_held = np.array([bool((text or "").strip(_BLANKS)) for text in column.dictionary.to_pylist()], np.bool_)
        places = np.frombuffer(column.indices.buffers()[1], np.int32, len(column))[~is_null(column.indices)]
        return int(np.count_nonzero(is_held[places]))
    if not pa.types.is_string(column.type):
        return int(np.count_nonzero(~is_null(column)))
    is_held = (text_lengths(column) > 0) & ~is_null(column)
    ends = np.frombuffer(column.buffers()[1], np.int32)
    firsts = np.frombuffer(column.buffers()[2] or b"", np.uint8)[ends[:-1][is_held]]
    may_be_blank = np.flatnonzero(is_held)[(firsts == ord(" ")) | (firsts > 0x7F)]
    blank = sum(not column[row].as_py().strip(_BLANKS) for row in may_be_blank.tolist())
    return len(firsts) - blank


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
