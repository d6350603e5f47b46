"""Sources that change while they are read, and clocks that are wrong: each has one outcome that is defined."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from datetime import timedelta

import duckdb
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from directories import names_in, only
from project import FIXTURE_STORE
from samples import row, write_ndjson

import pipeline
import pipeline.sources.spool
from pipeline import SourceError, export_measurements, import_sessions, list_sessions, record_session
from pipeline.cli import main
from pipeline.package import descriptor
from pipeline.rows.normalise import Normaliser
from pipeline.rows.rules import RowChecker

COUNT = 40_000  # several batches


def lines_of(first, last):
    start = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)
    return [
        {
            "session_id": "s1",
            "sequence": at,
            "timestamp": (start + timedelta(milliseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "metric": "m",
            "value": float(at),
            "unit": "ms",
        }
        for at in range(first, last)
    ]


def as_bytes(name, rows):
    """Rows as a file, by writers of others."""
    if name.endswith(".ndjson"):
        return "".join(json.dumps(r) + "\n" for r in rows).encode()
    if name.endswith(".csv"):
        return "\n".join([",".join(rows[0]), *(",".join(map(str, r.values())) for r in rows), ""]).encode()
    table = pa.Table.from_pylist([r | {"timestamp": dt.datetime.fromisoformat(r["timestamp"])} for r in rows])
    table = table.set_column(2, "timestamp", table["timestamp"].cast(pa.timestamp("us", "UTC")))
    sink = pa.BufferOutputStream()
    if name.endswith(".parquet"):
        pq.write_table(table, sink, row_group_size=3000)
    else:
        kind = pa.ipc.new_file if name.endswith(".arrow") else pa.ipc.new_stream
        with kind(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=3000)
    return sink.getvalue().to_pybytes()


def vanish(path, _name):
    path.unlink()


def shrink(path, _name):
    os.truncate(path, path.stat().st_size // 2)


def empty(path, _name):
    os.truncate(path, 0)


def grow(path, name):
    with path.open("ab") as file:
        file.write(as_bytes(name, lines_of(COUNT, COUNT + 100)))


def half_a_row(path, _name):
    with path.open("ab") as file:
        file.write(b'{"session_id":"s1","sequ')


def replaced(path, name):
    other = path.with_name("other")
    other.write_bytes(as_bytes(name, lines_of(5, 50)))
    other.replace(path)


def directory(path, _name):
    path.unlink()
    path.mkdir()


CHANGES = [vanish, shrink, empty, grow, half_a_row, replaced, directory]
NAMES = ["a.ndjson", "a.csv", "a.parquet", "a.arrow", "a.arrows"]


def on_call(monkeypatch, owner, method, number, act):
    """Let something happen when a method is called for the n-th time; the method itself does what it does."""
    original, calls = getattr(owner, method), []

    def counted(self, *arguments, **options):
        calls.append(1)
        if len(calls) == number:
            act()
        return original(self, *arguments, **options)

    monkeypatch.setattr(owner, method, counted)
    return calls


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_gives_whole_rows_or_an_error(tmp_path, monkeypatch, name, change, number):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    path.write_bytes(as_bytes(name, lines_of(0, COUNT)))
    # Parquet and Arrow are read where they lie, their rows checked; text passes the normaliser.
    owner, method = (RowChecker, "__call__") if not name.endswith((".ndjson", ".csv")) else (Normaliser, "conform")
    calls = on_call(monkeypatch, owner, method, number, lambda: change(path, name))
    (tmp_path / "work").mkdir()
    said = ""
    try:
        export_measurements(path, tmp_path / "work" / "out", sync=False)
    except SourceError as error:
        said = str(error)
    if said:
        assert name in said or "changed while it was read" in said
        assert names_in(tmp_path / "work") == []
    else:
        text = only(tmp_path / "work" / "out", "measurements_*").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines()]
        assert found in (lines_of(0, COUNT), lines_of(0, COUNT + 100))
    assert len(calls) >= number


@pytest.mark.parametrize("change", ["vanishes", "shrinks", "is replaced"])
def test_a_session_that_changes_while_its_store_is_read_is_an_error_or_what_it_was(tmp_path, monkeypatch, change):
    write_ndjson(tmp_path / "a.ndjson", [r | {"session_id": s} for s in ("s1", "s2") for r in lines_of(0, COUNT)])
    store = tmp_path / "store"
    import_sessions(tmp_path / "a.ndjson", store)
    other = [r | {"session_id": "s2"} for r in lines_of(7, 77)]
    write_ndjson(tmp_path / "b.ndjson", other)

    def act():
        if change == "vanishes":
            shutil.rmtree(store / "sessions" / "s2")
        elif change == "shrinks":
            shrink(store / "sessions" / "s2" / "measurements-0000.parquet", "")
        else:
            monkeypatch.undo()
            import_sessions(tmp_path / "b.ndjson", store, if_exists="replace")

    on_call(monkeypatch, RowChecker, "__call__", 2, act)
    (tmp_path / "work").mkdir()
    if change == "shrinks":
        with pytest.raises(SourceError, match="s2"):
            export_measurements(store, tmp_path / "work" / "out", sync=False)
        assert names_in(tmp_path / "work") == []
        return
    # The files are held open: what their path names meanwhile does not matter.
    export_measurements(store, tmp_path / "work" / "out", sync=False)
    text = only(tmp_path / "work" / "out", "measurements_*").read_text(encoding="utf-8")
    expected = [r | {"session_id": s} for s in ("s1", "s2") for r in lines_of(0, COUNT)]
    assert [json.loads(line) for line in text.splitlines()] == expected


@pytest.mark.parametrize("wrong", ["vanish", "directory", "empty"])
def test_a_database_that_changes_before_it_is_read_is_an_error(tmp_path, wrong):
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE measurements (x INT)")
    {"vanish": vanish, "directory": directory, "empty": empty}[wrong](path, "")
    with pytest.raises(SourceError, match=r"a\.duckdb"):
        export_measurements(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Clock(dt.datetime):
    """A clock that can be set."""

    shown = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.shown.astimezone(tz)


@pytest.mark.parametrize("year", [1970, 2000, 9999])
def test_a_clock_that_is_set_back_changes_created_alone(tmp_path, monkeypatch, year):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(descriptor, "datetime", Clock)
    export_measurements(FIXTURE_STORE, tmp_path / "out", where="sequence < 50", sync=False)
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.ndjson")}
    monkeypatch.setattr(Clock, "shown", dt.datetime(year, 1, 1, tzinfo=dt.UTC))
    # The same package is there already, though it seems to come from the future.
    report = export_measurements(FIXTURE_STORE, tmp_path / "out", where="sequence < 50", sync=False)
    assert report.is_unchanged
    export_measurements(FIXTURE_STORE, tmp_path / "out", where="sequence < 40", sync=False, overwrite=True)
    export_measurements(FIXTURE_STORE, tmp_path / "out", where="sequence < 50", sync=False, overwrite=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.ndjson")} == before
    created = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))["created"]
    assert created == f"{year:04}-01-01T00:00:00Z"
    assert not pipeline.verify_package(tmp_path / "out").problems


@pytest.mark.parametrize("seconds", [0, -1, -(2**31), 2**31, 2**33])
def test_a_file_from_the_past_or_the_future_starts_when_it_says(tmp_path, seconds):
    """Without a better clue a harness file starts when it was last modified."""
    path = tmp_path / "run.csv"
    path.write_text("took\n1.5\n2.5\n", encoding="utf-8")
    os.utime(path, (seconds, seconds))
    assert main(["import", str(path), "--to", str(tmp_path / "store"), "--map", "value=took:ms", "--quiet"]) == 0
    (session,) = list_sessions(tmp_path / "store")
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + timedelta(seconds=path.stat().st_mtime)
    assert session["started_at"] == start.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert session["measurement_count"] == 2


def test_a_recorder_keeps_its_order_when_the_clock_runs_backwards(tmp_path, monkeypatch):
    ticks = iter(range(10**18, 0, -(10**9)))
    monkeypatch.setattr("pipeline.recorder.recorder.time.time_ns", lambda: next(ticks))
    with record_session(tmp_path / "store", session_id="s") as session:
        for at in range(20):
            session.record("m", at)
    (record,) = list_sessions(tmp_path / "store")
    assert record["backward_timestamp_count"] == 19
    with pipeline.connect(tmp_path / "store") as connection:
        found = connection.execute("SELECT sequence, value FROM measurements ORDER BY sequence").fetchall()
    assert found == [(at, float(at)) for at in range(20)]


def test_days_are_those_of_the_clock_whatever_it_shows(tmp_path, monkeypatch, capsys):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    arguments = ["export", str(tmp_path / "a.ndjson"), "--to", str(tmp_path / "out"), "--since", "tomorrow"]
    assert main(arguments) == 0
    assert "no rows" in capsys.readouterr().err
