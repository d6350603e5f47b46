"""The shift and its interval, against plain Python and scipy's own bootstrap."""

from __future__ import annotations

import statistics
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.compare.shift import effect, shift, shift_interval

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6)


@given(VALUES, VALUES)
def test_the_shift_is_the_median_of_all_differences(baseline, candidate):
    expected = statistics.median(c - b for c in candidate for b in baseline)
    assert shift(baseline, candidate) == expected


def test_the_interval_is_that_of_scipy():
    random = np.random.default_rng(5)
    baseline, candidate = random.normal(100, 4, 8), random.normal(106, 4, 9)

    def statistic(first, second):
        return float(np.median([c - b for c in second for b in first]))

    expected = stats.bootstrap(
        (baseline, candidate),
        statistic,
        n_resamples=4_000,
        vectorized=False,
        method="BCa",
        rng=np.random.default_rng(9),
    ).confidence_interval
    low, high = shift_interval(baseline.tolist(), candidate.tolist())
    assert low < shift(baseline.tolist(), candidate.tolist()) < high
    # Other draws of the same: the ends move by little of the width.
    width = high - low
    assert (low, high) == (pytest.approx(expected.low, abs=width / 20), pytest.approx(expected.high, abs=width / 20))


def test_the_interval_is_the_same_every_time_and_whatever_the_batch(monkeypatch):
    baseline, candidate = [1.0, 2.0, 4.0, 8.0], [3.0, 5.0, 9.0]
    first = shift_interval(baseline, candidate)
    assert shift_interval(baseline, candidate) == first
    monkeypatch.setattr("pipeline.compare.shift._BATCH_NUMBERS", 1_000)
    assert shift_interval(baseline, candidate) == first


def test_sides_without_spread_have_an_interval_without_width():
    assert shift_interval([2.0, 2.0], [3.0, 3.0, 3.0]) == (1.0, 1.0)
    low, high = shift_interval([2.0, 2.0, 2.0], [2.0, 2.0, 3.0])
    assert 0 <= low <= high <= 1


def test_infinite_figures_are_beyond_all_others_and_equal_each_other():
    assert shift([1.0, 2.0], [inf, inf]) == inf
    assert shift([inf, inf], [inf, inf]) == 0
    assert shift([inf, inf], [1.0, 2.0]) == -inf
    assert shift_interval([1.0, 2.0, 3.0], [inf, inf, inf]) == (inf, inf)
    low, high = shift_interval([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, inf, inf])
    assert low < 3
    assert high == inf


def test_the_effect_is_a_part_of_the_baseline():
    assert effect(2.0, 50.0) == 0.04
    assert effect(2.0, -50.0) == 0.04
    assert effect(0.0, 0.0) == 0
    assert (effect(0.1, 0.0), effect(-0.1, 0.0)) == (inf, -inf)
    assert (effect(inf, 1.0), effect(-inf, inf)) == (inf, -inf)


@pytest.mark.parametrize("infinite", [0, 2])
def test_many_sessions_have_the_interval_that_sorting_all_differences_gives(monkeypatch, infinite):
    random = np.random.default_rng(3)
    baseline, candidate = (random.normal(level, 1, size).round(1).tolist() for level, size in ((9, 13), (10, 12)))
    candidate[:infinite] = [inf] * infinite
    sorted_anew = shift_interval(baseline, candidate)
    monkeypatch.setattr("pipeline.compare.shift._FEW_PAIRS", 0)
    assert shift_interval(baseline, candidate) == sorted_anew
