"""One value has one text: the encoders against plain Python, row by row, and against readers of others."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import json
import math
import re

import hostile
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import READERS, comparable, float_key, strict_json, without_empty_texts

from pipeline.writers.csv import write_csv
from pipeline.writers.json import write_json
from pipeline.writers.locales import LOCALES
from pipeline.writers.text import encode_csv, encode_csv_header, encode_json_rows, encode_ndjson


def time_text(ticks, unit):
    """RFC 3339 by way of Python's datetime."""
    micros, below = (ticks, "") if unit == "us" else (ticks // 1000, f"{ticks % 1000:03}")
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micros)  # noqa: DTZ001 - is UTC
    return moment.isoformat(timespec="microseconds") + below + "Z"


def json_value(kind, value):
    if value is None:
        return None
    if kind == "float64":
        number = hostile.from_bits(value)
        if math.isnan(number):
            return "NaN"
        return ("Infinity" if number > 0 else "-Infinity") if math.isinf(number) else number
    return time_text(value, kind) if kind in {"us", "ns"} else value


def json_line(columns, row):
    value = {name: json_value(kind, v) for (name, kind), v in zip(columns, row, strict=True)}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def csv_field(kind, value, *, guarded=False):
    if value is None:
        return ""
    if kind == "bool":
        return "true" if value else "false"
    if kind == "float64":
        number = hostile.from_bits(value)
        return "NaN" if math.isnan(number) else repr(number)
    if kind not in {"string", "text"}:
        return str(value) if kind == "int64" else time_text(value, kind)
    if guarded and value[:1] in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}:  # noqa: RUF001 - OWASP lists them
        value = "'" + value
    if value == "" or set(value) & set('",\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def csv_text(columns, rows, *, guarded=False):
    lines = [[csv_field("string", name, guarded=guarded) for name, _ in columns]]
    lines += [[csv_field(kind, v, guarded=guarded) for (_, kind), v in zip(columns, row, strict=True)] for row in rows]
    return "".join(",".join(line) + "\n" for line in lines)


def written_csv(batch, **options):
    """The CSV file that holds a batch, BOM and header included."""
    file = io.BytesIO()
    write_csv(pa.RecordBatchReader.from_batches(batch.schema, [batch]), file, **options)
    return file.getvalue()


def as_read(columns, rows):
    """Rows as readers give them."""
    plain = [
        [
            hostile.from_bits(v) if kind == "float64" and v is not None else v
            for (_, kind), v in zip(columns, row, strict=True)
        ]
        for row in rows
    ]
    return comparable(columns, plain)


@given(hostile.tables())
def test_ndjson_lines_are_what_json_dumps_writes(table):
    columns, rows, batch = table
    expected = "".join(json_line(columns, row) + "\n" for row in rows)
    assert encode_ndjson(batch) == expected.encode()


@given(hostile.tables())
def test_json_rows_are_the_same_text_with_commas_between(table):
    columns, rows, batch = table
    assert encode_json_rows(batch) == ",\n".join(json_line(columns, row) for row in rows).encode()


@given(hostile.tables(), st.lists(st.integers(0, 12), max_size=4))
def test_a_json_document_is_read_by_python_json(table, cuts):
    columns, rows, batch = table
    edges = sorted({0, batch.num_rows, *(min(cut, batch.num_rows) for cut in cuts)})
    pieces = [batch.slice(low, high - low) for low, high in itertools.pairwise(edges)]
    metadata = {"sessions": [{"session_id": 'a"b\n</é>', "configuration": {"%s": [None, 1.5, "\u2028"]}}]}
    file = io.BytesIO()
    reader = pa.RecordBatchReader.from_batches(batch.schema, pieces)
    write_json(reader, file, table="measurements", metadata=lambda: metadata, compression="none")
    document = strict_json(file.getvalue().decode())
    assert list(document) == ["metadata", "measurements"]
    assert document["metadata"] == metadata
    expected = [{name: json_value(kind, v) for (name, kind), v in zip(columns, row, strict=True)} for row in rows]
    # As text: -0.0 equals 0.0, and 1 equals True.
    assert json.dumps(document["measurements"]) == json.dumps(expected)


@given(hostile.tables())
def test_csv_is_the_text_of_the_contract(table):
    columns, rows, batch = table
    assert encode_csv_header(batch.schema) + encode_csv(batch) == csv_text(columns, rows).encode()
    assert written_csv(batch) == csv_text(columns, rows).encode()


@given(hostile.tables(), st.integers(1, 5))
def test_text_does_not_depend_on_the_cut_into_batches(table, size):
    _, _, batch = table
    pieces = [batch.slice(start, size) for start in range(0, batch.num_rows, size)]
    assert b"".join(map(encode_ndjson, pieces)) == encode_ndjson(batch)
    assert b"".join(map(encode_csv, pieces)) == encode_csv(batch)
    assert b",\n".join(map(encode_json_rows, pieces)) == encode_json_rows(batch)


@settings(max_examples=500)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=50, max_size=50))
def test_any_bits_of_a_double_have_the_text_of_repr(bits):
    batch = pa.record_batch([hostile.make_array("float64", bits)], names=["v"])
    written = encode_csv(batch).decode().split("\n")[:-1]
    assert written == [csv_field("float64", one) for one in bits]


