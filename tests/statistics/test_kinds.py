"""Kinds of metrics: rates of counters, and figures that mean nothing for a kind; windows from each session's start."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import row, write_ndjson

import pipeline
from pipeline.errors import UsageError

SECOND = 1_000_000
START = 1_764_000_000_000_000


def series(session, metric, steps, **given):
    """Rows of one metric: pairs of seconds since the start, and value."""
    return [
        row(
            session_id=session,
            metric=metric,
            value=value,
            timestamp=str(np.datetime64(START + round(at * SECOND), "us")) + "Z",
            **given,
        )
        for at, value in steps
    ]


def numbered(*parts):
    """Put rows into the order of time, and number them."""
    rows = sorted((one for part in parts for one in part), key=lambda one: (one["session_id"], one["timestamp"]))
    return [{**one, "sequence": at} for at, one in enumerate(rows)]


def figures(source, **options):
    return pipeline.statistics(source, **options).to_dicts()


def expected_rate(*all_series):
    grown = elapsed = 0.0
    for steps in all_series:
        steps = [(at, value) for at, value in steps if value is not None]  # noqa: PLW2901 - lost ones are passed over
        for (before, low), (after, high) in itertools.pairwise(steps):
            grown += high - low if high >= low else high
            elapsed += after - before
    return grown / elapsed if elapsed else None


def test_a_counter_has_the_rate_that_it_grew_by_whatever_began_again(tmp_path):
    first = [(0, 10.0), (1, 12.0), (2.5, 20.0), (3, None), (4, 3.0), (6, 9.0)]
    second = [(0, 0.0), (10, 1000.0)]
    rows = numbered(series("a", "bytes", first), series("a", "rtt", [(0, 5.0), (1, 6.0)]), series("b", "bytes", second))
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    found = {(one["session_id"], one["metric"]): one for one in figures(source, kinds=["bytes=counter"])}
    assert found["a", "bytes"]["rate"] == pytest.approx(expected_rate(first), rel=1e-15)
    assert found["b", "bytes"]["rate"] == 100.0
    assert found["a", "rtt"]["rate"] is None
    (pooled,) = figures(source, kinds=["bytes=counter"], metrics=["bytes"], scope="cross-session")
    assert pooled["rate"] == pytest.approx(expected_rate(first, second), rel=1e-15)
    assert (pooled["min"], pooled["max"], pooled["count"], pooled["null_count"]) == (0.0, 1000.0, 7, 1)


def test_growth_beyond_the_range_of_float64_is_infinite_and_no_warning(tmp_path, recwarn):
    for values in ([-1.5e308, 1.5e308, 1.6e308], [-1e308, 0.0, 1.5e308], [0.0, 1e308]):
        steps = [(at / 10, value) for at, value in enumerate(values)]
        source = write_ndjson(tmp_path / "run.ndjson", numbered(series("a", "bytes", steps)))
        assert [one["rate"] for one in figures(source, kinds=["bytes=counter"])] == [math.inf]
    assert [str(one.message) for one in recwarn] == []


def test_a_counter_of_nothing_but_lost_samples_has_no_rate(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", numbered(series("a", "bytes", [(0, None), (1, None)])))
    (found,) = figures(source, kinds=["bytes=counter"])
    assert (found["count"], found["null_count"], found["rate"]) == (0, 2, None)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("group", [[0.0, -0.0], [math.nan]])
def test_numbers_that_are_one_group_are_one_series(tmp_path, group, batch_size):
    rows = numbered(series("a", "bytes", [(at, at * 10.0) for at in range(8)]))
    table = pa.Table.from_pylist([{**one, "ratio": group[at % len(group)]} for at, one in enumerate(rows)])
    times = table["timestamp"].cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(2, "timestamp", times), tmp_path / "run.parquet")
    options = {"by": ["ratio"], "kinds": ["bytes=counter"], "batch_size": batch_size, "format": "ndjson"}
    pipeline.export_statistics(tmp_path / "run.parquet", tmp_path / "out", **options)
    (file,) = (tmp_path / "out").glob("*statistics*.ndjson")
    assert [json.loads(line)["rate"] for line in file.read_text().splitlines()] == [10.0]


def test_what_grew_between_windows_belongs_to_the_later_one(tmp_path):
    steps = [(0, 0.0), (8, 80.0), (12, 100.0), (18, 400.0)]
    source = write_ndjson(tmp_path / "run.ndjson", numbered(series("a", "bytes", steps)))
    found = figures(source, kinds=["bytes=counter"], window="10s", window_origin="session")
    assert [(one["window_start_seconds"], one["rate"]) for one in found] == [(0, 10.0), (10, 320 / 10)]


def test_series_side_by_side_are_told_apart_by_columns(tmp_path):
    one, other = [(0, 0.0), (10, 50.0)], [(1, 1000.0), (11, 1100.0)]
    rows = numbered(series("a", "bytes", one, ssrc=1), series("a", "bytes", other, ssrc=2))
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    found = figures(source, kinds=["bytes=counter"], by=["ssrc"])
    assert [each["rate"] for each in found] == [5.0, 10.0]


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        ("counter", {"mean", "stddev", "p25", "p50", "p75", "p90", "p95", "p99", "p99_9", "sum"}),
        ("gauge", {"sum"}),
        ("duration", set()),
        ("event", set()),
    ],
)
def test_figures_that_mean_nothing_for_a_kind_are_empty_and_the_others_as_ever(tmp_path, kind, empty):
    rows = numbered(series("a", "m", [(0, 1.0), (1, 2.0), (2, 4.0)]), series("a", "n", [(0, 3.0), (1, 5.0)]))
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    plain = figures(source, quantiles=[0.999])
    found = figures(source, quantiles=[0.999], kinds=[f"m={kind}"])
    for have, want in zip(found, plain, strict=True):
        rate = have.pop("rate", None)
        assert (rate is not None) == (kind == "counter" and have["metric"] == "m")
        assert have == {name: None if name in empty and want["metric"] == "m" else want[name] for name in want}


def test_kinds_of_records_count_where_they_are_asked_for_and_agree(tmp_path):
    rows = numbered(series("a", "bytes", [(0, 0.0), (2, 10.0)]), series("b", "bytes", [(0, 0.0), (2, 20.0)]))
    source = write_ndjson(tmp_path / "run.ndjson", rows)

    def record(**kinds):
        records = [{"session_id": name, "metric_facts": {"bytes": {"kind": kind}}} for name, kind in kinds.items()]
        (tmp_path / "run.session.json").write_text(json.dumps(records))

    record(a="counter", b="counter")
    assert "rate" not in figures(source)[0]
    assert [one["rate"] for one in figures(source, kinds=["recorded"])] == [5.0, 10.0]
    assert "rate" not in figures(source, kinds=["recorded", "bytes=gauge"])[0]
    record(a="counter", b="gauge")
    assert "rate" not in figures(source, kinds=["recorded"])[0]


def test_rates_are_those_of_numpy_in_many_groups_and_small_memory(tmp_path):
    rng = np.random.default_rng(2)
    count, groups = 60_000, 9_000
    stream = rng.integers(0, groups, count)
    values, times = rng.integers(0, 1000, count).astype(float), np.sort(rng.integers(0, 3600 * SECOND, count))
    table = pa.table(
        {
            "session_id": ["s"] * count,
            "sequence": np.arange(count),
            "timestamp": pa.array(START + times).cast(pa.timestamp("us", "UTC")),
            "metric": ["m"] * count,
            "value": values,
            "unit": ["1"] * count,
            "stream": stream,
        }
    )
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(table, tmp_path / "many.parquet")
    pipeline.export_statistics(
        tmp_path / "many.parquet",
        tmp_path / "out",
        by=["stream"],
        kinds=["m=counter"],
        format="parquet",
        memory_limit="1MB",
        sync=False,
    )
    found = pq.read_table(next((tmp_path / "out").glob("statistics*.parquet"))).to_pylist()
    assert [one["stream"] for one in found] == sorted(set(stream.tolist()))
    for one in found:
        mine = stream == one["stream"]
        step, elapsed = np.diff(values[mine]), np.diff(times[mine]) / SECOND
        grown = np.where(step >= 0, step, values[mine][1:])
        wanted = pytest.approx(grown.sum() / elapsed.sum(), rel=1e-12) if len(grown) else None
        assert one["rate"] == wanted


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("bytes", "give METRIC=KIND, or recorded"),
        ("=counter", "give METRIC=KIND"),
        ("bytes=count", "did you mean 'counter'"),
    ],
)
def test_a_kind_that_cannot_be_read_is_one_line(tmp_path, kind, says):
    source = write_ndjson(tmp_path / "run.ndjson", [row()])
    with pytest.raises(UsageError, match="--kind") as raised:
        figures(source, kinds=[kind])
    assert says in str(raised.value)


def test_windows_from_the_start_lay_sessions_over_each_other(tmp_path):
    rows = [
        *series("a", "m", [(3600 + at, float(at)) for at in (0, 9.999, 10, 25)]),
        *series("b", "m", [(7205 + at, 100.0 + at) for at in (0, 10)]),
    ]
    source = write_ndjson(tmp_path / "run.ndjson", numbered(rows))
    for once in (source, write_ndjson(tmp_path / "other.ndjson", numbered(rows)[::-1])):
        found = figures(once, scope="cross-session", window="10s", window_origin="session")
        columns = ("window_start_seconds", "window_end_seconds", "session_count", "count", "min", "max")
        assert [tuple(one[name] for name in columns) for one in found] == [
            (0, 10, 2, 3, 0.0, 100.0),
            (10, 20, 2, 2, 10.0, 110.0),
            (20, 30, 1, 1, 25.0, 25.0),
        ]


def test_an_origin_without_windows_is_refused(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", [row()])
    with pytest.raises(UsageError, match="--window-origin says where windows begin"):
        figures(source, window_origin="session")


def test_packages_of_kinds_and_origins_verify_and_are_there_already(tmp_path):
    rows = numbered(series("a", "bytes", [(0, 0.0), (2, 10.0)]))
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    options = {"kinds": ["bytes=counter"], "window": "1s", "window_origin": "session", "verify": True, "sync": False}
    assert not pipeline.export_statistics(source, tmp_path / "out", **options).is_unchanged
    assert pipeline.verify_package(tmp_path / "out").problems == ()
    assert pipeline.export_statistics(source, tmp_path / "out", **options).is_unchanged
    fields = json.loads((tmp_path / "out" / "datapackage.json").read_text())["resources"][0]["schema"]["fields"]
    assert {"rate", "window_start_seconds"} <= {one["name"] for one in fields}
    assert all(one["description"] for one in fields)
