"""The index of a store: what it saves is never paid with a wrong answer."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from samples import row, write_ndjson
from store_records import make_early

from pipeline import SourceError, compact_store, delete_sessions, export_measurements, import_sessions, list_sessions
from pipeline.cli import main
from pipeline.store import index as index_module
from pipeline.store.index import INDEX_FILE, note, read_index, write_index
from pipeline.store.inventory import take_stock
from pipeline.verify.verification import verify_package

DAY = "2026-11-{:02}T16:00:00Z"


def rows_of_day(session_id, day, **more):
    return [row(session_id, at, timestamp=DAY.format(day), metric="rtt", **more) for at in range(20)]


def add(tmp_path, store, rows, **options):
    source = write_ndjson(tmp_path / "rows.ndjson", rows)
    return import_sessions(source, store, **options)


@pytest.fixture
def store(tmp_path):
    for day in (1, 2, 3):
        add(tmp_path, tmp_path / "store", rows_of_day(f"s{day}", day, robot="r"))
    return tmp_path / "store"


def many(number, day=4):
    return [one for at in range(number) for one in rows_of_day(f"many-{at:03}", day, robot=f"r{at}")]


def records_of(store):
    return [json.loads(path.read_bytes())["session_id"] for path in sorted(store.glob("sessions/*/session.json"))]


def test_it_is_true_after_whatever_changes_the_store(store, tmp_path):
    changes = [
        lambda: add(tmp_path, store, rows_of_day("s0", 1)),
        lambda: add(tmp_path, store, rows_of_day("s2", 2, robot="another"), if_exists="replace"),
        lambda: add(tmp_path, store, many(70)),
        lambda: add(tmp_path, store, rows_of_day("many-007", 5), if_exists="replace"),
        lambda: delete_sessions(store, sessions=["s1", "many-003"]),
        lambda: compact_store(store),
    ]
    for change in changes:
        change()
        found = take_stock(store)
        assert found.is_indexed
        fresh = take_stock(store, trusting=False)
        (store / INDEX_FILE).rename(tmp_path / "aside")
        from_records = take_stock(store)
        (tmp_path / "aside").rename(store / INDEX_FILE)
        assert not from_records.is_indexed
        assert found.table() == fresh.table() == from_records.table()
        places = range(len(found.session_ids))
        assert found.sessions(places) == from_records.sessions(places)
        assert list(found.places) == list(from_records.places)
        assert main(["verify", str(store), "--quiet"]) == 0


def test_a_flipped_bit_is_told_and_changes_nothing(store, capsys):
    path = store / INDEX_FILE
    sound, listed = path.read_bytes(), list_sessions(store)
    draw = random.Random(1)  # noqa: S311 - repeatable on purpose
    for at in sorted(draw.sample(range(len(sound)), 150)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << draw.randrange(8)]) + sound[at + 1 :])
        assert list_sessions(store) == listed
        assert take_stock(store).warnings
    for damaged in (b"", sound[:-1], sound[: len(sound) // 2], sound + b"x"):
        path.write_bytes(damaged)
        assert list_sessions(store) == listed
    assert main(["sessions", str(store)]) == 0
    assert "index.parquet: is damaged" in capsys.readouterr().err
    assert main(["verify", str(store)]) == 5
    assert "--rebuild-index" in capsys.readouterr().err
    assert main(["compact", str(store), "--rebuild-index"]) == 0
    assert main(["verify", str(store)]) == 0
    assert take_stock(store).is_indexed


def test_one_that_lies_is_found_by_verify(store, capsys):
    found, noted = read_index(store / INDEX_FILE, "us")
    table = found.table()
    column = table.schema.get_field_index("measurement_count")
    other = table.set_column(column, table.schema.field(column), index_module.pa.array([20, 21, 20]))
    write_index(store / INDEX_FILE, other, noted)
    assert take_stock(store).is_indexed
    assert main(["verify", str(store)]) == 5
    assert "index.parquet: says other things of the sessions than their records" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["gone", "come", "replaced"])
def test_what_others_change_is_seen_and_said(store, tmp_path, capsys, change):
    sessions = store / "sessions"
    if change == "gone":
        shutil.rmtree(sessions / "s2")
    elif change == "come":
        add(tmp_path, tmp_path / "other", rows_of_day("s4", 4))
        shutil.copytree(tmp_path / "other" / "sessions" / "s4", sessions / "s4")
    else:
        add(tmp_path, tmp_path / "other", rows_of_day("s2", 9))
        shutil.rmtree(sessions / "s2")
        shutil.copytree(tmp_path / "other" / "sessions" / "s2", sessions / "s2")
    assert sorted(one["session_id"] for one in list_sessions(store)) == records_of(store)
    assert main(["query", str(store), "SELECT count(*) FROM sessions", "--format", "csv"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[1] == str(len(records_of(store)))
    assert "index.parquet: is older than the sessions" in said.err


def test_a_copy_of_a_store_is_read_without_a_word(store, tmp_path, capsys):
    shutil.copytree(store, tmp_path / "copy")
    os.utime(tmp_path / "copy" / "sessions", (1, 1))
    assert main(["sessions", str(tmp_path / "copy")]) == 0
    assert capsys.readouterr().err == ""


def test_no_later_change_has_the_time_that_is_noted(store, tmp_path, monkeypatch):
    changed = (store / "sessions").stat()
    _, noted = read_index(store / INDEX_FILE, "us")
    assert noted.mtime_ns == changed.st_mtime_ns <= changed.st_ctime_ns - 20_000_000  # no clock is coarser

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(index_module.os, "utime", refuse)
    waited: list[float] = []
    monkeypatch.setattr(index_module.time, "sleep", waited.append)
    add(tmp_path, store, rows_of_day("s4", 4))
    assert waited == [0.02]
    assert take_stock(store).is_indexed


def test_a_time_in_whole_seconds_proves_nothing(store):
    os.utime(store / "sessions", (1, 1))
    found, _ = read_index(store / INDEX_FILE, "us")
    noted = note(store / "sessions")
    assert noted.mtime_ns is None
    write_index(store / INDEX_FILE, found.table(), noted)
    assert not take_stock(store).is_indexed


def test_damage_in_what_is_not_touched_stops_nobody(store, tmp_path):
    for path in (store / "sessions" / "s3").iterdir():
        path.write_bytes(b"damaged")
    for number, options in enumerate(
        ({"sessions": ["s1", "s2"]}, {"until": "2026-11-03"}, {"where_session": "session_id <> 's3'"})
    ):
        result = export_measurements(store, tmp_path / f"out{number}", **options)
        assert (result.sessions, result.rows) == (2, 40)
    with pytest.raises(SourceError, match="s3"):
        export_measurements(store, tmp_path / "all")


def test_a_package_of_yesterday_is_the_same_after_the_import_of_today(store, tmp_path):
    options = {"until": "2026-11-03", "with_statistics": True, "format": "csv"}
    first = export_measurements(store, tmp_path / "out", **options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    add(tmp_path, store, rows_of_day("today", 9, robot="r9", colour="red", weight=1.5))
    add(tmp_path, store, many(70, day=10))
    again = export_measurements(store, tmp_path / "out", **options)
    assert (first.is_unchanged, again.is_unchanged) == (False, True)
    export_measurements(store, tmp_path / "anew", **options)
    anew = {path.name: path.read_bytes() for path in (tmp_path / "anew").iterdir()}
    assert {name: data for name, data in anew.items() if name.endswith(".csv")} == {
        name: data for name, data in before.items() if name.endswith(".csv")
    }
    sources = [json.loads(files["datapackage.json"])["pipeline:source"] for files in (before, anew)]
    assert sources[0] == sources[1]


@pytest.mark.parametrize("kind", ["store", "file"])
def test_the_sessions_that_a_selection_touches_are_listed(store, tmp_path, kind):
    add(tmp_path, store, [row("s9", 0, timestamp=DAY.format(9), metric="loss")])
    source = store
    if kind == "file":
        export_measurements(store, tmp_path / "rows", format="parquet")
        source = str(next(iter((tmp_path / "rows").glob("*.parquet"))))
    for options, expected in (
        ({"metrics": ["loss"]}, ["s9"]),
        ({"since": "2026-11-02", "until": "2026-11-03"}, ["s2"]),
        ({"since": "2026-11-03T16:00:00Z"}, ["s3", "s9"]),
        ({"until": "2026-11-01T16:00:00Z"}, []),
        ({"where": "session_id = 's1'"}, ["s1", "s2", "s3", "s9"]),
    ):
        to = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        export_measurements(source, to, **options)
        descriptor = json.loads((to / "datapackage.json").read_bytes())
        (listed,) = [one["path"] for one in descriptor["resources"] if one["path"].startswith("sessions_")]
        assert [line.split(",")[0] for line in (to / listed).read_text().splitlines()[1:]] == expected
        assert not verify_package(to).problems


def test_columns_that_only_others_have_may_be_named(store, tmp_path):
    add(tmp_path, store, rows_of_day("s9", 9, colour="red", weight=1.5))
    to = tmp_path / "out"
    result = export_measurements(
        store, to, sessions=["s1"], columns=["sequence", "weight"], where="colour IS NULL", format="parquet"
    )
    assert result.rows == 20
    (path,) = to.glob("measurements_*.parquet")
    schema = pq.read_schema(path)
    assert [(field.name, str(field.type)) for field in schema] == [("sequence", "int64"), ("weight", "double")]


@pytest.mark.parametrize("field", ["last_timestamp", "first_timestamp", "metrics", "measurement_count"])
def test_an_early_record_is_compared_with_its_file_before_a_session_is_left_out_by_it(store, tmp_path, field):
    path = store / "sessions" / "s1" / "session.json"
    make_early(path)
    (store / INDEX_FILE).unlink()
    options = {"since": "2026-11-02"} if field != "metrics" else {"metrics": ["loss"]}
    add(tmp_path, store, [row("s9", 0, timestamp=DAY.format(9), metric="loss")])
    assert export_measurements(store, tmp_path / "sound", **options).rows
    record = json.loads(path.read_bytes())
    record[field] = {"metrics": ["another"], "measurement_count": 19}.get(field, "2026-10-31T16:00:00.000000Z")
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(SourceError, match="its record says other rows, times or metrics than its files"):
        export_measurements(store, tmp_path / "out", **options)


def test_a_store_of_the_first_version_is_of_this_one_when_it_is_compacted(tmp_path):
    store = tmp_path / "store"
    add(tmp_path, store, many(70))
    singles = tmp_path / "singles"
    for at in range(0, 70, 35):
        add(tmp_path, singles, [one for one in many(70) if at <= int(one["session_id"][5:]) < at + 35])
    (singles / INDEX_FILE).unlink()
    (singles / "store.json").write_text('{"format_version": 1, "timestamp_unit": "us"}', encoding="utf-8")
    for path in singles.glob("sessions/*/session.json"):
        make_early(path)
    assert not take_stock(singles).is_indexed
    compact_store(singles)
    assert json.loads((singles / "store.json").read_bytes())["format_version"] == 2
    assert take_stock(singles).is_indexed
    assert len(list(Path(singles, "sessions").iterdir())) == 1
    assert [one["content_digest"] for one in list_sessions(singles)] == [
        one["content_digest"] for one in list_sessions(store)
    ]


def test_packs_that_overlap_in_time_are_warned_of(tmp_path):
    store = tmp_path / "store"
    warnings = []
    for pack in range(9):
        rows = [
            row(f"p{pack}-{at:02}", 0, timestamp=f"2026-11-01T{at % 24:02}:{at // 24:02}:{pack:02}Z")
            for at in range(64)
        ]
        warnings.append(add(tmp_path, store, rows).warnings)
    assert warnings[:8] == [()] * 8
    assert "9 packs overlap in time" in warnings[8][0]
    compact_store(store)
    assert add(tmp_path, store, [row("last", 0)]).warnings == ()