@pytest.mark.parametrize("exponent", range(-330, 310, 40))
def test_powers_of_ten_have_the_text_of_repr(exponent):
    numbers = [
        sign * digits * 10.0**power
        for power in range(max(exponent, -323), min(exponent + 40, 309))
        for digits in (1, 1.5, 9.999999999999999)
        for sign in (1, -1)
        if digits * 10.0**power < math.inf
    ]
    if not numbers:
        pytest.fail("no number to test")
    batch = pa.record_batch([pa.array(numbers, pa.float64())], names=["v"])
    assert encode_ndjson(batch).decode() == "".join(f'{{"v":{n!r}}}\n' for n in numbers)


def test_the_texts_named_in_the_contract():
    numbers = [1.0, -0.0, 1e-7, 1e16, math.nan, math.inf, -math.inf, None]
    batch = pa.record_batch([pa.array(numbers, pa.float64())], names=["v"])
    assert encode_csv(batch) == b"1.0\n-0.0\n1e-07\n1e+16\nNaN\ninf\n-inf\n\n"
    assert encode_ndjson(batch).decode().split("\n")[4:] == [
        '{"v":"NaN"}',
        '{"v":"Infinity"}',
        '{"v":"-Infinity"}',
        '{"v":null}',
        "",
    ]
    for unit, text in (("us", "2026-11-24T16:00:00.000001Z"), ("ns", "2026-11-24T16:00:00.000001000Z")):
        ticks = 1_795_536_000_000_001 * (1000 if unit == "ns" else 1)
        batch = pa.record_batch([hostile.make_array(unit, [ticks])], names=["t"])
        assert encode_csv(batch).decode() == text + "\n"
        assert encode_ndjson(batch).decode() == f'{{"t":"{text}"}}\n'


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        *(pa.dictionary(index, pa.string()) for index in (pa.int8(), pa.uint16(), pa.int64())),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_strings_of_any_layout_have_one_text(kind):
    values = [*hostile.TEXTS, "longer than what a view holds in itself", *hostile.TEXTS]
    plain = pa.record_batch([pa.array(values, pa.string())], names=["v"])
    batch = pa.record_batch([pa.array(values, pa.string()).cast(kind)], names=["v"])
    for encode in (encode_csv, encode_ndjson):
        assert encode(batch) == encode(plain)
        assert encode(batch.slice(3, 30)) == encode(plain.slice(3, 30))


def test_text_longer_than_any_buffer_is_written_whole():
    long = 'x"\n' * 1_000_000
    batch = pa.record_batch([["a", long, None, long[:70_000]], [1, 2, 3, 4]], names=["v", "n"])
    rows = [("a", 1), (long, 2), (None, 3), (long[:70_000], 4)]
    columns = [("v", "string"), ("n", "int64")]
    assert encode_ndjson(batch) == "".join(json_line(columns, row) + "\n" for row in rows).encode()
    assert encode_csv(batch) == csv_text(columns, rows).encode().removeprefix(b"v,n\n")


