"""Types of columns and attributes: taken where nothing is lost, refused where it would be."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from directories import only, snapshot
from plain_files import (
    ONE_OF_EACH,
    arrow_table,
    as_stored,
    comparable,
    stored_rows,
    stored_table,
    write_arrow,
    write_rows,
    write_table,
)
from samples import row, write_ndjson

from pipeline import SourceError, export_measurements, import_sessions


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array([1, None], pa.int8()), "int64", [1, None]),
        (pa.array([-(2**31), 1], pa.int32()), "int64", [-(2**31), 1]),
        (pa.array([2**63 - 1, 0], pa.uint64()), "int64", [2**63 - 1, 0]),
        (pa.array([0.1, None], pa.float32()), "double", [float(np.float32(0.1)), None]),
        (pa.array(np.array([1.5, -0.0], np.float16)), "double", [1.5, -0.0]),
        (pa.array(["a", None]).dictionary_encode(), "string", ["a", None]),
        (pa.array([7, 8]).dictionary_encode(), "int64", [7, 8]),
        (pa.array(["ä", ""], pa.large_string()), "string", ["ä", ""]),
        (pa.array(["ä", "longer than a view's twelve bytes"], pa.string_view()), "string", None),
        (pa.array([True, None]), "bool", [True, None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_other_arrow_types_are_taken_where_nothing_is_lost(tmp_path, array, kind, values):
    table = arrow_table([row("s1", 0), row("s1", 1)]).append_column("extra", array)
    import_sessions(write_arrow(tmp_path / "a.arrow", table), tmp_path / "store")
    assert str(stored_table(tmp_path / "store").schema.field("extra").type) == kind
    expected = array.to_pylist() if values is None else values
    assert [r["extra"] for r in stored_rows(tmp_path / "store")] == [comparable(value) for value in expected]


@pytest.mark.parametrize(
    ("column", "array", "phrase"),
    [
        ("extra", pa.array([1, 2**63], pa.uint64()), "'s1', sequence 1, column 'extra': 9223372036854775808"),
        ("value", pa.array([1, 2**53 + 1]), "sequence 1, column 'value': 9007199254740993"),
        ("value", pa.array(["1", "2"]), "column 'value' has type string"),
        ("sequence", pa.array([0.0, 1.0]), "column 'sequence' has type double"),
        ("metric", pa.array([1, 2]), "column 'metric' has type int64"),
        ("timestamp", pa.array(["2026-11-24", "2026-11-25"]), "column 'timestamp' has type string"),
        ("timestamp", pa.array([0, 2**53], pa.timestamp("s", "UTC")), "column 'timestamp'"),
        ("timestamp", pa.array([0, 253_402_300_800], pa.timestamp("s", "UTC")), "0001 to 9999"),
        ("extra", pa.array([[1], [2]]), "column 'extra' has type list"),
        ("extra", pa.array([b"a", b"b"]), "column 'extra' has type binary"),
        ("extra", pa.array([dt.date(2026, 1, 1)] * 2), "column 'extra' has type date32"),
        ("extra", pa.array([1, 2]).cast(pa.decimal128(30, 2)), "column 'extra' has type decimal128"),
    ],
)
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_type_that_would_lose_something_is_refused(tmp_path, name, column, array, phrase):
    table = arrow_table([row("s1", 0), row("s1", 1)])
    if column == "extra":
        table = table.append_column(column, array)
    else:
        table = table.set_column(table.schema.get_field_index(column), column, array)
    write_table(tmp_path / name, table)
    with pytest.raises(SourceError, match=phrase.replace("(", r"\(")):
        import_sessions(tmp_path / name, tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("names", [("Robot", "robot"), ("VALUE", "Metric")], ids=" ".join)
@pytest.mark.parametrize("sequences", [(0, 1), (1, 0)], ids=["in order", "out of order"])
def test_columns_that_differ_only_in_case_are_kept_apart_or_refused(tmp_path, names, sequences):
    first, second = names
    rows = [row("s1", s, **{first: f"{first} {s}", second: f"{second} {s}"}) for s in sequences]
    try:
        import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    except SourceError as error:
        assert first in str(error) or second in str(error)  # noqa: PT017 - either way is right
    else:
        assert stored_rows(tmp_path / "store") == as_stored(rows)


@pytest.mark.parametrize("values", [("a", 1), (1, True), (1.5, "x"), (True, 0.5), (True, "true")], ids=str)
def test_an_attribute_of_two_types_is_refused(tmp_path, values):
    one, other = values
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=one)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=other)])
    write_ndjson(tmp_path / "both.ndjson", [row("s1", 0, x=one), row("s2", 0, x=other)])
    sources = [tmp_path / "a.ndjson", tmp_path / "b.ndjson"]
    for source in (sources, tmp_path / "both.ndjson"):
        with pytest.raises(SourceError, match="'x'"):
            import_sessions(source, tmp_path / "store")
        assert not (tmp_path / "store").exists()
    import_sessions(sources[0], tmp_path / "store")
    before = snapshot(tmp_path / "store")
    with pytest.raises(SourceError, match="'x'"):
        import_sessions(sources[1], tmp_path / "store")
    assert snapshot(tmp_path / "store") == before


def test_columns_of_two_types_are_refused_in_columnar_files(tmp_path):
    write_rows(tmp_path / "a.parquet", [row("s1", 0, x=1)])
    write_rows(tmp_path / "b.parquet", [row("s2", 0, x=1.5)])
    with pytest.raises(SourceError, match="attribute 'x' is float64, elsewhere it is int64"):
        import_sessions([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "store")


def test_whole_and_broken_numbers_of_json_are_one_type(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=1)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=1.5)])
    import_sessions([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "store")
    assert [r["x"] for r in stored_rows(tmp_path / "store")] == [comparable(1.0), comparable(1.5)]


def test_whole_numbers_that_broken_ones_would_round_are_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=2**53 + 1)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=1.5)])
    with pytest.raises(SourceError, match="'x'") as caught:
        import_sessions([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "store")
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("first", ["finite", "NaN"])
def test_the_type_of_an_attribute_does_not_depend_on_the_batch(tmp_path, first):
    """More rows than a batch has: one kind of text fills the first batch, the other the second."""
    kinds = {"finite": 1.5, "NaN": "NaN"}
    other = kinds["NaN" if first == "finite" else "finite"]
    rows = [row("s1", i, x=kinds[first] if i < 16_500 else other) for i in range(17_000)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    column = stored_table(tmp_path / "store").column("x")
    assert str(column.type) == "double"
    values = np.asarray(column)
    assert np.isnan(values).sum() == (500 if first == "finite" else 16_500)
    assert (values == 1.5).sum() == (16_500 if first == "finite" else 500)


def test_sessions_may_have_different_attributes(tmp_path):
    rows = [row("s1", 0, robot="r1"), row("s2", 0, site=3), row("s3", 0)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows[:2]), tmp_path / "store")
    import_sessions(write_ndjson(tmp_path / "b.ndjson", rows[2:]), tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)
    export_measurements(tmp_path / "store", tmp_path / "out")
    exported = [json.loads(line) for line in only(tmp_path / "out", "measurements_*").open(encoding="utf-8")]
    assert exported == [{**dict.fromkeys(["robot", "site"]), **r} for r in exported]
    assert [(r["robot"], r["site"]) for r in exported] == [("r1", None), (None, 3), (None, None)]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_column_of_nulls_gets_its_type_when_a_value_comes(tmp_path, name):
    first = write_rows(tmp_path / name, [row("s1", 0, x=None), row("s1", 1, x=None)], x=pa.null())
    import_sessions(first, tmp_path / "store")
    export_measurements(tmp_path / "store", tmp_path / "nulls")
    lines = only(tmp_path / "nulls", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["x"] for line in lines] == [None, None]
    import_sessions(write_ndjson(tmp_path / "later.ndjson", [row("s2", 0, x=7)]), tmp_path / "store")
    export_measurements(tmp_path / "store", tmp_path / "typed")
    lines = only(tmp_path / "typed", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert sorted(str(json.loads(line)["x"]) for line in lines) == ["7", "None", "None"]
