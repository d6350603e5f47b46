"""Rows of plain CSV that the compiled part splits are those that the engine's own reader gives, or are left to it."""

from __future__ import annotations

import random

import duckdb
import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions
from pipeline.importers import csv_rows
from pipeline.importers.csv_shape import CsvShape, csv_query

PIECES = (
    *(",", ",", ",", "\n", "\n", "\n\n", " ", "a", "b c", "1.5", "\u00a0 ", "ü", "-", "'", "\t", "\\", "#"),
    "text " * 9,
)
ROWS = ("1,2,3\n", "a,b,c\n", ",,\n", "1, ,x\n", "\u3000,  ,  y\n", "\n", "ü,1,\n", " 1,2 ,3\n")


def texts():
    rng = random.Random(5)  # noqa: S311 - the same texts each time
    for _ in range(500):
        yield "".join(rng.choices(ROWS, k=rng.randrange(1, 12))) + rng.choice(["", "1,2,3", "1,2", "\n"])
        yield "".join(rng.choices(PIECES, k=rng.randrange(1, 25)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("has_header", [False, True])
def test_plain_rows_are_those_that_the_engine_reads(tmp_path, monkeypatch, has_header, delimiter):
    monkeypatch.setattr(csv_rows, "_LARGE_BYTES", 0)
    path = tmp_path / "x.csv"
    shape = CsvShape(names=("a", "b", "c"), delimiter=delimiter, has_header=has_header)
    split = 0
    with duckdb.connect() as connection:
        for commas in texts():
            text = commas.replace(",", delimiter)
            path.write_text(text, newline="")
            rows = csv_rows.plain_csv(path, shape, {}, ["a", "c"])
            if rows is None:
                continue
            connection.register("rows", rows)
            try:
                found = connection.sql(csv_query(path, shape, ["d"], 1 << 16, "rows")).fetchall()
            except duckdb.Error:
                continue
            plain = connection.sql(csv_query(path, shape, ["d"], 1 << 16))
            assert found == plain.fetchall(), text
            (held,) = plain.aggregate("count(nullif(trim(a), '')) AS a, count(nullif(trim(c), '')) AS c").fetchall()
            assert rows.held == dict(zip("ac", held, strict=True)), text
            split += len(found) > 2
    assert split > 100


@pytest.mark.parametrize("between", ["", " ", "\u3000 \u00a0"])
def test_fields_of_columns_that_are_left_are_counted_while_they_are_read(tmp_path, between):
    texts = [f"{between}text {number}" if number % 3 else between * (number % 4) for number in range(100_000)]
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{number},{text}\n" for number, text in enumerate(texts)))
    rows = csv_rows.plain_csv(path, CsvShape(names=("a", "b"), delimiter=",", has_header=False), {}, ["b"])
    assert rows.schema.field("b").type == "string"
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        assert connection.sql("SELECT a FROM rows LIMIT 1").fetchall() == [("0",)]
        assert rows.held is None
        (expected,) = connection.sql("SELECT count(nullif(trim(b), '')) FROM rows").fetchall()
    assert rows.held == {"b": expected[0]} == {"b": sum(bool(text.strip()) for text in texts)}


def test_a_field_with_a_comma_is_no_field_more(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_rows, "_LARGE_BYTES", 0)
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1,5;2\n")
    assert csv_rows.plain_csv(path, CsvShape(names=("a", "b"), delimiter=";", has_header=True), {}) is None


SQL = "-- format: csv\n-- name: measurements\nSELECT 'm' AS metric, n AS value, t FROM records"


def imported(tmp_path, text):
    (tmp_path / "own.sql").write_text(SQL)
    (tmp_path / "x.csv").write_text(text, newline="")
    import_sessions(tmp_path / "x.csv", tmp_path / "store", importer=str(tmp_path / "own.sql"), if_exists="replace")
    return rows_of(tmp_path / "store", "SELECT value, t FROM measurements ORDER BY sequence")


def test_large_files_of_csv_are_read_whatever_they_hold(tmp_path):
    count = 120_000
    lines = [f"{number},text {number % 7 if number < 60_000 else number}" for number in range(count)]
    expected = [(float(number), line.partition(",")[2]) for number, line in enumerate(lines)]
    text = "n,t\n" + "\n".join(lines) + "\n"
    assert imported(tmp_path, text) == expected
    for last, held in (('7,"a,b"', "a,b"), ('7,""', None), ("7,", None)):
        assert imported(tmp_path, f"{text}{last}\n") == [*expected, (7.0, held)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("7", "Expected Number of Columns"), ("7,8,9", "Expected Number of Columns"), ("x,y", "'x' is no number")],
)
def test_a_bad_row_of_a_large_file_of_csv_is_named(tmp_path, line, reason):
    text = "n,t\n" + "1,a text\n" * 120_000
    with pytest.raises(SourceError, match=rf"line 120002: .*{reason}.*; --skip-bad"):
        imported(tmp_path, f"{text}{line}\n1,a\n")
