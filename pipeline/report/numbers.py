"""Numbers as people read them."""

from __future__ import annotations

import math

DIGITS = 6
"""Significant digits that are shown."""
_TIMES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def shown(value: float | None) -> str:
    """Write a figure with six significant digits, nothing for one that does not exist."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    if isinstance(value, int):
        return f"{value:,}"
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{DIGITS}g}".replace("-", "\N{MINUS SIGN}", 1) if value < 0 else f"{value:.{DIGITS}g}"
    digits = DIGITS - 1 - (math.floor(math.log10(abs(value))) if value else 0)
    text = f"{float(f'{value:.{DIGITS}g}'):,.{max(0, digits)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "\N{MINUS SIGN}") or "0"


def axis_number(value: float) -> str:
    """Write a number at an axis, short."""
    size = abs(value)
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.4g}{letter}".replace("-", "\N{MINUS SIGN}")
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def share(part: int, whole: int) -> str:
    """Write a share in per cent."""
    return f"{100 * part / whole:.3g} %" if whole else ""


def time_text(seconds: float) -> str:
    """Write a time since the start of a session."""
    for length, unit in _TIMES:
        if abs(seconds) >= 2 * length or (seconds and abs(seconds) % length == 0 and abs(seconds) >= length):
            return f"{seconds / length:.4g} {unit}"
    return f"{seconds:.4g} s"
