"""Statistics of groups of measurements; docs/statistics.md defines each figure."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from pipeline.errors import DestinationError, SourceError, UsageError, suggest
from pipeline.model.arrays import from_bools, from_numbers, from_places, from_strings, integers, is_null, places
from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.dictionary import STATISTIC_DESCRIPTIONS
from pipeline.model.timestamps import Window
from pipeline.native import GroupedValues
from pipeline.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers
    from pipeline.model.columns import TimestampUnit

    Floats = NDArray[np.float64]

DEFAULT_BUDGET_BYTES = 12_000_000
DEFAULT_QUANTILES = ("0.25", "0.5", "0.75", "0.9", "0.95", "0.99")
_MAX_QUANTILE_DIGITS = 17
_INTEGER_FIGURES = {"count", "null_count", "non_finite_count", "session_count"}
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
            if number != round(number, _MAX_QUANTILE_DIGITS):
                raise UsageError(f"--quantile {text!r}: give at most {_MAX_QUANTILE_DIGITS} digits behind the point")
            numbers.add(abs(number))
        return {_quantile_name(number): float(number) for number in sorted(numbers)}

    def group_columns(self, schema: pa.Schema) -> list[str]:
        """Columns that rows are grouped by, windows excepted.

        Raises:
            SourceError: a column of `by` does not exist.
            UsageError: it cannot be grouped by.
        """
        own = [*STATISTIC_DESCRIPTIONS, *self.quantile_columns]
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
        fields = [measurements.field(name) for name in self.group_columns(measurements)]
        names = ["window_start", "window_end"] if self.window else []
        names += ["count", "null_count", "non_finite_count", *(["session_count"] if self.pooled else [])]
        names += ["mean", "stddev", "min", *self.quantile_columns, "max"]
        names += ["sum", "first", "last", "first_timestamp", "last_timestamp"]
        for name in names:
            kind = time if name in _TIME_FIGURES else pa.int64() if name in _INTEGER_FIGURES else pa.float64()
            fields.append(pa.field(name, kind, nullable=name not in _INTEGER_FIGURES))
        return pa.schema(fields)


def _quantile_name(number: Decimal) -> str:
    text = f"{number.scaleb(2):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "p" + text.replace(".", "_")


def aggregate(
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    measurements: pa.Schema,
    session_ids: Sequence[str],
    options: StatisticsOptions,
    *,
    temporary_directory: Path,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> pa.Table:
    """Aggregate rows, which are read once.

    Args:
        read: gives the batches of the wanted columns, of one session each.
        measurements: schema of the rows.
        session_ids: all sessions in order; groups come in this order.
        options: what to aggregate.
        temporary_directory: where values may spill.
        budget_bytes: memory for values.

    Returns:
        the statistics, ordered by session, metric, unit, further columns and window; strings as dictionaries.
    """
    unit: TimestampUnit = measurements.field("timestamp").type.unit
    names = [name for name in options.group_columns(measurements) if name != "session_id"]
    encoders = [_KeyEncoder(measurements.field(name).type) for name in names]
    ordinals = {session_id: at for at, session_id in enumerate(session_ids)}
    windows = Windows(options.parsed_window, options.timezone, unit) if options.parsed_window else None
    key_count = (not options.pooled) + len(names) + (windows is not None)
    groups = GroupedValues(key_count, budget_bytes=budget_bytes, directory=temporary_directory)
    with _spill_errors(temporary_directory):
        for batch in read(["sequence", "timestamp", "value", *names]):
            session = ordinals[batch.column("session_id")[0].as_py()]
            times = integers(batch.column("timestamp"))
            by = [] if options.pooled else [np.full(batch.num_rows, session, np.int64)]
            by += [encoder.encode(batch.column(name)) for encoder, name in zip(encoders, names, strict=True)]
            by += [windows.starts(times)] if windows else []
            groups.add(by, times, integers(batch.column("sequence")), batch.column("value"), session=session)
        keys, counts, numbers = groups.figures(options.quantile_columns, lost_are_infinite=options.lost == "infinite")
    return _table(keys, counts, numbers, encoders, names, session_ids, windows, options, measurements)


@contextmanager
def _spill_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{directory}: {error}; TMPDIR says where temporary files go") from error


class _KeyEncoder:
    """Numbers the values of a column in the order in which they appear."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._codes: dict[object, int] = {}
        self._last: tuple[pa.Array, Integers] | None = None

    def encode(self, array: pa.Array) -> Integers:
        """Give the number of each value."""
        if pa.types.is_float64(array.type):
            import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

            # Equal numbers are one group, whose text must not depend on its first row.
            array = pc.if_else(pc.is_nan(array), pa.scalar(float("nan")), pc.add(array, 0.0))
        encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        codes = self._codes_of(encoded.dictionary)
        if not encoded.indices.null_count:
            return codes[places(encoded)]
        codes = np.append(codes, self._codes.setdefault(None, len(self._codes)))
        return codes[np.where(is_null(encoded), len(codes) - 1, places(encoded))]

    def _codes_of(self, distinct: pa.Array) -> Integers:
        # Batches mostly come with the dictionary of the one before.
        if self._last is None or not distinct.equals(self._last[0]):
            values = [_NAN if value != value else value for value in distinct.to_pylist()]  # noqa: PLR0124 - NaN
            codes = [self._codes.setdefault(value, len(self._codes)) for value in values]
            self._last = distinct, np.array(codes or [0], np.int64)
        return self._last[1]

    @cached_property
    def _ordered(self) -> list[Any]:
        """The values, null excepted: strings by their UTF-8, NaN behind all numbers."""
        values = [value for value in self._codes if value is not None]
        return sorted(values, key=lambda value: (value is _NAN, 0 if value is _NAN else _sort_key(value)))

    @cached_property
    def ranks(self) -> Integers:
        """Place of each number's value in their order, that of null at the end; asked when all rows are in."""
        ranks = np.full(len(self._codes), len(self._ordered), np.int64)
        ranks[[self._codes[value] for value in self._ordered]] = np.arange(len(self._ordered))
        return ranks

    def decode(self, codes: Integers) -> pa.Array:
        """Give the values of numbers, strings as a dictionary array."""
        ranks = self.ranks[codes]
        absent = ranks == len(self._ordered)
        if pa.types.is_string(self._kind):
            return from_places(ranks, from_strings([str(value) for value in self._ordered]), absent)
        values = [math.nan if value is _NAN else value for value in self._ordered]
        numbers = np.array([*values, 0], self._kind.to_pandas_dtype())[ranks]
        return from_bools(numbers, absent) if numbers.dtype == bool else from_numbers(numbers, self._kind, absent)


