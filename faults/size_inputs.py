"""Small files that unpack to much: columns of Parquet and Arrow, databases, files of harnesses; and sound ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
from made import EXPORT, IMPORT, one_file
from mutations import arrow_bytes, arrow_table, parquet_bytes, rows_of
from packed_inputs import gzip_of, zstd_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judging import HostileInput

_MEGABYTE = 1 << 20
_PLAIN = {"use_dictionary": False, "compression": "zstd"}
_CODED = {"dictionary_pagesize_limit": 1 << 30, "compression": "zstd", "store_schema": False}
_QUERY = ("query", "{file}", "SELECT count(*), sum(length(robot)) FROM measurements")


def _text(megabytes: float, sign: str = "x") -> str:
    return sign * int(megabytes * _MEGABYTE)


def _with_robots(texts: pa.Array) -> pa.Table:
    """Rows of one session with texts as an attribute."""
    rows = rows_of(len(texts), ("s1",))
    return arrow_table(rows).set_column(6, "robot", texts)


def _coded(rows: int, texts: list[str], kind: pa.DataType | None = None) -> pa.DictionaryArray:
    codes = pa.array([at % len(texts) for at in range(rows)], pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(texts, kind or pa.string()))


def large_columns() -> Iterator[HostileInput]:
    """Columns of texts, those that are too large, and those that are large and sound."""
    too_large = {
        "a text of 200 MB": pa.array([_text(200)]),
        "a text of 100 MB": pa.array([_text(100)]),
        "a large text in two columns": pa.array([_text(40)]),
        "texts of 200 MB together in one page": pa.array([_text(20, sign) for sign in "abcdefghij"]),
    }
    for name, texts in too_large.items():
        table = _with_robots(texts)
        if "two columns" in name:
            table = table.append_column("other", texts)
        parquet = parquet_bytes(table, data_page_size=1 << 30, write_batch_size=1 << 20, **_PLAIN)
        for command in (EXPORT, IMPORT):
            yield one_file(f"Parquet, {name}", "a.parquet", parquet, command=command)
            for stream, codec in ((False, "zstd"), (True, "lz4")):
                data = arrow_bytes(table, stream=stream, compression=codec)
                yield one_file(f"Arrow, {name}, {codec}", "a.arrow", data, command=command)
    sound = {
        "two texts of 40 MB": pa.array([_text(40), _text(40, "y")]),
        "a text of 60 MB": pa.array([_text(60)]),
        "100 texts of 1 MB": pa.array([_text(1, chr(97 + at % 26)) for at in range(100)]),
        "60 rows of 3 texts of 10 MB in a dictionary": _coded(60, [_text(10, sign) for sign in "abc"]),
        "3,000 rows of one text of 1 MB in a dictionary": _coded(3000, [_text(1)]),
        "30,000 rows, one text of 30 MB in a dictionary": _coded(30_000, [_text(30), *map(str, range(29_999))]),
    }
    for name, texts in sound.items():
        table = _with_robots(texts)
        command = IMPORT if len(texts) < 1000 else _QUERY
        options: dict[str, Any] = _CODED if pa.types.is_dictionary(texts.type) else _PLAIN
        yield one_file(f"Parquet, {name}", "a.parquet", parquet_bytes(table, **options), command=command, good=True)
        for stream, codec in ((False, "lz4"), (True, "zstd")):
            data = arrow_bytes(table, stream=stream, compression=codec, rows=1 << 20)
            yield one_file(f"Arrow, {name}, {codec}", "a.arrow", data, command=command, good=True)


def written_otherwise() -> Iterator[HostileInput]:
    """Texts whose size is seen in no page: views of one text, texts that begin like the one before."""
    for kind in (pa.large_string(), pa.string_view()):
        table = _with_robots(_coded(2000, [_text(1)], kind))
        yield one_file(f"Arrow, 1 MB as {kind}", "a.arrow", arrow_bytes(table, rows=1 << 20), command=_QUERY, good=True)
    views = (
        pl.select(pl.lit(_text(1)).repeat_by(2000).explode()).to_arrow(compat_level=pl.CompatLevel.newest())[0].chunk(0)
    )
    yield one_file(
        "Arrow, 2,000 views of one text of 1 MB",
        "a.arrow",
        arrow_bytes(_with_robots(views), compression="zstd", rows=1 << 20),
        command=_QUERY,
        good=True,
    )
    table = _with_robots(pa.array([_text(0.1)] * 10_000))
    prefixed = parquet_bytes(table, column_encoding={"robot": "DELTA_BYTE_ARRAY"}, **_PLAIN)
    yield one_file("Parquet, 10,000 texts by their ends", "a.parquet", prefixed, command=_QUERY, good=True)
    groups = parquet_bytes(_with_robots(_coded(1000, [_text(1)])), row_group_size=4, **_CODED)
    yield one_file("Parquet, a dictionary of 1 MB for 4 rows", "a.parquet", groups, command=_QUERY, good=True)
    many = arrow_table(rows_of(1, ("s1",)))
    for at in range(12):
        many = many.append_column(f"x{at}", _coded(1, ["", _text(30)]))
    for name, data in {
        "a.parquet": parquet_bytes(many, **_CODED),
        "a.arrow": arrow_bytes(many, compression="zstd"),
    }.items():
        yield one_file(f"{name}, 12 dictionaries of 30 MB", name, data)


def large_databases() -> Iterator[HostileInput]:
    """DuckDB files, whose engine unpacks 2,048 rows at once."""
    for rows, size, good in ((3000, _MEGABYTE, False), (5000, 150_000, False), (5000, 20_000, True)):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "a.duckdb"
            with duckdb.connect(str(path)) as connection:
                connection.execute(
                    """CREATE TABLE measurements AS SELECT 's1' session_id, n sequence, 'm' metric, 'ms' unit,
                    1.5::DOUBLE AS value, TIMESTAMPTZ '2026-11-24 16:00:00Z' + to_milliseconds(n) AS timestamp,
                    repeat('x', ?) robot FROM range(?) t(n)""",
                    [size, rows],
                )
            command = _QUERY if good else IMPORT
            yield one_file(
                f"DuckDB, {rows:,} texts of {size:,}", "a.duckdb", path.read_bytes(), command=command, good=good
            )


def large_harness_files() -> Iterator[HostileInput]:
    """Lines and documents of harnesses."""
    block = _text(1).encode()
    k6 = (b'{"type":"Metric","data":{"name":"m","type":"trend","contains":"time"},"metric":"m"}\n', 1)
    begun = b'{"type":"Point","data":{"time":"2026-01-01T00:00:00Z","value":1,"tags":{"a":"'
    for pack, ending in ((gzip_of, "gz"), (zstd_of, "zst")):
        for name, parts in {
            "a text": (k6, (begun, 1), (block, 300), (b'"}},"metric":"m"}\n', 1)),
            "spaces": (k6, (block.replace(b"x", b" "), 300)),
            "brackets": (k6, (block.replace(b"x", b"["), 300)),
            "a document": ((b'{"machine_info":{},"benchmarks":[{"name":"', 1), (block, 300), (b'"}]}', 1)),
            "a document of spaces": ((b'{"fio version":"3.36",', 1), (block.replace(b"x", b" "), 300), (b"}", 1)),
        }.items():
            yield one_file(f"harness file, {name}, {ending}", f"a.json.{ending}", pack(*parts), command=IMPORT)


def hostile_sizes() -> Iterator[HostileInput]:
    """All of these."""
    yield from large_columns()
    yield from written_otherwise()
    yield from large_databases()
    yield from large_harness_files()
