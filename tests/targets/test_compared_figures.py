"""The figures of a check are those of `pipeline statistics`, to the last digit; shares, rates and bounds by numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from targets import START, check, rows_at, write_session

import pipeline

STATISTICS = ["p25", "p50", "p90", "p95", "p99", "p5", "p99_9", "mean", "stddev", "min", "max", "sum", "first", "last"]
COUNTS = ["count", "null_count"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three sessions of some thousand round trips, of which some are lost in two of them."""
    directory, paths = tmp_path_factory.mktemp("figures"), []
    random = np.random.default_rng(20)
    for session_id, size, lost in (("a", 3_100, 0), ("b", 4_057, 40), ("c", 3_999, 300)):
        seconds = np.sort(random.uniform(0, 120, size)).round(6)
        values = random.lognormal(3, 0.7, size).tolist()
        for at in random.choice(size, lost, replace=False):
            values[at] = None
        paths.append(write_session(directory, rows_at(seconds, values, session_id), lasts=125, session_id=session_id))
    return paths


def values_of(source, *, window=None):
    """Values by session, or session and place of a window from its start; lost ones are NaN."""
    table = pipeline.query(source, "SELECT session_id, epoch_us(timestamp) AS at, value FROM measurements")
    ids, at = np.array(table["session_id"].to_pylist()), table["at"].to_numpy()
    values = table["value"].to_numpy()
    if window is None:
        return {(one, None): values[ids == one] for one in sorted(set(ids))}
    start = int(START.timestamp() * 1e6)
    place = (at - start) // (window * 1_000_000)
    return {
        (one, nth): values[(ids == one) & (place == nth)] for one in sorted(set(ids)) for nth in range(125 // window)
    }


@pytest.mark.parametrize("lost", ["infinite", "exclude"])
@pytest.mark.parametrize(("per", "scope"), [("session", "per-session"), ("all", "cross-session")])
def test_figures_are_those_of_the_statistics(source, tmp_path, per, scope, lost):
    targets = [{"figure": figure, "limit": "< 1 ms", "per": per, "lost": lost} for figure in STATISTICS]
    targets += [{"figure": figure, "limit": "< 1", "per": per} for figure in COUNTS]
    found = check(source, tmp_path, *targets)
    table = pipeline.statistics(source, scope=scope, lost=lost, quantiles=["0.05", "0.999"])
    for target in found:
        assert [group.value for group in target.groups] == [float(one) for one in table[target.figure].to_list()]
        assert [group.lost_count for group in target.groups] == table["null_count"].to_list()


@pytest.mark.parametrize("lost", ["infinite", "exclude"])
@pytest.mark.parametrize("window", [None, 10])
def test_shares_rates_and_losses_are_counts(source, tmp_path, window, lost):
    per = "session" if window is None else f"{window}s"
    below, above, rate, loss = check(
        source,
        tmp_path,
        {"figure": "share(value <= 0.025 s)", "limit": ">= 50 %", "per": per, "lost": lost},
        {"figure": "share(value > 25 ms)", "limit": ">= 50 %", "per": per, "lost": lost},
        {"figure": "rate", "limit": "> 20 Hz", "per": per},
        {"figure": "loss", "limit": "<= 1 %", "per": per},
    )
    groups = values_of(source, window=window).values()
    assert len(groups) == len(below.groups) == len(rate.groups)
    for at, values in enumerate(groups):
        came = values[~np.isnan(values)]
        size = len(values) if lost == "infinite" else len(came)
        late = np.sum(came > 25) + (len(values) - len(came) if lost == "infinite" else 0)
        assert below.groups[at].value == np.sum(came <= 25) / size
        assert above.groups[at].value == late / size
        assert rate.groups[at].value == len(came) / (window or 125)
        assert loss.groups[at].value == (len(values) - len(came)) / len(values)


@pytest.mark.parametrize(("figure", "quantile"), [("p50", 0.5), ("p95", 0.95), ("p5", 0.05)])
@pytest.mark.parametrize("window", [None, 10, 60])
def test_bounds_are_order_statistics(source, tmp_path, figure, quantile, window):
    per = "session" if window is None else f"{window}s"
    target = {"figure": figure, "confidence": 0.9, "per": per}
    upper, lower = check(source, tmp_path, target | {"limit": "< 40 ms"}, target | {"limit": "> 40 ms"})
    for at, values in enumerate(values_of(source, window=window).values()):
        ranked, size = np.sort(np.nan_to_num(values, nan=np.inf)), len(values)
        rank = int(stats.binom.ppf(0.9, size, quantile)) + 1
        assert upper.groups[at].bound == ranked[rank - 1]
        assert upper.groups[at].verdict == ("pass" if ranked[rank - 1] < 40 else "fail")
        rank = int(stats.binom.ppf(0.1, size, quantile))
        assert lower.groups[at].bound == ranked[rank - 1]
        assert lower.groups[at].bound <= lower.groups[at].value <= upper.groups[at].bound


def test_a_bound_of_too_few_samples_cannot_be_told(tmp_path):
    for size, verdict in ((58, "cannot-tell"), (59, "pass")):
        source = write_session(tmp_path, rows_at(range(size), range(size)), lasts=size)
        (target,) = check(source, tmp_path, {"figure": "p95", "limit": "< 1 s", "confidence": 0.95})
        assert target.verdict == verdict
        assert target.groups[0].bound == (58.0 if verdict == "pass" else None)
