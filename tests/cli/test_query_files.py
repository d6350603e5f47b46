"""Where `pipeline query` takes its SQL from, and which files it writes; and its twin in Python."""

from __future__ import annotations

import csv
import io
import json
import sys
from types import SimpleNamespace

import polars as pl
import pyarrow as pa
import pytest
from directories import names_in
from project import FIXTURE_STORE

import pipeline as package
from pipeline.cli import main

SQL = """
SELECT session_id, metric, count(*) AS n, sum(value) AS total, max(timestamp) AS last
FROM measurements GROUP BY ALL ORDER BY ALL
"""
READERS = {
    "csv": lambda path: pl.read_csv(path, infer_schema_length=None, try_parse_dates=True),
    "ndjson": lambda path: pl.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()]),
    "json": lambda path: pl.DataFrame(json.loads(path.read_text("utf-8"))),
    "parquet": pl.read_parquet,
    "arrow": pl.read_ipc,
}


@pytest.fixture(scope="module")
def expected():
    rows = pl.concat([pl.read_parquet(f) for f in sorted(FIXTURE_STORE.glob("sessions/*/*.parquet"))], how="diagonal")
    grouped = rows.group_by("session_id", "metric").agg(pl.len().alias("n"), pl.col("timestamp").max().alias("last"))
    return grouped.sort("session_id", "metric")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("said", [True, False])
def test_a_file_holds_all_rows_in_its_format(tmp_path, capsys, expected, name, said):
    target = tmp_path / ("result" if said else f"result.{name}")
    options = ["--format", name] if said else []
    assert main(["query", str(FIXTURE_STORE), SQL, "-o", str(target), *options]) == 0
    assert capsys.readouterr().out == f"{target}: 143 rows\n"
    found = READERS[name](target)
    assert found.columns == ["session_id", "metric", "n", "total", "last"]
    last = found["last"]
    if last.dtype == pl.String:
        last = last.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_zone="UTC")
    assert found["session_id"].to_list() == expected["session_id"].to_list()
    assert found["n"].to_list() == expected["n"].to_list()
    assert last.dt.convert_time_zone("UTC").to_list() == expected["last"].to_list()
    assert names_in(tmp_path) == [target.name]


def test_the_twin_in_python_gives_the_same_rows_as_arrow(tmp_path, expected):
    table = package.query(FIXTURE_STORE, SQL)
    assert isinstance(table, pa.Table)
    assert table.schema.types == [pa.string(), pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", "UTC")]
    assert table.column("n").to_pylist() == expected["n"].to_list()
    main(["query", str(FIXTURE_STORE), SQL, "--to", str(tmp_path / "a.arrow"), "-q"])
    with pa.ipc.open_file(tmp_path / "a.arrow") as reader:
        assert reader.read_all().equals(table)
    assert package.query(FIXTURE_STORE, "SELECT 1 AS a WHERE false").schema == pa.schema([("a", pa.int64())])
    with pytest.raises(package.UsageError, match="one SELECT"):
        package.query(FIXTURE_STORE, "DROP VIEW measurements")
    with pytest.raises(package.UsageError, match="two columns are called 'a'"):
        package.query(FIXTURE_STORE, "SELECT 1 AS a, 2 AS a")


def test_what_is_there_is_replaced_only_when_told_to(tmp_path, capsys):
    target = tmp_path / "a.csv"
    target.write_text("mine", encoding="utf-8")
    command = ["query", str(FIXTURE_STORE), "SELECT 1 AS a", "--to", str(target)]
    assert main(command) == 4
    assert "--overwrite" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert target.read_text(encoding="utf-8") == "a\n1\n"
    capsys.readouterr()
    # A query that fails on its way leaves what is there.
    assert main([*command, "--overwrite", "--file", str(tmp_path / "nothing.sql")]) == 3
    failing = ["query", str(FIXTURE_STORE), "SELECT CASE WHEN range > 90000 THEN error('late') END FROM range(100000)"]
    assert main([*failing, "--to", str(target), "--overwrite"]) == 2
    assert "late" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "a\n1\n"
    assert names_in(tmp_path) == ["a.csv"]
    target.unlink()
    target.mkdir()
    assert main([*command, "--overwrite"]) == 4
    assert main(["query", str(FIXTURE_STORE), "SELECT 1", "--to", str(tmp_path / "no" / "a.csv")]) == 4
    assert main(["query", str(FIXTURE_STORE), "SELECT 1", "--to", str(FIXTURE_STORE / "a.csv")]) in {2, 4}
    assert not (FIXTURE_STORE / "a.csv").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--to", "a.txt"], "says no format"),
        (["--to", "a.csv", "--format", "table"], "--format csv, json"),
        (["--to", "s3://b/a.csv"], "is a URL"),
    ],
)
def test_a_file_that_cannot_be_meant_is_a_usage_error(tmp_path, monkeypatch, capsys, options, says):
    monkeypatch.chdir(tmp_path)
    assert main(["query", str(FIXTURE_STORE), "SELECT 1", *options]) == 2
    assert says in capsys.readouterr().err
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("how", ["file", "dash", "file dash"])
def test_sql_comes_from_a_file_or_from_standard_input(tmp_path, monkeypatch, capsys, how):
    sql = "-- ä\nSELECT 'ä' AS a,\n 2 AS b;\n"
    (tmp_path / "q.sql").write_text(sql, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(sql.encode())))
    given = {"file": ["--file", str(tmp_path / "q.sql")], "dash": ["-"], "file dash": ["--file", "-"]}[how]
    assert main(["query", str(FIXTURE_STORE), *given, "--format", "csv"]) == 0
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [["a", "b"], ["ä", "2"]]


def test_a_source_without_sql_is_a_usage_error(capsys):
    assert main(["query", str(FIXTURE_STORE)]) == 2
    assert "--file FILE" in capsys.readouterr().err


def test_bytes_go_to_standard_output_that_is_no_terminal(capfdbinary):
    assert main(["query", str(FIXTURE_STORE), SQL, "--format", "parquet"]) == 0
    assert len(pl.read_parquet(capfdbinary.readouterr().out)) == 143
