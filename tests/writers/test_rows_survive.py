"""Whole rows drawn by hypothesis, through every format and readers of others, value by value.

`PIPELINE_ROWS` says how many rows are drawn; `just rows` draws 100,000 for each format.
"""

from __future__ import annotations

import os

import hostile
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from readers import READERS, csv_with_pyarrow, float_key, json_with_python, ndjson_with_python

import pipeline
from pipeline.verify.line_protocol import read_lines

WANTED = int(os.environ.get("PIPELINE_ROWS", "1000"))
PER_EXAMPLE = 10
COLUMNS = hostile.columns(
    "us", {'robot "x"': "string", "note": "string", "count": "int64", "ratio": "float64", "is_ok": "bool"}
)
READ = {
    "ndjson": ndjson_with_python,
    "json": json_with_python,
    "csv": csv_with_pyarrow,
    "parquet": READERS["parquet"]["polars"],
    "arrow": READERS["arrow"]["polars"],
}
# What line protocol can hold: no line ends, no backslash that would escape what follows, nanoseconds of int64.
LINE_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\#"), min_size=1, max_size=8)
LINE_TIMES = st.integers(-(2**63) // 1000 + 10, 2**63 // 1000 - 10)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


def drawn(strategy):
    """As many different draws as are wanted, in their order."""
    found = []

    @settings(
        max_examples=2 * WANTED // PER_EXAMPLE + 10,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=PER_EXAMPLE, max_size=PER_EXAMPLE))
    def draw(rows):
        if len(found) < WANTED:
            found.extend(rows)

    draw()
    assert len(found) >= WANTED
    return found[:WANTED]


def rows_of(texts, times):
    """Rows of the model: two sessions, sequences with gaps, values of every type, nulls among them."""
    text = st.none() | texts
    others = [st.none() | hostile.VALUES[kind] for kind in ("int64", "float64", "bool")]
    values = st.tuples(times, texts, st.none() | hostile.VALUES["float64"], text, text, text, *others)
    return [(f"s{at * 2 // WANTED}", at * at - 7, *row) for at, row in enumerate(drawn(values))]


@pytest.fixture(scope="module")
def rows():
    return rows_of(hostile.texts, hostile.VALUES["us"])


def exported(rows, directory, **options):
    pq.write_table(pa.Table.from_batches([hostile.batch_of(COLUMNS, rows)]), directory / "a.parquet")
    pipeline.export_measurements(directory / "a.parquet", directory / "out", sync=False, **options)
    return next((directory / "out").glob("measurements_*"))


def compared(rows):
    """Rows as readers give them, sorted; floats are drawn by their bits."""

    def shown(kind, value):
        return float_key(hostile.from_bits(value)) if kind == "float64" and value is not None else value

    return in_order([shown(kind, v) for (_, kind), v in zip(COLUMNS, row, strict=True)] for row in rows)


def in_order(rows):
    return sorted(rows, key=lambda row: row[:2])


def check(found, rows):
    assert len(found) == len(rows) == WANTED
    for ours, theirs in zip(compared(rows), in_order(found), strict=True):
        assert list(theirs) == ours


@pytest.mark.parametrize("name", READ)
def test_drawn_rows_come_back_exactly(rows, tmp_path, name):
    check(READ[name](exported(rows, tmp_path, format=name).read_bytes(), COLUMNS), rows)


def test_drawn_rows_come_back_from_line_protocol(tmp_path):
    """Read by Python alone; the format says no more of a NaN than that it is one."""
    rows = rows_of(LINE_TEXT, LINE_TIMES)
    with exported(rows, tmp_path, format="influx").open("rb") as file:
        points = list(read_lines(file, dict(COLUMNS) | {"timestamp": "timestamp[us]"}))
    found = [[float_key(p[name]) if kind == "float64" else p[name] for name, kind in COLUMNS] for p in points]
    check(found, rows)


def test_drawn_texts_and_whole_numbers_come_back_from_a_workbook(tmp_path):
    """Statistics of one row each: a cell keeps text, and numbers of 15 digits."""
    pairs = drawn(st.tuples(CELLS, st.integers(-(10**15) + 1, 10**15 - 1)))
    # A metric of its own for each row, so that each has a row of statistics.
    rows = [("s", at, at, f"{text}{at}", float(number), None) for at, (text, number) in enumerate(pairs)]
    pq.write_table(hostile.make_table("us", rows, hostile.columns("us", {})), tmp_path / "a.parquet")
    pipeline.export_statistics(tmp_path / "a.parquet", tmp_path / "out", format="xlsx", sync=False)
    (path,) = (tmp_path / "out").glob("statistics*.xlsx")
    names, *lines = openpyxl.load_workbook(path, read_only=True)["statistics"].iter_rows(values_only=True)
    cells = [dict(zip(names, line, strict=True)) for line in lines]
    found = {unescape(one["metric"]): (one["first"], one["sum"], one["count"]) for one in cells}
    assert len(found) == WANTED
    assert found == {metric: (value, value, 1) for _, _, _, metric, value, _ in rows}
