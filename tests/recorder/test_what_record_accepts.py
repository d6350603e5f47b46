"""Whatever the recorder accepts is recovered when it is killed; what cannot be is an error at the call."""

from __future__ import annotations

import datetime as dt
import json
import math
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recordings import columns_of, killed

from pipeline import UsageError, export_measurements, list_sessions, record_session, recover_sessions
from pipeline.recorder.recording import read_batches

ZONE = dt.timezone(dt.timedelta(hours=14))
NUMBERS = [2**53, -(2**53), 2**53 + 1, 2**60, 2**63 - 1, -(2**63), 2**63, 10**30, 10**400]

REFUSED = [
    ({"at": 10**30}, "0001 to 9999"),
    ({"at": -(10**30)}, "0001 to 9999"),
    ({"at": 10**5000}, "0001 to 9999"),
    ({"at": -62_135_596_800_000_000_001}, "0001 to 9999"),
    ({"at": dt.datetime(1, 1, 1, 13, tzinfo=ZONE)}, "0001 to 9999"),
    ({"at": 1.5}, "whole number of nanoseconds"),
    ({"at": True}, "whole number of nanoseconds"),
    ({"at": "2026-11-24T16:00:00Z"}, "whole number of nanoseconds"),
    ({"at": dt.date(2026, 11, 24)}, "whole number of nanoseconds"),
    ({"value": 10**5000}, "float64"),
    ({"value": np.int64(2**53 + 1)}, "without loss"),
    ({"value": np.True_}, "is no number"),
    ({"value": Decimal("1e400")}, "float64"),
    ({"count": 2**63}, "int64"),
    ({"count": 10**5000}, "int64"),
    ({"large": 0.5}, "beyond 2\\*\\*53"),
    ({"ratio": 2**53 + 1}, "without loss"),
    ({"bad\ud800": 1}, "surrogate"),
    ({"bad\0": 1}, "NUL"),
    ({"": 1}, "no name"),
    ({"note": "x" * (64 << 20)}, "67,108,864 are a row at most"),
    ({"metric": "x" * (64 << 20)}, "67,108,864 are a row at most"),
    ({"note": "x" * (32 << 20), "unit": "x" * (32 << 20)}, "67,108,864 are a row at most"),
    ({"note": "\1" * (11 << 20)}, "67,108,864 are a row at most"),
    ({"x" * (64 << 20): 1}, "67,108,864 are a row at most"),
]


@pytest.mark.parametrize(("given", "phrase"), REFUSED)
def test_what_could_not_be_recovered_is_refused_and_costs_no_other_row(tmp_path, given, phrase):
    with killed(tmp_path / "store", session_id="s") as session:
        session.record("m", 1.0, count=1, large=2**60, ratio=0.5)
        with pytest.raises(UsageError, match=phrase):
            session.record(**{"metric": "m", "value": 1.0} | given)
        session.record("m", 2.0, count=2, large=-(2**60), ratio=1)
    assert recover_sessions(tmp_path / "store") == ["s"]
    columns = columns_of(tmp_path / "store", "s")
    assert {name: columns[name] for name in list(columns)[4:]} == {
        "value": [1.0, 2.0],
        "unit": [None, None],
        "count": [1, 2],
        "large": [2**60, -(2**60)],
        "ratio": [0.5, 1.0],
    }


