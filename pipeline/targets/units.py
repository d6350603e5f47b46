"""Units of limits and of data: UCUM codes, converted by ucumvert where two that differ meet."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipeline.errors import UsageError

UNITY = "1"
HERTZ = frozenset({"Hz", "/s", "1/s", "s-1"})
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
"""Units that nearly all limits are in; ucumvert, which says the same of them, takes more than a second to load."""
_PARTS = {UNITY: Decimal(1), "%": Decimal("0.01")}
_TIME = re.compile(r"(?:[YZEPTGMkhdcmunpfazy]|da)?s|min|h|d|wk")


class UnknownUnitError(ValueError):
    """What is no UCUM code.

    Attributes:
        unit: it, without annotations.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__(f"{unit!r} is no UCUM code")


def is_time(unit: str | None) -> bool:
    """Whether a unit is one of time, such as `ms`."""
    return unit is not None and _TIME.fullmatch(unit) is not None


def conversion_factor(unit: str | None, to: str | None) -> Decimal | None:
    """Give by what a number of one unit is multiplied to be one of another.

    Args:
        unit: the one; None is that no unit is named.
        to: the other.

    Returns:
        the factor, exact where it is a decimal number, as those of prefixes are; None where the units do not fit: they
        are of other dimensions, one of them is not known, or they have no common zero, as Cel and K.

    Raises:
        UnknownUnitError: one is no UCUM code; the message names it.
        UsageError: ucumvert is not installed.
    """
    if unit == to or {unit, to} <= HERTZ:
        return Decimal(1)
    if unit is None or to is None:
        # A number without a unit is one of the unit 1.
        return Decimal(1) if {unit, to} == {None, UNITY} else None
    for scale in (_SECONDS, _PARTS):
        if unit in scale and to in scale:
            return scale[unit] / scale[to]
    return _converted(plain_unit(unit), plain_unit(to))


def plain_unit(unit: str) -> str:
    """Leave out annotations, which mean nothing: `{packet}/s` is `/s`, and `{packet}` is 1 (UCUM, section 12)."""
    return _ANNOTATION.sub("", unit) or UNITY


@lru_cache(maxsize=256)
def _converted(unit: str, to: str) -> Decimal | None:
    if unit == to:
        return Decimal(1)
    (of_unit, root), (of_to, other_root) = _in_roots(unit), _in_roots(to)
    # Bits are no numbers, nor are radians, though UCUM and pint give both the dimension 1.
    return of_unit / of_to if root == other_root and root is not None else None


def _in_roots(unit: str) -> tuple[Decimal, Any]:
    """Express a unit in pint's base units; None instead of these where its scale has another zero."""
    registry, invalid = _registry()
    try:
        parsed = registry.from_ucum(unit)
    except (invalid, AttributeError, ValueError) as error:  # what the grammar, and what pint does not know
        raise UnknownUnitError(unit) from error
    factor, root = registry.get_root_units(parsed.units)
    zero = registry.Quantity(0.0, parsed.units).to(root).magnitude  # of dB it is 1
    return Decimal(repr(factor)) * Decimal(repr(parsed.magnitude)), root if zero == 0 else None


@lru_cache(maxsize=1)
def _registry() -> tuple[Any, type[Exception]]:
    """Give the units of UCUM, and the error of what is none."""
    try:
        from ucumvert import PintUcumRegistry  # noqa: PLC0415 - an optional dependency, and slow to load
        from ucumvert.parser import InvalidUcumError  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "units that differ are converted by ucumvert, which is not installed: "
            "`uv run --extra units pipeline ...` or pip install '.[units]' in the project's directory, or "
            "write limits in the units of the data"
        ) from error
    return PintUcumRegistry(), InvalidUcumError
