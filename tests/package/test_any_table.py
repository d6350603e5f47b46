"""Tables of notebooks as packages, read by others."""

from __future__ import annotations

import datetime as dt
import decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from directories import descriptor, names_in, only
from project import FIXTURE_STORE
from readers import comparable
from resources import assert_frictionless, rows_of

import pipeline

T0 = dt.datetime(2026, 11, 24, 9, 0, 0, 250_000, dt.UTC)
ROWS = [
    {"name": "b", "n": 2**62, "value": 0.1, "good": True, "at": T0},
    {"name": 'a,"\n', "n": -1, "value": None, "good": None, "at": None},
    {"name": "", "n": None, "value": float("inf"), "good": False, "at": T0 + dt.timedelta(days=1)},
    {"name": None, "n": 0, "value": -0.0, "good": True, "at": T0},
]
TYPES = {"name": "string", "n": "int64", "value": "float64", "good": "bool", "at": "timestamp[us]"}
ARROW = pa.table(
    {
        "name": pa.array([row["name"] for row in ROWS], pa.large_string()),
        "n": pa.array([row["n"] for row in ROWS], pa.int64()),
        "value": pa.array([row["value"] for row in ROWS], pa.float64()),
        "good": pa.array([row["good"] for row in ROWS], pa.bool_()),
        "at": pa.array([row["at"] for row in ROWS], pa.timestamp("us", "UTC")),
    }
)


def of_duckdb():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Kathmandu'")
    connection.register("arrow", ARROW)
    return connection.sql("FROM arrow")


TABLES = {
    "arrow": lambda: ARROW,
    "arrow reader": lambda: ARROW.to_reader(max_chunksize=1),
    "arrow, dictionaries": lambda: ARROW.set_column(0, "name", ARROW.column("name").cast("string").dictionary_encode()),
    "polars": lambda: pl.from_arrow(ARROW),
    "polars, categories": lambda: pl.from_arrow(ARROW).with_columns(pl.col("name").cast(pl.Categorical)),
    "pandas": lambda: ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, an index that is not that of rows": lambda: ARROW.to_pandas(types_mapper=pd.ArrowDtype).set_index(
        [[7] * 4]
    ),
    "duckdb": of_duckdb,
}
FORMATS = [("csv", None), ("csv", "gzip"), ("ndjson", None), ("ndjson", "zstd"), ("parquet", None), ("arrow", None)]


@pytest.mark.parametrize(("name", "compression"), FORMATS)
def test_every_table_is_the_same_package_and_read_by_others(tmp_path, name, compression):
    options = {"format": name, "compression": compression, "sync": False}
    for at, make in enumerate(TABLES.values()):
        report = pipeline.export_table(make(), tmp_path / "out", **options)
        assert report.rows == 4
        assert report.is_unchanged == (at > 0)
    (resource,) = descriptor(tmp_path / "out")["resources"]
    assert resource["path"].startswith("table.")
    fields = (resource.get("schema") or resource["pipeline:schema"])["fields"]
    assert {field["name"]: field["pipeline:type"] for field in fields} == TYPES
    found = rows_of(tmp_path / "out", resource)
    plain = ARROW.set_column(4, "at", ARROW.column("at").cast("int64")).to_pylist()
    assert found == comparable(list(TYPES.items()), [list(row.values()) for row in plain])
    checked = pipeline.verify_package(tmp_path / "out")
    assert (checked.problems, checked.rows) == ((), 4)
    assert_frictionless(tmp_path / "out")


def test_rows_stay_in_their_order_and_another_order_is_another_package(tmp_path):
    frame = pl.DataFrame({"a": [3, 1, 2], "k": ["x", None, "z"]})
    pipeline.export_table(frame, tmp_path / "out", sync=False, verify=True)
    assert (tmp_path / "out" / "table.csv").read_text(encoding="utf-8") == "a,k\n3,x\n1,\n2,z\n"
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    others = [
        (frame.sort("a"), {}),
        (frame.with_columns(pl.col("a").cast(pl.Float64)), {}),
        (frame.rename({"a": "b"}), {}),
        (frame.head(2), {}),
        (frame, {"format": "ndjson"}),
        (frame, {"hashed": False}),
    ]
    for other, options in others:
        with pytest.raises(pipeline.DestinationError, match="another source or other options"):
            pipeline.export_table(other, tmp_path / "out", sync=False, **options)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    pipeline.export_table(frame.sort("a"), tmp_path / "out", sync=False, overwrite=True)
    assert (tmp_path / "out" / "table.csv").read_text(encoding="utf-8") == "a,k\n1,\n2,z\n3,x\n"
    assert names_in(tmp_path) == ["out"]


