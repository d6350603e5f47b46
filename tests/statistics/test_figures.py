"""Every figure of the statistics against numpy, Polars and exact fractions; definitions are those of DESIGN.md."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from math import inf, nan

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest
from figures import (
    COUNTS,
    ENDS,
    FIGURES,
    LARGEST,
    QUANTILES,
    _numbers,
    by_group,
    check,
    close,
    figures,
    sample,
    ticks,
    type_7,
    values_figures,
    within_ulps,
    write_parquet,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from project import FIXTURE_STORE, SHARED

RECORDED_NDJSON = sorted((SHARED / "teleoperation").glob("*.ndjson"))


def frame_rows(frame):
    """Rows of a frame as dicts, times as ticks."""
    return frame.with_columns(pl.col("timestamp").dt.epoch("us")).to_dicts()


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("lost", ["exclude", "infinite"])
def test_recorded_sessions_match_fractions(recorded, tmp_path, pooled, lost):
    found = check(FIXTURE_STORE, frame_rows(recorded), tmp_path, pooled=pooled, lost=lost)
    assert sum(r["null_count"] for r in found) == recorded["value"].null_count() > 0


@pytest.mark.skipif(not RECORDED_NDJSON, reason="the recorded NDJSON files are not here")
def test_recorded_ndjson_matches_numpy(tmp_path):
    rows = [json.loads(line) for file in RECORDED_NDJSON for line in file.read_text("utf-8").splitlines()]
    found = by_group(figures(RECORDED_NDJSON, tmp_path, quantiles=["0.999"]), ["session_id", "metric", "unit"])
    for group, have in found.items():
        members = [r for r in rows if (r["session_id"], r["metric"], r["unit"]) == group]
        values = np.array([r["value"] for r in members if r["value"] is not None])
        assert [have[name] for name in COUNTS] == [len(values), len(members) - len(values), 0]
        assert (have["min"], have["max"]) == (values.min(), values.max())
        for name, q in {**QUANTILES, "p99_9": 0.999}.items():
            wanted = float(np.quantile(values, q, method="linear"))
            assert abs(have[name] - wanted) <= 2 * math.ulp(wanted), (group, name)
        assert close(have["mean"], float(np.mean(values.astype(np.longdouble))))
        assert close(have["sum"], math.fsum(values))
        deviation = float(np.std(values.astype(np.longdouble), ddof=1)) if len(values) > 1 else None
        assert close(have["stddev"], deviation)
        sampled = sorted((r["timestamp"], r["sequence"], r["value"]) for r in members if r["value"] is not None)
        assert [have["first"], have["last"]] == [sampled[0][2], sampled[-1][2]]
        times = [ticks(sampled[0][0]), ticks(sampled[-1][0])]
        assert [have["first_timestamp"], have["last_timestamp"]] == times
    assert len(found) == len({(r["session_id"], r["metric"], r["unit"]) for r in rows})


def polars_figures(frame, keys):
    """Aggregate as a Polars user would."""
    value = pl.col("value")
    return frame.group_by(keys).agg(
        value.count().alias("count"),
        value.null_count().alias("null_count"),
        pl.col("session_id").n_unique().alias("session_count"),
        value.mean().alias("mean"),
        value.std(ddof=1).alias("stddev"),
        value.min().alias("min"),
        *(value.quantile(q, "linear").alias(name) for name, q in QUANTILES.items()),
        value.max().alias("max"),
        value.sum().alias("sum"),
    )


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        (["session_id", "metric", "unit"], {}),
        (["metric", "unit"], {"scope": "cross-session"}),
        (["metric", "unit", "network_profile"], {"scope": "cross-session", "by": ["network_profile"]}),
        (["session_id", "metric", "unit", "channel"], {"by": ["channel"]}),
        (["session_id", "metric", "unit", "window_start"], {"window": "10s"}),
        (["metric", "unit", "window_start"], {"scope": "cross-session", "window": "1m"}),
    ],
)
def test_recorded_sessions_match_polars(recorded, tmp_path, keys, options):
    frame = recorded.filter(pl.col("value").is_null() | pl.col("value").is_finite())
    if "window_start" in keys:
        start = pl.col("timestamp").dt.truncate(options["window"]).dt.epoch("us")
        frame = frame.with_columns(start.alias("window_start"))
    expected = by_group(polars_figures(frame, keys).to_dicts(), keys)
    found = by_group(figures(FIXTURE_STORE, tmp_path, **options), keys)
    assert found.keys() == expected.keys()
    for group, want in expected.items():
        have = found[group]
        for name in ["count", "null_count", "min", "max"]:
            assert have[name] == want[name], (group, name)
        if options.get("scope") == "cross-session":
            assert have["session_count"] == want["session_count"]
        if not want["count"]:
            assert [have[name] for name in FIGURES] == [None] * len(FIGURES)
            assert have["sum"] is None
            continue
        scale = max(abs(want["min"]), abs(want["max"]))
        assert all(within_ulps(have[name], want[name], scale) for name in QUANTILES)
        # Polars sums in floating point: its own error is larger than ours.
        assert all(close(have[name], want[name], 1e-9) for name in ("mean", "sum"))
        assert close(have["stddev"], want["stddev"], 1e-6) or have["stddev"] < 1e-9 * scale


def test_nanoseconds_are_kept_in_first_and_last_times(tmp_path):
    start = ticks("2026-11-24T16:00:00.123456789Z", "ns")
    rows = [sample(at, value, timestamp=start + at) for at, value in enumerate([2.0, 1.0, 3.0])]
    found = figures(write_parquet(tmp_path / "a.parquet", rows, "ns"), tmp_path)[0]
    assert (found["first_timestamp"], found["last_timestamp"]) == (start, start + 2)
    assert (found["first"], found["last"]) == (2.0, 3.0)


def test_lost_samples_count_as_infinite_in_quantiles_alone(tmp_path):
    values = [3.0, None, 1.0, None, 2.0, nan, inf]
    found = values_figures(values, tmp_path, lost="infinite", quantiles=["0.3", "0.6", "0", "1"])
    assert [found[name] for name in COUNTS] == [3, 2, 2]
    assert (found["p0"], found["p25"], found["p50"], found["p75"], found["p100"]) == (1.0, 2.0, 3.0, inf, inf)
    # Between a finite and an infinite rank the quantile is infinite.
    assert found["p60"] == inf
    assert within_ulps(found["p30"], 2.2, 3.0)
    assert (found["min"], found["max"], found["mean"], found["sum"]) == (1.0, 3.0, 2.0, 6.0)
    excluded = values_figures(values, tmp_path)
    assert (excluded["p50"], excluded["p99"]) == (2.0, type_7([1.0, 2.0, 3.0], 0.99))


def test_a_metric_that_is_all_null_has_a_row_without_figures(tmp_path):
    rows = [sample(at, None, metric="lost") for at in range(3)] + [sample(3, 1.0, metric="kept")]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = by_group(check(source, rows, tmp_path), ["metric"])
    assert [found[("lost",)][name] for name in [*COUNTS, *FIGURES, *ENDS]] == [0, 3, 0, *[None] * 15]
    infinite = by_group(figures(source, tmp_path, lost="infinite"), ["metric"])[("lost",)]
    assert [infinite[name] for name in QUANTILES] == [inf] * 6
    assert [infinite[name] for name in ("min", "max", "mean", "sum", "first")] == [None] * 5


def test_one_measurement_has_no_deviation_and_is_every_quantile(tmp_path):
    found = values_figures([-4.25], tmp_path, quantiles=["0", "1", "0.999"])
    assert found["stddev"] is None
    names = ["mean", "min", *QUANTILES, "p0", "p100", "p99_9", "max", "sum", "first", "last"]
    assert {found[name] for name in names} == {-4.25}


def test_non_finite_values_are_counted_and_enter_nothing(tmp_path):
    found = values_figures([nan, 1.0, inf, 3.0, -inf, None], tmp_path)
    assert [found[name] for name in COUNTS] == [2, 1, 3]
    assert (found["min"], found["max"], found["mean"], found["sum"]) == (1.0, 3.0, 2.0, 4.0)
    assert (found["first"], found["last"]) == (1.0, 3.0)
    # The times are those of the first and last value, not of rows that have none.
    start = sample(0, 0)["timestamp"]
    assert (found["first_timestamp"], found["last_timestamp"]) == (start + 1_000_000, start + 3_000_000)
    alone = values_figures([nan, -inf], tmp_path)
    assert [alone[name] for name in [*COUNTS, *FIGURES, *ENDS]] == [0, 0, 2, *[None] * 15]


def test_sums_overflow_to_infinity_while_the_mean_stays_finite(tmp_path):
    found = values_figures([1.7e308, 1.7e308, 1.7e308], tmp_path)
    assert (found["sum"], found["mean"], found["stddev"], found["p50"]) == (inf, 1.7e308, 0.0, 1.7e308)
    assert values_figures([-LARGEST] * 2, tmp_path)["sum"] == -inf
    # On the way the sum is beyond the range, in the end it is not.
    found = values_figures([LARGEST, LARGEST, -LARGEST, -LARGEST, 1.0], tmp_path)
    assert (found["sum"], found["mean"]) == (1.0, 0.2)


def test_quantiles_between_values_whose_difference_overflows(tmp_path):
    found = values_figures([1.7e308, -1.7e308], tmp_path, quantiles=["0.1"])
    for name, q in {**QUANTILES, "p10": 0.1}.items():
        exact = Fraction(-1.7e308) * (1 - Fraction(q)) + Fraction(1.7e308) * Fraction(q)
        assert within_ulps(found[name], float(exact), 1.7e308), name
    assert (found["mean"], found["sum"]) == (0.0, 0.0)


def test_subnormal_values_are_exact(tmp_path):
    least = 5e-324
    found = values_figures([least, 2 * least, 3 * least], tmp_path)
    assert [found[name] for name in ("min", "p50", "max", "sum", "mean")] == [
        least,
        2 * least,
        3 * least,
        6 * least,
        2 * least,
    ]
    assert found["stddev"] == least
    check_values = [2.2250738585072014e-308, 2.225073858507201e-308, -least, 1e-310]
    rows = [sample(at, value) for at, value in enumerate(check_values)]
    check(write_parquet(tmp_path / "small.parquet", rows), rows, tmp_path)


def test_the_zeros_are_equal_and_figures_do_not_depend_on_their_order(tmp_path):
    forwards = values_figures([-0.0, 0.0, -0.0], tmp_path)
    backwards = values_figures([0.0, -0.0, 0.0], tmp_path)
    ranked = ["min", *QUANTILES, "max", "sum", "mean", "stddev"]
    assert [repr(forwards[name]) for name in ranked] == [repr(backwards[name]) for name in ranked]
    assert all(forwards[name] == 0 for name in ranked)


def test_first_and_last_are_the_very_values_of_their_rows(tmp_path):
    found = values_figures([-0.0, 1.0, -0.0], tmp_path)
    assert (repr(found["first"]), repr(found["last"])) == ("-0.0", "-0.0")
    found = values_figures([0.0, -0.0], tmp_path)
    assert (repr(found["first"]), repr(found["last"])) == ("0.0", "-0.0")


def test_equal_values_deviate_by_exactly_nothing(tmp_path):
    for value in (0.1, 1e16 + 2, 1e-300, LARGEST, 123.456):
        found = values_figures([value] * 1000, tmp_path)
        assert (found["stddev"], found["mean"], found["p99"]) == (0.0, value, value)


@pytest.mark.parametrize(
    "values",
    [
        [1e16 + 2, 1e16, 1e16 - 2, 1.0, -1.0, -1e16],
        [1e16, 1.0, -1e16],
        [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16],
        [0.1] * 10 + [0.30000000000000004],
        [1e308, 1.0, -1e308, 1e-308],
        [1 + 2.0**-52, 1.0],
    ],
)
def test_cancellation_loses_nothing(tmp_path, values):
    rows = [sample(at, value) for at, value in enumerate(values)]
    check(write_parquet(tmp_path / "a.parquet", rows), rows, tmp_path)


def test_first_and_last_go_by_time_then_sequence(tmp_path):
    start = sample(0, 0)["timestamp"]
    # Times run backwards and repeat; the earliest and the latest time each occur twice.
    times = [5, 2, 9, 2, 9, 7]
    rows = [sample(at, float(at), timestamp=start + time) for at, time in enumerate(times)]
    found = check(write_parquet(tmp_path / "a.parquet", rows), rows, tmp_path)[0]
    assert (found["first"], found["last"]) == (1.0, 4.0)
    rows = [sample(at, float(at), timestamp=start) for at in range(4)]
    found = check(write_parquet(tmp_path / "b.parquet", rows), rows, tmp_path)[0]
    assert (found["first"], found["last"]) == (0.0, 3.0)


def test_first_and_last_over_sessions_go_by_time_not_by_session(tmp_path):
    start = sample(0, 0)["timestamp"]
    rows = [sample(at, float(at), "early", timestamp=start + 10 * at) for at in range(5)]
    rows += [sample(at, 100.0 + at, "late", timestamp=start + 3 + at) for at in range(3)]
    found = check(write_parquet(tmp_path / "a.parquet", rows), rows, tmp_path, pooled=True)[0]
    assert (found["first"], found["last"], found["session_count"]) == (0.0, 4.0, 2)


def test_session_count_counts_sessions_that_have_a_row_in_the_group(tmp_path):
    rows = [sample(at, 1.0, "a", metric="both") for at in range(3)]
    rows += [sample(0, None, "b", metric="both"), sample(1, 1.0, "b", metric="one")]
    found = by_group(check(write_parquet(tmp_path / "a.parquet", rows), rows, tmp_path, pooled=True), ["metric"])
    assert (found[("both",)]["session_count"], found[("one",)]["session_count"]) == (2, 1)


_values = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, nan, inf, -inf, 5e-324, LARGEST, -LARGEST, 1.7e308, 1e16]),
    st.floats(),
    st.floats(-100, 100),
)
_drafts = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3"]),
        st.integers(-5, 5),
        st.sampled_from(["m1", "m2"]),
        _values,
        st.sampled_from(["ms", None]),
        st.sampled_from([None, 0, 1]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80)
@given(
    drafts=_drafts,
    chance=st.randoms(use_true_random=False),
    pooled=st.booleans(),
    lost=st.sampled_from(["exclude", "infinite"]),
    by=st.sampled_from([[], ["k"]]),
    batch_size=st.sampled_from([1, 3, 16_384]),
)
def test_any_rows_in_any_order_match_fractions(tmp_path, drafts, chance, pooled, lost, by, batch_size):
    start = sample(0, 0)["timestamp"]
    rows = []
    for at, (session_id, time, metric, value, unit, k) in enumerate(drafts):
        # Times of two sessions differ: which is last where they do not is left open.
        moment = start + time * 10 + int(session_id[1])
        rows.append(sample(at, value, session_id, timestamp=moment, metric=metric, unit=unit, k=k))
    order = chance.sample(rows, len(rows))
    source = write_parquet(tmp_path / f"{next(_numbers)}.parquet", order, k=pa.int64())
    further = {"p10": 0.1, "p99_9": 0.999}
    check(source, rows, tmp_path, by=by, pooled=pooled, lost=lost, further=further, batch_size=batch_size)
