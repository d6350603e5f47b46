"""Readers of others for every format: each gives the rows of a file as lists of values that compare exactly.

A number compares by its bits, where every NaN is the same; a time by its ticks.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import gzip
import io
import json
import math
import struct
import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import zstandard

ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "us": pa.timestamp("us", "UTC"),
    "ns": pa.timestamp("ns", "UTC"),
}
TIMES = {"us", "ns"}
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def float_key(number):
    """What a number compares by."""
    if number is None:
        return None
    return "NaN" if math.isnan(number) else struct.pack(">d", number).hex()


def comparable(columns, rows):
    """Rows of plain values as they compare; times are ticks already."""
    return [
        [float_key(v) if kind == "float64" else v for (_, kind), v in zip(columns, row, strict=True)] for row in rows
    ]


def without_empty_texts(rows):
    """Rows as they are to readers that take the empty string for null."""
    return [[None if value == "" else value for value in row] for row in rows]


def parse_time(text):
    """Ticks of a time in our text, by way of Python's datetime."""
    if text is None:
        return None
    seconds, fraction = text.removesuffix("Z").split(".")
    span = dt.datetime.fromisoformat(seconds) - dt.datetime(1970, 1, 1)  # noqa: DTZ001 - is UTC
    return (span.days * 86_400 + span.seconds) * 10 ** len(fraction) + int(fraction)


def decompress(path):
    """Bytes of a file, decompressed as its name says."""
    data = Path(path).read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def _by_column(columns, column_values):
    return [list(row) for row in zip(*column_values, strict=True)] if columns else []


def _arrow_rows(table, columns):
    assert table.schema.names == [name for name, _ in columns]
    values = []
    for at, (_, kind) in enumerate(columns):
        column = table.column(at)
        assert column.type == ARROW_TYPES[kind]
        column = column.cast(pa.int64()) if kind in TIMES else column
        values.append([float_key(v) if kind == "float64" else v for v in column.to_pylist()])
    return _by_column(columns, values)


def _polars_rows(frame, columns):
    assert frame.columns == [name for name, _ in columns]
    values = []
    for at, (_, kind) in enumerate(columns):
        column = frame.to_series(at)
        if kind in TIMES:
            assert column.dtype == pl.Datetime(kind, "UTC")
            column = column.to_physical()
        values.append([float_key(v) if kind == "float64" else v for v in column.to_list()])
    return _by_column(columns, values)


def _quoted(name, quote):
    return quote + name.replace(quote, quote * 2) + quote


@functools.cache
def _connection():
    return duckdb.connect(config={"threads": "1"})


