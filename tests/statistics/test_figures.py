"""Every figure of the statistics against numpy, Polars and exact fractions; definitions are those of DESIGN.md."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from fractions import Fraction
from itertools import count, pairwise
from math import inf, isqrt, nan
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from conftest import FIXTURE_STORE, SHARED, only, row, write_ndjson
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline as package
from pipeline.cli import main
from pipeline.statistics.windows import Window, Windows

QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
COUNTS = ["count", "null_count", "non_finite_count"]
FIGURES = ["mean", "stddev", "min", "p25", "p50", "p75", "p90", "p95", "p99", "max"]
WINDOW = ["window_start", "window_end"]
ENDS = ["sum", "first", "last", "first_timestamp", "last_timestamp"]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LARGEST = 1.7976931348623157e308
RECORDED_NDJSON = sorted((SHARED / "teleoperation").glob("*.ndjson"))
_numbers = count()


def ticks(text, unit="us"):
    """Ticks of an RFC 3339 time, by Python's datetime."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    span = dt.datetime.fromisoformat(seconds + "+00:00") - EPOCH
    digits = {"us": 6, "ns": 9}[unit]
    return (span.days * 86_400 + span.seconds) * 10**digits + int(fraction.ljust(digits, "0") or 0)


def sample(at, value, session_id="s1", **given):
    """A row for `write_parquet`: its timestamp is ticks, its value any float."""
    return {
        "session_id": session_id,
        "sequence": at,
        "timestamp": 1_795_536_000_000_000 + at * 1_000_000,
        "metric": "control_rtt",
        "value": value,
        "unit": "ms",
    } | given


def write_parquet(path, rows, unit="us", **kinds):
    """Rows as a file of the model, written by pyarrow; other attributes take the type of their values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds |= {"sequence": pa.int64(), "timestamp": pa.int64(), "value": pa.float64()}
    kinds |= {name: pa.string() for name in ("session_id", "metric", "unit")}
    arrays = {name: pa.array([r[name] for r in rows], kinds.get(name)) for name in rows[0]}
    arrays["timestamp"] = arrays["timestamp"].view(pa.timestamp(unit, "UTC"))
    pq.write_table(pa.table(arrays), path)
    return path


def statistics(source, tmp_path, **options):
    """Statistics as a pyarrow table; times as ticks."""
    to = tmp_path / f"statistics-{next(_numbers)}"
    package.export_statistics(source, to, format="parquet", sync=False, hashed=False, **options)
    table = pq.read_table(only(to, "statistics_*.parquet"))
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.int64()))
    return table


def figures(source, tmp_path, **options):
    """Statistics as a list of dicts."""
    return statistics(source, tmp_path, **options).to_pylist()


def values_figures(values, tmp_path, **options):
    """The one row of statistics of one group of values."""
    rows = [sample(at, value) for at, value in enumerate(values)]
    found = figures(write_parquet(tmp_path / f"{next(_numbers)}.parquet", rows), tmp_path, **options)
    assert len(found) == 1
    return found[0]


def exact_root(number):
    """Square root of a fraction, good to far below a unit in the last place of any float64."""
    bits = 2400
    return float(Fraction(isqrt((number.numerator << bits) // number.denominator), 1 << bits // 2))


def rounded(number):
    """The float64 nearest to a fraction, infinite beyond the range."""
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def type_7(ordered, quantile):
    """Hyndman and Fan's type 7 of sorted values, as the contract writes it."""
    h = (len(ordered) - 1) * quantile
    low, high = ordered[math.floor(h)], ordered[min(math.floor(h) + 1, len(ordered) - 1)]
    part = h - math.floor(h)
    if part == 0 or low == high:
        return low
    if high == inf:
        return inf
    step = high - low
    return low + step * part if math.isfinite(step) else low * (1 - part) + high * part


