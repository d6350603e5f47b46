"""What people see: progress while a command runs, and numbers as they read them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from pipeline.cli.streams import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRESS_INTERVAL_SECONDS = 0.1
_PROGRESS_DELAY_SECONDS = 0.5
_NAMED = 8
"""Sessions that a warning names."""
_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """A line on standard error, where that is a terminal, for work that takes longer than a moment."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._started = time.monotonic()
        self._next = self._started + _PROGRESS_DELAY_SECONDS
        self._written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._written:
            tell(_CLEAR_LINE)

    def update(self, done: int, total: int, written: int | None = None) -> None:
        """Show how far the work is.

        Args:
            done: rows done.
            total: rows there are, at most; 0 where nobody knows.
            written: bytes written, where they are counted.
        """
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _PROGRESS_INTERVAL_SECONDS
        self._written = True
        rate = done / (now - self._started)
        left = f", {duration((total - done) / rate)} left" if rate and total > done else ""
        sized = "" if written is None else f", {size(written)}"
        share, whole = (f"{done / total:4.0%} ", f" of {total:,}") if total else ("", "")
        tell(f"{_CLEAR_LINE}{share}{done:,}{whole} rows, {rate:,.0f} rows/s{sized}{left}")


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
