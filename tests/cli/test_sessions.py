"""`pipeline sessions`: which sessions it lists, what it shows of them; and bare names in conditions on sessions."""

from __future__ import annotations

import csv
import datetime as dt
import json

import pytest
from samples import row, write_ndjson

import pipeline as package
from pipeline.cli import main

RECORDS = [
    {
        "session_id": f"run-{at}",
        "started_at": f"2026-11-2{at}T09:00:00Z",
        "ended_at": f"2026-11-2{at}T10:00:00Z",
        "harness": {"name": "load", "version": "2"},
        "attributes": {"site": "lab" if at % 2 else "field", "load": "x", "same": "s"},
        "configuration": {
            "users": 10 * at,
            "user": f"user {at}",
            "ratio": at if at % 2 else at / 4,
            "fast": at > 2,
            "net": {"host": f"10.0.0.{at}", "mtu": 1500},
            "odd name": "Ä",
            "load": 7,  # an attribute of this name comes first
            "session_id": "no",  # and a column of the sessions before that
            "a": {"twice": 1},
            "b": {"twice": 2},
            "rates": [1, 2],
            "Case": 1,
            "case": 2,
            "mixed": 1 if at % 2 else "one",
        },
    }
    for at in range(1, 5)
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    at = tmp_path_factory.mktemp("sessions")
    rows = [
        row(
            one["session_id"],
            0,
            metric="rtt" if one["session_id"] != "run-4" else "jitter",
            timestamp=one["started_at"],
        )
        for one in RECORDS
    ]
    write_ndjson(at / "a.ndjson", rows)
    (at / "a.session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    package.import_sessions(at / "a.ndjson", at / "store")
    return at / "store"


def ids(store, capsys, *options):
    status = main(["sessions", str(store), "--format", "csv", *options])
    out, err = capsys.readouterr()
    assert status == 0, err
    return [line["session_id"][-1] for line in csv.DictReader(out.splitlines())]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("users > 10", "234"),
        ("USERS = 20", "2"),
        ("user = 'user 3'", "3"),  # which is a function of SQL where no column has the name
        ("site = 'lab' AND NOT fast", "1"),
        ("host = '10.0.0.3'", "3"),
        ("mtu BETWEEN 1400 AND 1600 AND ratio < 1", "2"),
        ("load = 'x'", "1234"),
        ("\"odd name\" = 'Ä' AND session_id = 'run-1'", "1"),
        ("mixed = 'one'", "24"),
        ("users IN (10, 30) AND configuration->'net'->>'mtu' = '1500'", "13"),
    ],
)
def test_conditions_know_attributes_and_configuration_by_bare_names(store, capsys, condition, expected):
    assert "".join(ids(store, capsys, "--where-session", condition)) == expected
    found = package.list_sessions(store, where_session=condition)
    assert "".join(one["session_id"][-1] for one in found) == expected


@pytest.mark.parametrize(
    "seeds",
    [(2**64 - 1, 2**64 - 2, 7), (2**53 + 1, 2**53, 0.5), (10**400, 10**400 + 1, 0.5), (2**63, 2**53, 0.5)],
    ids=["64 bits", "beside a float", "beyond float64", "that floats hold"],
)
def test_integers_that_floats_do_not_hold_stay_what_they_are(tmp_path, capsys, seeds):
    records = [{"session_id": f"run-{at}", "configuration": {"seed": seed}} for at, seed in enumerate(seeds)]
    write_ndjson(tmp_path / "a.ndjson", [row(one["session_id"]) for one in records])
    (tmp_path / "a.session.json").write_text(json.dumps(records), encoding="utf-8")
    source = tmp_path / "a.ndjson"
    for at, seed in enumerate(seeds):
        found = package.list_sessions(source, where_session=f"seed = '{seed}'")
        assert [one["session_id"] for one in found] == [f"run-{at}"]
    assert main(["sessions", str(source), "--columns", "seed", "--format", "csv"]) == 0
    told = capsys.readouterr().out.splitlines()[1:]
    assert told == [repr(float(seed)) if seeds[0] == 2**63 else str(seed) for seed in seeds]


@pytest.mark.parametrize("name", ["twice", "rates", "net", "Case", "nothing"])
def test_what_means_no_single_value_is_no_name(store, capsys, name):
    assert main(["sessions", str(store), "--where-session", f'"{name}" = 1']) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "columns: session_id" in err
    assert "users" in err


def test_a_near_name_is_said(store, capsys):
    assert main(["export", str(store), "--to", "never", "--where-session", "ratoi = 10"]) == 2
    assert "did you mean 'ratio'" in capsys.readouterr().err


