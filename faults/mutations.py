"""Sound files of every input format, and random changes of their bytes."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import thrift
import zstandard

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

Rows = list[dict[str, Any]]
_TAIL = 8  # length of the footer and magic number at the end of Parquet
_WORDS = (0, 1, -1, 3, 2**15, 2**24, 2**31 - 1, -(2**31), 0x01010101, 0x50000000)
_BYTES = (b"\0", b"\0" * 64, b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\xaf", b"PAR1", b"ARROW1")
_SIGNS = (b"\n", b"\r", b'"', b'""', b",", b"{", b"}", b"[" * 3000, b"-", b"9" * 400, b"1e999", b"NaN", b"null")
_SPLICES = (*_BYTES, *_SIGNS, b"\\ud800", b"\\u0000", b"\x1f\x8b")


def rows_of(count: int = 30, session_ids: tuple[str, ...] = ("s1", "s/2 é")) -> Rows:
    """Rows of two sessions, in order, with attributes of each type."""
    start = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)
    return [
        {
            "session_id": session_ids[at * len(session_ids) // count],
            "sequence": at,
            "timestamp": start + dt.timedelta(milliseconds=137 * at),
            "metric": ("control_rtt", "loss")[at % 2],
            "value": None if at % 7 == 3 else at / 7,
            "unit": ("ms", "%", None)[at % 3],
            "robot": ("r1", "r2", None, 'say "hi", 😀')[at % 4],
            "tries": None if at % 5 == 0 else at * 10**12,
            "ratio": at * 1.5 + 0.25,
            "ok": at % 3 == 0,
        }
        for at in range(count)
    ]


ROWS = rows_of()


def arrow_table(rows: Rows = ROWS) -> pa.Table:
    """Rows as Arrow."""
    table = pa.Table.from_pylist(rows)
    return table.set_column(2, "timestamp", table["timestamp"].cast(pa.timestamp("us", "UTC")))


def parquet_bytes(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401 - pyarrow's options
    """Write Parquet in memory."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow_bytes(table: pa.Table, *, stream: bool = False, compression: str | None = None, rows: int = 11) -> bytes:
    """Write Arrow IPC in memory."""
    sink = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"timestamp": row["timestamp"].isoformat(timespec="microseconds").replace("+00:00", "Z")}


def ndjson_bytes(rows: Rows = ROWS) -> bytes:
    """Write NDJSON with Python's json."""
    return "".join(json.dumps(_plain(row)) + "\n" for row in rows).encode()


def csv_bytes(rows: Rows = ROWS) -> bytes:
    """Write CSV with Python's csv."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    for row in map(_plain, rows):
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in row.values()])
    return out.getvalue().encode()


def polars_bytes(table: pa.Table) -> bytes:
    """Arrow file as Polars writes it: texts are views, and the schema has no length before it."""
    views = [pa.string_view() if pa.types.is_string(kind) else kind for kind in table.schema.types]
    data = arrow_bytes(table.cast(pa.schema(list(zip(table.schema.names, views, strict=True)))))
    table_begins = int.from_bytes(data[16:20], "little")
    return data[:8] + (8 + table_begins).to_bytes(4, "little") + bytes(4) + data[16:]


def read_ndjson(path: Path) -> Rows:
    """Read NDJSON with Python's json."""
    return [json.loads(line) for line in _text(path).split("\n") if line.strip(" \t\r\f\v")]


def read_csv(path: Path, *, strict: bool = True) -> Rows:
    """Read CSV with Python's csv."""
    csv.field_size_limit(1 << 30)
    found = list(csv.DictReader(io.StringIO(_text(path), newline=""), restval=None, strict=strict))
    numbers = {"value": float, "sequence": int}
    return [row | {name: read(row[name]) for name, read in numbers.items() if row.get(name)} for row in found]


def read_csv_lenient(path: Path) -> Rows:
    """The same, text behind a quoted field added to it."""
    return read_csv(path, strict=False)


def read_arrow(path: Path) -> Rows:
    """Read Arrow IPC with Polars."""
    import polars as pl  # noqa: PLC0415 - it starts threads

    data = path.read_bytes()
    return (pl.read_ipc if data[:6] == b"ARROW1" else pl.read_ipc_stream)(io.BytesIO(data)).to_dicts()


def read_parquet(path: Path) -> Rows:
    """Read Parquet with Polars."""
    import polars as pl  # noqa: PLC0415 - it starts threads

    return pl.read_parquet(io.BytesIO(path.read_bytes())).to_dicts()


def read_arrow_with_nanoarrow(path: Path) -> Rows:
    """Read Arrow IPC with nanoarrow; behind its first bytes a file is a stream."""
    import nanoarrow  # noqa: PLC0415 - no need elsewhere

    with path.open("rb") as file:
        if file.read(8) != b"ARROW1\0\0":
            file.seek(0)
        with nanoarrow.ArrayStream.from_readable(file) as stream:
            return [row for batch in stream for row in pa.record_batch(batch).to_pylist()]


def read_parquet_with_duckdb(path: Path) -> Rows:
    """Read Parquet with DuckDB."""
    import duckdb  # noqa: PLC0415 - it starts threads

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.read_parquet(str(path)).to_arrow_table().to_pylist()


