"""The table of statistics: its columns, its rows in each format, and the options of the command."""

from __future__ import annotations

import csv
import datetime as dt
import json
from math import nan

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from directories import only
from figures import (
    COUNTS,
    ENDS,
    EPOCH,
    FIGURES,
    LARGEST,
    QUANTILES,
    WINDOW,
    check,
    csv_bytes,
    many_rows,
    sample,
    statistics,
    ticks,
    within_ulps,
    write_parquet,
)
from project import FIXTURE_STORE

import pipeline as package
from pipeline.cli import main


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
