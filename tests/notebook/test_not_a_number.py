"""NaN is found where it is: engines hold it for greater than all numbers, statistics of Parquet files leave it out."""

from __future__ import annotations

import math

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipeline

VALUES = [1.0, 2.0, math.nan, 3.0, None, 2.0]
ATTRIBUTE = [math.nan, 1.0, 1.0, 1.0, 1.0, None]
CONDITIONS = {
    "{} > 5": math.isnan,
    "{} >= 3": lambda value: math.isnan(value) or value >= 3,
    "{} <= 5": lambda value: value <= 5,
    "{} < 3": lambda value: value < 3,
    "{} <> 3": lambda value: value != 3,
    "{} = 'NaN'::DOUBLE": math.isnan,
    "isnan({})": math.isnan,
    "NOT ({} < 5)": math.isnan,
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A file as pyarrow writes it, with statistics of all columns."""
    path = tmp_path_factory.mktemp("plain") / "rows.parquet"
    count = len(VALUES)
    columns = {
        "session_id": ["s1"] * count,
        "sequence": pa.array(range(1, count + 1), pa.int64()),
        "timestamp": pa.array(range(count), pa.timestamp("us", "UTC")),
        "metric": ["rtt"] * count,
        "value": pa.array(VALUES, pa.float64()),
        "unit": ["ms"] * count,
        "load": pa.array(ATTRIBUTE, pa.float64()),
    }
    pq.write_table(pa.table(columns), path)
    assert pq.read_metadata(path).row_group(0).column(4).statistics.max == 3.0
    return path


def _rows_of(value_of, condition):
    return [number for number, value in enumerate(value_of, 1) if value is not None and condition(value)]


def _stored(plain, to):
    pipeline.import_sessions(plain, to)
    return to


def _exported(plain, to):
    pipeline.export_measurements(plain, to, format="parquet", scope="per-session")
    (file,) = to.rglob("measurements*.parquet")
    return file


@pytest.mark.parametrize("column", ["value", "load"])
@pytest.mark.parametrize("source", ["plain", "store"])
def test_a_view_finds_nan(plain, source, column, tmp_path):
    read = plain if source == "plain" else _stored(plain, tmp_path / "store")
    with pipeline.connect(read) as connection:
        _check(connection, "measurements", column)


@pytest.mark.parametrize("column", ["value", "load"])
@pytest.mark.parametrize("made", ["store", "catalog", "package"])
def test_duckdb_by_itself_finds_nan_in_what_is_written(plain, made, column, tmp_path):
    with duckdb.connect() as connection:
        if made == "catalog":
            pipeline.write_catalog(_stored(plain, tmp_path / "store"), tmp_path / "made.duckdb")
            connection.execute(f"ATTACH '{tmp_path / 'made.duckdb'}' AS made (READ_ONLY)")
            name = "made.measurements"
        elif made == "store":
            _stored(plain, tmp_path / "store")
            name = f"'{tmp_path / 'store'}/sessions/*/*.parquet'"
        else:
            name = f"'{_exported(plain, tmp_path / 'package')}'"
        _check(connection, name, column)


def _check(connection, name, column):
    held = VALUES if column == "value" else ATTRIBUTE
    for text, condition in CONDITIONS.items():
        query = f"SELECT sequence FROM {name} WHERE {text.format(column)} ORDER BY sequence"
        assert [row for (row,) in connection.execute(query).fetchall()] == _rows_of(held, condition), text
    ((least, greatest),) = connection.execute(f"SELECT min({column}), max({column}) FROM {name}").fetchall()
    assert (least, math.isnan(greatest)) == (1.0, True)


def test_polars_finds_nan(plain, tmp_path):
    for source in (plain, _stored(plain, tmp_path / "store")):
        found = pipeline.scan(source).filter(pl.col("value") > 5).select("sequence").collect()
        assert found["sequence"].to_list() == _rows_of(VALUES, CONDITIONS["{} > 5"])


def test_only_columns_of_floats_have_no_statistics(plain, tmp_path):
    (stored,) = _stored(plain, tmp_path / "store").glob("sessions/*/*.parquet")
    for path in (_exported(plain, tmp_path / "package"), stored):
        group = pq.read_metadata(path).row_group(0)
        columns = [group.column(at) for at in range(group.num_columns)]
        without = {column.path_in_schema for column in columns if column.statistics is None}
        assert without == {"value", "load"}
        assert all(column.has_offset_index for column in columns)
