"""Importers of users: a harness is one SQL file, found by its file's content."""

from __future__ import annotations

import json
import re

import pytest
from harness_files import documents
from program import pipeline
from project import HARNESS_FILES
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions, list_sessions

OWN_SQL = """\
-- format: csv
-- columns: when, took

-- name: measurements
SELECT 'took' AS metric, took::DOUBLE AS value, 'ms' AS unit, "when"::BIGINT * 1000000 AS offset_ns,
       * EXCLUDE (took, "when")
FROM records
"""


def test_a_harness_is_added_by_one_sql_file(tmp_path):
    (tmp_path / "my.sql").write_text(OWN_SQL)
    (tmp_path / "run.txt").write_text('when;took;where\n0;1.5;"a;b"\n250;2.5;c\n')
    result = pipeline(
        "import", tmp_path / "run.txt", "--to", tmp_path / "store", "--from", tmp_path / "my.sql",
        "--started-at", "2026-01-01T00:00:00Z",
    )  # fmt: skip
    assert result.status == 0, result.err
    query = (
        'SELECT sequence, metric, value, unit, epoch_ms(timestamp) % 1000, "where" FROM measurements ORDER BY sequence'
    )
    assert rows_of(tmp_path / "store", query) == [(0, "took", 1.5, "ms", 0, "a;b"), (1, "took", 2.5, "ms", 250, "c")]
    assert list_sessions(tmp_path / "store")[0]["harness"]["name"] == "my"


UNCOUNTED = "what it does not use is not counted: its importer has no line -- reads:"
HEADS = {
    "-- format: csv\n": True,
    "-- format: csv\n-- reads: took\n": False,
    "-- format: csv\n-- leaves: where\n": False,
    "-- format: lines\n": False,
}


@pytest.mark.parametrize("head", HEADS)
def test_an_importer_that_names_nothing_is_said_to_count_nothing(tmp_path, head):
    column = "line" if "lines" in head else "took"
    (tmp_path / "my.sql").write_text(
        f"{head}-- name: measurements\nSELECT 'x' AS metric, {column} AS value FROM records"
    )
    (tmp_path / "run.txt").write_text("1\n2\n" if "lines" in head else "took,where\n1,5\n2,6\n")
    options = ["--to", tmp_path / "store", "--from", tmp_path / "my.sql", "--started-at", "2026-01-01T00:00:00Z"]
    result = pipeline("import", tmp_path / "run.txt", *options)
    assert (result.status, UNCOUNTED in result.err) == (0, HEADS[head])
    again = pipeline("import", tmp_path / "run.txt", *options, "--json", "--if-exists", "replace")
    assert json.loads(again.out)["files"][0]["tells_unused"] is not HEADS[head]


def test_what_map_takes_is_all_used(tmp_path):
    (tmp_path / "run.csv").write_text("took,where\n1,5\n")
    result = pipeline("import", tmp_path / "run.csv", "--to", tmp_path / "store", "--map", "value=took:ms")
    assert (result.status, "not counted" in result.err) == (0, False)


SESSION_SQL = "-- format: csv\n-- name: session\nSELECT 1 AS start\n"
WRONG_SQL = {
    "no section": ("-- format: csv\nSELECT 1", "'-- name: measurements'"),
    "no format": ("-- name: measurements\nSELECT 1", "-- format:"),
    "a section unknown": ("-- format: csv\n-- name: measurement\nSELECT 1", "did you mean 'measurements'"),
    "no value": ("-- format: csv\n-- name: measurements\nSELECT 'x' AS metric FROM records", "no column 'value'"),
    "a syntax error": ("-- format: csv\n-- name: measurements\nSELEC 1", "syntax error"),
    "no SELECT": ("-- format: csv\n-- name: measurements\nDROP VIEW records", "one SELECT"),
    "an unknown column": ("-- format: csv\n-- name: measurements\nSELECT x AS metric, 1 AS value FROM records", '"x"'),
    "another file": (
        "-- format: csv\n-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM read_text('/etc/hostname')",
        "disabled by configuration",
    ),
    "writing in prepare": (
        "-- format: csv\n-- name: prepare\nCOPY (SELECT 1) TO 'x'\n-- name: measurements\nSELECT 1",
        "prepare may",
    ),
    "a setting": ("-- format: csv\n-- name: prepare\nSET threads = 1\n-- name: measurements\nSELECT 1", "locked"),
    "an unknown fact": (
        SESSION_SQL + "-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM records",
        "did you mean 'started_at'",
    ),
}


