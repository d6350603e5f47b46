"""Which sessions and metrics an export takes, all parts together; plain Python picks the expected rows."""

from __future__ import annotations

import datetime as dt
import json
import re

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from directories import only
from hypothesis import given, settings
from hypothesis import strategies as st
from project import FIXTURE_STORE
from samples import row
from selections import CONDITIONS, SESSIONS, _numbers, at, exported, read_rows, small, time_of

import pipeline as package
from pipeline.cli import main


def test_everything_is_taken_in_order_by_default(recorded, tmp_path):
    found = exported(FIXTURE_STORE, tmp_path)
    assert found == recorded
    order = [(SESSIONS.index(r["session_id"]), r["sequence"]) for r in found]
    assert order == sorted(order)


def test_a_file_per_session_holds_the_rows_of_that_session(recorded, tmp_path):
    package.export_measurements(FIXTURE_STORE, tmp_path / "out", scope="per-session", sync=False)
    for session_id in SESSIONS:
        path = only(tmp_path / "out", f"measurements_*_session-{session_id}.ndjson")
        assert read_rows(path) == [r for r in recorded if r["session_id"] == session_id]
    assert len(list((tmp_path / "out").glob("measurements_*"))) == len(SESSIONS)


def test_sessions_are_chosen_by_id_and_come_in_their_own_order(recorded, tmp_path):
    wanted = [SESSIONS[4], SESSIONS[1], SESSIONS[4]]
    found = exported(FIXTURE_STORE, tmp_path, sessions=wanted)
    assert found == [r for r in recorded if r["session_id"] in wanted]
    assert [r["session_id"] for r in found if r["sequence"] == 0] == [SESSIONS[1], SESSIONS[4]]


def test_an_unknown_session_is_an_error_that_names_near_ones(tmp_path):
    with pytest.raises(package.SourceError, match=f"did you mean .*{re.escape(SESSIONS[0])}"):
        exported(FIXTURE_STORE, tmp_path, sessions=[SESSIONS[1], SESSIONS[0].replace("loop", "lop")])
    with pytest.raises(package.SourceError, match=re.escape(SESSIONS[0])):
        exported(FIXTURE_STORE, tmp_path, sessions=["zzz"])


@pytest.mark.parametrize("session_id", ["a'b", 'x"y', "50%", "a,b", "ä😀", "* or 1=1", "a\nb", "{}"])
def test_ids_are_data_never_sql_or_patterns(tmp_path, session_id):
    rows = [row(session_id, 0, value=1.0), row("other", 0, value=2.0)]
    found = exported(small(tmp_path, rows), tmp_path, sessions=[session_id])
    assert [r["session_id"] for r in found] == [session_id]


def test_metrics_are_chosen_by_name(recorded, tmp_path):
    found = exported(FIXTURE_STORE, tmp_path, metrics=["jitter", "control_rtt"])
    assert found == [r for r in recorded if r["metric"] in {"jitter", "control_rtt"}]


def test_a_metric_that_no_session_has_is_a_warning_that_names_near_ones(tmp_path):
    options = {"metrics": ["jiter", "bitrate"], "sync": False}
    report = package.export_measurements(FIXTURE_STORE, tmp_path / "out", **options)
    assert len(report.warnings) == 1
    assert "'jiter'" in report.warnings[0]
    assert "'jitter'" in report.warnings[0]
    assert report.rows > 0


def test_all_parts_of_a_selection_hold_together(recorded, tmp_path):
    options = {
        "sessions": SESSIONS[2:9],
        "metrics": ["control_rtt", "jitter"],
        "since": "2026-11-24T17:58:20Z",
        "until": "2026-11-24T18:07:40Z",
        "where": "value < 0.5",
        "where_session": "attributes->>'robot_id' = 'robot-01'",
    }
    expected = [
        r
        for r in recorded
        if r["session_id"] in SESSIONS[2:9]
        and r["metric"] in {"control_rtt", "jitter"}
        and at("2026-11-24T17:58:20Z") <= time_of(r) < at("2026-11-24T18:07:40Z")
        and r["value"] is not None
        and r["value"] < 0.5
        and r["robot_id"] == "robot-01"
    ]
    assert 0 < len(expected) < 1000
    assert exported(FIXTURE_STORE, tmp_path, **options) == expected
    counted = package.export_statistics(FIXTURE_STORE, tmp_path / "s", format="parquet", sync=False, **options)
    assert counted.rows > 0
    table = pq.read_table(only(tmp_path / "s", "statistics_*"))
    assert sum(table.column("count").to_pylist()) == len(expected)


