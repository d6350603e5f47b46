"""How often comparisons are wrong, and how often they find a shift that is there.

    python benchmarks/comparing.py alarms [SPLITS]    sessions of one kind, split at random: every alarm is false
    python benchmarks/comparing.py shifts [TIMES]     shifts of known size: how often each is found

Sessions differ from each other, and their samples more so. The verdicts are those of the program; the alarms are of
sessions that it imported, with the figures that it gives of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import pipeline
from pipeline.compare.comparison import SessionFigure
from pipeline.compare.rank_test import LEVEL, holm, rank_test
from pipeline.compare.verdicts import Sides, judge_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

SESSIONS = 20
METRICS = 6
FIGURES = ("p50", "p95", "loss")
MIN_EFFECT = 0.02
BETWEEN, WITHIN, LOST = 0.02, 0.4, 0.01
"""Deviation of the logarithms of the sessions' levels and of their samples; part of these that is lost."""
SAMPLES = 400
SIZES = (3, 5, 10, 30)
PARTS = (0.01, 0.02, 0.05, 0.1)
_ALARMS = {"regression", "improvement", "change"}


class Alarms(NamedTuple):
    """What came of splits at random.

    Attributes:
        splits: number of splits.
        false: number of those in which any figure of any metric was said to differ.
        tests: number of tests of each split.
    """

    splits: int
    false: int
    tests: int

    @property
    def bound(self) -> float:
        """What the part of false ones may be: 5% and two standard errors."""
        return LEVEL + 2 * (LEVEL * (1 - LEVEL) / self.splits) ** 0.5


def session_values(random: Generator) -> NDArray[np.float64]:
    """Draw the latencies of a session, in ms; lost ones are infinite."""
    values = 50 * np.exp(random.normal(0, BETWEEN) + random.normal(0, WITHIN, SAMPLES))
    values[random.random(SAMPLES) < LOST] = np.inf
    return values


def false_alarms(splits: int, *, sessions: int = SESSIONS, seed: int = 1) -> Alarms:
    """Split sessions of one kind at random, half and half, and count in how many splits anything is told."""
    random = np.random.default_rng(seed)
    with TemporaryDirectory() as directory:
        rows = _figures(_store(Path(directory), random, sessions))
    false = 0
    for _ in range(splits):
        on_baseline = set(random.permutation(sessions)[: sessions // 2].tolist())
        sides = [
            Sides(
                metric,
                "ms",
                figure,
                "lower",
                [one for at, one in enumerate(values) if at in on_baseline],
                [one for at, one in enumerate(values) if at not in on_baseline],
            )
            for (metric, figure), values in rows.items()
        ]
        false += any_alarm(sides)
    return Alarms(splits, false, len(rows))


def any_alarm(sides: Sequence[Sides]) -> bool:
    """Whether any figure is said to differ; what the test does not tell, corrected over all, needs no interval."""
    found = [rank_test([one.value for one in side.baseline], [one.value for one in side.candidate]) for side in sides]
    told = [side for side, corrected in zip(sides, holm(found), strict=True) if corrected < LEVEL]
    return any(judge_all([side], MIN_EFFECT)[0].verdict in _ALARMS for side in told)


def _store(directory: Path, random: Generator, sessions: int) -> Path:
    path = directory / "sessions.ndjson"
    with path.open("w") as file:
        for session in range(sessions):
            sequence = 0
            for metric in range(METRICS):
                for value in session_values(random).tolist():
                    row = {
                        "session_id": f"session-{session:03}",
                        "sequence": sequence,
                        "timestamp": f"2026-11-24T16:{session // 60:02}:{session % 60:02}.{sequence:06}Z",
                        "metric": f"latency_{metric}",
                        "value": None if value == np.inf else value,
                        "unit": "ms",
                    }
                    print(json.dumps(row), file=file)
                    sequence += 1
    pipeline.import_sessions(path, directory / "store")
    return directory / "store"


def _figures(store: Path) -> dict[tuple[str, str], list[SessionFigure]]:
    """Give the figures of each session, as a comparison has them."""
    last = pipeline.list_sessions(store)[-1]["session_id"]
    found = pipeline.compare_sessions(
        store, f"session_id < '{last}'", f"session_id = '{last}'", figures=FIGURES, better="lower"
    )
    return {(row.metric, row.figure): [*row.baseline, *row.candidate] for row in found.rows}


SHIFTS: dict[str, Callable[[NDArray[np.float64], float, Generator], NDArray[np.float64]]] = {
    "location": lambda values, part, _: values * (1 + part),
    "tail": lambda values, part, _: np.where(values > np.quantile(values, 0.9), values * (1 + part), values),
    "loss": lambda values, part, random: np.where(random.random(len(values)) < part, np.inf, values),
}
"""What is done to all samples of a candidate: all are larger, the largest tenth is, or so many more are lost."""


def found_shifts(times: int, *, seed: int = 1) -> dict[tuple[str, float, int], float]:
    """Tell how often a difference is found, of any of three figures of one metric.

    Returns:
        part of the comparisons, by kind and size of the shift and by the number of sessions a side.
    """
    return {
        (kind, part, size): np.mean(
            [_is_found(kind, part, size, np.random.default_rng((seed, at, size))) for at in range(times)]
        ).item()
        for kind in SHIFTS
        for part in PARTS
        for size in SIZES
    }


def _is_found(kind: str, part: float, size: int, random: Generator) -> bool:
    baseline = [session_values(random) for _ in range(size)]
    candidate = [SHIFTS[kind](session_values(random), part, random) for _ in range(size)]
    sides = [
        Sides("latency", "ms", figure, "lower", *(_side(values, figure) for values in (baseline, candidate)))
        for figure in FIGURES
    ]
    return any_alarm(sides)


def _side(sessions: Sequence[NDArray[np.float64]], figure: str) -> list[SessionFigure]:
    return [
        SessionFigure(session_id=str(at), value=_figure(values, figure), count=len(values), lost_count=0)
        for at, values in enumerate(sessions)
    ]


def _figure(values: NDArray[np.float64], figure: str) -> float:
    if figure == "loss":
        return float(np.isinf(values).mean())
    h = (len(values) - 1) * {"p50": 0.5, "p95": 0.95}[figure]
    low, high = np.sort(values)[[int(h), int(h) + 1]].tolist()
    return low if h == int(h) else high if high == np.inf else low + (high - low) * (h - int(h))


def main() -> None:
    """Print what was asked for as a table."""
    what, *times = sys.argv[1:] or ["help"]
    if what == "alarms":
        alarms = false_alarms(int(times[0]) if times else 1_000)
        part = f"{alarms.false / alarms.splits:.1%} (at most {alarms.bound:.1%})"
        print(f"{alarms.false} of {alarms.splits} splits, {part},")
        print(f"{SESSIONS // 2} sessions a side, {alarms.tests} tests each")
    elif what == "shifts":
        found = found_shifts(int(times[0]) if times else 100)
        print("| shift | " + " | ".join(f"{size} a side" for size in SIZES) + " |")
        print("|---|" + "---|" * len(SIZES))
        for kind in SHIFTS:
            for part in PARTS:
                cells = " | ".join(f"{found[kind, part, size]:.0%}" for size in SIZES)
                print(f"| {kind} {part:.0%} | {cells} |")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