@pytest.mark.parametrize("what", WRONG_SQL)
def test_what_is_wrong_with_an_sql_file_is_told_in_one_line(tmp_path, what):
    sql, phrase = WRONG_SQL[what]
    (tmp_path / "my.sql").write_text(sql)
    (tmp_path / "run.csv").write_text("a,b\n1,2\n")
    result = pipeline("import", tmp_path / "run.csv", "--to", tmp_path / "store", "--from", tmp_path / "my.sql")
    assert result.status in {2, 3}, result.err
    assert result.err.count("\n") == 1
    assert phrase in result.err, result.err
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("name", "given", "phrase"),
    [
        ("hyperfine/two-commands.json", "k6", "is no k6 file; it looks like one of hyperfine"),
        ("hyperfine/two-commands.json", "hyperfin", "did you mean 'hyperfine'"),
        ("hyperfine/two-commands.json", "none.sql", "cannot be read"),
        ("asv/benchmarks.json", None, "no harness is known to write this; --from names one of ab, asv"),
    ],
)
def test_content_that_is_not_known_is_told_with_the_candidates(tmp_path, name, given, phrase):
    with pytest.raises((SourceError, UsageError), match=re.escape(phrase)):
        import_sessions(HARNESS_FILES / name, tmp_path / "store", importer=given)


def test_content_that_two_know_is_told_with_both(tmp_path):
    found = documents(HARNESS_FILES / "hyperfine/two-commands.json")
    found |= documents(HARNESS_FILES / "fio/randrw-4k.json")
    (tmp_path / "both.json").write_text(json.dumps(found))
    with pytest.raises(SourceError, match="may be a file of fio and hyperfine; say which with --from"):
        import_sessions(tmp_path / "both.json", tmp_path / "store")
    import_sessions(tmp_path / "both.json", tmp_path / "store", importer="hyperfine")


def test_values_may_be_numbers_of_some_rows_and_texts_of_others(tmp_path):
    sql = "-- format: csv\n-- name: measurements\nSELECT 'm' AS metric, n::{} AS value, t AS value_text FROM records"
    path = tmp_path / "run.txt"
    path.write_text("n,t\n1,\n,2.5\n3,4\n,\n")
    for kind in ("DOUBLE", "BIGINT"):
        (tmp_path / "my.sql").write_text(sql.format(kind))
        import_sessions(path, tmp_path / kind, importer=str(tmp_path / "my.sql"))
        query = "SELECT value FROM measurements ORDER BY sequence"
        assert rows_of(tmp_path / kind, query) == [(1.0,), (2.5,), (4.0,), (None,)]
    path.write_text("n,t\n1,\n,9007199254740993\n")
    with pytest.raises(SourceError, match="line 3: column 'value': 9007199254740993 does not fit float64"):
        import_sessions(path, tmp_path / "none", importer=str(tmp_path / "my.sql"))
    (tmp_path / "my.sql").write_text(sql.format("VARCHAR"))
    with pytest.raises(UsageError, match="column value_text is for a column value of DOUBLE or BIGINT"):
        import_sessions(path, tmp_path / "none", importer=str(tmp_path / "my.sql"))


OBJECTS_SQL = """\
-- format: {}
-- objects: kind, begun

-- name: measurements
SELECT kind || '.' || name AS metric, value, begun::BIGINT AS offset_ns
FROM (SELECT kind, begun, unnest(keys) AS name, unnest(figures) AS value FROM objects) WHERE name <> 'begun'
"""


@pytest.mark.parametrize("head", ["ndjson", "json\n-- samples: runs[]"])
def test_objects_are_taken_apart_wherever_they_lie(tmp_path, head):
    (tmp_path / "my.sql").write_text(OBJECTS_SQL.format(head))
    one = {"kind": "x", "begun": 5, "n": 1.5, "is": True, "text": "y", "held": {"n": 2}}
    values = [one, [one, one], {"first": one, "second": one}]
    text = json.dumps({"runs": values}) if "runs" in head else "".join(json.dumps(value) + "\n" for value in values)
    (tmp_path / "run.txt").write_text(text)
    options = {"importer": str(tmp_path / "my.sql"), "started_at": "2026-01-01T00:00:00Z"}
    import_sessions(tmp_path / "run.txt", tmp_path / "store", **options)
    rows = rows_of(tmp_path / "store", "SELECT metric, value FROM measurements ORDER BY sequence")
    assert rows == [("x.n", 1.5), ("x.is", 1.0)] * 5


PATH_SQL = """\
-- format: {}
-- objects: begun FIGURES rtt, loss IN streams[].held

-- name: measurements
SELECT name AS metric, value, begun::BIGINT AS offset_ns
FROM (SELECT begun, unnest(keys) AS name, unnest(figures) AS value FROM objects)
"""


@pytest.mark.parametrize("head", ["ndjson", "json\n-- samples: runs[]"])
def test_figures_of_objects_at_a_path_come_as_they_are_asked_for(tmp_path, head):
    (tmp_path / "my.sql").write_text(PATH_SQL.format(head))
    one = {"loss": None, "begun": 5, "n": 7, "rtt": 1.5}
    values = [{"streams": [{"held": one}, {"held": 3}, 4, {"held": {"rtt": "2", "type": 1}}], "held": one}, 5]
    text = json.dumps({"runs": values}) if "runs" in head else "".join(json.dumps(value) + "\n" for value in values)
    (tmp_path / "run.txt").write_text(text)
    options = {"importer": str(tmp_path / "my.sql"), "started_at": "2026-01-01T00:00:00Z"}
    import_sessions(tmp_path / "run.txt", tmp_path / "store", **options)
    rows = rows_of(tmp_path / "store", "SELECT metric, value FROM measurements ORDER BY sequence")
    assert rows == [("rtt", 1.5), ("loss", None), ("rtt", 2.0)]


