"""Histograms and summaries of OTLP as figures: counts, sums, bins and quantiles, as the protocol defines them."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LARGEST_SCALE = 60
_ENDS = {0.0: "_min", 1.0: "_max"}


class Figure(NamedTuple):
    """A figure of an aggregate.

    Attributes:
        suffix: of the name of its metric.
        value: as text, so that integers are exact.
        is_count: its unit is not that of the metric, but 1.
        lower: of a bin, the end of the one before.
        held: how many a bin has.
    """

    suffix: str
    value: str | None
    is_count: bool = False
    lower: float | None = None
    held: int | None = None


def figures_of(kind: str, point: Mapping[str, str | None]) -> Iterator[Figure]:
    """List the figures of a data point; bins that hold nothing are none.

    Args:
        kind: `histogram`, `exponential_histogram` or `summary`.
        point: its fields, as JSON where they hold more than a number.

    Raises:
        ValueError: it is none.
    """
    yield Figure("_count", point["count"] or "0", is_count=True)
    for name in ("sum", "min", "max"):
        if point[name] is not None:
            yield Figure(f"_{name}", point[name])
    if kind == "histogram":
        yield from _explicit(_counts(point["bucketCounts"]), _bounds(point["explicitBounds"] or "[]"))
    elif kind == "exponential_histogram":
        yield from _exponential(point)
    else:
        for one in _read(point["quantileValues"], list):
            quantile = _number(_dict(one).get("quantile", 0))
            if not 0 <= quantile <= 1:
                raise ValueError(f"has the quantile {quantile!r}, which none can be")
            name = _ENDS.get(quantile) or f"_p{quantile * 100:.10g}".replace(".", "_")
            yield Figure(name, str(_dict(one).get("value", 0)))


def _explicit(counts: list[int], bounds: tuple[float, ...]) -> Iterator[Figure]:
    """Give bins that end at bounds, and what lies above the last of them."""
    if counts and len(counts) != len(bounds) + 1:
        raise ValueError(f"has {len(counts)} counts of bins for {len(bounds)} bounds")
    for place, count in enumerate(counts if bounds else ()):
        lower = bounds[place - 1] if place else None
        if count and place < len(bounds):
            yield Figure("_bins", repr(bounds[place]), lower=lower, held=count)
        elif count:
            yield Figure("_beyond_bins", str(count), is_count=True, lower=lower)


def _exponential(point: Mapping[str, str | None]) -> Iterator[Figure]:
    """Give bins in the order of their values: those below zero, zero, those above."""
    scale = _integer(point["scale"] or 0)
    if abs(scale) > _LARGEST_SCALE:
        raise ValueError(f"has the scale {scale}, which none can be")
    below, above = (_dict(_read(point[name], dict)) for name in ("negative", "positive"))
    for index, count in reversed(_of_buckets(below)):
        yield Figure("_bins", repr(-_power(index, scale)), lower=-_power(index + 1, scale), held=count)
    if zeros := _integer(point["zeroCount"] or 0):
        threshold = _number(point["zeroThreshold"] or 0)
        yield Figure("_bins", repr(threshold), lower=-threshold if threshold else 0.0, held=zeros)
    for index, count in _of_buckets(above):
        yield Figure("_bins", repr(_power(index + 1, scale)), lower=_power(index, scale), held=count)


def _of_buckets(buckets: dict[str, Any]) -> list[tuple[int, int]]:
    offset = _integer(buckets.get("offset", 0))
    counts = [_integer(one) for one in buckets.get("bucketCounts") or []]
    return [(offset + place, count) for place, count in enumerate(counts) if count]


def _power(index: int, scale: int) -> float:
    """Give the base to the power of an index, where the base is 2 ** (2 ** -scale)."""
    try:
        return float(2.0 ** (index / 2.0**scale))
    except OverflowError:
        return sys.float_info.max


def _counts(text: str | None) -> list[int]:
    return [_integer(one) for one in _read(text, list)]


@cache
def _bounds_of(text: str) -> tuple[float, ...]:
    return tuple(_number(one) for one in _read(text, list))


def _bounds(text: str) -> tuple[float, ...]:
    """Read bounds, which are mostly the same in all points."""
    if _bounds_of.cache_info().currsize > 1000:
        _bounds_of.cache_clear()
    return _bounds_of(text)


def _read(text: str | None, kind: type[Any]) -> Any:  # noqa: ANN401 - any JSON of this kind
    value = kind() if text is None else json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(f"has {text:.60} where a {'list' if kind is list else 'object'} must be")  # noqa: TRY004
    return value


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _integer(value: object) -> int:
    """Read an integer of 64 bits, which OTLP writes as text."""
    try:
        number = int(value) if isinstance(value, int | str) else None
    except ValueError:
        number = None
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError(f"has {value!r:.60} where an integer of 64 bits must be")
    return number


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else float("x")
    except (ValueError, OverflowError):
        raise ValueError(f"has {value!r:.60} where a number must be") from None