def oracle_row(rows, quantiles=QUANTILES, lost="exclude"):
    """Figures of the rows of one group, by fractions and Python's sort."""
    finite = [r for r in rows if r["value"] is not None and math.isfinite(r["value"])]
    values = sorted(r["value"] for r in finite)
    nulls = sum(r["value"] is None for r in rows)
    ranked = values + [inf] * nulls if lost == "infinite" else values
    found = {
        "count": len(values),
        "null_count": nulls,
        "non_finite_count": len(rows) - nulls - len(values),
        "session_count": len({r["session_id"] for r in rows}),
        **dict.fromkeys([*FIGURES, *ENDS]),
        **{name: type_7(ranked, q) if ranked else None for name, q in quantiles.items()},
    }
    if values:
        total = sum(map(Fraction, values))
        found |= {"mean": float(total / len(values)), "sum": rounded(total)}
        found |= {"min": values[0], "max": values[-1]}
        ordered = sorted(finite, key=lambda r: (r["timestamp"], r["sequence"]))
        found |= {"first": ordered[0]["value"], "last": ordered[-1]["value"]}
        found |= {"first_timestamp": ordered[0]["timestamp"], "last_timestamp": ordered[-1]["timestamp"]}
    if len(values) > 1:
        squares = sum(Fraction(v) ** 2 for v in values)
        variance = (squares - total**2 / len(values)) / (len(values) - 1)
        found["stddev"] = exact_root(variance) if variance < Fraction(LARGEST) ** 2 else inf
    return found


def oracle(rows, keys, **options):
    """Figures by group."""
    groups = {}
    for r in rows:
        groups.setdefault(tuple(r[key] for key in keys), []).append(r)
    return {group: oracle_row(members, **options) for group, members in groups.items()}


def by_group(found, keys):
    """Rows of statistics by group; a group has one row."""
    result = {tuple(r[key] for key in keys): r for r in found}
    assert len(result) == len(found)
    return result


def close(have, want, relative=1e-12):
    """Equal, or nearly."""
    if want is None or have is None:
        return have is want
    return have == want or math.isclose(have, want, rel_tol=relative)


def within_ulps(have, want, scale):
    """Within two units in the last place of the larger of the numbers between which it was interpolated."""
    if want is None or have is None:
        return have is want
    return have == want or abs(have - want) <= 2 * math.ulp(scale)


def agree(have, want):
    """Compare a row with the oracle's: exact, nearly exact, within two ulp, by what each figure allows."""
    exact = ["min", "max", "first", "last", "first_timestamp", "last_timestamp", *COUNTS]
    exact += ["session_count"] if "session_count" in have else []
    for name in exact:
        assert have[name] == want[name], (name, have, want)
    for name in ("mean", "stddev", "sum"):
        assert close(have[name], want[name]), (name, have[name], want[name])
    scale = max(abs(want["min"] or 0), abs(want["max"] or 0))
    for name in want:
        if name[0] == "p":
            assert within_ulps(have[name], want[name], scale), (name, have[name], want[name])


def check(source, rows, tmp_path, *, by=(), pooled=False, further=None, lost="exclude", **options):
    """Compare all groups of a source with the oracle's; gives the rows found.

    Args:
        further: quantiles besides the usual ones, by column name.
    """
    further = further or {}
    keys = [*([] if pooled else ["session_id"]), "metric", "unit", *by]
    options |= {"scope": "cross-session" if pooled else "per-session", "by": by, "lost": lost}
    found = figures(source, tmp_path, quantiles=list(further.values()), **options)
    expected = oracle(rows, keys, quantiles=QUANTILES | further, lost=lost)
    have = by_group(found, keys)
    assert have.keys() == expected.keys()
    for group, want in expected.items():
        agree(have[group], want)
    return found