def _duckdb_rows(data, columns, source):
    """Rows of a table function; `source` gives its SQL for a path."""
    ticks = {"us": "epoch_us", "ns": "epoch_ns"}
    shown = ", ".join(
        f"{ticks[kind]}({_quoted(name, chr(34))})" if kind in ticks else _quoted(name, chr(34))
        for name, kind in columns
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        rows = _connection().execute(f"SELECT {shown} FROM {source(_quoted(file.name, chr(39)))}").fetchall()
    return comparable(columns, rows)


def _duckdb_text_rows(data, columns, function, options):
    types = {"int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "us": "TIMESTAMPTZ"}
    typed = ", ".join(f"{_quoted(name, chr(39))}: '{types.get(kind, 'VARCHAR')}'" for name, kind in columns)
    # Text of nanoseconds stays text: DuckDB reads it as microseconds otherwise.
    plain = [(name, "string" if kind == "ns" else kind) for name, kind in columns]
    rows = _duckdb_rows(data, plain, lambda path: f"{function}({path}, columns = {{{typed}}}, {options})")
    return [[parse_time(v) if kind == "ns" else v for (_, kind), v in zip(columns, row, strict=True)] for row in rows]


def csv_with_python(data, columns):
    """Python cannot tell null from the empty string."""
    header, *lines = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    assert header == [name for name, _ in columns]
    parse = {
        "string": str,
        "int64": int,
        "float64": lambda text: float_key(float(text)),
        "bool": {"true": True, "false": False}.__getitem__,
        "us": parse_time,
        "ns": parse_time,
    }
    return [
        [None if text == "" else parse[kind](text) for (_, kind), text in zip(columns, line, strict=True)]
        for line in lines
    ]


def csv_with_pyarrow(data, columns):
    options = pv.ConvertOptions(
        column_types={name: ARROW_TYPES[kind] for name, kind in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pv.ParseOptions(newlines_in_values=True)
    return _arrow_rows(pv.read_csv(io.BytesIO(data), parse_options=parse, convert_options=options), columns)


def csv_with_polars(data, columns):
    types = {"int64": pl.Int64, "float64": pl.Float64, "bool": pl.Boolean}
    kinds = [types.get(kind, pl.String) for _, kind in columns]
    frame = pl.read_csv(io.BytesIO(data), schema_overrides=kinds, infer_schema=False)
    # Polars leaves doubled quotes in names as they are.
    frame.columns = [name.replace('""', '"') for name in frame.columns]
    for at, (_, kind) in enumerate(columns):
        column = frame.to_series(at)
        if kind == "us":
            times = column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
            frame.replace_column(at, times)
        elif kind == "ns":
            ticks = pl.Series(column.name, map(parse_time, column.to_list()), dtype=pl.Int64)
            frame.replace_column(at, ticks.cast(pl.Datetime("ns", "UTC")))
    return _polars_rows(frame, columns)


def csv_with_duckdb(data, columns):
    options = """header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\n',
        nullstr = '', allow_quoted_nulls = false, parallel = false"""
    return _duckdb_text_rows(data, columns, "read_csv", options)


def json_values(objects, columns):
    """Rows of decoded JSON objects."""
    names = [name for name, _ in columns]
    rows = []
    for found in objects:
        assert list(found) == names
        row = []
        for (_, kind), value in zip(columns, found.values(), strict=True):
            if value is not None:
                allowed = {"int64": int, "bool": bool}.get(kind, str)
                assert type(value) in ((float, str) if kind == "float64" else (allowed,))
            if kind == "float64":
                row.append(float_key(_NON_FINITE[value] if isinstance(value, str) else value))
            else:
                row.append(parse_time(value) if kind in TIMES else value)
        rows.append(row)
    return rows


def _no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def strict_json(text):
    """Decode JSON as RFC 8259 has it."""
    return json.loads(text, parse_constant=_no_constant)


def ndjson_with_python(data, columns):
    lines = data.decode().split("\n")
    assert lines.pop() == ""
    return json_values(map(strict_json, lines), columns)


def ndjson_with_duckdb(data, columns):
    return _duckdb_text_rows(data, columns, "read_json", "format = 'newline_delimited'")


def ndjson_with_polars(data, columns):
    types = {"int64": pl.Int64, "bool": pl.Boolean}
    schema = {name: types.get(kind, pl.String) for name, kind in columns}
    if not data:
        return []
    frame = pl.read_ndjson(io.BytesIO(data), schema=schema)
    assert frame.columns == [name for name, _ in columns]
    # Numbers and the names of non-finite ones together are text to Polars.
    convert = {"float64": lambda text: None if text is None else float_key(float(text))}
    convert |= dict.fromkeys(TIMES, parse_time)
    return [
        [convert[kind](v) if kind in convert else v for (_, kind), v in zip(columns, row, strict=True)]
        for row in frame.rows()
    ]


def json_with_python(data, columns, *, table="measurements"):
    document = strict_json(data.decode())
    assert list(document) == ["metadata", table]
    return json_values(document[table], columns)


def parquet_with_pyarrow(data, columns):
    return _arrow_rows(pq.read_table(pa.BufferReader(data), page_checksum_verification=True), columns)


def parquet_with_polars(data, columns):
    return _polars_rows(pl.read_parquet(io.BytesIO(data)), columns)


def parquet_with_duckdb(data, columns):
    return _duckdb_rows(data, columns, lambda path: f"read_parquet({path})")


def arrow_with_pyarrow(data, columns):
    table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    table.validate(full=True)
    return _arrow_rows(table, columns)


def arrow_with_polars(data, columns):
    return _polars_rows(pl.read_ipc(io.BytesIO(data)), columns)


READERS = {
    "ndjson": {"python": ndjson_with_python, "duckdb": ndjson_with_duckdb, "polars": ndjson_with_polars},
    "json": {"python": json_with_python},
    "csv": {
        "python": csv_with_python,
        "pyarrow": csv_with_pyarrow,
        "polars": csv_with_polars,
        "duckdb": csv_with_duckdb,
    },
    "parquet": {
        "pyarrow": parquet_with_pyarrow,
        "polars": parquet_with_polars,
        "duckdb": parquet_with_duckdb,
    },
    "arrow": {"pyarrow": arrow_with_pyarrow, "polars": arrow_with_polars},
}
"""By format and engine: a function of a file's bytes, decompressed, and its columns as (name, kind)."""
