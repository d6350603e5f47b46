"""Statistics of groups of measurements; docs/statistics.md defines each figure."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine import connect_engine, engine_errors, quote_literal
from pipeline.errors import SourceError, UsageError, suggest
from pipeline.exact import ExactSums
from pipeline.model import CORE_COLUMNS
from pipeline.timestamps import MAX_SECOND, MIN_SECOND, TICKS_PER_SECOND, Window, parse_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from pipeline.model import TimestampUnit

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

DEFAULT_QUANTILES = ("0.25", "0.5", "0.75", "0.9", "0.95", "0.99")
DESCRIPTIONS = {
    "window_start": "Start of the window, inclusive",
    "window_end": "End of the window, exclusive",
    "count": "Finite values; they alone enter the figures behind",
    "null_count": "Values that are null: lost samples",
    "non_finite_count": "Values that are NaN or infinite",
    "session_count": "Sessions that have a row in the group",
    "mean": "Arithmetic mean",
    "stddev": "Sample standard deviation, null below two values",
    "min": "Smallest value",
    "max": "Largest value",
    "sum": "Sum of the values",
    "first": "First value by timestamp, then sequence",
    "last": "Last value by timestamp, then sequence",
    "first_timestamp": "Time of the first value",
    "last_timestamp": "Time of the last value",
}
_INTEGER_FIGURES = {"count", "null_count", "non_finite_count", "session_count"}
_STORED_AS_BITS = {"window_start", "window_end", "first_timestamp", "last_timestamp", "first", "last"}
_TIME_FIGURES = {"window_start", "window_end", "first_timestamp", "last_timestamp"}


@dataclass(frozen=True, kw_only=True)
class StatisticsOptions:
    """What to aggregate by, and which figures to give.

    Attributes:
        by: further columns to group by.
        window: length of windows such as `1m`, or None.
        quantiles: further quantiles, each from 0 to 1, as decimal texts.
        lost: whether lost samples count as +infinity in quantiles.
        timezone: IANA name of the zone whose days windows are.
        pooled: groups span all sessions.
    """

    by: Sequence[str] = ()
    window: str | None = None
    quantiles: Sequence[str] = ()
    lost: Literal["exclude", "infinite"] = "exclude"
    timezone: str = "UTC"
    pooled: bool = False
    parsed_window: Window | None = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.by, str) or isinstance(self.quantiles, str):
            raise UsageError("by and quantiles must be lists, not one text")
        object.__setattr__(self, "parsed_window", None if self.window is None else Window.parse(self.window))
        _ = self.quantile_columns

    @property
    def quantile_columns(self) -> dict[str, float]:
        """Quantile by column name, ascending: 0.999 is `p99_9`."""
        numbers = set()
        for text in (*DEFAULT_QUANTILES, *self.quantiles):
            try:
                number = Decimal(text)
            except InvalidOperation as error:
                raise UsageError(f"--quantile {text!r}: give a number from 0 to 1, such as 0.999") from error
            if not (number.is_finite() and 0 <= number <= 1):
                raise UsageError(f"--quantile {text!r}: must be from 0 to 1; p99 is 0.99")
            numbers.add(number)
        return {_quantile_name(number): float(number) for number in sorted(numbers)}

    def group_columns(self, schema: pa.Schema) -> list[str]:
        """Columns that rows are grouped by, windows excepted.

        Raises:
            SourceError: a column of `by` does not exist.
            UsageError: it cannot be grouped by.
        """
        own = [*DESCRIPTIONS, *self.quantile_columns]
        for name in self.by:
            if name not in schema.names:
                raise SourceError(f"--by: no column {name!r}; {suggest(name, schema.names, noun='columns')}")
            if name in CORE_COLUMNS or name in own:
                reason = (
                    "rows are grouped by it already" if name in {"metric", "unit"} else "is no attribute to group by"
                )
                if name in own:
                    reason = "a statistic has this name"
                raise UsageError(f"--by {name}: {reason}")
        return [*([] if self.pooled else ["session_id"]), "metric", "unit", *dict.fromkeys(self.by)]

    def schema(self, measurements: pa.Schema) -> pa.Schema:
        """Schema of the statistics of rows of a schema."""
        time = measurements.field("timestamp").type
        fields = [(name, measurements.field(name).type) for name in self.group_columns(measurements)]
        names = ["window_start", "window_end"] if self.window else []
        names += ["count", "null_count", "non_finite_count", *(["session_count"] if self.pooled else [])]
        names += ["mean", "stddev", "min", *self.quantile_columns, "max"]
        names += ["sum", "first", "last", "first_timestamp", "last_timestamp"]
        for name in names:
            kind = time if name in _TIME_FIGURES else pa.int64() if name in _INTEGER_FIGURES else pa.float64()
            fields.append((name, kind))
        return pa.schema(fields)


def _quantile_name(number: Decimal) -> str:
    text = f"{number * 100:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "p" + text.replace(".", "_")


def aggregate(
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    measurements: pa.Schema,
    session_ids: Sequence[str],
    options: StatisticsOptions,
    *,
    temporary_directory: Path | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> pa.Table:
    """Aggregate rows. They are read twice: once for groups and counts, once sorted, for ranks and exact sums.

    Args:
        read: gives the batches of the wanted columns, of one session each; called twice.
        measurements: schema of the rows.
        session_ids: all sessions in order; groups come in this order.
        options: what to aggregate.
        temporary_directory: where sorting may spill.
        memory_limit: of the engine, such as `512MB`.
        threads: of the engine.

    Returns:
        the statistics, ordered by session, metric, unit, further columns and window.
    """
    unit: TimestampUnit = measurements.field("timestamp").type.unit
    groups = options.group_columns(measurements)
    keys = [name for name in groups if name != "session_id"]
    rows = _Rows(read, session_ids, keys)
    with (
        engine_errors(memory_limit),
        connect_engine(
            temporary_directory=temporary_directory, memory_limit=memory_limit, threads=threads
        ) as connection,
    ):
        by = ["session_at"] if not options.pooled else []
        by += [f"key_{at}" for at in range(len(keys))]
        window = _window_sql(options, unit)
        if window is not None:
            by.append("window_at")
        with rows.view(connection, "measured"):
            connection.execute(_groups_sql(by, window))
        found = connection.sql("SELECT * FROM groups ORDER BY group_at").to_arrow_table()
        with rows.view(connection, "measured"):
            values = connection.sql(_values_sql(by, window))
            figures = _figures(values.to_arrow_reader(65_536), found, options)
    return _table(found, figures, session_ids, options, options.schema(measurements), keys, unit)


class _Rows:
    """Rows as the engine reads them: keys by position, times and sessions as integers."""

    def __init__(
        self,
        read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
        session_ids: Sequence[str],
        keys: Sequence[str],
    ) -> None:
        self._read = read
        self._ordinals = {session_id: at for at, session_id in enumerate(session_ids)}
        self._keys = keys
        self._error: BaseException | None = None

    @contextmanager
    def view(self, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
        """Let the engine read the rows once, under a name; an error of reading comes out as it was raised."""
        import duckdb  # noqa: PLC0415 - loaded already, for the name of its error

        batches = self._batches()
        first = next(batches)
        reader = pa.RecordBatchReader.from_batches(first.schema, self._guarded(first, batches))
        connection.register(name, reader)
        try:
            yield
        except duckdb.Error as error:
            if self._error is not None:
                raise self._error from None
            if isinstance(error, duckdb.OutOfRangeException | duckdb.ConversionException):
                raise _beyond_calendar() from error
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            raise SourceError(f"statistics: the engine failed ({str(error).splitlines()[0]})") from error
        finally:
            connection.unregister(name)

    def _guarded(self, first: pa.RecordBatch, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield first
        try:
            yield from batches
        except BaseException as error:
            self._error = error
            raise

    def _batches(self) -> Iterator[pa.RecordBatch]:
        columns = ["sequence", "timestamp", "value", *self._keys]
        started = False
        for batch in self._read(columns):
            session_id = batch.column("session_id")[0].as_py()
            arrays = {
                "session_at": pa.repeat(pa.scalar(self._ordinals[session_id], pa.int64()), batch.num_rows),
                "sequence": batch.column("sequence"),
                "time": batch.column("timestamp").view(pa.int64()),
                "value": batch.column("value"),
                "bits": batch.column("value").view(pa.int64()),  # the engine takes -0.0 for 0.0
            }
            arrays |= {f"key_{at}": _as_key(batch.column(name)) for at, name in enumerate(self._keys)}
            started = True
            yield pa.record_batch(list(arrays.values()), names=list(arrays))
        if not started:
            names = [
                "session_at",
                "sequence",
                "time",
                "value",
                "bits",
                *(f"key_{at}" for at in range(len(self._keys))),
            ]
            kinds = [pa.int64(), pa.int64(), pa.int64(), pa.float64(), pa.int64(), *[pa.string()] * len(self._keys)]
            yield pa.RecordBatch.from_pylist([], schema=pa.schema(list(zip(names, kinds, strict=True))))


def _as_key(array: pa.Array) -> pa.Array:
    """Give equal numbers, which the engine groups, equal bits, so that their text does not depend on the first row."""
    if not pa.types.is_float64(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(float("nan")), pc.add(array, 0.0))


def _window_sql(options: StatisticsOptions, unit: TimestampUnit) -> str | None:
    """SQL of the start of a row's window, in ticks."""
    window, scale = options.parsed_window, TICKS_PER_SECOND[unit]
    if window is None:
        return None
    if window.seconds or options.timezone == "UTC":
        length = (window.seconds or window.days * 86_400) * scale
        return f"(time - ((time % {length}) + {length}) % {length})"
    zone = quote_literal(options.timezone)
    micros = "time" if unit == "us" else "((time - ((time % 1000) + 1000) % 1000) // 1000)"
    local_day = (
        f"date_diff('day', DATE '1970-01-01', timezone({zone}, timezone('UTC', make_timestamp({micros})))::DATE)"
    )
    first_day = f"(floor({local_day} / {window.days}.0)::INTEGER * {window.days})"
    midnight = f"timezone({zone}, (DATE '1970-01-01' + {first_day})::TIMESTAMP)"
    return f"(epoch_us({midnight}) * {scale // 1_000_000})"