def _sort_key(value: Any) -> Any:  # noqa: ANN401 - a value of a column
    return value.encode() if isinstance(value, str) else value


_NAN = object()


def _table(
    keys: Integers,
    counts: dict[str, Integers],
    numbers: dict[str, Floats],
    encoders: Sequence[_KeyEncoder],
    names: Sequence[str],
    session_ids: Sequence[str],
    windows: Windows | None,
    options: StatisticsOptions,
    measurements: pa.Schema,
) -> pa.Table:
    """Put the figures of groups into the columns and the order of the statistics."""
    place = 0
    order: list[Integers] = []
    columns: dict[str, pa.Array] = {}
    if not options.pooled:
        order.append(keys[:, 0])
        place = 1
    for encoder in encoders:
        order.append(encoder.ranks[keys[:, place]])
        place += 1
    order += [keys[:, place]] if windows is not None else []
    sorted_rows = np.lexsort(order[::-1])
    keys = keys[sorted_rows]
    for at, (encoder, name) in enumerate(zip(encoders, names, strict=True), start=place - len(names)):
        columns[name] = encoder.decode(keys[:, at])
    if not options.pooled:
        columns["session_id"] = from_places(keys[:, 0], from_strings(session_ids))
    if windows is not None:
        columns["window_start"] = from_numbers(keys[:, place], pa.int64())
        columns["window_end"] = from_numbers(windows.ends(keys[:, place]), pa.int64())
    exists = counts["count"][sorted_rows] > 0
    for name, values in counts.items():
        columns[name] = from_numbers(values[sorted_rows], pa.int64(), ~exists if name in _TIME_FIGURES else None)
    for name, figures in numbers.items():
        sorted_figures = figures[sorted_rows]
        columns[name] = from_numbers(sorted_figures, pa.float64(), np.isnan(sorted_figures))
    fields, arrays = [], []
    for described in options.schema(measurements):
        array = columns[described.name]
        arrays.append(array.view(described.type) if described.name in _TIME_FIGURES else array)
        fields.append(described.with_type(arrays[-1].type))
    return pa.table(arrays, schema=pa.schema(fields))