def test_what_a_query_gives_can_be_exported(tmp_path):
    table = pipeline.query(
        FIXTURE_STORE,
        "SELECT network_profile, sum(sequence) AS n, median(value) AS rtt FROM measurements GROUP BY ALL ORDER BY ALL",
    )
    pipeline.export_table(table, tmp_path / "a", format="parquet", sync=False)
    connection = pipeline.connect(FIXTURE_STORE)
    relation = connection.sql("SELECT * FROM measurements WHERE metric = 'control_rtt' ORDER BY session_id, sequence")
    report = pipeline.export_table(relation, tmp_path / "b", format="csv", sync=False)
    assert report.rows == 8800
    assert pl.read_parquet(only(tmp_path / "a", "table.parquet")).equals(pl.from_arrow(table))
    read = pl.read_csv(tmp_path / "b" / "table.csv", infer_schema_length=None)
    assert read["sequence"].to_list() == relation.pl()["sequence"].to_list()
    for package in "ab":
        assert pipeline.verify_package(tmp_path / package).problems == ()
        assert_frictionless(tmp_path / package)


def test_a_damaged_table_is_noticed(tmp_path):
    pipeline.export_table(pl.DataFrame({"a": [1.5, 2.5]}), tmp_path / "out", format="ndjson", sync=False)
    path = tmp_path / "out" / "table.ndjson"
    path.write_bytes(path.read_bytes().replace(b"1.5", b"1.6"))
    assert [problem.file for problem in pipeline.verify_package(tmp_path / "out").problems] == ["table.ndjson"]


@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet", "arrow"])
def test_a_table_without_rows_is_valid(tmp_path, name):
    frame = pl.DataFrame({"a": [], "b": []}, {"a": pl.Int8, "b": pl.String})
    report = pipeline.export_table(frame, tmp_path / "out", format=name, sync=False)
    assert (report.rows, len(report.warnings)) == (0, 1)
    assert pipeline.verify_package(tmp_path / "out").problems == ()
    assert_frictionless(tmp_path / "out")


WIDER = {
    "int8": (pa.array([-128, None], pa.int8()), "int64", [-128, None]),
    "uint64": (pa.array([2**63 - 1], pa.uint64()), "int64", [2**63 - 1]),
    "float32": (pa.array([0.1], pa.float32()), "float64", [float(np.float32(0.1))]),
    "string_view": (pa.array(["a", None], pa.string_view()), "string", ["a", None]),
    "null": (pa.nulls(2), "string", [None, None]),
    "seconds": (pa.array([T0.replace(microsecond=0)], pa.timestamp("s", "Asia/Kathmandu")), "timestamp[us]", None),
    "nanoseconds": (pa.array([1], pa.timestamp("ns", "UTC")), "timestamp[ns]", None),
}


@pytest.mark.parametrize("kind", WIDER)
def test_what_casts_without_loss_is_cast(tmp_path, kind):
    array, name, values = WIDER[kind]
    table = pa.table({"x": array, "y": pa.array(range(len(array)))})
    pipeline.export_table(table, tmp_path / "out", format="parquet", sync=False)
    (resource,) = descriptor(tmp_path / "out")["resources"]
    assert resource["pipeline:schema"]["fields"][0]["pipeline:type"] == name
    found = pl.read_parquet(tmp_path / "out" / "table.parquet")["x"]
    if values is None:
        assert found.dt.timestamp("ns").to_list() == array.cast(pa.timestamp("ns", "UTC")).cast("int64").to_pylist()
    else:
        assert found.to_list() == values
    assert pipeline.verify_package(tmp_path / "out").problems == ()


