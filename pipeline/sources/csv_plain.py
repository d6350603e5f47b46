"""CSV as Arrow and Python read it, with a name for whatever is wrong; for what the compiled reader does not take.

UTF-8, a header, comma; nothing between commas is null, "" is the empty string.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipeline.errors import SourceError
from pipeline.model.columns import ATTRIBUTE_TYPES, CORE_COLUMNS, MAX_ROW_BYTES, UNTYPED
from pipeline.rows.normalise import parse_floats, parse_timestamps
from pipeline.runtime.csv_blocks import CsvBlocks
from pipeline.scan.reading import empty_batch
from pipeline.sources.text_files import SoundText, open_decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from pipeline.scan.reading import Reading

    Source: TypeAlias = Callable[[], AbstractContextManager[IO[bytes]]]

_BLOCK_BYTES = 1 << 20
_TOO_LONG = f"has a row longer than {MAX_ROW_BYTES >> 20} MiB; is a quote never closed?"
_BEYOND = "is beyond the range of float64"
_INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)|NaN", re.ASCII)


def read_plain_csv(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, attributes as `reading.text_types` says, else as strings.

    Raises:
        SourceError: a line has another number of fields, or a value does not fit its column; it names the line.
    """
    done = 0
    for block in read_texts(partial(open_decompressed, path), reading):
        for start in range(0, max(block.num_rows, 1), reading.batch_size):
            batch = block.slice(start, reading.batch_size)
            try:
                yield typed(batch, reading)
            except BadTextError as error:
                raise SourceError(f"{_place(path, done + start + error.row + 1)}: {error}") from error
        done += block.num_rows


def _place(path: Path, row: int) -> str:
    """Name the line where a row begins; a row has several where a quoted text has a line end.

    Args:
        path: the file.
        row: its number, from 1; the header is none.
    """
    begun = quotes = 0
    with open_decompressed(path) as file:
        for number, line in enumerate(iter(file.readline, b""), start=1):
            if quotes % 2 == 0 and line.strip(b"\r\n"):
                if begun == row:
                    return f"line {number}"
                begun += 1
            quotes += line.count(b'"')
    return f"row {row}"  # its lines end otherwise than with line feeds


def text_types(array: pa.Array) -> set[str]:
    """Say which types the texts of a column can have without changing the text of any value; nulls have all."""
    texts = _distinct(array)
    return {kind for kind, fits in _TEXT_TYPES.items() if all(map(fits, texts))}


def _distinct(array: pa.Array) -> list[str]:
    try:
        return [text for text in pc.unique(array).to_pylist() if text is not None]
    except UnicodeDecodeError:
        return [""]  # fits no type but text; reading it for good names the row


def _is_bool(text: str) -> bool:
    return text in {"true", "false"}


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text)) and -(2**63) <= int(text) < 2**63


def _is_float(text: str) -> bool:
    if _is_integer(text):
        return int(float(text)) == int(text)
    return bool(_NUMBER.fullmatch(text)) and repr(float(text)) == text.replace("NaN", "nan")


_TEXT_TYPES: dict[str, Callable[[str], bool]] = {"bool": _is_bool, "int64": _is_integer, "float64": _is_float}


