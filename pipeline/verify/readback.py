"""Reads the files of a package back with other readers than wrote them.

| format | writer | reader here |
|---|---|---|
| ndjson, json | our encoder | DuckDB's JSON functions, a block of lines at a time |
| csv | our encoder | pyarrow |
| parquet | pyarrow | DuckDB |
| arrow | pyarrow | nanoarrow |
| influx | our encoder | Python |
| xlsx | XlsxWriter, our encoder | Python's zip, the number of rows alone |

gzip, which ISA-L wrote, is decompressed by zlib, which compares its CRC; zstd compares its content checksum.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from contextlib import ExitStack, closing, contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model.columns import ATTRIBUTE_TYPES
from pipeline.runtime.duckdb import connect_engine, quote_identifier, quote_literal
from pipeline.runtime.threads import in_order
from pipeline.verify.csv_rows import read_csv
from pipeline.verify.errors import ReadBackError
from pipeline.verify.line_protocol import read_lines
from pipeline.verify.values import BLOCK_BYTES, PARSERS, PYTHON_BYTES, batch_of_values, with_short_offsets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.package.described import Described

_BATCH_ROWS = 16_384
_ARROW_MAGIC = b"ARROW1\0\0"
_ROW_END = b"</row>"
_TIMES = {"timestamp[us]": pa.timestamp("us", "UTC"), "timestamp[ns]": pa.timestamp("ns", "UTC")}
_DUCKDB_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN"}


def read_back(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    """Read a file in the order of its rows.

    Args:
        path: the file.
        described: its format, compression and columns.

    Yields:
        batches with the columns as they are described.

    Raises:
        ReadBackError: it holds something else.
        Exception: what the readers raise where it is damaged.
    """
    batches = _READERS[described.format](path, described)
    schema = arrow_schema(described)
    for whole in batches:
        yield from as_described(whole, schema)


def as_described(whole: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Check that what a reader gave is sound, and give it with the columns of a schema.

    Raises:
        ReadBackError: it has other columns.
        pa.ArrowInvalid: it is not sound.
    """
    if whole.schema.names != schema.names:
        raise ReadBackError(f"has the columns {whole.schema.names}, not {schema.names}")
    for batch in with_short_offsets(whole):
        columns = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(batch.columns, schema, strict=True)
        ]
        checked = pa.RecordBatch.from_arrays(columns, schema=schema)
        checked.validate(full=True)
        yield checked


def arrow_schema(described: Described) -> pa.Schema:
    """Arrow types of the columns that a file is said to hold."""
    return pa.schema([(name, _TIMES.get(kind) or ATTRIBUTE_TYPES[kind]) for name, kind in described.columns])


@contextmanager
def open_text(path: Path, compression: str) -> Iterator[IO[bytes]]:
    """Open a text file, decompressed."""
    with path.open("rb") as file:
        if compression == "gzip":
            with gzip.open(file) as stream:
                yield cast("IO[bytes]", stream)
        elif compression == "zstd":
            import zstandard  # noqa: PLC0415 - only where it is used

            with zstandard.ZstdDecompressor().stream_reader(file) as stream:
                yield io.BufferedReader(cast("io.RawIOBase", stream))
        else:
            yield file


def _blocks(stream: IO[bytes], end: bytes) -> Iterator[tuple[bytearray, bytes]]:
    """Cut a stream into blocks of whole rows.

    Yields:
        rows, each with its end, and nothing; last, nothing, and what stands behind the last end.
    """
    waiting = bytearray()
    while block := stream.read(BLOCK_BYTES):
        searched = max(len(waiting) - len(end) + 1, 0)
        waiting += block
        cut = waiting.rfind(end, searched) + len(end)
        if cut >= len(end):
            rest = waiting[cut:]
            del waiting[cut:]
            yield waiting, b""
            waiting = rest
    yield bytearray(), bytes(waiting)