def _groups_sql(by: Sequence[str], window: str | None) -> str:
    order = ", ".join(f"{name} NULLS LAST" for name in by)
    finite = "FILTER (WHERE isfinite(value))"
    at = "{'time': time, 'sequence': sequence, 'session_at': session_at}"
    return f"""
        CREATE TABLE groups AS
        SELECT row_number() OVER (ORDER BY {order}) - 1 AS group_at, *
        FROM (
            SELECT {", ".join(by)},
                count(*) {finite} AS count,
                count(*) FILTER (WHERE value IS NULL) AS null_count,
                count(*) FILTER (WHERE NOT isfinite(value)) AS non_finite_count,
                count(DISTINCT session_at) AS session_count,
                arg_min(bits, {at}) {finite} AS first,
                arg_max(bits, {at}) {finite} AS last,
                min(time) {finite} AS first_timestamp,
                max(time) {finite} AS last_timestamp
            FROM (SELECT *{f", {window} AS window_at" if window else ""} FROM measured)
            GROUP BY {", ".join(by)}
        )"""


def _values_sql(by: Sequence[str], window: str | None) -> str:
    same = " AND ".join(f"m.{name} IS NOT DISTINCT FROM groups.{name}" for name in by)
    return f"""
        SELECT group_at, value
        FROM (SELECT *{f", {window} AS window_at" if window else ""} FROM measured WHERE isfinite(value)) m
        JOIN groups ON {same}
        ORDER BY group_at, value"""


