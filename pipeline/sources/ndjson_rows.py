"""Rows of NDJSON one by one, in Python: whatever is odd about a line is read here, or named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from pipeline.disk.strict_json import no_json
from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS, MAX_ROW_BYTES
from pipeline.rows.batches import BATCH_BYTES
from pipeline.rows.normalise import parse_floats, parse_timestamps
from pipeline.sources.text_files import FractionsFoundError

if TYPE_CHECKING:
    from pipeline.scan.reading import Reading

TEXT_COLUMNS = {"session_id", "metric", "unit"}
_NON_FINITE = {"NaN", "Infinity", "-Infinity"}
_INTEGER_LIMIT = 2**63
_EXACT_INTEGER_LIMIT = 2**53
MAX_CELLS = 2_000_000
"""Of a batch, where each row has keys of its own."""


class Lines(Protocol):
    """What lines are read from."""

    def readline(self, limit: int) -> bytes:
        """Read a line, or so many bytes of it; none at the end."""


class RowReader:
    """Reads batches of rows, and says what is wrong with a line.

    Attributes:
        names: of the columns, in the order in which rows first had them.
        line: how many lines were read.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.names: dict[str, None] = {}
        self.line = 0

    def read(self, file: Lines) -> pa.RecordBatch | None:
        """Read the next batch, None at the end. A key that a row lacks is null; blank lines are passed over.

        Raises:
            SourceError: a line is no JSON object, or a value does not fit its column; it names the line.
        """
        reading = self._reading
        rows: list[dict[str, Any]] = []
        lines: list[int] = []
        size = 0
        while line := file.readline(MAX_ROW_BYTES + 1):
            self.line += 1
            if line.isspace() and len(line) <= MAX_ROW_BYTES:
                continue
            try:
                if len(line) > MAX_ROW_BYTES:
                    if reading.skip_bad:
                        _pass_over_line(file, line)
                    raise ValueError(f"it is longer than {MAX_ROW_BYTES >> 20} MiB")  # noqa: TRY301 - as other bad lines
                row = _decode(line.decode("utf-8-sig" if self.line == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:
                if reading.skip_bad:
                    reading.skipped += 1
                    continue
                raise SourceError(f"line {self.line}: {_reason(error, line)}") from error
            self.names.update(dict.fromkeys(row))
            rows.append(row)
            lines.append(self.line)
            size += len(line)
            is_wide = len(rows) * len(self.names) >= MAX_CELLS
            if len(rows) == reading.batch_size or size >= BATCH_BYTES or is_wide:
                break
        return _batch(list(self.names), rows, lines, reading) if rows else None


def _pass_over_line(file: Lines, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_ROW_BYTES)


def _decode(text: str) -> dict[str, Any]:
    row = _DECODER.decode(text)
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - wrong text, not a wrong argument
    if not "".join(row).isascii():
        "".join(row).encode()  # a key may hold half of a surrogate pair
    return row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key occurs twice")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write it as a string")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _reason(error: Exception, line: bytes) -> str:
    if isinstance(error, json.JSONDecodeError):
        return no_json(error) + ("" if line.endswith(b"\n") else "; the file may be cut off")
    if isinstance(error, UnicodeDecodeError):
        reason = "it is not valid UTF-8"
    elif isinstance(error, UnicodeEncodeError):
        reason = "a key holds half of a surrogate pair"
    else:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return f"cannot be read as a row ({reason})"


def _batch(names: list[str], rows: list[dict[str, Any]], lines: list[int], reading: Reading) -> pa.RecordBatch:
    while True:
        try:
            arrays = [_array(name, [row.get(name) for row in rows], reading) for name in names]
        except _BadValueError as error:
            if not reading.skip_bad:
                raise SourceError(f"line {lines[error.row]}: {error}") from error
            reading.skipped += 1
            rows, lines = _without(rows, error.row), _without(lines, error.row)
            continue
        return pa.record_batch(arrays, names=names)


def _without(items: list[Any], at: int) -> list[Any]:
    return items[:at] + items[at + 1 :]


class _BadValueError(Exception):
    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def _array(name: str, values: list[Any], reading: Reading) -> pa.Array:
    kinds = {type(value) for value in values} - {type(None)}
    if name == "timestamp":
        return _times(values, reading)
    if float in kinds and name in reading.ambiguous_columns:
        raise FractionsFoundError(name)
    is_attribute = name not in CORE_COLUMNS
    if name == "value" or (is_attribute and (float in kinds or name in reading.number_columns)):
        reading.number_columns.add(name)
        return _floats(name, values)
    if name == "sequence" or (int in kinds and name not in TEXT_COLUMNS):
        _require(name, values, int)
        _limit(name, values, _INTEGER_LIMIT)
        return pa.array(values, pa.int64())
    if bool in kinds and name not in TEXT_COLUMNS:
        _require(name, values, bool)
        return pa.array(values, pa.bool_())
    if not kinds:
        return pa.nulls(len(values))
    if name not in TEXT_COLUMNS and kinds == {str} and _NON_FINITE.issuperset(set(values) - {None}):
        reading.ambiguous_columns.add(name)
    return _texts(name, values)


def _texts(name: str, values: list[Any]) -> pa.Array:
    _require(name, values, str)
    for row, value in enumerate(values):
        try:
            _ = value is None or value.encode()
        except UnicodeEncodeError:
            raise _BadValueError(f"column {name!r}: holds half of a surrogate pair", row) from None
    return pa.array(values, pa.string())


def _times(values: list[Any], reading: Reading) -> pa.Array:
    texts = _texts("timestamp", values)
    try:
        times, reading.drops = parse_timestamps(texts, reading.zone, reading.unit)
    except ValueError as error:
        raise _BadValueError(f"column 'timestamp': {error.args[0]}", error.args[-1]) from error
    return times


def _floats(name: str, values: list[Any]) -> pa.Array:
    for row, value in enumerate(values):
        fits = value is None or type(value) in {float, int} or (isinstance(value, str) and value in _NON_FINITE)
        if not fits:
            raise _BadValueError(f"column {name!r}: {_shown(value)} is not a number", row)
        if isinstance(value, float) and value in {float("inf"), float("-inf")}:
            raise _BadValueError(f"column {name!r}: a number beyond the range of float64", row)
        if type(value) is int and abs(value) > _EXACT_INTEGER_LIMIT and not _is_exact(value):
            raise _BadValueError(f"column {name!r}: {value} does not fit float64 without loss", row)
    if any(isinstance(value, str) for value in values):
        return parse_floats(
            pa.array(
                [None if v is None else v if isinstance(v, str) else repr(float(v)) for v in values],
                pa.string(),
            )
        )
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def _is_exact(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _require(name: str, values: list[Any], kind: type) -> None:
    for row, value in enumerate(values):
        if value is not None and type(value) is not kind:
            wanted = {str: "a string", int: "an integer", bool: "true or false"}[kind]
            raise _BadValueError(f"column {name!r}: {_shown(value)} is not {wanted}", row)


def _shown(value: object) -> str:
    """Show a value as the file has it, not as Python does."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return f"{value!r:.80}" if isinstance(value, str | float) else f"{json.dumps(value):.80}"


def _limit(name: str, values: list[Any], limit: int) -> None:
    for row, value in enumerate(values):
        if value is not None and not -limit <= value < limit:
            raise _BadValueError(f"column {name!r}: {value} does not fit int64", row)
