"""CSV files: UTF-8, a header, comma; nothing between commas is null, "" is the empty string."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipeline.errors import SourceError
from pipeline.model.columns import ATTRIBUTE_TYPES, CORE_COLUMNS, MAX_ROW_BYTES, UNTYPED
from pipeline.rows.attributes import check_column_names
from pipeline.rows.normalise import parse_floats, parse_timestamps
from pipeline.runtime.csv_blocks import CsvBlocks
from pipeline.scan.reading import empty_batch, reading_errors
from pipeline.sources.text_files import SoundText, open_decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.scan.reading import Reading

_BLOCK_BYTES = 1 << 20
_TOO_LONG = f"has a row longer than {MAX_ROW_BYTES >> 20} MiB; is a quote never closed?"
_BEYOND = "is beyond the range of float64"
_INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)|NaN", re.ASCII)


def read_csv(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, attributes as `reading.text_types` says, else as strings.

    Raises:
        SourceError: a line has another number of fields, or a value does not fit its column; it names the line.
    """
    done = 0
    for block in _read_text(path, reading):
        for start in range(0, max(block.num_rows, 1), reading.batch_size):
            batch = block.slice(start, reading.batch_size)
            try:
                yield _typed(batch, reading)
            except _BadTextError as error:
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


def find_text_types(paths: Sequence[Path], reading: Reading) -> dict[str, str]:
    """Find which type each attribute column can have without changing the text of any value.

    Args:
        paths: files of one source.
        reading: how to read them.

    Returns:
        type name by column: bool, int64 or float64 only where every text is how we write such a value.
    """
    possible: dict[str, set[str]] = {}
    filled: set[str] = set()
    for path in paths:
        with reading_errors(path):
            for block in _read_text(path, reading):
                check_column_names(block.schema.names)
                for name in set(block.schema.names) - CORE_COLUMNS.keys():
                    texts = _distinct(block.column(name))
                    kinds = possible.setdefault(name, set(_TEXT_TYPES))
                    kinds -= {kind for kind in kinds if not all(map(_TEXT_TYPES[kind], texts))}
                    filled |= {name} if texts else set()
    reading.skipped = 0  # they are counted when they are read for good
    return {
        name: next((kind for kind in _TEXT_TYPES if kind in kinds), "string") if name in filled else UNTYPED
        for name, kinds in possible.items()
    }


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


# In the order of preference: what is written as a whole number is one.
_TEXT_TYPES: dict[str, Callable[[str], bool]] = {"bool": _is_bool, "int64": _is_integer, "float64": _is_float}


def _read_text(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    def on_invalid_row(_row: pv.InvalidRow) -> str:
        reading.skipped += 1
        return "skip"

    names = _header(path, reading)
    convert = pv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
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
                _open(path, reading) as file,
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
def _open(path: Path, reading: Reading) -> Iterator[IO[bytes] | SoundText]:
    with open_decompressed(path) as file:
        # pyarrow wants to show the rows that it leaves out as text.
        yield SoundText(file) if reading.skip_bad else file


def _header(path: Path, reading: Reading) -> list[str]:
    block_bytes = _BLOCK_BYTES
    while True:
        try:
            with (
                _open(path, reading) as file,
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


def _typed(batch: pa.RecordBatch, reading: Reading) -> pa.RecordBatch:
    while True:
        arrays = []
        try:
            for name, array in zip(batch.schema.names, batch.columns, strict=True):
                arrays.append(_convert(name, array, reading))
        except _BadTextError as error:
            if not reading.skip_bad:
                raise
            reading.skipped += 1
            rows = [row for row in range(batch.num_rows) if row != error.row]
            batch = batch.take(pa.array(rows, pa.int64()))
            continue
        return pa.record_batch(arrays, names=batch.schema.names)


class _BadTextError(Exception):
    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def _convert(name: str, array: pa.Array, reading: Reading) -> pa.Array:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        row = next(row for row, value in enumerate(array) if not _is_text(value))
        raise _BadTextError(f"column {name!r}: holds bytes that are not valid UTF-8", row) from error
    if name == "timestamp":
        try:
            times, reading.drops = parse_timestamps(array, reading.zone, reading.unit)
        except ValueError as error:
            raise _BadTextError(f"column 'timestamp': {error.args[0]}", error.args[-1]) from error
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
                raise _BadTextError(f"column {name!r}: {array[row].as_py()!r} {reason}", row) from error
        raise