def _figures(values: pa.RecordBatchReader, groups: pa.Table, options: StatisticsOptions) -> dict[str, Floats]:
    """Find the ranked values and exact sums of each group in its sorted values."""
    count = np.asarray(groups.column("count")).astype(np.int64)
    first = np.cumsum(count) - count
    size = count + np.asarray(groups.column("null_count")).astype(np.int64) if options.lost == "infinite" else count
    ranks = {"min": np.zeros_like(count), "max": np.maximum(count - 1, 0)}
    parts: dict[str, Floats] = {}
    for name, quantile in options.quantile_columns.items():
        position = np.maximum(size - 1, 0) * quantile
        ranks[f"{name} low"] = np.floor(position).astype(np.int64)
        ranks[f"{name} high"] = np.minimum(ranks[f"{name} low"] + 1, np.maximum(size - 1, 0))
        parts[name] = position - np.floor(position)
    places = {name: np.where(rank < count, first + rank, -1) for name, rank in ranks.items()}
    wanted = np.unique(np.concatenate(list(places.values())))
    held = np.full(len(wanted), np.inf)
    sums = ExactSums(len(count))
    start = 0
    for batch in values:
        numbers = np.asarray(batch.column("value"))
        low, high = np.searchsorted(wanted, [start, start + len(numbers)])
        held[low:high] = numbers[wanted[low:high] - start]
        sums.add(np.asarray(batch.column("group_at")), numbers)
        start += len(numbers)
    if start != count.sum():
        raise SourceError("statistics: the source changed while it was read; run it again")
    # Adding zero makes -0.0 and 0.0, which are equal, the same in every order of rows.
    ranked = {name: held[np.searchsorted(wanted, place)] + 0.0 for name, place in places.items()}
    figures = {"min": _without(ranked["min"], count == 0), "max": _without(ranked["max"], count == 0)}
    for name, part in parts.items():
        quantiles = _interpolate(ranked[f"{name} low"], ranked[f"{name} high"], part)
        figures[name] = _without(quantiles, size == 0)
    counts = count.tolist()
    figures["sum"] = np.array([sums.sum(at) if n else np.nan for at, n in enumerate(counts)], np.float64)
    figures["mean"] = np.array([sums.mean(at, n) if n else np.nan for at, n in enumerate(counts)], np.float64)
    figures["stddev"] = np.array([sums.stddev(at, n) if n > 1 else np.nan for at, n in enumerate(counts)], np.float64)
    return figures