def test_every_command_takes_bare_names(store, tmp_path, capsys):
    assert main(["export", str(store), "--to", str(tmp_path / "out"), "--where-session", "users = 30", "-q"]) == 0
    assert "run-3" in next((tmp_path / "out").glob("sessions_*.csv")).read_text(encoding="utf-8")
    assert main(["delete", str(store), "--where-session", "users = 30", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("run-3\n")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--metric", "rtt"], "123"),
        (["--metric", "rtt", "--metric", "jitter"], "1234"),
        (["--since", "2026-11-23"], "34"),
        (["--since", "2026-11-22T09:00:00Z"], "234"),
        (["--since", "2026-11-22T09:00:00.000001Z"], "34"),
        (["--until", "2026-11-22T09:00:00Z"], "1"),
        (["--until", "2026-11-22T09:00:00.000001Z"], "12"),
        (["--since", "2026-11-23", "--until", "2026-11-24"], "3"),
        (["--since", "2026-11-23T10:30", "--timezone", "Europe/Berlin"], "4"),
        (["--since", "2026-11-23T1030"], None),
        (["--limit", "2"], "12"),
        (["--limit", "2", "--where-session", "users > 10"], "23"),
    ],
    ids=str,
)
def test_sessions_are_chosen_by_metric_time_and_number(store, capsys, options, expected):
    if expected is None:
        assert main(["sessions", str(store), *options]) == 2
        assert "--since" in capsys.readouterr().err
    else:
        assert "".join(ids(store, capsys, *options)) == expected


def test_the_twin_in_python_chooses_the_same(store):
    found = package.list_sessions(store, metrics=["rtt"], since=dt.date(2026, 11, 22), until=dt.date(2026, 11, 23))
    assert [one["session_id"] for one in found] == ["run-2"]
    assert len(package.list_sessions(store)) == 4


def test_a_metric_that_no_session_has_is_a_warning_with_a_near_name(store, capsys):
    assert main(["sessions", str(store), "--metric", "jiter"]) == 0
    assert "did you mean 'jitter'" in capsys.readouterr().err


COLUMNS = "session_id,users,ratio,fast,site,configuration,started_at,mixed"
EXPECTED = [
    {
        "session_id": one["session_id"],
        "users": one["configuration"]["users"],
        "ratio": float(one["configuration"]["ratio"]),
        "fast": one["configuration"]["fast"],
        "site": one["attributes"]["site"],
        "configuration": one["configuration"],
        "started_at": one["started_at"].replace("Z", ".000000Z"),
        "mixed": str(one["configuration"]["mixed"]),
    }
    for one in RECORDS
]


@pytest.mark.parametrize("name", ["json", "ndjson", "csv"])
def test_columns_are_those_that_are_asked_for_in_every_format(store, capsys, name):
    assert main(["sessions", str(store), "--columns", COLUMNS, "--format", name]) == 0
    out = capsys.readouterr().out
    if name == "csv":
        found = list(csv.DictReader(out.splitlines()))
        assert [json.loads(line.pop("configuration")) for line in found] == [one["configuration"] for one in EXPECTED]
        texts = [{key: text(value) for key, value in one.items() if key != "configuration"} for one in EXPECTED]
        assert found == texts
    else:
        found = json.loads(out) if name == "json" else [json.loads(line) for line in out.splitlines()]
        assert found == EXPECTED
        assert list(found[0]) == COLUMNS.split(",")


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_column_that_is_not_there_is_an_error_with_a_near_name(store, capsys):
    assert main(["sessions", str(store), "--columns", "ratoi"]) == 3
    assert "did you mean 'ratio'" in capsys.readouterr().err


def test_the_table_shows_what_tells_sessions_apart(store, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["sessions", str(store)]) == 0
    header, _, *lines = capsys.readouterr().out.splitlines()
    # What is the same in all is not shown, nor what parts none that are not told apart already.
    assert header.split() == ["session_id", "started_at", "duration", "measurements", "site", "fast"]
    assert [line.split()[-2:] for line in lines] == [
        ["lab", "false"], ["field", "false"], ["lab", "true"], ["field", "true"]
    ]  # fmt: skip
    assert main(["sessions", str(store), "--where-session", "users = 10"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[-2:] == ["harness", "metrics"]


@pytest.mark.parametrize("width", [30, 64, 80])
def test_the_table_is_as_wide_as_the_terminal_and_says_what_it_leaves_out(store, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["sessions", str(store), "--limit", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table, notes = lines[:5], lines[5:]
    assert max(map(len, table)) <= width
    assert notes[0] == "... the first 3 of 4 sessions"
    assert ("they differ in site, fast, too" in "".join(notes)) == (width < 64)
    assert main(["sessions", str(store), "--columns", "session_id,configuration"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width
