"""A short form of `benchmarks/comparing.py`: false alarms stay rare, shifts are found; its figures are numpy's."""

from __future__ import annotations

import sys
from math import inf

import numpy as np
import pytest
from project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import comparing


def test_sessions_split_at_random_seldom_differ():
    alarms = comparing.false_alarms(50)
    assert alarms.tests == comparing.METRICS * len(comparing.FIGURES)
    assert alarms.false / alarms.splits <= alarms.bound


def test_a_large_shift_is_found_and_none_is_where_it_cannot_be():
    found = {
        (kind, size): np.mean(
            [comparing._is_found(kind, 0.1, size, np.random.default_rng((2, at))) for at in range(10)]
        ).item()
        for kind in comparing.SHIFTS
        for size in (3, 10)
    }
    assert [found[kind, 3] for kind in comparing.SHIFTS] == [0, 0, 0]
    assert [found[kind, 10] for kind in ("location", "loss")] == [1, 1]


@pytest.mark.parametrize("lost", [0, 0.02, 0.06])
def test_figures_of_the_recipe_are_those_of_numpy(lost):
    random = np.random.default_rng(1)
    values = random.lognormal(size=400)
    values[random.random(400) < lost] = inf
    for figure, quantile in (("p50", 0.5), ("p95", 0.95)):
        expected = np.quantile(np.where(np.isinf(values), 1e300, values), quantile)
        assert comparing._figure(values, figure) == (pytest.approx(expected) if expected < 1e200 else inf)