@pytest.mark.parametrize("encode", [encode_csv, encode_ndjson])
def test_what_is_encoded_stays_when_more_is_encoded(encode):
    batches = [pa.record_batch([[f"text {at}" * at]], names=["v"]) for at in range(50)]
    found = [encode(batch) for batch in batches]
    assert found == [bytes(encode(batch)) for batch in batches]
    assert all(f"text {at}".encode() in text for at, text in enumerate(found) if at)


@pytest.mark.parametrize("encode", [encode_csv, encode_ndjson])
@pytest.mark.parametrize("ticks", [hostile.YEAR_1 - 1, hostile.YEAR_10000, 2**63 - 1, -(2**63)])
def test_a_year_without_a_text_is_an_error(encode, ticks):
    with pytest.raises(ValueError, match="years 0001 to 9999"):
        encode(pa.record_batch([hostile.make_array("us", [0, ticks])], names=["t"]))


@pytest.mark.parametrize("encode", [encode_csv, encode_ndjson])
def test_a_type_outside_the_data_model_is_refused(encode):
    with pytest.raises(TypeError):
        encode(pa.record_batch([pa.array([1], pa.int32())], names=["v"]))


@pytest.mark.parametrize("engine", READERS["csv"])
@settings(max_examples=60)
@given(table=hostile.tables(keyed=True))
def test_csv_is_read_back_by(engine, table):
    columns, rows, batch = table
    expected = as_read(columns, rows)
    if engine == "python":
        expected = without_empty_texts(expected)
    assert READERS["csv"][engine](written_csv(batch), columns) == expected


@pytest.mark.parametrize("engine", READERS["ndjson"])
@settings(max_examples=60)
@given(table=hostile.tables(keyed=True))
def test_ndjson_is_read_back_by(engine, table):
    columns, rows, batch = table
    assert READERS["ndjson"][engine](encode_ndjson(batch), columns) == as_read(columns, rows)


def test_pandas_reads_numbers_of_csv_exactly():
    numbers = list(hostile.FLOATS)
    batch = pa.record_batch([range(len(numbers)), pa.array(numbers, pa.float64())], names=["sequence", "v"])
    frame = pd.read_csv(io.BytesIO(written_csv(batch)))
    assert frame["v"].dtype == np.float64
    expected = [math.nan if number is None else number for number in numbers]
    assert [float_key(n) for n in frame["v"]] == [float_key(n) for n in expected]


# The variant for spreadsheets.


@given(hostile.tables())
def test_the_spreadsheet_variant_guards_text_and_nothing_else(table):
    columns, rows, batch = table
    expected = b"\xef\xbb\xbf" + csv_text(columns, rows, guarded=True).encode()
    written = written_csv(batch, spreadsheet=LOCALES["en"]).decode()
    # Text that looks like a number stands in a formula; tests/writers/test_locales.py shows which.
    plain = re.sub('"=""([^"]*)"""', lambda found: csv_field("string", found[1]), written)
    assert plain.encode() == expected


@pytest.mark.parametrize("trigger", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001 - OWASP lists them
def test_no_cell_of_the_spreadsheet_variant_starts_a_formula(trigger):
    batch = pa.record_batch(
        [
            [trigger + "cmd|' /C calc'!A0", trigger, "a" + trigger],
            pa.array([-1.5, -math.inf, 1.0]),
            [-1, 0, 1],
        ],
        names=[trigger + "name", "value", "count"],
    )
    data = written_csv(batch, spreadsheet=LOCALES["en"])
    header, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    assert header == ["'" + trigger + "name", "value", "count"]
    assert [row[0] for row in rows] == ["'" + trigger + "cmd|' /C calc'!A0", "'" + trigger, "a" + trigger]
    assert [row[1:] for row in rows] == [["-1.5", "-1"], ["-inf", "0"], ["1.0", "1"]]


def test_without_the_variant_text_is_left_as_it_is():
    batch = pa.record_batch([["=1+1", "-x"]], names=["@name"])
    assert written_csv(batch) == b"@name\n=1+1\n-x\n"