def _read_objects(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    with open_text(path, described.compression) as stream:
        yield from _parse_blocks(json_objects(stream, described), described)


def json_objects(stream: IO[bytes], described: Described) -> Iterator[bytearray]:
    """Give the rows of NDJSON, or of a document, as JSON objects, each ended by a line feed.

    Raises:
        ReadBackError: it is no such text.
    """
    return _ndjson_rows(stream) if described.format == "ndjson" else _json_rows(stream, described)


def _ndjson_rows(stream: IO[bytes]) -> Iterator[bytearray]:
    for rows, rest in _blocks(stream, b"\n"):
        if rest:
            raise ReadBackError("does not end with a line feed")
        yield rows


def _json_rows(stream: IO[bytes], described: Described) -> Iterator[bytearray]:
    """Read a document of ours: its frame, then its rows, one a line."""
    head, name, foot = b'{"metadata":', f'"{described.table}":[\n'.encode(), b"\n]}\n"
    first = stream.readline()
    if not (first.startswith(head) and first.endswith(b",\n") and stream.readline() == name):
        raise ReadBackError(f"does not begin as a document of metadata and {described.table}")
    json.loads(first[len(head) : -2])
    for rows, rest in _blocks(stream, b",\n"):
        # A line feed within a row is escaped, so that each one that stands there ends a row.
        if rows.count(b"\n") != rows.count(b",\n"):
            raise ReadBackError("holds a row that does not end as it should")
        if rest and not (rest.endswith(foot) or rest == foot[1:]):
            raise ReadBackError("does not end as a document of rows")
        ends = np.flatnonzero(np.frombuffer(rows, np.uint8) == ord("\n"))
        np.frombuffer(rows, np.uint8)[ends - 1] = ord(" ")
        yield rows
        yield bytearray(rest[: 1 - len(foot)])


def _parse_blocks(blocks: Iterator[bytearray], described: Described) -> Iterator[pa.RecordBatch]:
    """Parse blocks of JSON objects in threads, each with a connection of its own."""
    with connect_engine(threads=1) as engine, ExitStack() as stack:
        free = [stack.enter_context(engine.cursor()) for _ in range(PARSERS)]

        def parse(rows: bytearray) -> list[pa.RecordBatch]:
            cursor = free.pop()
            try:
                return parse_objects(cursor, rows, described)
            finally:
                free.append(cursor)

        with closing(in_order(parse, (rows for rows in blocks if rows), threads=PARSERS)) as parsed:
            for batches in parsed:
                yield from batches


def check_first_row(rows: bytearray, described: Described) -> None:
    """Check that the first JSON object has the columns that are described; those of the others are the parser's.

    Raises:
        ReadBackError: it has others.
    """
    names = [name for name, _ in described.columns]
    first = json.loads(bytes(rows[: rows.index(b"\n")]))
    if not isinstance(first, dict) or list(first) != names:
        raise ReadBackError(f"has a row without the columns {names}")


def parse_objects(engine: duckdb.DuckDBPyConnection, rows: bytearray, described: Described) -> list[pa.RecordBatch]:
    """Parse JSON objects that end with line feeds.

    Raises:
        ReadBackError: the first one has other columns.
        duckdb.Error, ValueError: they cannot be parsed.
    """
    names = [name for name, _ in described.columns]
    if len(rows) > PYTHON_BYTES:
        return [_parse_large(line, described) for line in rows.splitlines()]
    check_first_row(rows, described)
    ends = np.flatnonzero(np.frombuffer(rows, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    lines = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(bytes(rows)))
    lines.validate(full=True)
    structure = json.dumps({name: _DUCKDB_TYPES.get(kind, "VARCHAR") for name, kind in described.columns})
    parsed = duckdb.SQLExpression(f"unnest(json_transform_strict(line, {quote_literal(structure)}))")
    table = engine.from_arrow(pa.table({"line": lines})).select(parsed).to_arrow_table()
    batches: list[pa.RecordBatch] = _parsed_times(table.rename_columns(names), described).to_batches()
    return batches


def _parse_large(line: bytearray, described: Described) -> pa.RecordBatch:
    row = json.loads(line)
    if not isinstance(row, dict) or list(row) != [name for name, _ in described.columns]:
        raise ReadBackError("has a row of other columns")
    return batch_of_values([row], arrow_schema(described))


def _parsed_times(table: pa.Table, described: Described) -> pa.Table:
    for at, (name, kind) in enumerate(described.columns):
        if kind in _TIMES:
            table = table.set_column(at, name, pc.cast(table.column(at), _TIMES[kind]))
    return table


def _read_csv(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    with (
        open_text(path, described.compression) as stream,
        closing(
            read_csv(
                stream, arrow_schema(described), is_spreadsheet=described.is_spreadsheet, delimiter=described.delimiter
            )
        ) as batches,
    ):
        yield from batches


def _read_parquet(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    with connect_engine(threads=1) as connection:
        held = connection.execute("SELECT name FROM parquet_schema(?) OFFSET 1", [str(path)]).fetchall()
        names = [name for name, _ in described.columns]
        if [name for (name,) in held] != names:
            raise ReadBackError(f"has the columns {[name for (name,) in held]}, not {names}")
        connection.execute("SET arrow_large_buffer_size = true")  # a batch may hold more than 2 GiB of text
        query = f"SELECT {parquet_columns(described)} FROM read_parquet($path)"
        found = connection.sql(query, params={"path": str(path)})
        for batch in found.to_arrow_reader(_rows_that_fit(connection, path)):
            yield pa.RecordBatch.from_arrays(batch.columns, names=names)


def parquet_columns(described: Described) -> str:
    """Write the columns of a query for SQL, times as ticks."""
    ticks = {"timestamp[us]": "epoch_us", "timestamp[ns]": "epoch_ns"}
    return ", ".join(f"{ticks.get(kind, '')}({quote_identifier(name)})" for name, kind in described.columns)


def _rows_that_fit(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """How many rows a batch may have: the writer ends a group where its text is large, but for the last one."""
    query = "SELECT min(row_group_num_rows) FROM parquet_metadata($path) WHERE row_group_id + 1 < ("
    query += "SELECT num_row_groups FROM parquet_file_metadata($path))"
    ((rows,),) = connection.execute(query, {"path": str(path)}).fetchall()
    return _BATCH_ROWS if rows is None else max(1, min(_BATCH_ROWS, rows))


def _read_arrow(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    import nanoarrow  # noqa: PLC0415 - only where it is used

    del described
    batches = 0
    with path.open("rb") as file:
        if file.read(len(_ARROW_MAGIC)) != _ARROW_MAGIC:
            raise ReadBackError("does not begin as an Arrow file")
        # Behind its first bytes an Arrow file is a stream, and then the footer that tells where its batches lie.
        with nanoarrow.ArrayStream.from_readable(file) as stream:
            for array in stream:
                batches += 1
                yield pa.record_batch(array)
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        if reader.num_record_batches != batches:
            raise ReadBackError(f"holds {batches} batches, its footer lists {reader.num_record_batches}")


def _read_influx(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    schema = arrow_schema(described)
    with open_text(path, described.compression) as stream:
        rows: list[dict[str, Any]] = []
        began = 0
        for row in read_lines(stream, dict(described.columns)):
            rows.append(row)
            if len(rows) == _BATCH_ROWS or (read := stream.tell()) - began >= BLOCK_BYTES:
                yield batch_of_values(rows, schema)
                rows, began = [], read
        if rows:
            yield batch_of_values(rows, schema)


def _read_xlsx(path: Path, described: Described) -> Iterator[pa.RecordBatch]:
    """Count the rows of the first sheet; numbers, dates and text share its cells."""
    schema = arrow_schema(described)
    rows = -1  # the header
    with zipfile.ZipFile(path) as archive, archive.open("xl/worksheets/sheet1.xml") as sheet:
        before = b""
        while block := sheet.read(BLOCK_BYTES):
            text = before + block
            rows += text.count(_ROW_END)
            before = text[1 - len(_ROW_END) :]  # a tag may lie across the end
        if damaged := archive.testzip():
            raise ReadBackError(f"{damaged} in it is damaged")
    if rows > 0:
        yield pa.RecordBatch.from_arrays([pa.nulls(rows, field.type) for field in schema], schema=schema)


_READERS = {
    "ndjson": _read_objects,
    "json": _read_objects,
    "csv": _read_csv,
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "influx": _read_influx,
    "xlsx": _read_xlsx,
}
