"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 8
"""Sessions that a warning names."""


def size(number: float) -> str:
    """Write a number of bytes in decimal units."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """Write a duration."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def without_rows(sessions: Sequence[str]) -> str:
    """Write the warning that names sessions without rows, the first of them."""
    named = ", ".join(map(repr, sessions[:_NAMED])) + (", ..." if len(sessions) > _NAMED else "")
    return f"{counted(len(sessions), 'session')} without rows: {named}"
