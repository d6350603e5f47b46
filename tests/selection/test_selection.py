"""Which sessions, rows and columns an export takes; the expected rows are picked by plain Python."""

from __future__ import annotations

import datetime as dt
import json
import re
from itertools import count
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from conftest import FIXTURE_STORE, descriptor, only, row, write_ndjson
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline as package
from pipeline.cli import main

SESSIONS = [session["session_id"] for session in package.list_sessions(FIXTURE_STORE)]
SECRET = "10.0.0.7-secret"  # noqa: S105 - it is what must not be found
_numbers = count()


def exported(source, tmp_path, **options):
    """Rows of an export, as decoded JSON."""
    to = tmp_path / f"out-{next(_numbers)}"
    package.export_measurements(source, to, sync=False, hashed=False, **options)
    return read_rows(only(to, "measurements_*.ndjson"))


def read_rows(path):
    """Rows of NDJSON."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def time_of(r):
    """Time of a row."""
    return dt.datetime.fromisoformat(r["timestamp"])


def at(text):
    """A time."""
    return dt.datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def recorded():
    """The recorded rows, in order, as a reader of Parquet gives them."""
    rows = []
    for session_id in SESSIONS:
        table = pq.read_table(FIXTURE_STORE / "sessions" / session_id / "measurements-0000.parquet")
        rows += [r | {"timestamp": r["timestamp"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")} for r in table.to_pylist()]
    return rows


def small(directory, rows=None, **record):
    """A source of two sessions."""
    rows = rows or [
        row(
            session_id,
            sequence,
            value=None if sequence == 4 else sequence * 1.5,
            metric=["rtt", "loss"][sequence % 2],
            robot=["r1", None, "r'2"][sequence % 3],
            tries=sequence * 10,
            ok=sequence % 2 == 0,
        )
        for session_id in ("a", "b")
        for sequence in range(8)
    ]
    path = write_ndjson(directory / "small.ndjson", rows)
    if record:
        ids = sorted({r["session_id"] for r in rows})
        records = [{"session_id": id_, **record} for id_ in ids]
        path.with_suffix(".session.json").write_text(json.dumps(records), encoding="utf-8")
    return path


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


def test_since_is_inclusive_and_until_exclusive(tmp_path):
    times = ["15:59:59.999999", "16:00:00.000000", "16:00:00.000001", "16:00:01.000000"]
    rows = [row(sequence=i, timestamp=f"2026-11-24T{time}Z") for i, time in enumerate(times)]
    source = small(tmp_path, rows)

    def sequences(**options):
        return [r["sequence"] for r in exported(source, tmp_path, **options)]

    assert sequences(since="2026-11-24T16:00:00Z") == [1, 2, 3]
    assert sequences(until="2026-11-24T16:00:00Z") == [0]
    assert sequences(since="2026-11-24T16:00:00.000001Z", until="2026-11-24T16:00:01Z") == [2]
    # Finer than the rows' unit: half a microsecond lies between two rows.
    assert sequences(since="2026-11-24T16:00:00.0000005Z") == [2, 3]
    assert sequences(until="2026-11-24T16:00:00.0000005Z") == [0, 1]
    # The same instants in other zones and spellings.
    assert sequences(since="2026-11-24T17:00:00+01:00") == [1, 2, 3]
    assert sequences(since="2026-11-24 11:00:00", timezone="America/New_York") == [1, 2, 3]
    assert sequences(since="2026-11-25") == []
    assert sequences(since="2026-11-24", until="2026-11-25") == [0, 1, 2, 3]
    # Midnight of Kathmandu is 18:15 of the day before.
    assert sequences(until="2026-11-24", timezone="Asia/Kathmandu") == []
    assert sequences(until="2026-11-25", timezone="Asia/Kathmandu") == [0, 1, 2, 3]


def test_bounds_in_nanoseconds_are_exact(tmp_path):
    times = [f"2026-11-24T16:00:00.00000000{digit}Z" for digit in range(4)]
    rows = [row(sequence=i, timestamp=time) for i, time in enumerate(times)]
    source = small(tmp_path, rows)
    found = exported(source, tmp_path, since=times[1], until=times[3])
    assert [r["timestamp"] for r in found] == times[1:3]


def test_times_before_1970_are_bounded_like_others(tmp_path):
    times = ["1969-12-31T23:59:59.999998Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z"]
    source = small(tmp_path, [row(sequence=i, timestamp=time) for i, time in enumerate(times)])
    found = exported(source, tmp_path, since=times[1], until=times[2])
    assert [r["timestamp"] for r in found] == [times[1]]
    found = exported(source, tmp_path, since="1969-12-31T23:59:59.9999985Z")
    assert [r["timestamp"] for r in found] == times[1:]


@pytest.mark.parametrize(
    ("bound", "timezone", "first"),
    [
        ("1850-01-01", "Europe/Berlin", "1849-12-31T23:06:32.000000Z"),  # local mean time, to the second
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00.000000Z"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000000Z"),  # has no midnight
        ("0001-01-02", "UTC", "0001-01-02T00:00:00.000000Z"),
    ],
)
def test_dates_begin_at_midnight_of_the_zone(tmp_path, bound, timezone, first):
    before = (at(first) - dt.timedelta(microseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)
    source = small(tmp_path, [row(sequence=i, timestamp=time) for i, time in enumerate([before, first])])
    assert [r["timestamp"] for r in exported(source, tmp_path, since=bound, timezone=timezone)] == [first]
    assert [r["timestamp"] for r in exported(source, tmp_path, until=bound, timezone=timezone)] == [before]


# At any moment one of these has another date than UTC.
@pytest.mark.parametrize("timezone", [None, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_and_yesterday_are_those_of_the_zone(tmp_path, timezone):
    zone = ZoneInfo(timezone or "UTC")
    while True:
        today = dt.datetime.now(zone).date()
        edges = {
            name: dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)
            for name, day in (("yesterday", today - dt.timedelta(days=1)), ("today", today))
        }
        times = sorted(edge + dt.timedelta(microseconds=by) for edge in edges.values() for by in (-1, 0))
        rows = [row(sequence=i, timestamp=t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) for i, t in enumerate(times)]
        source = small(tmp_path, rows)
        found = [
            [r["sequence"] for r in exported(source, tmp_path, timezone=timezone, **options)]
            for options in (
                {"since": "yesterday"},
                {"since": "today"},
                {"until": "today"},
                {"since": "yesterday", "until": "today"},
            )
        ]
        if dt.datetime.now(zone).date() == today:  # else midnight came in between
            break
    assert found == [[1, 2, 3], [3], [0, 1, 2], [1, 2]]


@pytest.mark.parametrize(
    "options",
    [
        {"since": "noon"},
        {"since": ""},
        {"until": "2026-13-01"},
        {"until": "2026-02-30"},
        {"since": "2026-11-24T25:00:00Z"},
        {"since": "24.11.2026"},
        {"since": "1795536000"},
        {"since": "Today"},
        {"since": "2026-11-25", "until": "2026-11-24"},
        {"since": "2026-11-24", "until": "2026-11-24"},
        {"since": "today", "until": "yesterday"},
        {"since": "2026-03-29 02:30:00", "timezone": "Europe/Berlin"},  # does not exist
        {"since": "2026-10-25 02:30:00", "timezone": "Europe/Berlin"},  # exists twice
        {"since": "2026-11-24", "timezone": "Mars/Olympus"},
        {"since": "2026-11-24", "timezone": "../../etc/passwd"},
    ],
)
def test_times_that_cannot_be_read_are_usage_errors(tmp_path, options):
    with pytest.raises(package.UsageError):
        package.export_measurements(FIXTURE_STORE, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


CONDITIONS = [
    ("value > 3", lambda r: r["value"] is not None and r["value"] > 3),
    ("value IS NULL", lambda r: r["value"] is None),
    ("NOT (value > 3)", lambda r: r["value"] is not None and r["value"] <= 3),
    ("robot = 'r1' OR robot IS NULL", lambda r: r["robot"] in {"r1", None}),
    ("robot = 'r''2'", lambda r: r["robot"] == "r'2"),
    ("\"robot\" <> 'r1'", lambda r: r["robot"] not in {"r1", None}),
    ("ok", lambda r: r["ok"]),
    ("NOT ok AND tries BETWEEN 20 AND 60", lambda r: not r["ok"] and 20 <= r["tries"] <= 60),
    ("session_id = 'b' AND sequence % 3 = 1", lambda r: r["session_id"] == "b" and r["sequence"] % 3 == 1),
    ("timestamp >= '2026-11-24T16:00:05Z'", lambda r: time_of(r) >= at("2026-11-24T16:00:05Z")),
    ("metric IN ('rtt') -- the rest", lambda r: r["metric"] == "rtt"),
    ("metric LIKE 'lo%' /* ; */", lambda r: r["metric"] == "loss"),
    ("(SELECT true) AND metric = 'rtt'", lambda r: r["metric"] == "rtt"),
    ("NULL", lambda _: False),
    ("true", lambda _: True),
    ("METRIC = 'rtt'", lambda r: r["metric"] == "rtt"),
]


@pytest.mark.parametrize("batch_size", [1, 3, 16_384])
@pytest.mark.parametrize(("condition", "keep"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS])
def test_where_takes_the_rows_for_which_it_holds(tmp_path, condition, keep, batch_size):
    source = small(tmp_path)
    expected = [r for r in exported(source, tmp_path) if keep(r)]
    assert exported(source, tmp_path, where=condition, batch_size=batch_size) == expected


def test_where_sees_every_column_whichever_are_written(tmp_path):
    found = exported(small(tmp_path), tmp_path, where="tries = 50 AND ok IS NOT NULL", columns=["value"])
    assert found == [{"value": 7.5}] * 2


@pytest.mark.parametrize("name", ["row", "ROW", "Row", "row_", "rowid", "value ", "select", "x;y", 'q"q', "é"])
def test_where_works_beside_attributes_of_any_name(tmp_path, name):
    rows = [row(sequence=i, value=float(i), **{name: f"t{i}"}) for i in range(4)]
    source = small(tmp_path, rows)
    assert exported(source, tmp_path, where="value > 1") == exported(source, tmp_path)[2:]
    quoted = '"' + name.replace('"', '""') + '"'
    assert [r["sequence"] for r in exported(source, tmp_path, where=f"{quoted} = 't3'")] == [3]


def hostile_conditions(tmp_path):
    """Conditions that are no condition, or reach beyond the row."""
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    text, table = tmp_path / "secret.txt", tmp_path / "secret.csv"
    return [
        f"exists (SELECT * FROM read_text('{text}'))",
        f"value < (SELECT size FROM read_blob('{text}'))",
        f"value < (SELECT count(*) FROM glob('{tmp_path}/*'))",
        f"value < (SELECT count(*) FROM read_csv('{table}'))",
        f"value < (SELECT count(*) FROM '{table}')",
        f"exists (SELECT * FROM sniff_csv('{table}'))",
        "exists (SELECT * FROM parquet_metadata('x.parquet'))",
        "a) or (1=1",
        "1=1) or (1=1",
        "value > 1; SELECT 1",
        "value > 1; DROP TABLE measurements",
        ";",
        "-- only a comment",
        "/* open",
        "'",
        '"',
        "",
        " ",
        "value > 1 LIMIT 1",
        "value > 1 ORDER BY 1",
        "value > 1 GROUP BY value",
        "value > 1 FROM range(3)",
        "value > 1 UNION SELECT true",
        "value > 1, value < 3",
        "*",
        "?",
        "$1",
        "value > avg(value)",
        "row_number() OVER () < 3",
        "unnest([true, true])",
        "nope = 1",
        "row < 2",
        "row_ < 2",
        "rowid < 2",
        "SET threads = 1",
        "SELECT",
        "value > (SELECT max(value) FROM measurements)",
    ]


def test_hostile_conditions_are_refused_before_anything_is_written(tmp_path):
    source = small(tmp_path)
    for condition in hostile_conditions(tmp_path):
        with pytest.raises(package.UsageError) as caught:
            package.export_measurements(source, tmp_path / "out", where=condition)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists(), condition
        with pytest.raises(package.UsageError):
            package.export_statistics(source, tmp_path / "out", where=condition)


def test_hostile_conditions_on_sessions_are_refused(tmp_path):
    source = small(tmp_path)
    for condition in hostile_conditions(tmp_path):
        of_session = condition.replace("value", "measurement_count")
        with pytest.raises(package.UsageError) as caught:
            package.export_measurements(source, tmp_path / "out", where_session=of_session)
        assert "\n" not in str(caught.value)
        with pytest.raises(package.UsageError):
            package.list_sessions(source, where_session=of_session)
        assert not (tmp_path / "out").exists(), condition


@pytest.mark.parametrize(
    "condition",
    ["metric", "metric = 3", "value > 'x'", "metric::INT > 3", "robot + 1 > 2", "error('no')", "[1] = value"],
)
@pytest.mark.parametrize("option", ["where", "where_session"])
def test_conditions_of_wrong_types_fail_in_one_line_and_publish_nothing(tmp_path, capsys, option, condition):
    if option == "where_session":
        condition = condition.replace("metric", "session_id").replace("value", "measurement_count")
    arguments = ["export", str(small(tmp_path)), "--to", str(tmp_path / "out")]
    status = main([*arguments, f"--{option.replace('_', '-')}", condition])
    out, err = capsys.readouterr()
    assert status in {2, 3}
    assert out == ""
    assert err.count("\n") == 1
    assert condition in err
    assert "fault of the program" not in err
    assert not (tmp_path / "out").exists()


def test_an_unknown_column_in_a_condition_lists_the_columns(tmp_path):
    with pytest.raises(package.UsageError, match="robot"):
        exported(small(tmp_path), tmp_path, where="robbot = 'r1'")
    with pytest.raises(package.UsageError, match="harness_name"):
        exported(small(tmp_path), tmp_path, where_session="harness = 'x'")


@pytest.mark.parametrize(
    ("condition", "keep"),
    [
        (
            "configuration->'network_profile'->>'name' = 'wan'",
            lambda s: s["configuration"]["network_profile"]["name"] == "wan",
        ),
        ("configuration->>'$.network_profile.name' LIKE 'wan%'", lambda s: s["session_id"].startswith("wan")),
        (
            "(configuration->>'$.network_profile.shaping.loss_probability')::DOUBLE > 0.01",
            lambda s: ((s["configuration"]["network_profile"]["shaping"] or {}).get("loss_probability") or 0) > 0.01,
        ),
        ("attributes->>'robot_id' = 'robot-02'", lambda s: s["attributes"]["robot_id"] == "robot-02"),
        (
            "measurement_count > 2220 AND null_count = 0",
            lambda s: s["measurement_count"] > 2220 > s["null_count"] == 0,
        ),
        ("harness_version = '0.1.0'", lambda s: s["harness"]["version"] == "0.1.0"),
        ("started_at >= '2026-11-24T18:07:00Z'", lambda s: s["started_at"] >= "2026-11-24T18:07"),
        ("json_contains(metrics, '\"jitter\"')", lambda s: "jitter" in s["metrics"]),
        ("session_id IN ('x') OR false", lambda _: False),
    ],
)
def test_where_session_sees_records_and_configuration(recorded, tmp_path, condition, keep):
    kept = [s["session_id"] for s in package.list_sessions(FIXTURE_STORE) if keep(s)]
    assert len(kept) < len(SESSIONS) or "jitter" in condition
    listed = package.list_sessions(FIXTURE_STORE, where_session=condition)
    assert [s["session_id"] for s in listed] == kept
    found = exported(FIXTURE_STORE, tmp_path, where_session=condition, metrics=["control_rate"])
    assert found == [r for r in recorded if r["session_id"] in kept and r["metric"] == "control_rate"]


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


def test_columns_are_written_in_the_order_that_is_asked_for(recorded, tmp_path):
    found = exported(FIXTURE_STORE, tmp_path, columns=["value", "robot_id", "sequence"], sessions=SESSIONS[:1])
    assert [list(r) for r in found] == [["value", "robot_id", "sequence"]] * len(found)
    own = [r for r in recorded if r["session_id"] == SESSIONS[0]]
    assert found == [{name: r[name] for name in ("value", "robot_id", "sequence")} for r in own]


def test_excluded_columns_are_left_out_and_the_rest_keeps_its_order(tmp_path):
    source = small(tmp_path)
    names = list(exported(source, tmp_path)[0])
    found = exported(source, tmp_path, exclude=["sequence", "robot"])
    assert list(found[0]) == [name for name in names if name not in {"sequence", "robot"}]
    found = exported(source, tmp_path, columns=["ok", "value", "metric"], exclude=["value"])
    assert list(found[0]) == ["ok", "metric"]
    assert list(exported(source, tmp_path, columns=["value", "value"])[0]) == ["value"]


def test_columns_that_do_not_exist_are_errors_that_name_near_ones(tmp_path):
    source = small(tmp_path)
    for option in ("columns", "exclude"):
        with pytest.raises(package.SourceError, match=r"'robott'.*did you mean 'robot'"):
            exported(source, tmp_path, **{option: ["value", "robott"]})
    with pytest.raises(package.SourceError, match="VALUE"):
        exported(source, tmp_path, columns=["VALUE"])


def test_no_column_left_is_a_usage_error(tmp_path):
    with pytest.raises(package.UsageError, match="column"):
        exported(small(tmp_path), tmp_path, columns=["value"], exclude=["value"])


COLUMNS_OF = {
    "ndjson": lambda path: list(read_rows(path)[0]),
    "csv": lambda path: path.read_text("utf-8").splitlines()[0].split(","),
    "json": lambda path: list(json.loads(path.read_text("utf-8"))["measurements"][0]),
    "parquet": lambda path: pq.read_schema(path).names,
    "arrow": lambda path: pa.ipc.open_file(path).schema.names,
}


@pytest.mark.parametrize("format", list(COLUMNS_OF))
def test_files_per_session_may_lack_every_column_that_says_so(tmp_path, format):  # noqa: A002 - the option's name
    source = small(tmp_path)
    options = {"scope": "per-session", "format": format, "columns": ["value", "metric"], "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    rows = {r["path"]: r["pipeline:rowCount"] for r in descriptor(tmp_path / "out")["resources"]}
    for session_id in "ab":
        path = only(tmp_path / "out", f"measurements_*_session-{session_id}.{format}")
        # The times of the name are those of the rows, though no column has them.
        assert path.name.startswith("measurements_20261124T160000Z_20261124T160007Z_")
        assert COLUMNS_OF[format](path) == ["value", "metric"]
        assert rows[path.name] == 8


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


CONFIGURATION = {
    "network": {
        "address": SECRET,
        "port": 7,
        "peers": [{"address": SECRET, "name": "x"}, {"name": "y"}, {"address": SECRET}],
    },
    "a.b": {"c": SECRET},
    'q"u\\o': SECRET,
    "": SECRET,
    "list": [[{"deep": SECRET}], 3, None],
    "whole": {"many": [SECRET, {"more": SECRET}]},
    "ключ 😀": SECRET,
    "kept": "visible",
}
SECRET_PATHS = [
    "configuration.network.address",
    "configuration.network.peers.address",
    'configuration."a.b".c',
    r'configuration."q\"u\\o"',
    'configuration.""',
    "configuration.list.deep",
    "configuration.whole",
    "configuration.ключ 😀",
    "attributes.operator",
]


def everything_in(directory):
    """All bytes of a package, what is compressed or encoded inside them included."""
    found = b""
    for path in directory.iterdir():
        found += path.read_bytes()
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
            found += b"".join((schema.metadata or {}).values()) + str(pq.read_table(path).to_pylist()).encode()
        elif path.suffix == ".arrow":
            reader = pa.ipc.open_file(path)
            found += b"".join((reader.schema.metadata or {}).values()) + str(reader.read_all().to_pylist()).encode()
    return found


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("format", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_what_is_redacted_is_nowhere_in_the_package(tmp_path, format, scope):  # noqa: A002 - the option's name
    attributes = {"operator": SECRET, "site": "lab"}
    source = small(tmp_path / "in", configuration=CONFIGURATION, attributes=attributes)
    options = {"format": format, "scope": scope, "sync": False}
    package.export_measurements(source, tmp_path / "open", **options)
    assert SECRET.encode() in everything_in(tmp_path / "open")
    # A session's own attribute is a column of its rows too; that is what --exclude is for.
    options |= {"redact": SECRET_PATHS, "exclude": ["operator"], "with_statistics": True}
    package.export_measurements(source, tmp_path / "shut", **options)
    found = everything_in(tmp_path / "shut")
    assert SECRET.encode() not in found
    assert b"visible" in found
    assert b"lab" in found


def test_redaction_replaces_values_and_keeps_the_rest(tmp_path):
    source = small(tmp_path / "in", configuration=CONFIGURATION)
    options = {"format": "json", "redact": SECRET_PATHS[:8], "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    document = json.loads(only(tmp_path / "out", "measurements_*.json").read_text("utf-8"))
    for session in document["metadata"]["sessions"]:
        configuration = session["configuration"]
        mark = configuration["whole"]
        assert isinstance(mark, str)
        assert configuration == {
            "network": {
                "address": mark,
                "port": 7,
                "peers": [{"address": mark, "name": "x"}, {"name": "y"}, {"address": mark}],
            },
            "a.b": {"c": mark},
            'q"u\\o': mark,
            "": mark,
            "list": [[{"deep": mark}], 3, None],
            "whole": mark,
            "ключ 😀": mark,
            "kept": "visible",
        }
    assert package.list_sessions(source)[0]["configuration"] == CONFIGURATION


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("configuration.network.adress", package.SourceError),
        ("configuration.kept.more", package.SourceError),
        ("configuration.network.peers.0", package.SourceError),
        ("configuration.a.b.c", package.SourceError),
        ("attributes.nope", package.SourceError),
        ("configuration", package.UsageError),
        ("network.address", package.UsageError),
        ("harness.name", package.UsageError),
        ("configuration..kept", package.UsageError),
        ("configuration.kept.", package.UsageError),
        ('configuration."kept', package.UsageError),
        ('configuration."a"b', package.UsageError),
        ("", package.UsageError),
        (".", package.UsageError),
    ],
)
def test_a_path_that_hides_nothing_is_an_error(tmp_path, path, error):
    source = small(tmp_path / "in", configuration=CONFIGURATION)
    with pytest.raises(error, match="redact"):
        package.export_measurements(source, tmp_path / "out", redact=["configuration.kept", path])
    assert not (tmp_path / "out").exists()


def test_a_path_that_one_session_has_is_enough(tmp_path):
    source = small(tmp_path / "in")
    records = [{"session_id": "a", "configuration": {"key": SECRET}}, {"session_id": "b"}]
    source.with_suffix(".session.json").write_text(json.dumps(records), encoding="utf-8")
    package.export_measurements(source, tmp_path / "out", redact=["configuration.key"], sync=False)
    assert SECRET.encode() not in everything_in(tmp_path / "out")
    # Of the selected sessions: else a typing error would go unnoticed.
    with pytest.raises(package.SourceError, match="redact"):
        package.export_measurements(source, tmp_path / "b", redact=["configuration.key"], sessions=["b"])


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
