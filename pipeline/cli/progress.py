"""Progress of a command on a terminal: the phase it is in, how far that is, and how long all that is left will take."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from pipeline.cli.output import duration, size
from pipeline.cli.streams import tell
from pipeline.runtime.progress import WEIGHTS, Phase, expect, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.runtime.progress import Work

_INTERVAL_SECONDS = 0.1
_DELAY_SECONDS = 0.3
_STARTED = time.monotonic()
"""When the program began, or nearly: its first line is there half a second later."""
_WINDOW_SECONDS = 5.0
_WHOLE, _BEGUN = 0.95, 0.02
"""Shares of a phase, from which on it tells of others, and of itself."""
_WRITING = {"writing", "writing statistics", "importing"}
_CLEAR_LINE = "\r\x1b[K"


class Estimate:
    """How long what is left will take: of this phase by its pace, of those that follow by their weights beside it."""

    def __init__(self, work: Work, clock: Callable[[], float]) -> None:
        self._work = work
        self._clock = clock
        self._phase: Phase | None = None
        self._began = clock()
        self._samples: deque[tuple[float, int]] = deque()
        self._seconds = self._weight = 0.0
        """Of the phases that have passed as a whole."""

    def look(self, current: Phase) -> None:
        """Take note of how far the work is; it is called every now and then."""
        now = self._clock()
        if current is not self._phase:
            if self._phase is not None and self._phase in self._work.ended:
                self._leave(self._phase, now)
            self._phase, self._began = current, now
            self._samples.clear()
        done = current.done
        # What passes before the first of it is done is no pace.
        if done or not current.total:
            self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW_SECONDS:
            self._samples.popleft()

    def _leave(self, left: Phase, now: float) -> None:
        weight = self._weight_of(left)
        if weight and (not left.total or left.done >= _WHOLE * left.total):
            self._seconds += now - self._began
            self._weight += weight

    def _weight_of(self, one: Phase) -> float:
        return self._work.expected.get(one.name, WEIGHTS.get(one.name, 0.0))

    @property
    def rate(self) -> float | None:
        """How many a second are done, over the last seconds."""
        if len(self._samples) < 2:
            return None
        (began, before), (now, done) = self._samples[0], self._samples[-1]
        return (done - before) / (now - began) if now > began and done > before else None

    @property
    def left(self) -> float | None:
        """Seconds that are left, None where nothing is known."""
        current = self._phase
        if current is None:
            return None
        begun = {current.name, *(one.name for one in list(self._work.phases))}
        later = sum(weight for name, weight in list(self._work.expected.items()) if name not in begun)
        here = self._left_of(current)
        if not (current.total or self._weight_of(current)):
            # Nobody knows of it; it is passed over.
            return later * self._seconds / self._weight if later and self._weight else None
        if here is None or not later:
            return here
        weight = self._weight + self._weight_of(current)
        if not weight:
            return None
        return here + later * (self._seconds + self._clock() - self._began + here) / weight

    def _left_of(self, current: Phase) -> float | None:
        rate = self.rate
        if current.total and rate and current.done >= _BEGUN * current.total:
            return (current.total - current.done) / rate
        weight = self._weight_of(current)
        if not weight or not self._weight:
            return None
        return max(self._seconds / self._weight * weight - (self._clock() - self._began), 0.0)


class Progress:
    """A line on standard error, where that is a terminal, for work that takes longer than a moment."""

    def __init__(
        self, doing: str, *, quiet: bool, then: str = "finishing", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin.

        Args:
            doing: what is done where no phase is told.
            quiet: show nothing.
            then: what is done behind the last phase.
            clock: seconds from anywhere on.
        """
        self._shown = not quiet and sys.stderr.isatty()
        self._clock = clock
        self._own = Phase(doing)
        self._finishing = Phase(then)
        self._written: int | None = None
        self._is_there = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        if self._shown:
            self._work = self._closing.enter_context(watched())
            expect(self._own.name)
            self._estimate = Estimate(self._work, self._clock)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()

    def end(self) -> None:
        """Show no more; the place is free for what is said next."""
        if not self._shown:
            return
        self._shown = False
        self._stop.set()
        self._thread.join(1)  # a terminal may be stopped
        self._closing.close()
        if self._is_there:
            _show(_CLEAR_LINE)

    def say(self, text: str) -> None:
        """Write lines above the one that shows the progress."""
        tell(f"{_CLEAR_LINE}{text}" if self._is_there else text)

    def update(self, done: int, total: int, written: int | None = None) -> None:
        """Take what functions of the package tell of their progress.

        Args:
            done: rows done.
            total: rows there are, at most; 0 where nobody knows.
            written: bytes written, where they are counted.
        """
        self._written = written
        if self._own.name in WEIGHTS:
            self._own.passed, self._own.total = done, total

    def _run(self) -> None:
        delay = max(_DELAY_SECONDS - (time.monotonic() - _STARTED), 0)
        while not self._stop.wait(delay):
            delay = _INTERVAL_SECONDS
            current = self._work.phase or self._between()
            self._estimate.look(current)
            line = line_of(current, self._estimate, self._written if current.name in _WRITING else None)
            self._is_there = True
            _show(f"{_CLEAR_LINE}{line}")

    def _between(self) -> Phase:
        """What is done where no phase is told."""
        if self._work.ended and not self._work.expected:
            return self._finishing
        return self._own


def line_of(current: Phase, estimate: Estimate, written: int | None = None) -> str:
    """Write the line that tells how far the work is."""
    in_rows = current.unit == "rows"
    figures = "{:,.0f}".format if in_rows else size
    noun = " rows" if in_rows else ""
    done = current.done
    parts = [current.note] if current.note else []
    if current.total:
        parts.append(f"{done / current.total:.0%} {figures(done)} of {figures(current.total)}{noun}")
    elif done:
        parts.append(f"{figures(done)}{noun}")
    if estimate.rate:
        parts.append(f"{figures(estimate.rate)}{noun}/s")
    if written:
        parts.append(size(written))
    left = estimate.left
    if left is not None:
        parts.append(f"{duration(left)} left")
    return f"{current.name}{': ' if parts else ''}{', '.join(parts)}"


def _show(text: str) -> None:
    """Write to the terminal, which nobody else waits for meanwhile."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), text.encode())