@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [
        ("us", -62_135_596_800_000_000_000, 253_402_300_799_999_999_999),
        ("ns", -(2**63) + 1, 2**63 - 1),
    ],
)
def test_times_are_taken_up_to_the_limits_of_the_unit(tmp_path, unit, first, last):
    with killed(tmp_path / "store", session_id="s", timestamp_unit=unit) as session:
        for at in (first, last, np.int64(0)):
            session.record("m", 1.0, at=at)
        for at in (first - 1, last + 1):
            with pytest.raises(UsageError, match="lies outside the years"):
                session.record("m", 1.0, at=at)
    recover_sessions(tmp_path / "store")
    per = 1000 if unit == "us" else 1
    assert columns_of(tmp_path / "store", "s")["timestamp"] == [first // per, last // per, 0]
    assert list_sessions(tmp_path / "store")[0]["measurement_count"] == 3


@pytest.mark.parametrize(("unit", "per"), [("ns", 1), ("us", 1000)])
def test_nanoseconds_of_pandas_times_are_kept(tmp_path, unit, per):
    times = [-1, 999, 1_795_543_565_123_456_789]
    with killed(tmp_path / "store", session_id="s", timestamp_unit=unit) as session:
        for at in times:
            session.record("m", 1.0, at=pd.Timestamp(at, unit="ns", tz="UTC").tz_convert("Europe/Berlin"))
    recover_sessions(tmp_path / "store")
    assert columns_of(tmp_path / "store", "s")["timestamp"] == [at // per for at in times]


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"configuration": nested(990)}, "deeper than|recursion"),
        ({"configuration": nested(600)}, "deeper than 500"),
        ({"configuration": {1: "a", "1": "b"}}, "twice"),
        ({"configuration": {"a": math.nan}}, "JSON"),
        ({"configuration": {"a": object()}}, "JSON"),
        ({"configuration": 5}, "an object"),
        ({"attributes": [1]}, "an object"),
        ({"attributes": {"site": "a\0"}}, "NUL"),
        ({"attributes": {"site": "\ud800"}}, "surrogate"),
        ({"attributes": {"count": 2**63}}, "int64"),
        ({"attributes": {"metric": "m"}}, "occurs 2 times"),
        ({"attributes": {"note": "x" * (64 << 20)}}, "a row at most"),
        ({"timestamp_unit": "ms"}, "timestamp_unit must be 'us' or 'ns'"),
        ({"session_id": "x" * 129}, "128 characters"),
        ({"flush_seconds": math.nan}, "flush_seconds"),
        ({"flush_seconds": "1"}, "flush_seconds"),
        ({"batch_rows": 2.5}, "batch_rows"),
    ],
)
def test_a_session_that_could_not_be_recovered_does_not_begin(tmp_path, options, phrase):
    with pytest.raises(UsageError, match=phrase):
        record_session(tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_a_clock_that_never_flushes_keeps_all_rows(tmp_path):
    with record_session(tmp_path / "store", session_id="s", flush_seconds=math.inf) as session:
        session.record("m", 1.0)
    assert columns_of(tmp_path / "store", "s")["value"] == [1.0]


def test_a_recorder_records_between_its_beginning_and_its_end_alone(tmp_path):
    session = record_session(tmp_path / "store")
    with pytest.raises(UsageError, match="has not begun"):
        session.record("m", 1.0)
    with session:
        session.record("m", 1.0)
        with pytest.raises(UsageError, match="has begun"):
            session.__enter__()
    with pytest.raises(UsageError, match="has ended"):
        session.record("m", 1.0)
    with pytest.raises(UsageError, match="has ended"):
        session.__enter__()
    assert list_sessions(tmp_path / "store")[0]["measurement_count"] == 1


def test_a_reason_of_any_text_ends_a_session(tmp_path):
    def work():
        with record_session(tmp_path / "store"):
            raise ValueError("no file 'a\udcff\0b'")

    with pytest.raises(ValueError, match="no file"):
        work()
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["incomplete_because"] == r"ValueError: no file 'a\udcff\0b'"


def test_attributes_have_the_type_that_the_store_has(tmp_path):
    with record_session(tmp_path / "store") as session:
        session.record("m", 1.0, tries=1, ratio=0.5, Channel="a")
    with killed(tmp_path / "store", session_id="s") as session:
        for name, given, phrase in [
            ("tries", 0.5, "in the store it is int"),
            ("tries", "1", "in the store it is int"),
            ("ratio", "1", "in the store it is float"),
            ("channel", "a", "only in case"),
        ]:
            with pytest.raises(UsageError, match=phrase):
                session.record("m", 1.0, **{name: given})
        session.record("m", 2.0, tries=2, ratio=1)
    assert recover_sessions(tmp_path / "store") == ["s"]
    columns = columns_of(tmp_path / "store", "s")
    assert (columns["value"], columns["tries"], columns["ratio"]) == ([2.0], [2], [1.0])
    assert isinstance(columns["ratio"][0], float)


def test_a_row_that_is_refused_leaves_no_type_behind(tmp_path):
    with record_session(tmp_path / "store", session_id="s") as session:
        with pytest.raises(UsageError, match="must be a string, number or bool"):
            session.record("m", 1.0, first=1, second=[1])
        session.record("m", 1.0, First="a")
    assert columns_of(tmp_path / "store", "s")["First"] == ["a"]


@pytest.mark.parametrize("character", ["x", "\1", '"', "é", "\U0001f600", "\n"])
def test_what_is_accepted_of_long_texts_is_a_row_that_import_takes(tmp_path, monkeypatch, character):
    limit = 40_000
    monkeypatch.setattr("pipeline.recorder.rows.MAX_ROW_BYTES", limit)
    accepted, refused = [], []
    with killed(tmp_path / "store", session_id="s", attributes={"constant": character * 300}) as session:
        for length in range(100, 42_000, 411):
            try:
                session.record("m" * 200, 1.5, unit=character, at=0, note=character * length)
                accepted.append(length)
            except UsageError:
                refused.append(length)
    assert max(accepted) < min(refused)
    recover_sessions(tmp_path / "store")
    export_measurements(tmp_path / "store", tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.ndjson")
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(accepted)
    assert max(map(len, lines)) <= limit
    assert len(lines[-1]) + 500 * len(json.dumps(character, ensure_ascii=False).encode()) > limit


def test_no_batch_holds_more_text_than_a_row_may(tmp_path, monkeypatch):
    for place in ("rows", "recorder"):
        monkeypatch.setattr(f"pipeline.recorder.{place}.MAX_ROW_BYTES", 100_000)
    with killed(tmp_path / "store", session_id="s", attributes={"note": "x" * 30_000}, batch_rows=1000) as session:
        for number in range(50):
            session.record("m", number)
    (recording,) = (tmp_path / "store" / "recordings").iterdir()
    assert max(batch.num_rows for batch in read_batches(recording)) == 4
    recover_sessions(tmp_path / "store")
    columns = columns_of(tmp_path / "store", "s")
    assert columns["value"] == list(range(50))
    assert set(columns["note"]) == {"x" * 30_000}


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
NAMES = st.sampled_from(["a", "A", "tries", "Tries", "ratio", "site", "unit2", "é", "", "n\0", "\ud800", "sequence"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(NUMBERS),
    st.floats(),
    st.sampled_from(["x", "y"]),
    ANY_TEXT,
    st.just("long " * 100),
)
ODD = st.sampled_from([[1], b"x", np.int64(2**60), np.float64(0.5), Decimal("0.5"), Decimal("1e400"), object()])
TIMES = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**61), 2**61),
    st.datetimes(timezones=st.sampled_from([dt.UTC, ZONE, dt.timezone(-dt.timedelta(hours=11))])),
    st.datetimes(),
    st.just("now"),
)
SOUND_ROWS = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["m", "n"]),
        "value": st.one_of(st.none(), st.floats(), st.integers(-(2**53), 2**53)),
        "unit": st.sampled_from([None, "ms", ""]),
        "at": st.one_of(st.just("now"), st.integers(-(2**62), 2**62)),
        "attributes": st.dictionaries(NAMES, SCALARS, max_size=2),
    }
)
ODD_ROWS = st.fixed_dictionaries(
    {
        "metric": st.one_of(st.just("m"), ANY_TEXT),
        "value": st.one_of(st.just(1), SCALARS, ODD),
        "unit": st.one_of(st.none(), ANY_TEXT),
        "at": TIMES,
        "attributes": st.dictionaries(NAMES, st.one_of(SCALARS, ODD), max_size=3),
    }
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.one_of(NAMES, st.integers(0, 3)), inner, max_size=3),
    max_leaves=5,
)
SOUND_SESSIONS = st.fixed_dictionaries(
    {
        "session_id": st.just("s"),
        "attributes": st.dictionaries(st.sampled_from(["a", "tries", "site"]), st.sampled_from([1, 0.5, "x", True])),
        "timestamp_unit": st.sampled_from(["us", "ns"]),
        "batch_rows": st.integers(2, 8),
    }
)
ODD_SESSIONS = st.fixed_dictionaries(
    {
        "session_id": st.one_of(st.just("s"), st.text(st.characters(exclude_categories=()), max_size=130)),
        "configuration": st.dictionaries(NAMES, JSON, max_size=3),
        "attributes": st.dictionaries(NAMES, JSON, max_size=2),
        "harness": st.one_of(st.none(), ANY_TEXT),
    }
)
SESSIONS = st.one_of(SOUND_SESSIONS, SOUND_SESSIONS, ODD_SESSIONS)
ROWS = st.lists(st.one_of(SOUND_ROWS, SOUND_ROWS, ODD_ROWS), max_size=12)
ROW = {"metric": "m", "value": 1.0, "unit": None, "at": 0, "attributes": {}}
SESSION = {"session_id": "s", "batch_rows": 2}