def _text(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    return data.decode("utf-8-sig")


@dataclass(frozen=True)
class Base:
    """A sound file, which is then damaged.

    Attributes:
        file_name: says its format.
        data: its bytes.
        readers: others that read such files.
        compress: where it is given, `data` is damaged before it is compressed.
    """

    file_name: str
    data: bytes
    readers: tuple[Callable[[Path], Rows], ...]
    compress: Callable[[bytes], bytes] | None = None


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def bases() -> dict[str, Base]:
    """Sound files by name."""
    table = arrow_table()
    dictionary = table.set_column(6, "robot", table["robot"].combine_chunks().dictionary_encode())
    plain = {"compression": "none", "use_dictionary": ["metric", "robot"]}
    parquet, arrow = (read_parquet, read_parquet_with_duckdb), (read_arrow, read_arrow_with_nanoarrow)
    return {
        "parquet": Base("a.parquet", parquet_bytes(table, write_page_checksum=True, compression="zstd"), parquet),
        "parquet, no checksums": Base("a.parquet", parquet_bytes(table, row_group_size=13, **plain), parquet),
        "parquet, snappy v2": Base("a.parquet", parquet_bytes(table, data_page_version="2.0"), parquet),
        "arrow file": Base("a.arrow", arrow_bytes(table), arrow),
        "arrow stream": Base("a.arrows", arrow_bytes(table, stream=True), arrow),
        "arrow file, dictionary": Base("a.arrow", arrow_bytes(dictionary, rows=100), arrow),
        "arrow file, lz4": Base("a.arrow", arrow_bytes(table, compression="lz4"), arrow),
        "arrow stream, zstd": Base("a.arrow", arrow_bytes(table, stream=True, compression="zstd"), arrow),
        "arrow file, Polars": Base("a.arrow", polars_bytes(table), (read_arrow,)),
        "csv": Base("a.csv", csv_bytes(), (read_csv, read_csv_lenient)),
        "ndjson": Base("a.ndjson", ndjson_bytes(), (read_ndjson,)),
        "gzip": Base("a.ndjson.gz", _gzip(ndjson_bytes()), (read_ndjson,)),
        "zstd": Base("a.csv.zst", _zstd(csv_bytes()), (read_csv, read_csv_lenient)),
        "inside gzip": Base("a.csv.gz", csv_bytes(), (read_csv, read_csv_lenient), _gzip),
        "inside zstd": Base("a.ndjson.zst", ndjson_bytes(), (read_ndjson,), _zstd),
    }


def _flip(data: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 1, 1, 2, 8])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _truncate(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data)) :]


def _splice(data: bytearray, draw: random.Random) -> None:
    """A block of the file, in another place of it or over another."""
    start, at = draw.randrange(len(data)), draw.randrange(len(data))
    block = data[start : start + draw.choice([1, 4, 8, 64, 512])]
    data[at : at + draw.choice([0, len(block)])] = block


def _insert(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    data[at : at + draw.choice([0, 1])] = draw.choice(_SPLICES)


def _cut_out(data: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.choice([1, 2, 8, 100])]


def _zero(data: bytearray, draw: random.Random) -> None:
    at, size = draw.randrange(len(data)), draw.choice([1, 8, 64, 512])
    data[at : at + size] = bytes(len(data[at : at + size]))


def _word(data: bytearray, draw: random.Random) -> None:
    """A wrong length, count or offset, wherever an aligned word is one."""
    at = draw.randrange(len(data) // 4) * 4
    struct.pack_into("<i", data, at, draw.choice(_WORDS))


def _append(data: bytearray, draw: random.Random) -> None:
    data += draw.choice([b"\0", bytes(data), bytes(data[-8:]), b"\n\n", b"x" * 100])


_CHANGES = (_flip, _flip, _flip, _truncate, _splice, _splice, _insert, _cut_out, _zero, _word, _append)


def mutate(base: Base, draw: random.Random) -> tuple[bytes, str]:
    """Change a sound file at random; give its bytes and what was done."""
    if base.file_name.endswith(".parquet") and draw.random() < 0.5:
        return _with_footer_changed(base.data, draw)
    data = bytearray(base.data)
    changes = (*_CHANGES, *[_word] * 6) if read_arrow in base.readers else _CHANGES
    change = draw.choice(changes)
    change(data, draw)
    done = bytes(data)
    return (base.compress(done) if base.compress else done), change.__name__.strip("_")


def _with_footer_changed(data: bytes, draw: random.Random) -> tuple[bytes, str]:
    size = int.from_bytes(data[-_TAIL:-4], "little")
    fields = thrift.Decoder(data[-_TAIL - size : -_TAIL]).struct()
    done = [thrift.change(fields, draw) for _ in range(draw.choice([1, 1, 1, 2]))]
    footer = thrift.encode(fields)
    length = len(footer) if draw.random() < 0.95 else draw.choice([0, 1, 2**31 - 1, 2**32 - 1, size + 1])
    return data[: -_TAIL - size] + footer + struct.pack("<I", length) + b"PAR1", f"footer: {', '.join(done)}"
