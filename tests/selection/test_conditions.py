"""Conditions on rows and on sessions: for which they hold, and what is refused."""

from __future__ import annotations

import pytest
from project import FIXTURE_STORE
from samples import row, write_ndjson
from selections import CONDITIONS, SESSIONS, exported, small

import pipeline as package
from pipeline.cli import main


@pytest.mark.parametrize("batch_size", [1, 3, 16_384])
@pytest.mark.parametrize(("condition", "keep"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS])
def test_where_takes_the_rows_for_which_it_holds(tmp_path, condition, keep, batch_size):
    source = small(tmp_path)
    expected = [r for r in exported(source, tmp_path) if keep(r)]
    assert exported(source, tmp_path, where=condition, batch_size=batch_size) == expected


def test_where_sees_every_column_whichever_are_written(tmp_path):
    found = exported(small(tmp_path), tmp_path, where="tries = 50 AND ok IS NOT NULL", columns=["value"])
    assert found == [{"value": 7.5}] * 2


@pytest.mark.parametrize(
    ("condition", "keep"),
    [
        ("timestamp > TIMESTAMPTZ '2026-11-24T16:00:00.000001001Z' AND metric = 'é'", [2, 3]),
        ("timestamp >= '2026-11-24 16:00:00.000001001Z'::TIMESTAMP  WITH TIME\nZONE -- 'x'", [1, 2, 3]),
        ("timestamp = TIMESTAMP '2026-11-24 16:00:00.000001001'", [1]),
        ("timestamp = CAST('2026-11-24 17:00:00.000001002+01' AS timestamptz)", [2]),
        ("timestamp IN (datetime '2026-11-24 16:00:00.000001002', '2026-11-24 16:00:00.000001')", [0, 2]),
        ("timestamp > '2026-11-24T16:00:00.000001001Z'", [2, 3]),
        ("timestamp < TIMESTAMPTZ '2026-11-24T16:00:00.000002000Z'", [0, 1, 2]),
    ],
)
def test_a_time_in_a_condition_keeps_its_nanoseconds_where_the_rows_have_some(tmp_path, condition, keep):
    times = [f"2026-11-24T16:00:00.00000{ticks}Z" for ticks in (1000, 1001, 1002, 2000)]
    rows = [row("s1", at, metric="é", timestamp=time) for at, time in enumerate(times)]
    package.import_sessions(write_ndjson(tmp_path / "s1.ndjson", rows), tmp_path / "store", timestamp_unit="ns")
    assert [found["sequence"] for found in exported(tmp_path / "store", tmp_path, where=condition)] == keep
    of_session = condition.replace("timestamp", "last_timestamp", 1).replace(" AND metric = 'é'", "")
    found = package.list_sessions(tmp_path / "store", where_session=of_session)
    assert len(found) == (3 in keep)


def test_an_offset_that_the_engine_would_drop_with_the_nanoseconds_is_refused(tmp_path):
    source = write_ndjson(tmp_path / "s1.ndjson", [row("s1", 0, timestamp="2026-11-24T16:00:00.000000001Z")])
    package.import_sessions(source, tmp_path / "store", timestamp_unit="ns")
    condition = "timestamp = TIMESTAMP '2026-11-24 17:00:00.000000001+01:00'"
    with pytest.raises(package.UsageError, match=r"drops the offset and the nanoseconds of .*; say TIMESTAMPTZ_NS$"):
        exported(tmp_path / "store", tmp_path, where=condition)


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