def _without(numbers: Floats, absent: NDArray[np.bool_]) -> Floats:
    """Mark figures that do not exist: no figure of finite values is NaN, so NaN says it."""
    return np.where(absent, np.nan, numbers)


def _interpolate(low: Floats, high: Floats, part: Floats) -> Floats:
    """Type 7 of Hyndman and Fan (1996): lo + (hi - lo) t, and lo (1 - t) + hi t where hi - lo overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        step = high - low
        result = low + step * part
        wide = np.isinf(step) & np.isfinite(high)
        result = np.where(wide, low * (1 - part) + high * part, result)
    return np.where((part == 0) | (low == high), low, np.where(np.isinf(high), high, result))


def _table(
    groups: pa.Table,
    figures: dict[str, Floats],
    session_ids: Sequence[str],
    options: StatisticsOptions,
    schema: pa.Schema,
    keys: Sequence[str],
    unit: TimestampUnit,
) -> pa.Table:
    groups = groups.combine_chunks()
    columns: dict[str, pa.Array] = {f"key {name}": groups.column(f"key_{at}") for at, name in enumerate(keys)}
    if not options.pooled:
        columns["key session_id"] = pa.array(session_ids, pa.string()).take(groups.column("session_at"))
    if options.parsed_window is not None:
        starts = np.asarray(groups.column("window_at")).astype(np.int64)
        columns["window_start"] = pa.array(starts)
        columns["window_end"] = pa.array(_window_ends(starts, options, unit))
    for name, numbers in figures.items():
        columns[name] = pa.array(numbers, pa.float64(), mask=np.isnan(numbers))
    names = set(keys) | {"session_id"}
    arrays = []
    for at_field in schema:
        name = at_field.name
        own = f"key {name}" if name in names else name
        array = columns[own] if own in columns else groups.column(name)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        arrays.append(array.view(at_field.type) if name in _STORED_AS_BITS else array.cast(at_field.type))
    return pa.table(arrays, schema=schema)


def _window_ends(starts: Integers, options: StatisticsOptions, unit: TimestampUnit) -> Integers:
    window, scale = options.parsed_window, TICKS_PER_SECOND[unit]
    if window is None:
        return starts
    length = (window.seconds or window.days * 86_400) * scale
    fixed = bool(window.seconds) or options.timezone == "UTC"
    try:
        ends = [
            start + length if fixed else _days_later(start, window.days, options.timezone, scale)
            for start in starts.tolist()
        ]
        if ends and (starts.min() < MIN_SECOND * scale or max(ends) > MAX_SECOND * scale):
            raise _beyond_calendar()
        return np.array(ends, np.int64)
    except OverflowError as error:
        raise _beyond_calendar() from error


def _beyond_calendar() -> SourceError:
    return SourceError("--window: a window reaches beyond the times that can be counted; give a shorter one")


def _days_later(start: int, days: int, zone_name: str, scale: int) -> int:
    """Find the midnight of a zone that is some days after a time."""
    zone = parse_zone(zone_name)
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start // scale)).astimezone(zone)
    day = local.date() + timedelta(days=days)
    end = datetime(day.year, day.month, day.day, tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)
    return (end.days * 86_400 + end.seconds) * scale