@settings(max_examples=80)
@given(options=SESSIONS, rows=ROWS, is_first=st.booleans())
@example(options=SESSION, rows=[ROW | {"attributes": {"a": value}} for value in (2**60, 0.5)], is_first=True)
@example(options=SESSION, rows=[ROW | {"attributes": {"a": value}} for value in (1, 2**63, 2)], is_first=True)
@example(options=SESSION | {"attributes": {"a": "\0"}}, rows=[ROW], is_first=True)
@example(options=SESSION, rows=[ROW | {"attributes": {"tries": 0.5}}], is_first=False)
def test_whatever_is_accepted_is_recovered_to_the_same_rows(tmp_path, options, rows, is_first):
    store = Path(tempfile.mkdtemp(dir=tmp_path)) / "store"
    if not is_first:
        with record_session(store, session_id="before", timestamp_unit=options.get("timestamp_unit")) as session:
            session.record("m", 1.0, tries=1, ratio=0.5, site="a")
    accepted = []
    try:
        with killed(store, **options) as session:
            for row in rows:
                try:
                    at = None if row["at"] == "now" else row["at"]
                    session.record(row["metric"], row["value"], unit=row["unit"], at=at, **row["attributes"])
                    accepted.append(row)
                except UsageError:
                    pass
    except UsageError:
        return
    recovered = recover_sessions(store)
    assert recovered == [options["session_id"]]
    described = {session["session_id"]: session for session in list_sessions(store)}
    assert described[recovered[0]]["measurement_count"] == len(accepted)
    (directory,) = (path for path in (store / "sessions").iterdir() if path.name != "before")
    columns = columns_of(store, directory.name)
    constants = {n: v for n, v in options.get("attributes", {}).items() if isinstance(v, str | int | float)}
    assert set(columns) >= {"sequence", *(constants if accepted else ())}
    per = 1 if options.get("timestamp_unit") == "ns" else 1000
    for place, row in enumerate(accepted):
        found = {name: values[place] for name, values in columns.items()}
        wanted = dict.fromkeys(columns) | constants | row["attributes"]
        wanted |= {"session_id": recovered[0], "sequence": place, "metric": row["metric"], "unit": row["unit"]}
        wanted |= {"value": None if row["value"] is None else float(row["value"])}
        wanted |= {"timestamp": found["timestamp"] if row["at"] == "now" else ticks(row["at"], per)}
        for name, value in wanted.items():
            if value is not None or name in found:
                assert same(found[name], value), (name, found[name], value)


def ticks(at, per):
    if isinstance(at, dt.datetime):
        return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000 // per
    return at // per


def same(found, value):
    if isinstance(found, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return repr(found) == repr(float(value)) and (found == value or math.isnan(found))
    return type(found) is type(value) and found == value