@settings(max_examples=25)
@given(
    bounds=st.tuples(st.integers(-1, 9), st.integers(-1, 9)),
    metrics=st.sampled_from([(), ("rtt",), ("loss", "rtt"), ("none",)]),
    condition=st.sampled_from(CONDITIONS),
    batch_size=st.integers(1, 20),
)
def test_any_selection_matches_plain_python(tmp_path, bounds, metrics, condition, batch_size):
    source = small(tmp_path)
    rows = exported(source, tmp_path)
    low, high = (at("2026-11-24T16:00:00Z") + dt.timedelta(seconds=seconds) for seconds in bounds)
    options = {"since": low.isoformat(), "until": high.isoformat(), "metrics": metrics}
    options |= {"where": condition[0], "batch_size": batch_size}
    if low >= high:
        with pytest.raises(package.UsageError):
            exported(source, tmp_path, **options)
        return
    expected = [
        r for r in rows if low <= time_of(r) < high and (not metrics or r["metric"] in metrics) and condition[1](r)
    ]
    assert exported(source, tmp_path, **options) == expected


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1000, 10**9])
@pytest.mark.parametrize("format", ["ndjson", "csv", "json", "parquet", "arrow"])
def test_bytes_do_not_depend_on_the_batch_size(tmp_path, format, batch_size):  # noqa: A002 - the option's name
    source = small(tmp_path)
    options = {"format": format, "where": "value > 1 OR robot IS NULL", "until": "2026-11-24T16:00:07Z"}
    options |= {"columns": ["robot", "value", "session_id"], "hashed": True, "sync": False}
    package.export_measurements(source, tmp_path / "one", **options)
    package.export_measurements(source, tmp_path / "two", batch_size=batch_size, **options)
    one, two = (only(tmp_path / name, "measurements_*") for name in ("one", "two"))
    assert one.name == two.name
    if format == "arrow":
        # The batches of an Arrow file may follow the batch size, its rows may not.
        assert pa.ipc.open_file(one).read_all().equals(pa.ipc.open_file(two).read_all())
    else:
        assert one.read_bytes() == two.read_bytes()


def test_batches_of_the_recorded_store_do_not_change_its_text(tmp_path):
    options = {
        "where": "value > 30 OR value IS NULL",
        "sync": False,
        "metrics": ["control_rtt", "video_latency"],
    }
    texts = []
    for batch_size in (100, 1771, 16_384):
        to = tmp_path / str(batch_size)
        package.export_measurements(FIXTURE_STORE, to, batch_size=batch_size, **options)
        texts.append(only(to, "measurements_*").read_bytes())
    assert texts[0] == texts[1] == texts[2]
    assert texts[0].count(b"\n") > 1000


def test_nothing_selected_is_valid_and_warned_of(tmp_path):
    for options in (
        {"where": "false"},
        {"since": "2100-01-01"},
        {"metrics": ["none"]},
        {"where_session": "false"},
    ):
        to = tmp_path / f"empty-{next(_numbers)}"
        report = package.export_measurements(FIXTURE_STORE, to, sync=False, **options)
        assert report.warnings
        assert only(to, "measurements_empty_*").read_bytes() == b""
        with pytest.raises(package.EmptyExportError):
            package.export_measurements(FIXTURE_STORE, tmp_path / "none", fail_if_empty=True, **options)
        assert not (tmp_path / "none").exists()


def test_files_per_session_include_sessions_without_a_selected_row(tmp_path):
    source = small(tmp_path / "in")
    options = {"scope": "per-session", "where": "session_id = 'b'", "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    assert only(tmp_path / "out", "measurements_*_session-a.ndjson").read_bytes() == b""
    assert only(tmp_path / "out", "measurements_*_session-b.ndjson").read_bytes().count(b"\n") == 8


def test_the_command_takes_every_option_of_a_selection(tmp_path, capsys):
    arguments = ["export", str(FIXTURE_STORE), "--to", "-", "--quiet"]
    arguments += [
        "--session",
        SESSIONS[0],
        "--session",
        SESSIONS[2],
        "--metric",
        "jitter",
        "--metric",
        "bitrate",
    ]
    arguments += [
        "--since",
        "2026-11-24 18:55:30",
        "--until",
        "2026-11-24T17:58:30Z",
        "--timezone",
        "Europe/Berlin",
    ]
    arguments += ["--where", "value > 0.001", "--where-session", "attributes->>'robot_id' = 'robot-01'"]
    arguments += ["--columns", 'value,"metric",timestamp', "--exclude", "timestamp"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = [json.loads(line) for line in out.splitlines()]
    assert found == exported(
        FIXTURE_STORE,
        tmp_path,
        sessions=[SESSIONS[0], SESSIONS[2]],
        metrics=["jitter", "bitrate"],
        since="2026-11-24T17:55:30Z",
        until="2026-11-24T17:58:30Z",
        where="value > 0.001",
        where_session="attributes->>'robot_id' = 'robot-01'",
        columns=["value", "metric"],
    )
    assert len(found) > 10


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--session", "nope"], 3),
        (["--columns", "nope"], 3),
        (["--columns", ""], 2),
        (["--exclude", "nope"], 3),
        (["--since", "soon"], 2),
        (["--where", "nope"], 2),
        (["--where-session", "nope"], 2),
        (["--redact", "configuration.nope"], 3),
        (["--redact", "nope"], 2),
        (["--timezone", "Nowhere"], 2),
        (["--scope", "per-robot"], 2),
    ],
)
@pytest.mark.parametrize("command", ["export", "statistics"])
def test_errors_are_one_line_with_their_status(tmp_path, capsys, command, arguments, status):
    assert main([command, str(FIXTURE_STORE), "--to", str(tmp_path / "out"), *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pipeline: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