@pytest.fixture(scope="module")
def recorded():
    """The recorded rows as Polars reads them from the store's files."""
    files = sorted(FIXTURE_STORE.glob("sessions/*/measurements-*.parquet"))
    return pl.concat([pl.read_parquet(file) for file in files], how="diagonal")


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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["session_id", "metric", "unit", *COUNTS, *FIGURES, *ENDS]),
        ({"scope": "cross-session"}, ["metric", "unit", *COUNTS, "session_count", *FIGURES, *ENDS]),
        (
            {"by": ["robot_id", "channel"], "window": "1m"},
            ["session_id", "metric", "unit", "robot_id", "channel", *WINDOW, *COUNTS, *FIGURES, *ENDS],
        ),
        (
            {"scope": "cross-session", "by": ["channel"], "window": "1d", "quantiles": ["0.999"]},
            ["metric", "unit", "channel", *WINDOW, *COUNTS, "session_count", *FIGURES[:-1], "p99_9", "max", *ENDS],
        ),
    ],
)
def test_columns_are_those_of_the_contract_in_its_order(tmp_path, options, expected):
    to = tmp_path / "out"
    package.export_statistics(FIXTURE_STORE, to, format="parquet", sync=False, **options)
    schema = pq.read_schema(only(to, "statistics_*.parquet"))
    assert schema.names == expected
    for field in schema:
        if field.name.endswith("count"):
            assert field.type == pa.int64()
        elif field.name.endswith(("timestamp", "_start", "_end")):
            assert field.type == pa.timestamp("us", "UTC")
        elif field.name in {*FIGURES, "p99_9", "sum", "first", "last"}:
            assert field.type == pa.float64()
        else:
            assert field.type == pa.string()


def test_further_quantiles_are_named_after_the_percentage_and_stand_in_order(tmp_path):
    rows = [sample(at, float(value)) for at, value in enumerate(np.random.default_rng(3).permutation(1001))]
    source = write_parquet(tmp_path / "a.parquet", rows)
    extra = {"p0": 0.0, "p0_1": 0.001, "p33_3": 0.333, "p99_9": 0.999, "p99_99": 0.9999, "p100": 1.0}
    given = ["0.9999", "0.999", 1, "0.0010", 0, "0.333", "0.990", "0.50"]
    table = statistics(source, tmp_path, quantiles=given)
    names = [name for name in table.schema.names if name[0] == "p"]
    assert names == ["p0", "p0_1", "p25", "p33_3", *list(QUANTILES)[1:], "p99_9", "p99_99", "p100"]
    found = table.to_pylist()[0]
    for name, q in {**QUANTILES, **extra}.items():
        assert within_ulps(found[name], float(np.quantile(np.arange(1001.0), q)), 1000.0), name
    assert (found["p0"], found["p100"], found["p0_1"], found["p99_9"]) == (0.0, 1000.0, 1.0, 999.0)


@pytest.mark.parametrize("text", ["1.1", "-0.1", "99", "p99", "", "nan", "inf", "-inf", "1e5", "0,9"])
def test_quantiles_outside_0_to_1_are_usage_errors(tmp_path, text):
    with pytest.raises(package.UsageError, match="quantile"):
        package.export_statistics(FIXTURE_STORE, tmp_path / "out", quantiles=[text])
    assert not (tmp_path / "out").exists()


def test_groups_by_attributes_of_each_type_and_null_is_a_group(tmp_path):
    rng = np.random.default_rng(7)
    choices = {
        "name": ["a", "b", "", None],
        "port": [-(2**63), 0, 2**53 + 1, 2**63 - 1, None],
        "ok": [True, False, None],
        "ratio": [0.1, -2.5, 1e300, None],
    }
    rows = [
        sample(at, float(rng.normal()), **{name: rng.choice(len(c)) for name, c in choices.items()})
        for at in range(400)
    ]
    rows = [r | {name: values[r[name]] for name, values in choices.items()} for r in rows]
    source = write_parquet(tmp_path / "a.parquet", rows)
    for name, values in choices.items():
        found = check(source, rows, tmp_path, by=[name])
        assert {r[name] for r in found} == set(values)
        assert found[-1][name] is None
    check(source, rows, tmp_path, by=["ok", "name", "port", "ratio"], pooled=True)


def test_equal_attributes_are_one_group_whatever_their_bits(tmp_path):
    other_nan = np.array([0xFFF8000000000001], np.uint64).view(np.float64)[0]
    values = [0.0, -0.0, nan, other_nan, None, None]
    rows = [sample(at, 1.0, k=k) for at, k in enumerate(values)]
    texts = []
    for name, order in (("forwards", rows), ("backwards", rows[::-1])):
        renumbered = [r | {"sequence": at} for at, r in enumerate(order)]
        source = write_parquet(tmp_path / f"{name}.parquet", renumbered)
        found = figures(source, tmp_path, by=["k"])
        assert sorted(r["count"] for r in found) == [2, 2, 2]
        texts.append(sorted(repr(r["k"]) for r in found))
    # The first row of a group must not decide how the group is written.
    assert texts[0] == texts[1]


