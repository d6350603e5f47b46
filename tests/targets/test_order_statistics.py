"""Numbers of samples and ranks of confidence bounds, against scipy's binomial distribution and numpy's quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.targets.order_statistics import lower_rank, minimum_samples, rank_quantile, upper_rank

SIZES = (1, 2, 4, 5, 58, 59, 60, 298, 299, 300, 1_000, 2_995, 12_345, 1_000_000, 300_000_000)
QUANTILES = (0.001, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999)


@pytest.mark.parametrize(("quantile", "samples"), [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2_995)])
def test_a_quantile_needs_so_many_samples_that_one_lies_beyond_it(quantile, samples):
    assert minimum_samples(quantile) == minimum_samples(1 - quantile) == samples
    assert 1 - quantile**samples >= 0.95 > 1 - quantile ** (samples - 1)
    # The same is where the largest sample becomes a bound.
    assert upper_rank(samples, quantile, 0.95) == samples
    assert upper_rank(samples - 1, quantile, 0.95) is None


@pytest.mark.parametrize("quantile", QUANTILES)
@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.95, 0.999])
def test_ranks_are_those_of_the_binomial_distribution(quantile, confidence):
    for size in SIZES:
        rank = int(stats.binom.ppf(confidence, size, quantile)) + 1
        assert upper_rank(size, quantile, confidence) == (rank if rank <= size else None)
        # The largest r with P(B <= r - 1) <= 1 - confidence.
        beyond = int(stats.binom.ppf(1 - confidence, size, quantile))
        low = beyond if stats.binom.cdf(beyond, size, quantile) > 1 - confidence else beyond + 1
        assert lower_rank(size, quantile, confidence) == (low or None)


def test_the_quantile_of_a_rank_is_its_sample_or_next_to_it():
    values = np.sort(np.random.default_rng(7).lognormal(size=400))
    found = set()
    for size in range(1, 401, 13):
        for rank in range(1, size + 1, 7):
            q, is_exact = rank_quantile(rank, size)
            h = float(size - 1) * float(q)
            assert h == rank - 1 if is_exact else 0 < h - (rank - 1) < 1e-9
            found.add(is_exact)
            sample = np.quantile(values[:size], float(q))
            assert sample == pytest.approx(values[rank - 1], rel=1e-9)
    assert found == {True, False}
