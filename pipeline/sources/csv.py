"""CSV files, read by the compiled part; what it does not take for certain is read by `csv_plain`, a block at a time."""

from __future__ import annotations

import io
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS, MAX_ROW_BYTES, UNTYPED
from pipeline.native import BOOL, FLOAT64, INT64, SLACK, CsvRows, end_of_rows
from pipeline.rows.attributes import check_column_names
from pipeline.runtime.threads import ScannedAhead
from pipeline.scan.reading import reading_errors
from pipeline.sources import csv_plain
from pipeline.sources.text_files import open_decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.scan.reading import Reading

_BLOCK_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# In the order of preference: what is written as a whole number is one.
_TYPES = {"bool": BOOL, "int64": INT64, "float64": FLOAT64}


class _OddFileError(Exception):
    """The file must be read plainly, from its begin: it has an error to name, or no header to rely on."""


def read_csv(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, attributes as `reading.text_types` says, else as strings.

    Raises:
        SourceError: a line has another number of fields, or a value does not fit its column; it names the line.
    """
    done = 0
    ahead = replace(reading)  # a batch is taken while the next one is made
    try:
        with ScannedAhead(_read_batches(path, ahead)) as batches:
            for batch, reading.drops in batches:
                done += batch.num_rows
                yield batch
    except _OddFileError:
        pass  # its rows come again, and then the error
    else:
        reading.skipped = ahead.skipped
        return
    for batch in csv_plain.read_plain_csv(path, reading):
        rest = batch.slice(min(done, batch.num_rows))
        if reading.drops is not None:
            reading.drops = reading.drops[batch.num_rows - rest.num_rows :]
        done -= batch.num_rows - rest.num_rows
        yield rest


def _read_batches(path: Path, reading: Reading) -> Iterator[tuple[pa.RecordBatch, NDArray[np.bool_] | None]]:
    """Read batches, each with which of its times lost digits."""
    for rows in _read_rows(path, reading):
        batch = _typed(rows, reading)
        yield batch, reading.drops


def find_text_types(
    paths: Sequence[Path], reading: Reading, passed: Callable[[Path], None] = lambda _: None
) -> dict[str, str]:
    """Find which type each attribute column can have without changing the text of any value.

    Args:
        paths: files of one source.
        reading: how to read them.
        passed: is told of each file that is done with.

    Returns:
        type name by column: bool, int64 or float64 only where every text is how we write such a value.
    """
    types = _TextTypes()
    for path in paths:
        with reading_errors(path):
            try:
                with closing(_read_rows(path, reading)) as parts:
                    for rows in parts:
                        types.add(rows)
                        if types.are_found(rows):
                            break  # what else is in the file is seen when it is read for good
            except _OddFileError:
                for texts in csv_plain.read_texts(partial(open_decompressed, path), reading):
                    types.add(texts)
        passed(path)
    reading.skipped = 0  # they are counted when they are read for good
    return types.names()


class _Rows(CsvRows):
    """Rows that are split, with the names of their columns."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._varied: set[int] = set()

    def as_repeated_texts(self, column: int) -> pa.Array:
        """Make a dictionary, or plain texts where a column's repeat too little, from then on."""
        found = None if column in self._varied else self.repeated_texts(column)
        if found is None:
            self._varied.add(column)
            return self.texts(column)
        return found

    def as_texts(self) -> pa.RecordBatch:
        return pa.record_batch([self.texts(column) for column in range(self.columns)], names=self.names)


class _TextTypes:
    """What the texts of the attributes allow, by column."""

    def __init__(self) -> None:
        self._possible: dict[str, int] = {}
        self._filled: set[str] = set()

    def add(self, rows: _Rows | pa.RecordBatch) -> None:
        names = rows.names if isinstance(rows, _Rows) else rows.schema.names
        check_column_names(names)
        for column, name in enumerate(names):
            if name in CORE_COLUMNS:
                continue
            before = self._possible.setdefault(name, sum(_TYPES.values()))
            if before or name not in self._filled:
                types, filled = _types_of(rows, column)
                self._possible[name] = before & types
                self._filled |= {name} if filled else set()

    def are_found(self, rows: _Rows | pa.RecordBatch) -> bool:
        """Whether no further row of a file can change what is known of its columns."""
        names = rows.names if isinstance(rows, _Rows) else rows.schema.names
        return all(name in self._filled and not self._possible[name] for name in set(names) - CORE_COLUMNS.keys())

    def names(self) -> dict[str, str]:
        return {
            name: next((kind for kind, bit in _TYPES.items() if bit & possible), "string")
            if name in self._filled
            else UNTYPED
            for name, possible in self._possible.items()
        }


def _types_of(rows: _Rows | pa.RecordBatch, column: int) -> tuple[int, bool]:
    if isinstance(rows, _Rows):
        return rows.types(column)
    texts = rows.column(column)
    return sum(_TYPES[kind] for kind in csv_plain.text_types(texts)), texts.null_count < len(texts)


def _read_rows(path: Path, reading: Reading) -> Generator[_Rows | pa.RecordBatch]:
    """Read rows in order: split, or as texts where they are odd. The first are none, to show the names."""
    with open_decompressed(path) as file:
        block = _Block(file)
        rows, header = _begin(path, block, reading)
        rows.split(block.bytes, block.start, block.stop, is_last=block.is_last, max_rows=0)
        yield rows
        while True:
            block.start, is_sound = rows.split(
                block.bytes, block.start, block.stop, is_last=block.is_last, max_rows=reading.batch_size
            )
            if rows.count:
                yield rows
            if not is_sound:
                end = block.stop if block.is_last else end_of_rows(block.bytes, block.start, block.stop)
                text = block.bytes[block.start : end].tobytes()
                block.start = end
                if text:
                    yield from _plain_texts(header + text, reading)
            if rows.count < reading.batch_size and not block.read_more():
                return


def _plain_texts(text: bytes, reading: Reading) -> Iterator[pa.RecordBatch]:
    try:
        for texts in csv_plain.read_texts(lambda: nullcontext(io.BytesIO(text)), reading):
            for start in range(0, texts.num_rows, reading.batch_size):
                yield texts.slice(start, reading.batch_size)
    except (pa.ArrowInvalid, SourceError) as error:
        raise _OddFileError from error


def _begin(path: Path, block: _Block, reading: Reading) -> tuple[_Rows, bytes]:
    """Read the header: rows that know their columns, and its bytes."""
    names = csv_plain.read_names(partial(open_decompressed, path), reading)
    block.read_more()
    start = len(_BYTE_ORDER_MARK) if bytes(block.bytes[:3]) == _BYTE_ORDER_MARK else 0
    rows = _Rows()
    block.start, _ = rows.split(block.bytes, start, block.stop, is_last=False, max_rows=1)
    rows.names = names
    if not rows.count or [rows.texts(column)[0].as_py() or "" for column in range(rows.columns)] != names:
        raise _OddFileError
    return rows, block.bytes[start : block.start].tobytes()


class _Block:
    """A part of a file that ends anywhere; what is done with is replaced by what follows.

    Attributes:
        bytes: the text, and `SLACK` bytes behind it.
        start: where what is still to do begins.
        stop: where the text ends.
        is_last: nothing follows.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = np.empty(_BLOCK_BYTES + SLACK, np.uint8)
        self.start = self.stop = 0
        self.is_last = False

    def read_more(self) -> bool:
        """Read what follows; a block that is one row becomes larger. False where nothing follows."""
        if self.is_last:
            return False
        left, size = self.stop - self.start, len(self.bytes) - SLACK
        if left < size:
            self.bytes[:left] = self.bytes[self.start : self.stop]
        elif size < MAX_ROW_BYTES:
            self.bytes = np.concatenate([self.bytes[:size], np.empty(size + SLACK, np.uint8)])
        else:
            raise _OddFileError
        self.start, self.stop = 0, left
        room = self.bytes[:-SLACK]
        while self.stop < len(room):
            data = self._file.read(len(room) - self.stop)
            if not data:
                self.is_last = True
                break
            room[self.stop : self.stop + len(data)] = np.frombuffer(data, np.uint8)
            self.stop += len(data)
        return True


def _typed(rows: _Rows | pa.RecordBatch, reading: Reading) -> pa.RecordBatch:
    try:
        if not isinstance(rows, _Rows):
            return csv_plain.typed(rows, reading)
        try:
            columns = [_typed_column(rows, column, name, reading) for column, name in enumerate(rows.names)]
        except csv_plain.BadTextError:
            if not reading.skip_bad:
                raise
            return csv_plain.typed(rows.as_texts(), reading)
    except csv_plain.BadTextError as error:
        raise _OddFileError from error
    return pa.record_batch(columns, names=rows.names)


def _typed_column(rows: _Rows, column: int, name: str, reading: Reading) -> pa.Array:
    kind = "string" if name in CORE_COLUMNS else reading.text_types.get(name, "string")
    array = None
    if name == "timestamp":
        array, reading.drops = rows.times(column, reading.unit)
    elif name == "sequence" or kind == "int64":
        array = rows.integers(column)
    elif name == "value" or kind == "float64":
        array = rows.floats(column)
    elif kind == "bool":
        array = rows.booleans(column)
    elif kind == "string":
        return rows.as_repeated_texts(column)
    return csv_plain.typed_column(name, rows.texts(column), reading) if array is None else array