def read_texts(source: Source, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read all columns as strings, in blocks; the first batch is empty, to show their names.

    Args:
        source: opens the text from its begin, several times where a row is larger than a block.
        reading: whether rows of another number of fields are left out and counted.

    Raises:
        SourceError: there is no header, or a row is too long.
        pa.ArrowInvalid: a row has another number of fields.
    """

    def on_invalid_row(_row: pv.InvalidRow) -> str:
        reading.skipped += 1
        return "skip"

    convert = pv.ConvertOptions(
        column_types=dict.fromkeys(read_names(source, reading), pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        check_utf8=False,  # checked with the values, so that the row can be named or left out
    )
    done, block_bytes = 0, _BLOCK_BYTES
    while True:
        skip, skipped = done, reading.skipped
        try:
            with (
                _open(source, reading) as file,
                CsvBlocks(
                    file,
                    block_bytes=block_bytes,
                    convert=convert,
                    on_bad_row=on_invalid_row if reading.skip_bad else None,
                ) as blocks,
            ):
                yield empty_batch(blocks.schema)
                for block in blocks:
                    rest = block.slice(min(skip, block.num_rows))
                    skip -= block.num_rows - rest.num_rows
                    done += rest.num_rows
                    if rest.num_rows:
                        yield rest
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
            if block_bytes >= MAX_ROW_BYTES:
                raise SourceError(_TOO_LONG) from error
            # A row is larger than a block: once more with larger ones, past what has been read.
            block_bytes *= 8
            reading.skipped = skipped
        else:
            return


@contextmanager
def _open(source: Source, reading: Reading) -> Iterator[IO[bytes] | SoundText]:
    with source() as file:
        # pyarrow wants to show the rows that it leaves out as text.
        yield SoundText(file) if reading.skip_bad else file


def read_names(source: Source, reading: Reading) -> list[str]:
    """Read the names of the columns.

    Raises:
        SourceError: there are none, or the first row is too long.
    """
    block_bytes = _BLOCK_BYTES
    while True:
        try:
            with (
                _open(source, reading) as file,
                CsvBlocks(
                    file,
                    block_bytes=block_bytes,
                    convert=pv.ConvertOptions(check_utf8=False),
                    on_bad_row=(lambda _row: "skip") if reading.skip_bad else None,
                ) as blocks,
            ):
                return list(blocks.schema.names)
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                raise SourceError("is empty; it needs a header line") from error
            if "straddling" not in str(error):
                raise
            if block_bytes >= MAX_ROW_BYTES:
                raise SourceError(_TOO_LONG) from error
            block_bytes *= 8


def typed(batch: pa.RecordBatch, reading: Reading) -> pa.RecordBatch:
    """Give columns of texts the types they have in the model, or as `reading.text_types` says.

    Raises:
        BadTextError: a value does not fit its column, and bad rows are not left out.
    """
    while True:
        arrays = []
        try:
            for name, array in zip(batch.schema.names, batch.columns, strict=True):
                arrays.append(typed_column(name, array, reading))
        except BadTextError as error:
            if not reading.skip_bad:
                raise
            reading.skipped += 1
            rows = [row for row in range(batch.num_rows) if row != error.row]
            batch = batch.take(pa.array(rows, pa.int64()))
            continue
        return pa.record_batch(arrays, names=batch.schema.names)


class BadTextError(Exception):
    """A text that does not fit its column.

    Attributes:
        row: its row in the batch, from 0.
    """

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def typed_column(name: str, array: pa.Array, reading: Reading) -> pa.Array:
    """Give one column of texts its type, as `typed` does, and `reading.drops` where it is that of the times."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        row = next(row for row, value in enumerate(array) if not _is_text(value))
        raise BadTextError(f"column {name!r}: holds bytes that are not valid UTF-8", row) from error
    if name == "timestamp":
        try:
            times, reading.drops = parse_timestamps(array, reading.zone, reading.unit)
        except ValueError as error:
            raise BadTextError(f"column 'timestamp': {error.args[0]}", error.args[-1]) from error
        return times
    if name == "value":
        return _parsed(name, array, _finite, "a number")
    if name == "sequence":
        return _parsed(name, array, _integers, "an integer that fits int64")
    kind = "string" if name in CORE_COLUMNS else reading.text_types.get(name, "string")
    if kind == UNTYPED:
        return pa.nulls(len(array))
    if kind == "float64":
        return _parsed(name, array, _finite, "a number")
    return _parsed(name, array, lambda texts: texts.cast(ATTRIBUTE_TYPES[kind]), f"of type {kind}")


def _integers(texts: pa.Array) -> pa.Array:
    # pyarrow takes hexadecimal numbers too.
    if pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():
        raise pa.ArrowInvalid("no decimal number")
    return texts.cast(pa.int64())


def _is_text(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _finite(texts: pa.Array) -> pa.Array:
    """Read numbers; one beyond float64 would become infinite without a word."""
    floats = parse_floats(texts)
    if any("inf" not in text.lower() for text in texts.filter(pc.is_inf(floats)).to_pylist() if text is not None):
        raise pa.ArrowInvalid(_BEYOND)
    return floats


def _parsed(name: str, array: pa.Array, parse: Callable[[pa.Array], pa.Array], what: str) -> pa.Array:
    try:
        return parse(array)
    except pa.ArrowInvalid:
        for row in range(len(array)):
            try:
                parse(array.slice(row, 1))
            except pa.ArrowInvalid as error:
                reason = _BEYOND if str(error) == _BEYOND else f"is not {what}"
                raise BadTextError(f"column {name!r}: {array[row].as_py()!r} {reason}", row) from error
        raise
