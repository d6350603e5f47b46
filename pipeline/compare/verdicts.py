"""The verdicts of a comparison, over all its figures together; docs/comparing.md defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.compare.comparison import Compared
from pipeline.compare.rank_test import LEVEL, further_sessions, holm, rank_test, smallest_p
from pipeline.compare.shift import effect, median, shift, shift_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.compare.comparison import SessionFigure, Verdict
    from pipeline.model.metric_facts import Better


class Sides(NamedTuple):
    """A figure of a metric, of each session of both sides.

    Attributes:
        metric: the metric.
        unit: unit of its values.
        figure: the figure.
        better: which way is better, None where nobody knows.
        baseline: of each session of the baseline that has it.
        candidate: the same of the candidate.
    """

    metric: str
    unit: str | None
    figure: str
    better: Better | None
    baseline: Sequence[SessionFigure]
    candidate: Sequence[SessionFigure]


def judge_all(asked: Sequence[Sides], min_effect: float) -> tuple[Compared, ...]:
    """Judge figures, whose tests are corrected together.

    Args:
        asked: the figures.
        min_effect: smallest effect that counts.

    Raises:
        UsageError: scipy is not installed.
    """
    found = [
        rank_test([b.value for b in one.baseline], [c.value for c in one.candidate])
        if one.baseline and one.candidate
        else None
        for one in asked
    ]
    corrected = iter(holm([p for p in found if p is not None]))
    tests = sum(p is not None for p in found)
    return tuple(
        _judged(one, p, None if p is None else next(corrected), tests, min_effect)
        for one, p in zip(asked, found, strict=True)
    )


def _judged(one: Sides, p: float | None, corrected: float | None, tests: int, min_effect: float) -> Compared:
    baseline, candidate = ([figure.value for figure in side] for side in (one.baseline, one.candidate))
    before, after = (float(median(np.array(side))) if side else None for side in (baseline, candidate))
    moved = shift(baseline, candidate) if baseline and candidate else None
    low, high = shift_interval(baseline, candidate) if min(len(baseline), len(candidate)) > 1 else (None, None)
    part = None if moved is None or before is None else effect(moved, before)
    verdict, further, reason = _untold(len(baseline), len(candidate), corrected, tests)
    if not reason:
        is_beyond = low is not None and high is not None and (low > 0 or high < 0)
        is_large = part is not None and abs(part) >= min_effect
        if corrected is not None and corrected < LEVEL and is_beyond and is_large:
            verdict = _change(one.better, is_larger=part is not None and part > 0)
    return Compared(
        verdict=verdict,
        metric=one.metric,
        unit=one.unit,
        figure=one.figure,
        better=one.better,
        baseline=tuple(one.baseline),
        candidate=tuple(one.candidate),
        baseline_median=before,
        candidate_median=after,
        shift=moved,
        low=low,
        high=high,
        effect=part,
        p=p,
        corrected_p=corrected,
        further_sessions=further,
        reason=reason,
    )


def _untold(baseline: int, candidate: int, corrected: float | None, tests: int) -> tuple[Verdict, int, str]:
    """Say whether so many sessions could tell anything: the verdict if not more is known, what lacks, and why."""
    if corrected is None:
        side = "candidate" if baseline else "baseline" if candidate else "two sides"
        return "cannot-tell", 0, f"no session of the {side} has it"
    could_be_told = min(baseline, candidate) > 1 and smallest_p(baseline, candidate) * tests < LEVEL
    if could_be_told or (corrected < LEVEL and min(baseline, candidate) > 1):
        return "no-change", 0, ""
    further = max(further_sessions(baseline, candidate, tests), 1)
    of_tests = "1 test" if tests == 1 else f"{tests:,} tests"
    more = f"{further:,} more session{'' if further == 1 else 's'} a side"
    return "cannot-tell", further, f"{of_tests}: needs {more}"


def _change(better: Better | None, *, is_larger: bool) -> Verdict:
    if better is None:
        return "change"
    return "regression" if is_larger == (better == "lower") else "improvement"
