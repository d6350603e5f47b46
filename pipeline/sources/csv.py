"""CSV files: UTF-8, a header, comma; nothing between commas is null, "" is the empty string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipeline.errors import SourceError
from pipeline.model import ATTRIBUTE_TYPES, CORE_COLUMNS, UNTYPED
from pipeline.normalise import parse_floats, parse_timestamps
from pipeline.sources.reading import open_decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pipeline.sources.reading import Reading

_BLOCK_BYTES = 1 << 20
_INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)|NaN", re.ASCII)


def read_csv(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, attributes as `reading.text_types` says, else as strings.

    Raises:
        SourceError: a line has another number of fields, or a value does not fit its column; it names the row.
    """
    done = 0
    for block in _read_text(path, reading):
        for start in range(0, max(block.num_rows, 1), reading.batch_size):
            batch = block.slice(start, reading.batch_size)
            yield _typed(batch, reading, first_row=done + start + 1)
        done += block.num_rows


def find_text_types(path: Path, reading: Reading, known: Mapping[str, str]) -> dict[str, str]:
    """Find which type each attribute column can have without changing the text of any value.

    Args:
        path: the file.
        reading: how to read it.
        known: what other files of the same source allow.

    Returns:
        type name by column: bool, int64 or float64 only where every text is how we write such a value.
    """
    types = dict(known)
    for block in _read_text(path, reading):
        for name in block.schema.names:
            if name in CORE_COLUMNS:
                continue
            kind = types.setdefault(name, UNTYPED)
            texts = [text for text in pc.unique(block.column(name)).to_pylist() if text is not None]
            if texts and kind != "string":
                types[name] = _common(kind, texts)
    return types


def _common(kind: str, texts: list[str]) -> str:
    candidates = [UNTYPED, "bool", "int64", "float64"].index(kind)
    if kind in (UNTYPED, "bool") and all(text in {"true", "false"} for text in texts):
        return "bool"
    if kind == "bool":
        return "string"
    if candidates < 3 and all(_is_integer(text) for text in texts):
        return "int64"
    if all(_is_integer(text) or _is_float(text) for text in texts):
        return "float64"
    return "string"


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text)) and -(2**63) <= int(text) < 2**63


def _is_float(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and repr(float(text)) == text.replace("NaN", "nan")


def _read_text(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    def on_invalid_row(_row: pv.InvalidRow) -> str:
        if reading.skip_bad:
            reading.skipped += 1
            return "skip"
        return "error"

    parse = pv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_invalid_row)
    with open_decompressed(path) as file:
        names = _header(file)
    convert = pv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    read = pv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    with open_decompressed(path) as file, pv.open_csv(file, read, parse, convert) as blocks:
        yield pa.RecordBatch.from_pylist([], schema=blocks.schema)
        yield from blocks


def _header(file: object) -> list[str]:
    read = pv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    try:
        with pv.open_csv(file, read, pv.ParseOptions(newlines_in_values=True)) as blocks:
            return list(blocks.schema.names)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            raise SourceError("is empty; it needs a header line") from error
        raise


def _typed(batch: pa.RecordBatch, reading: Reading, *, first_row: int) -> pa.RecordBatch:
    keep = list(range(batch.num_rows))
    while True:
        arrays = []
        try:
            for name, array in zip(batch.schema.names, batch.columns, strict=True):
                arrays.append(_convert(name, array, reading))
        except _BadTextError as error:
            if not reading.skip_bad:
                raise SourceError(f"row {first_row + keep[error.row]}: {error}") from error
            reading.skipped += 1
            del keep[error.row]
            rows = [row for row in range(batch.num_rows) if row != error.row]
            batch = batch.take(pa.array(rows, pa.int64()))
            continue
        return pa.record_batch(arrays, names=batch.schema.names)


class _BadTextError(Exception):
    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def _convert(name: str, array: pa.Array, reading: Reading) -> pa.Array:
    if name == "timestamp":
        try:
            return parse_timestamps(array, reading.zone)
        except ValueError as error:
            raise _BadTextError(f"column 'timestamp': {error.args[0]}", error.args[-1]) from error
    if name == "value":
        return _parsed(name, array, parse_floats, "a number")
    if name == "sequence":
        return _parsed(name, array, lambda texts: texts.cast(pa.int64()), "an integer that fits int64")
    kind = "string" if name in CORE_COLUMNS else reading.text_types.get(name, "string")
    if kind == UNTYPED:
        return pa.nulls(len(array))
    if kind == "float64":
        return _parsed(name, array, parse_floats, "a number")
    return _parsed(name, array, lambda texts: texts.cast(ATTRIBUTE_TYPES[kind]), f"of type {kind}")


def _parsed(name: str, array: pa.Array, parse: Callable[[pa.Array], pa.Array], what: str) -> pa.Array:
    try:
        return parse(array)
    except pa.ArrowInvalid:
        for row in range(len(array)):
            try:
                parse(array.slice(row, 1))
            except pa.ArrowInvalid as error:
                raise _BadTextError(f"column {name!r}: {array[row].as_py()!r} is not {what}", row) from error
        raise
