"""Kills exports at random moments and lets the same export continue."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING

from exports import COMMAND, MANY_FILES, STAGE, make_store, run, words_of
from injection import contents, empty, require
from starter import Starter

if TYPE_CHECKING:
    from pathlib import Path

SESSIONS = 8
ROWS = 300


def kill_at_random(directory: Path, variant: str, number: int, *, seed: int) -> Counter[str]:
    """Kill a number of exports, each in a process of its own; continue each and compare.

    Args:
        directory: a new directory.
        variant: one of `exports.VARIANTS`.
        number: how many to kill; those that ended before do not count.
        seed: of the moments.

    Returns:
        how many left a package that was whole, a stage that was continued, one in which nothing was finished, or
        nothing.

    Raises:
        WrongOutcomeError: what one left was not right.
    """
    sessions = MANY_FILES.get(variant, SESSIONS)
    store = make_store(directory, sessions=sessions, rows=SESSIONS * ROWS // sessions)
    package = directory / "out" / "package"
    # Small batches, so that there are many moments; with threads, as the command works by default.
    words = words_of(variant, store, package, "--threads", "2", "--batch-size", "50")
    outcomes: Counter[str] = Counter()
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with Starter(directory / "errors") as starter:
        lasted = []
        for _ in range(5):
            empty(package.parent)
            started = time.monotonic()
            starter.start(COMMAND, [words], traced=False)
            status, said, _ = starter.wait()
            require(status == 0, f"{variant}: undisturbed it says {said}")
            lasted.append(time.monotonic() - started)
        wanted = contents(package)
        while sum(outcomes.values()) < number:
            empty(package.parent)
            process = starter.start(COMMAND, [words], traced=False)
            # Not the longest time: a run that something else held up would let most others end before the kill.
            time.sleep(draw.uniform(0, statistics.median(lasted) * 1.1))
            os.kill(process, signal.SIGKILL)
            status, said, _ = starter.wait()
            if status != -signal.SIGKILL:
                require(status == 0, f"{variant}: an export that was not killed says {said}")
                continue
            outcomes[_continue(words, package, wanted, variant)] += 1
    return outcomes


def _continue(words: list[str], package: Path, wanted: dict[str, bytes] | None, variant: str) -> str:
    """Run the same command again; give what it found."""
    found = contents(package)
    require(found in (None, wanted), f"{variant}: a kill left {found and sorted(found)}")
    stage = package.parent / STAGE
    finished = (stage / "package").is_dir() and (stage / "journal").exists()
    kept = {path.stat().st_ino for path in (stage / "package").iterdir()} if finished and found is None else set()
    status, said = run(words)
    require(status == 0, f"{variant}: what was killed does not continue: {said}")
    require(contents(package) == wanted, f"{variant}: what was continued is another package")
    left = sorted(path.name for path in package.parent.iterdir())
    require(left == ["package"], f"{variant}: leaves {left}")
    if found:
        return "published"
    if kept & {path.stat().st_ino for path in package.iterdir()}:
        return "continued"
    return "begun again" if finished else "nothing was staged"