def test_objects_among_lines_of_text_are_those_that_begin_with_a_brace(tmp_path):
    (tmp_path / "my.sql").write_text(PATH_SQL.format("lines"))
    path = tmp_path / "run.txt"
    line = json.dumps({"streams": [{"held": {"begun": 5, "rtt": 1.5}}]})
    path.write_text("\n".join([f"log: {line}", line, "{", "{ \t", f" {line}", "}", "[1", "", line, "{}"]) + "\n")
    options = {"importer": str(tmp_path / "my.sql"), "started_at": "2026-01-01T00:00:00Z"}
    import_sessions(path, tmp_path / "store", **options)
    assert rows_of(tmp_path / "store", "SELECT metric, value FROM measurements") == [("rtt", 1.5)] * 2
    path.write_text(f"log\n{line}\n{line[:-1]}\n")
    with pytest.raises(SourceError, match=r"line 3: .*JSON.*; --skip-bad leaves such records out"):
        import_sessions(path, tmp_path / "none", **options)
    assert import_sessions(path, tmp_path / "none", skip_bad=True, **options).skipped_rows == 1


@pytest.mark.parametrize(
    "line",
    [
        *("-- objects: kind, ", "-- objects: kind, KIND", "-- objects: keys", "-- fields: a\n-- objects: b"),
        *(
            "-- objects: a FIGURES b, b",
            "-- objects: a FIGURES b, ",
            "-- objects: a IN b[0]",
            "-- objects: a IN b[",
        ),
    ],
)
def test_objects_that_cannot_be_named_are_refused(tmp_path, line):
    (tmp_path / "my.sql").write_text(OBJECTS_SQL.replace("-- objects: kind, begun", line).format("ndjson"))
    (tmp_path / "run.txt").write_text('{"kind": "x"}\n')
    with pytest.raises(UsageError, match="objects:"):
        import_sessions(tmp_path / "run.txt", tmp_path / "store", importer=str(tmp_path / "my.sql"))


NAMES = ("it's", "value", 'late "one"', "empty")
STRUCT = json.dumps(dict.fromkeys(NAMES, "VARCHAR")).replace("'", "''")
ATTRIBUTES = {
    "JSON": "json->'a'",
    "MAP": "from_json(json->'a', '\"MAP(VARCHAR, VARCHAR)\"')",
    "STRUCT": f"from_json(json->'a', '{STRUCT}')",
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
@pytest.mark.parametrize("late", [5, 20_000])
def test_attributes_are_the_same_columns_whatever_holds_them(tmp_path, kind, late):
    rows = [{"it's": f'a "{number % 3}"\\ é', "value": "1.50", "empty": None} for number in range(25_000)]
    rows[1] = None
    rows[2] = {}
    rows[late] = {'late "one"': "x", "it's": None}
    (tmp_path / "x.ndjson").write_text("".join(json.dumps({"a": row}) + "\n" for row in rows))
    (tmp_path / "my.sql").write_text(
        f"-- format: ndjson\n-- name: measurements\n"
        f"SELECT 'x' AS metric, 1.0 AS value, {ATTRIBUTES[kind]} AS attributes FROM records"
    )
    import_sessions(tmp_path / "x.ndjson", tmp_path / "store", importer=str(tmp_path / "my.sql"))
    query = """SELECT "it's", attribute_value, "late ""one""\", empty FROM measurements ORDER BY sequence"""
    assert rows_of(tmp_path / "store", query) == [tuple((row or {}).get(name) for name in NAMES) for row in rows]


def test_maps_of_numbers_are_columns_of_numbers(tmp_path):
    (tmp_path / "x.ndjson").write_text('{"a": {"n": 1.5}}\n{"a": {"it\'s": 2}}\n{}\n')
    (tmp_path / "my.sql").write_text(
        "-- format: ndjson\n-- name: measurements\nSELECT 'x' AS metric, 1.0 AS value, "
        "from_json(json->'a', '\"MAP(VARCHAR, DOUBLE)\"') AS attributes FROM records"
    )
    import_sessions(tmp_path / "x.ndjson", tmp_path / "store", importer=str(tmp_path / "my.sql"))
    query = """SELECT n, "it's" FROM measurements ORDER BY sequence"""
    assert rows_of(tmp_path / "store", query) == [(1.5, None), (None, 2.0), (None, None)]
    assert rows_of(tmp_path / "store", "SELECT DISTINCT typeof(n) FROM measurements") == [("DOUBLE",)]
