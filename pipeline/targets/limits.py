"""Figures and limits, as a target writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Literal, cast

from pipeline.errors import UsageError, suggest
from pipeline.targets.units import HERTZ, UNITY, conversion_factor

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS = ("count", "null_count", "non_finite_count")
OF_VALUES = ("mean", "stddev", "min", "max", "sum", "first", "last")
_QUANTILES = ("p25", "p50", "p75", "p90", "p95", "p99")
KNOWN = (*_QUANTILES, "p99_9", *OF_VALUES, *COUNTS, "rate", "loss", "share(value < 50 ms)")
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LIMIT = re.compile(rf"\s*(<=|>=|<|>)\s*({_NUMBER})\s*([!-~]+)?\s*", re.ASCII)
_SHARE = re.compile(r"\s*share\s*\(\s*value\b(.*)\)\s*", re.ASCII)
_QUANTILE = re.compile(r"p(\d{1,2})(?:_(\d{1,13}))?", re.ASCII)


@dataclass(frozen=True)
class Limit:
    """A number that others are compared with.

    Attributes:
        text: as it was written, with one blank between its parts.
        operator: `<`, `<=`, `>` or `>=`.
        number: as it was written.
        unit: its UCUM code, None where none is named.
    """

    text: str
    operator: Literal["<", "<=", ">", ">="]
    number: Decimal
    unit: str | None

    @property
    def is_upper(self) -> bool:
        """Whether it is met by what lies below it."""
        return self.operator in {"<", "<="}

    def in_unit(self, unit: str | None) -> float | None:
        """Give the number in another unit, None where that does not fit.

        Raises:
            UnknownUnitError: one of the units is no UCUM code.
            UsageError: ucumvert, which converts them, is not installed.
        """
        factor = conversion_factor(self.unit, unit)
        return None if factor is None else float(self.number * factor)

    def is_met(self, value: float, limit: float) -> bool:
        """Whether a value meets the limit, which is given in the unit of the value."""
        return bool(OPERATORS[self.operator](value, limit))


@dataclass(frozen=True)
class Figure:
    """What of samples is compared.

    Attributes:
        text: as it was written, with one blank between its parts.
        kind: a `quantile`, a `count` of rows, another statistic of the `values`, `rate`, `loss` or `share`.
        quantile: as a decimal number, of a quantile.
        threshold: of a share: what its samples meet.
    """

    text: str
    kind: Literal["quantile", "count", "values", "rate", "loss", "share"]
    quantile: Decimal | None = None
    threshold: Limit | None = None


def parse_limit(text: str) -> Limit:
    """Read a limit such as `< 50 ms`.

    Raises:
        ValueError: it cannot be read; the message says what to write.
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r}: write one of < <= > >=, a number and a unit, such as '< 50 ms'")
    operator = cast("Literal['<', '<=', '>', '>=']", match[1])
    number, unit = match[2], match[3]
    if abs(Decimal(number)) > Decimal("1e300"):
        raise ValueError(f"{text!r}: lies beyond the range of float64")
    return Limit(" ".join(filter(None, match.groups())), operator, Decimal(number), unit)


def parse_figure(text: str) -> Figure:
    """Read a figure such as `p95` or `share(value < 50 ms)`.

    Raises:
        ValueError: it cannot be read; the message names the nearest figure that is known.
    """
    if text in COUNTS:
        return Figure(text, "count")
    if text in OF_VALUES:
        return Figure(text, "values")
    if text == "rate":
        return Figure(text, "rate")
    if text == "loss":
        return Figure(text, "loss")
    if text in {"p0", "p100"}:
        extreme = "min" if text == "p0" else "max"
        raise ValueError(f"{text!r}: the {extreme}imum of what may come is in no sample; {extreme} is that of a run")
    match = _QUANTILE.fullmatch(text)
    if match is not None:
        quantile = Decimal(f"{match[1]}.{match[2] or 0}").scaleb(-2)
        name = f"p{int(match[1])}" + (f"_{match[2].rstrip('0')}" if match[2] and match[2].strip("0") else "")
        if name != text or not quantile:
            raise ValueError(f"{text!r}: did you mean {name!r}?")
        return Figure(text, "quantile", quantile=quantile)
    share = _SHARE.fullmatch(text)
    if share is not None:
        try:
            threshold = parse_limit(share[1])
        except ValueError as error:
            raise ValueError(f"{text!r}: write it as share(value < 50 ms)") from error
        return Figure(f"share(value {threshold.text})", "share", threshold=threshold)
    raise ValueError(f"{text!r}: {suggest(text, KNOWN, noun='figures')}")


def check_units(figure: Figure, limit: Limit) -> None:
    """Refuse limits of a unit that a figure cannot have; those of values depend on the data.

    Raises:
        ValueError: it cannot have it; the message says which.
    """
    unit = limit.unit
    if figure.kind == "rate":
        if unit is None:
            raise ValueError(f"{limit.text!r}: rate is in Hz; write '{limit.text} Hz'")
        if unit not in HERTZ and _factor(unit, "Hz", limit) is None:
            raise ValueError(f"{limit.text!r}: rate is in Hz, samples a second")
    elif figure.kind in {"loss", "share"} and unit not in {None, UNITY, "%"}:
        raise ValueError(f"{limit.text!r}: {figure.kind} is a part of the samples; write it in % or 1")
    elif figure.kind == "count" and unit not in {None, UNITY}:
        raise ValueError(f"{limit.text!r}: {figure.text} is a number without a unit")


def _factor(unit: str, to: str, limit: Limit) -> Decimal | None:
    try:
        return conversion_factor(unit, to)
    except UsageError as error:
        raise ValueError(f"{limit.text!r}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{limit.text!r}: {error}") from error
