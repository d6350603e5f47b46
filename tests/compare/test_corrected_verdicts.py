"""Verdicts over several figures together: what one test alone would tell, many of them may not."""

from __future__ import annotations

import pytest

from pipeline.compare.comparison import SessionFigure
from pipeline.compare.verdicts import Sides, judge_all


def sides(baseline, candidate, figure="p50"):
    def figures(values):
        return [SessionFigure(session_id=str(at), value=one, count=9, lost_count=0) for at, one in enumerate(values)]

    return Sides("latency", "ms", figure, "lower", figures(baseline), figures(candidate))


NEARLY_APART = ([1.0, 2.0, 3.0, 4.0, 5.5], [5.0, 6.0, 7.0, 8.0, 9.0])
APART = ([1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0])


def test_what_one_test_tells_six_may_not():
    (alone,) = judge_all([sides(*NEARLY_APART)], 0.02)
    assert (alone.verdict, alone.p, alone.corrected_p) == ("regression", pytest.approx(4 / 252), pytest.approx(4 / 252))
    six = judge_all([sides(*NEARLY_APART)] * 6, 0.02)
    assert {one.verdict for one in six} == {"no-change"}
    assert [one.corrected_p for one in six] == [pytest.approx(24 / 252)] * 6
    assert all(one.low > 0 and one.effect > 0.02 for one in six)
    six = judge_all([sides(*APART)] * 6, 0.02)
    assert {one.verdict for one in six} == {"regression"}


def test_an_interval_that_reaches_0_is_no_regression():
    # Three times as many of the new sessions have a sample lost, and still most pairs do not differ.
    (found,) = judge_all([sides([0.0] * 24 + [1.0] * 6, [0.0] * 12 + [1.0] * 18, "null_count")], 0)
    assert found.corrected_p < 0.01
    assert (found.shift, found.low, found.high) == (0, 0, 1)
    assert found.verdict == "no-change"


def test_a_metric_with_few_sessions_is_told_apart_from_the_others():
    found = judge_all([sides(*APART), sides([1.0, 2.0], [3.0, 4.0], "p95"), sides([], [1.0], "loss")], 0.02)
    assert [one.verdict for one in found] == ["regression", "cannot-tell", "cannot-tell"]
    assert [one.further_sessions for one in found] == [0, 3, 0]
    assert found[1].reason == "2 tests: needs 3 more sessions a side"
