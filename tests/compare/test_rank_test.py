"""The exact test against scipy's, its permutations and its own definition; Holm's correction against its definition."""

from __future__ import annotations

from itertools import combinations
from math import comb, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.compare.rank_test import EXACT_PAIRS, further_sessions, holm, rank_test, smallest_p

SIZES = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=7)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=24, unique=True), st.data())
def test_without_ties_it_is_that_of_scipy(values, data):
    at = data.draw(st.integers(1, len(values) - 1))
    expected = stats.mannwhitneyu(values[at:], values[:at], alternative="two-sided", method="exact").pvalue
    assert rank_test(values[:at], values[at:]) == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, inf]), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.0, 1.0, 3.0, inf]), min_size=1, max_size=5),
)
def test_with_ties_every_choice_of_sessions_is_counted(baseline, candidate):
    ranks = stats.rankdata([*baseline, *candidate])
    found = ranks[len(baseline) :].sum()
    sums = [sum(chosen) for chosen in combinations(ranks, len(candidate))]
    below = sum(one <= found + 1e-9 for one in sums) / len(sums)
    above = sum(one >= found - 1e-9 for one in sums) / len(sums)
    assert rank_test(baseline, candidate) == pytest.approx(min(1, 2 * min(below, above)), abs=1e-12)


def test_many_sessions_are_tested_by_the_normal_distribution():
    random = np.random.default_rng(3)
    baseline, candidate = random.normal(0, 1, 60).tolist(), random.normal(0.6, 1, 60).tolist()
    assert len(baseline) * len(candidate) > EXACT_PAIRS
    expected = stats.mannwhitneyu(candidate, baseline, method="asymptotic").pvalue
    assert rank_test(baseline, candidate) == pytest.approx(expected)
    exact = stats.mannwhitneyu(candidate, baseline, method="exact").pvalue
    assert rank_test(baseline, candidate) == pytest.approx(exact, rel=0.1)


def test_fifty_a_side_are_still_exact():
    random = np.random.default_rng(4)
    baseline, candidate = random.normal(0, 1, 50).tolist(), random.normal(0.6, 1, 50).tolist()
    expected = stats.mannwhitneyu(candidate, baseline, method="exact").pvalue
    assert rank_test(baseline, candidate) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("tests", "sessions"), [(1, 4), (6, 5), (26, 7)])
def test_so_many_sessions_a_side_are_needed(tests, sessions):
    assert further_sessions(sessions, sessions, tests) == 0
    assert further_sessions(sessions - 1, sessions - 1, tests) == 1
    assert further_sessions(1, 1, tests) == sessions - 1
    assert 2 / comb(2 * sessions, sessions) * tests < 0.05 <= 2 / comb(2 * sessions - 2, sessions - 1) * tests
    assert smallest_p(sessions, sessions) == rank_test(range(sessions), range(100, 100 + sessions))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_the_correction_is_that_of_holm(found):
    corrected = holm(found)
    order = sorted(range(len(found)), key=lambda at: found[at])
    for place, at in enumerate(order):
        expected = max((len(found) - j) * found[order[j]] for j in range(place + 1))
        assert corrected[at] == pytest.approx(min(1, expected))