OTHERS = {
    "a time without a zone": (pa.array([dt.datetime(2026, 1, 1)], pa.timestamp("us")), "AT TIME ZONE"),  # noqa: DTZ001
    "a decimal": (pa.array([decimal.Decimal("1.5")]), "DOUBLE"),
    "a huge integer": (pa.array([decimal.Decimal(1)], pa.decimal128(38, 0)), "BIGINT"),
    "a date": (pa.array([dt.date(2026, 1, 1)]), "VARCHAR"),
    "a list": (pa.array([[1]]), "to_json"),
    "an object": (pa.array([{"a": 1}]), "to_json"),
    "bytes": (pa.array([b"a"]), "VARCHAR"),
    "a duration": (pa.array([dt.timedelta(1)]), "seconds"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_type_is_an_error_that_says_the_cast(tmp_path, kind):
    array, says = OTHERS[kind]
    with pytest.raises(pipeline.UsageError, match=f"^column 'x y' has type .*{says}.*, or leave it out$"):
        pipeline.export_table(pa.table({"x y": array}), tmp_path / "out")
    assert names_in(tmp_path) == []


BAD_VALUES = {
    "NUL": (pa.array(["a", "b\0"]), "row 2, column 'x': holds the character NUL"),
    "no UTF-8": (
        pa.Array.from_buffers(pa.string(), 1, [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(b"\xff")]),
        "row 1, column 'x': holds bytes that are not valid UTF-8",
    ),
    "beyond int64": (pa.array([1, 2**63], pa.uint64()), "column 'x' does not fit int64"),
    "a year": (pa.array([2**62], pa.timestamp("us", "UTC")), "row 1, column 'x': lies outside the years"),
}


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_a_value_that_no_file_holds_is_named_and_nothing_is_published(tmp_path, kind):
    array, says = BAD_VALUES[kind]
    with pytest.raises(pipeline.SourceError, match=says) as caught:
        pipeline.export_table(pa.table({"x": array}), tmp_path / "out", format="parquet")
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == []


def test_a_relation_that_fails_on_its_way_is_one_line(tmp_path):
    connection = duckdb.connect()
    relation = connection.sql("SELECT CASE WHEN range > 90000 THEN error('late') ELSE 'x' END AS x FROM range(100000)")
    with pytest.raises(pipeline.SourceError, match=r"^the table cannot be read \(.*late.*\)$"):
        pipeline.export_table(relation, tmp_path / "out", format="ndjson")
    assert names_in(tmp_path) == []


def test_pandas_means_null_by_nan_and_keeps_its_index_by_a_column(tmp_path):
    frame = pd.DataFrame({"k": ["a", "b", "a"], "v": [1.0, float("nan"), 3.0]})
    pipeline.export_table(frame, tmp_path / "a", sync=False)
    assert (tmp_path / "a" / "table.csv").read_text(encoding="utf-8") == "k,v\na,1.0\nb,\na,3.0\n"
    means = frame.groupby("k").mean()
    with pytest.raises(pipeline.UsageError, match=r"index 'k'; reset_index\(\)"):
        pipeline.export_table(means, tmp_path / "b", sync=False)
    pipeline.export_table(means.reset_index(), tmp_path / "b", sync=False)
    with pytest.raises(pipeline.UsageError, match="column 0; names of columns must be texts"):
        pipeline.export_table(pd.DataFrame([[1]]), tmp_path / "c", sync=False)
    with pytest.raises((pipeline.SourceError, pipeline.UsageError)) as caught:
        pipeline.export_table(pd.DataFrame({"x": [1, "a"]}, dtype=object), tmp_path / "c", sync=False)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"a": [1]}, "not an object of type dict"),
        (pl.LazyFrame({"a": [1]}), "collect"),
        (pl.Series([1]), "Series"),
        (pd.Series([1]), "Series"),
        (duckdb.connect(), "DuckDBPyConnection"),
        (pa.table({}), "no columns"),
        (pa.table([[1], [2]], names=["a", "A"]), "differ only in case"),
        (pa.table([[1]], names=[""]), "has no name"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_what_is_no_table_is_refused(tmp_path, table, says):
    with pytest.raises(pipeline.UsageError, match=says):
        pipeline.export_table(table, tmp_path / "out")
    assert names_in(tmp_path) == []


def test_options_that_do_not_fit_are_refused(tmp_path):
    frame = pl.DataFrame({"a": [1]})
    for options, says in [
        ({"format": "xlsx"}, "format must be"),
        ({"format": "arrow", "compression": "gzip"}, "arrow can have none, zstd"),
        ({"verify": True, "hashed": False}, "hashed=False"),
    ]:
        with pytest.raises(pipeline.UsageError, match=says):
            pipeline.export_table(frame, tmp_path / "out", **options)
    with pytest.raises(pipeline.UsageError, match="names a directory"):
        pipeline.export_table(frame, tmp_path / "out.csv")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    with pytest.raises(pipeline.DestinationError, match="not a package"):
        pipeline.export_table(frame, tmp_path / "mine", overwrite=True)
    assert names_in(tmp_path) == ["mine"]