def test_an_attribute_that_some_sessions_lack_is_null_for_them(tmp_path):
    rows = [row("s1", at, value=float(at), zone="x") for at in range(3)]
    rows += [row("s2", at, value=float(at)) for at in range(2)]
    found = figures(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path, by=["zone"], scope="cross-session")
    assert [(r["zone"], r["count"], r["session_count"]) for r in found] == [("x", 3, 1), (None, 2, 1)]


def test_units_never_share_a_row_and_null_is_a_unit(tmp_path):
    units = ["ms", "s", None, "ms", None, "", "s"]
    rows = [sample(at, float(at), f"s{at % 2}", unit=unit) for at, unit in enumerate(units)]
    source = write_parquet(tmp_path / "a.parquet", sorted(rows, key=lambda r: r["session_id"]))
    found = check(source, rows, tmp_path, pooled=True)
    assert {r["unit"]: r["count"] for r in found} == {"ms": 2, "s": 2, None: 2, "": 1}
    check(source, rows, tmp_path)


def zone_day(tick, zone, days, scale):
    """Start and end of the window of days that a time lies in, by Python's zoneinfo."""
    moment = EPOCH + dt.timedelta(microseconds=tick * 1_000_000 // scale)
    day = moment.astimezone(zone).date()
    first = dt.date(1970, 1, 1) + dt.timedelta(days=(day - dt.date(1970, 1, 1)).days // days * days)
    bounds = []
    for date in (first, first + dt.timedelta(days=days)):
        midnight = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
        span = midnight.astimezone(dt.UTC) - EPOCH
        bounds.append((span.days * 86_400 + span.seconds) * scale)
    return bounds


def check_windows(source, rows, tmp_path, window, unit="us", timezone=None):
    """Compare windows and the figures in them; gives the (start, end) pairs."""
    number, letter = int(window[:-1]), window[-1]
    scale = {"us": 10**6, "ns": 10**9}[unit]
    length = number * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[letter] * scale
    placed = []
    for r in rows:
        if letter == "d" and timezone:
            start, end = zone_day(r["timestamp"], ZoneInfo(timezone), number, scale)
        else:
            start = r["timestamp"] // length * length
            end = start + length
        assert start <= r["timestamp"] < end
        placed.append(r | {"window_start": start, "window_end": end})
    keys = ["session_id", "metric", "unit", "window_start", "window_end"]
    expected = oracle(placed, keys)
    found = by_group(figures(source, tmp_path, window=window, timezone=timezone), keys)
    assert found.keys() == expected.keys()
    for group, want in expected.items():
        agree(found[group], want)
    return [group[-2:] for group in found]


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("window", ["10s", "1m", "90m", "2h", "1d", "3d", "7s"])
def test_windows_are_half_open_and_aligned_to_the_epoch(tmp_path, window, unit):
    scale = {"us": 10**6, "ns": 10**9}[unit]
    length = int(window[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[window[-1]] * scale
    # The tick before a boundary, the boundary and the tick after it, on both sides of 1970.
    times = sorted(edge * length + by for edge in (-7, -1, 0, 1, 4) for by in (-1, 0, 1))
    rows = [sample(at, float(at), timestamp=time) for at, time in enumerate(times)]
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    windows = check_windows(source, rows, tmp_path, window, unit)
    assert (-length, 0) in windows
    assert (0, length) in windows
    # Between 1 and 4 lie windows without rows.
    assert (2 * length, 3 * length) not in windows


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize(
    ("timezone", "around"),
    [
        ("Europe/Berlin", ["2026-03-29", "2026-10-25", "1969-12-31", "1999-12-31"]),
        ("America/Sao_Paulo", ["2018-11-04", "2018-02-18"]),  # midnight itself is skipped
        ("America/Havana", ["2015-11-01", "2015-03-08"]),  # midnight occurs twice
        ("Asia/Kathmandu", ["2026-01-01", "1985-12-31"]),
        ("Pacific/Apia", ["2011-12-30"]),  # a day that never was
        ("Etc/UTC", ["2026-11-24"]),
    ],
)
@pytest.mark.parametrize("window", ["1d", "2d"])
def test_windows_of_days_begin_at_midnight_of_the_zone(tmp_path, timezone, around, window, unit):
    scale = {"us": 10**6, "ns": 10**9}[unit]
    rows = []
    for date in around:
        start = ticks(f"{date}T00:00:00Z") // 10**6
        for minutes in range(-36 * 60, 40 * 60, 30):
            rows.append(sample(len(rows), float(len(rows)), timestamp=(start + minutes * 60) * scale))
            rows.append(sample(len(rows), 1.0, timestamp=(start + minutes * 60) * scale - 1))
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    check_windows(source, rows, tmp_path, window, unit, timezone)


@pytest.mark.parametrize("timezone", ["America/Havana", "Europe/Berlin", "Africa/Cairo", "America/Santiago"])
def test_windows_of_days_hold_their_rows_and_do_not_overlap(tmp_path, timezone):
    # Whichever rules a zone has by now: those of the start must be those of the end.
    start = ticks("2026-01-01T00:00:00Z")
    rows = [sample(at, 1.0, timestamp=start + at * 3_600_000_000) for at in range(366 * 24)]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="1d", timezone=timezone)
    assert sum(r["count"] for r in found) == len(rows)
    for r in found:
        assert r["window_start"] <= r["first_timestamp"] <= r["last_timestamp"] < r["window_end"]
    for before, after in pairwise(found):
        assert before["window_end"] == after["window_start"]


def test_days_of_berlin_have_23_and_25_hours_where_clocks_change(tmp_path):
    times = ["2026-03-29T12:00:00Z", "2026-10-25T12:00:00Z", "2026-06-01T12:00:00Z"]
    rows = [sample(at, 1.0, timestamp=ticks(time)) for at, time in enumerate(times)]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="1d", timezone="Europe/Berlin")
    spans = [(r["window_start"], (r["window_end"] - r["window_start"]) // 3_600_000_000) for r in found]
    assert spans == [
        (ticks("2026-03-28T23:00:00Z"), 23),
        (ticks("2026-05-31T22:00:00Z"), 24),
        (ticks("2026-10-24T22:00:00Z"), 25),
    ]


def test_windows_of_hours_do_not_follow_the_zone(tmp_path):
    rows = [sample(0, 1.0, timestamp=ticks("2026-06-01T12:30:00Z"))]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="2h", timezone="Asia/Kathmandu")[0]
    assert found["window_start"] == ticks("2026-06-01T12:00:00Z")
    assert found["window_end"] == ticks("2026-06-01T14:00:00Z")


@pytest.mark.parametrize(
    ("time", "unit", "window", "timezone"),
    [
        ("2262-04-11T23:30:00.000000001Z", "ns", "1d", None),
        ("1677-09-21T00:12:44.000000001Z", "ns", "1d", None),
        ("1677-09-21T00:12:44.000000001Z", "ns", "1d", "Europe/Berlin"),
        ("9999-12-31T23:30:00Z", "us", "1d", None),
        ("9999-12-31T23:30:00Z", "us", "1d", "Europe/Berlin"),
        ("0001-01-01T00:30:00Z", "us", "1d", "America/New_York"),
        ("0001-01-01T00:30:00Z", "us", "7h", None),
        ("2026-11-24T16:00:00Z", "us", "999999999d", None),
        ("2026-11-24T16:00:00Z", "us", "999999999d", "Europe/Berlin"),
        ("2026-11-24T16:00:00Z", "ns", "999999999h", None),
    ],
)
def test_windows_beyond_what_times_can_count_are_errors_not_wrong_times(tmp_path, time, unit, window, timezone):
    rows = [sample(0, 1.0, timestamp=ticks(time, unit))]
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    with pytest.raises(package.PipelineError, match="window"):
        figures(source, tmp_path, window=window, timezone=timezone)


@pytest.mark.parametrize("text", ["0s", "1w", "s", "-1s", "1.5h", "", "1 m", "10S", "01m", "1ms"])
def test_windows_that_cannot_be_read_are_usage_errors(tmp_path, text):
    with pytest.raises(package.UsageError, match="window"):
        package.export_statistics(FIXTURE_STORE, tmp_path / "out", window=text)


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


def many_rows(size):
    """Rows whose floating-point sums depend on the order in which they are taken."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=size) * 10.0 ** rng.integers(-12, 12, size)
    values[rng.integers(0, size, 50)] = -0.0
    groups, sessions = rng.integers(0, 5, size), np.sort(rng.integers(0, 3, size))
    return [
        sample(at, None if at % 97 == 0 else float(values[at]), f"s{sessions[at]}", metric=f"m{groups[at]}")
        for at in range(size)
    ]


def csv_bytes(source, tmp_path, **options):
    """The statistics file as it is published."""
    to = tmp_path / f"bytes-{next(_numbers)}"
    package.export_statistics(source, to, sync=False, hashed=False, **options)
    return only(to, "statistics_*.csv").read_bytes()


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_bytes_do_not_depend_on_batches_threads_or_memory(tmp_path, scope):
    source = write_parquet(tmp_path / "a.parquet", many_rows(40_000))  # more than the least memory holds
    expected = csv_bytes(source, tmp_path, scope=scope, threads=1, window="10m")
    assert expected.count(b"\n") > 100
    for options in (
        {"threads": 2},
        {"threads": 8},
        {"batch_size": 100},
        {"batch_size": 1_000_000},
        {"memory_limit": "1MB", "batch_size": 1000},
        {"memory_limit": "64MB", "threads": 2},
    ):
        assert csv_bytes(source, tmp_path, scope=scope, window="10m", **options) == expected, options


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_bytes_do_not_depend_on_the_order_of_rows_or_on_files(tmp_path, scope):
    rows = many_rows(3000)
    expected = csv_bytes(write_parquet(tmp_path / "a.parquet", rows), tmp_path, scope=scope, window="10m")
    order = np.random.default_rng(5).permutation(len(rows))
    files = [
        write_parquet(tmp_path / "split" / f"{part}.parquet", [rows[at] for at in order[part::3]]) for part in range(3)
    ]
    assert csv_bytes(files, tmp_path, scope=scope, window="10m") == expected
    assert csv_bytes(files[::-1], tmp_path, scope=scope, window="10m", threads=8) == expected


def test_rows_are_ordered_by_session_metric_unit_attribute_and_window(tmp_path):
    rows = [
        sample(at, 1.0, session_id, metric=metric, unit=unit, k=k)
        for session_id, first in (("b", 0), ("a", 100))
        for at, (metric, unit, k) in enumerate(
            [("y", "s", 2), ("x", None, 1), ("x", "ms", None), ("x", "ms", 10), ("x", "ms", 9), ("y", "s", 2)] * 20,
            start=first,
        )
    ]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, by=["k"], window="1m")
    keys = [(r["session_id"], r["metric"], r["unit"], r["k"], r["window_start"]) for r in found]
    # Session b started first; null comes last.
    assert [key[0] for key in keys] == sorted((key[0] for key in keys), reverse=True)
    last = "\U0010ffff"
    assert keys == sorted(keys, key=lambda key: (key[0] == "a", key[1], key[2] or last, key[3] or 99, key[4]))


def write_store(tmp_path):
    """A store of two sessions that differ in their configuration."""
    rows = many_rows(1200)
    for session_id in ("s0", "s1", "s2"):
        own = [r | {"robot": "r1" if r["sequence"] % 2 else None} for r in rows if r["session_id"] == session_id]
        path = write_parquet(tmp_path / "in" / f"{session_id}.parquet", own)
        record = {"session_id": session_id, "configuration": {"net": {"name": session_id}, "rate": 10}}
        path.with_suffix(".session.json").write_text(json.dumps(record), encoding="utf-8")
    package.import_sessions(str(tmp_path / "in" / "*.parquet"), tmp_path / "store")
    return tmp_path / "store", [r | {"robot": "r1" if r["sequence"] % 2 else None} for r in rows]


def test_a_selection_applies_before_aggregation(tmp_path):
    store, rows = write_store(tmp_path)
    start = sample(0, 0)["timestamp"]
    for options, keep in (
        ({"sessions": ["s1"]}, lambda r: r["session_id"] == "s1"),
        ({"metrics": ["m1", "m4"]}, lambda r: r["metric"] in {"m1", "m4"}),
        ({"where": "value > 0 AND robot = 'r1'"}, lambda r: (r["value"] or 0) > 0 and r["robot"] == "r1"),
        ({"where": "value IS NULL"}, lambda r: r["value"] is None),
        (
            {"where_session": "configuration->'net'->>'name' = 's2'"},
            lambda r: r["session_id"] == "s2",
        ),
        (
            {"where_session": "(configuration->>'$.rate')::INT = 10 AND session_id <> 's0'"},
            lambda r: r["session_id"] != "s0",
        ),
        (
            {"since": "2026-11-24T16:05:00Z", "until": "2026-11-24T16:10:00.000000Z"},
            lambda r: 300 <= (r["timestamp"] - start) / 1e6 - OFFSET < 600,
        ),
    ):
        kept = [r for r in rows if keep(r)]
        assert 0 < len(kept) < len(rows)
        for pooled in (False, True):
            check(store, kept, tmp_path, pooled=pooled, by=["robot"], **options)


OFFSET = ticks("2026-11-24T16:00:00Z") / 1e6 - sample(0, 0)["timestamp"] / 1e6


def test_columns_choose_among_the_statistics(tmp_path):
    table = statistics(FIXTURE_STORE, tmp_path, columns=["max", "metric", "count"], exclude=["count"])
    assert table.schema.names == ["max", "metric"]
    whole = statistics(FIXTURE_STORE, tmp_path)
    assert table.equals(whole.select(["max", "metric"]))
    for name in ("value", "p42"):
        with pytest.raises(package.SourceError, match=name):
            statistics(FIXTURE_STORE, tmp_path, columns=[name])


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("format", ["csv", "ndjson", "json", "parquet", "arrow"])
def test_nothing_selected_is_a_valid_file_without_rows(tmp_path, scope, format):  # noqa: A002 - the option's name
    options = {"by": ["channel"], "window": "1d", "timezone": "Europe/Berlin", "lost": "infinite"}
    report = package.export_statistics(
        FIXTURE_STORE, tmp_path / "out", scope=scope, format=format, where="false", **options
    )
    assert report.rows == 0
    assert report.warnings
    names, rows = READERS[format](only(tmp_path / "out", "statistics_empty_*"))
    assert rows == []
    if names is not None:
        assert names == statistics(FIXTURE_STORE, tmp_path, scope=scope, **options).schema.names


def test_attributes_of_any_type_can_be_grouped_by_where_nothing_is_selected(tmp_path):
    rows = [sample(0, 1.0, i=1, f=1.5, b=True, s="x")]
    source = write_parquet(tmp_path / "a.parquet", rows)
    table = statistics(source, tmp_path, by=["i", "f", "b", "s"], where="value > 1")
    assert table.num_rows == 0
    kinds = [table.schema.field(name).type for name in "ifbs"]
    assert kinds == [pa.int64(), pa.float64(), pa.bool_(), pa.string()]


def parse_number(text):
    """A figure of a text format; `inf` and `Infinity` are both float's."""
    return None if text in {"", None} else float(text)


def read_csv_rows(path):
    """Names and rows of CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return reader.fieldnames, list(reader)


def read_json_rows(path):
    """Rows of the JSON document."""
    return None, json.loads(path.read_text("utf-8"))["statistics"]


READERS = {
    "csv": read_csv_rows,
    "ndjson": lambda path: (None, [json.loads(line) for line in path.read_text("utf-8").splitlines()]),
    "json": read_json_rows,
    "parquet": lambda path: (pq.read_schema(path).names, pq.read_table(path).to_pylist()),
    "arrow": lambda path: (
        pa.ipc.open_file(path).schema.names,
        pa.ipc.open_file(path).read_all().to_pylist(),
    ),
}


def test_all_formats_give_the_same_figures(tmp_path):
    rows = many_rows(600) + [
        sample(10_000 + at, value, "s2", metric="extreme", unit=None)
        for at, value in enumerate([LARGEST, LARGEST, 5e-324, -0.0, None, nan])
    ]
    source = write_parquet(tmp_path / "a.parquet", rows)
    options = {"window": "1m", "lost": "infinite", "quantiles": [0.001]}
    expected = statistics(source, tmp_path, **options)
    numbers = ["mean", "stddev", "min", "p0_1", *QUANTILES, "max", "sum", "first", "last"]
    for format, read in READERS.items():  # noqa: A001 - the option's name
        to = tmp_path / format
        package.export_statistics(source, to, format=format, sync=False, **options)
        names, found = read(only(to, "statistics_*"))
        assert names is None or names == expected.schema.names
        assert len(found) == expected.num_rows
        for have, want in zip(found, expected.to_pylist(), strict=True):
            assert list(have) == expected.schema.names
            for name in numbers:
                number = parse_number(have[name])
                assert repr(number) == repr(want[name]), (format, name)
            assert [int(have[name]) for name in COUNTS] == [want[name] for name in COUNTS]
            assert [have["session_id"], have["metric"], have["unit"] or None] == [
                want["session_id"],
                want["metric"],
                want["unit"],
            ]
            for name in ("window_start", "window_end", "first_timestamp", "last_timestamp"):
                time = have[name] or None
                if isinstance(time, dt.datetime):
                    time = (time - EPOCH) // dt.timedelta(microseconds=1)
                elif time is not None:
                    time = ticks(time)
                assert time == want[name], (format, name)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--by", "robot"], 3, "robot_id"),
        (["--by", "value"], 2, "value"),
        (["--by", "timestamp"], 2, "timestamp"),
        (["--by", "metric"], 2, "metric"),
        (["--window", "1w"], 2, "1w"),
        (["--quantile", "p99"], 2, "p99"),
        (["--quantile", "nan"], 2, "nan"),
        (["--lost", "maybe"], 2, "infinite"),
        (["--session", "nope"], 3, "nope"),
        (["--columns", "meen"], 3, "mean"),
        (["--timezone", "Mars/Olympus", "--window", "1d"], 2, "Mars/Olympus"),
        (["--memory-limit", "1KB"], 2, "memory-limit"),
    ],
)
def test_wrong_options_are_one_line_that_says_what_to_do(capsysbinary, arguments, status, said):
    assert main(["statistics", str(FIXTURE_STORE), "--to", "-", *arguments]) == status
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert said.encode() in err
    assert err.count(b"\n") == 1
    assert b"fault of the program" not in err


def test_the_command_gives_what_the_function_gives(capsysbinary, tmp_path):
    options = ["--scope", "cross-session", "--by", "network_profile", "--by", "channel", "--window", "1m"]
    options += ["--quantile", "0.999", "--quantile", "0.5", "--lost", "infinite", "--metric", "control_rtt"]
    assert main(["statistics", str(FIXTURE_STORE), "--to", "-", *options, "--quiet"]) == 0
    out, err = capsysbinary.readouterr()
    assert err == b""
    assert out == csv_bytes(
        FIXTURE_STORE,
        tmp_path,
        scope="cross-session",
        by=["network_profile", "channel"],
        window="1m",
        quantiles=["0.999"],
        lost="infinite",
        metrics=["control_rtt"],
    )
    header, *lines = out.decode().splitlines()
    assert header.startswith("metric,unit,network_profile,channel,window_start,window_end,count,")
    assert len(lines) > 5


def test_a_day_begins_when_the_clock_reaches_it_where_a_gap_straddles_midnight():
    # In Toronto the clock went from 23:30 of the 30th to 00:30 of the 31st, so this is 00:45 of the 31st.
    moment = int(dt.datetime(1919, 3, 31, 4, 45, tzinfo=dt.UTC).timestamp()) * 10**6
    windows = Windows(Window.parse("1d"), "America/Toronto", "us")
    start = windows.starts(np.array([moment], np.int64))
    assert [dt.datetime.fromtimestamp(at / 10**6, dt.UTC) for at in (start[0], windows.ends(start)[0])] == [
        dt.datetime(1919, 3, 31, 4, 30, tzinfo=dt.UTC),
        dt.datetime(1919, 4, 1, 4, tzinfo=dt.UTC),
    ]
    before = windows.starts(np.array([moment - 20 * 60 * 10**6], np.int64))
    assert windows.ends(before)[0] == start[0]
