"""What to aggregate by, and which figures to give."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.dictionary import STATISTIC_DESCRIPTIONS
from pipeline.statistics.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_QUANTILES = ("0.25", "0.5", "0.75", "0.9", "0.95", "0.99")
_MAX_QUANTILE_DIGITS = 17
_INTEGER_FIGURES = {"count", "null_count", "non_finite_count", "session_count"}
TIME_FIGURES = {"window_start", "window_end", "first_timestamp", "last_timestamp"}


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
            kind = time if name in TIME_FIGURES else pa.int64() if name in _INTEGER_FIGURES else pa.float64()
            fields.append(pa.field(name, kind, nullable=name not in _INTEGER_FIGURES))
        return pa.schema(fields)


def _quantile_name(number: Decimal) -> str:
    text = f"{number.scaleb(2):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "p" + text.replace(".", "_")
