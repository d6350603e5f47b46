"""Bad and hostile input that is made by hand, one file for each idea, and the corpora of others."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import zstandard
from judging import HostileInput
from mutations import ROWS, arrow_bytes, arrow_table, csv_bytes, ndjson_bytes, parquet_bytes, read_csv, read_csv_lenient, read_ndjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORPORA = Path(__file__).resolve().parent.parent / "data" / "fixtures" / "corpora"
_EXPORT = ("export", "{file}", "--to", "out", "--no-sync", "--quiet")
_IMPORT = ("import", "{file}", "--to", "store", "--quiet")
_MEGABYTE = 1 << 20
_HEADER = b"session_id,sequence,timestamp,metric,value,unit\n"
_LINE = b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms\n"
_ROW = '{{"session_id":"s1","sequence":{sequence},"timestamp":"{timestamp}","metric":"m","value":{value},"unit":null{more}}}\n'


def made() -> Iterator[HostileInput]:
    """What is made by hand."""
    for group in (_records, _texts, _values, _csv, _compressed, _arrow, _parquet, _bombs):
        yield from group()


def _file(
    name: str, file_name: str, data: bytes, *, good: bool | None = False, command: tuple[str, ...] = _EXPORT
) -> HostileInput:
    """One file; `good` says whether it may be accepted, None that other readers decide."""
    readers: dict[str, tuple[Callable[[Path], Any], ...]] = {".csv": (read_csv, read_csv_lenient), ".ndjson": (read_ndjson,)}
    some = readers.get("." + file_name.split(".")[1], ())
    oracles = None if good is False else [lambda work, read=read: read(work / file_name) for read in some]
    return HostileInput(
        name, {file_name: data}, [word.format(file=file_name) for word in command], file_name, oracles=oracles
    )


def _line(sequence: object = 0, timestamp: str = "2026-11-24T16:00:00Z", value: object = 1.5, more: str = "") -> bytes:
    return _ROW.format(sequence=sequence, timestamp=timestamp, value=value, more=more).encode("utf-8", "surrogatepass")


def _texts() -> Iterator[HostileInput]:
    """Bytes that are no text, or another text than they seem."""
    lines, table = ndjson_bytes(), csv_bytes()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"):
        for file_name, data in (("a.ndjson", lines), ("a.csv", table)):
            changed = data.decode().replace("😀", "x").encode(encoding)
            yield _file(f"{file_name} in {encoding}", file_name, changed, good=None)
    yield _file("NDJSON with BOM", "a.ndjson", b"\xef\xbb\xbf" + lines, good=True)
    yield _file("NDJSON with two BOMs", "a.ndjson", b"\xef\xbb\xbf" * 2 + lines)
    yield _file("NDJSON with a BOM in the middle", "a.ndjson", lines + b"\xef\xbb\xbf" + lines)
    yield _file("CSV with BOM", "a.csv", b"\xef\xbb\xbf" + table, good=True)
    wrong = {
        "a lone byte": b"\xff", "overlong": b"\xc0\xaf", "a surrogate": b"\xed\xa0\x80", "beyond Unicode": b"\xf4\x90\x80\x80",
        "cut": b"\xe2\x82", "NUL": b"\0", "a continuation": b"\x80", "five bytes": b"\xf8\x88\x80\x80\x80",
    }  # fmt: skip
    for what, data in wrong.items():
        for at, place in enumerate((b"r1", b"control_rtt", b"robot", b"s1", b"ms")):
            yield _file(f"NDJSON, {what} in {place!r}", "a.ndjson", lines.replace(place, data + place))
            changed = table.replace(place, place + data)
            yield _file(f"CSV, {what} in {place!r}", "a.csv", changed, command=_IMPORT if at % 2 else _EXPORT)
    for at, text in enumerate(("\\ud800", "\\udfff", "\\ud800\\ud800", "\\udc00\\ud800", "\\u0000", "x\\u0000y")):
        for key, more in ((False, f',"x":"{text}"'), (True, f',"{text}":1')):
            yield _file(f"escape {text}, key {key}", "a.ndjson", _line(at, more=more))


def _values() -> Iterator[HostileInput]:
    """Numbers, times and keys."""
    numbers = (
        "1e400", "-1e400", "1e-400", "9" * 400, "-" + "9" * 5000, "0." + "3" * 5000, "1" + "0" * 100_000, "NaN", "Infinity",
        "-Infinity", '"NaN"', '"nan"', '"1.5"', "0x10", "01", "+1", "1.", ".5", "1e", "--1", "1_000", "true", "[]", "{}", "\u0661",
        "-0", "-0.0", "9007199254740993", "1e22", "5e-324", "2.4703282292062327e-324",
    )  # fmt: skip
    for number in numbers:
        shown = number[:20]
        yield _file(f"value {shown}", "a.ndjson", _line(value=number), good=None)
        yield _file(f"sequence {shown}", "a.ndjson", _line(sequence=number), good=None)
        yield _file(f"attribute {shown}", "a.ndjson", _line(more=f',"x":{number}'), good=None, command=_IMPORT)
        plain = number.strip('"').encode()
        yield _file(f"CSV value {shown}", "a.csv", _HEADER + _LINE.replace(b"1.5", plain), good=None)
        yield _file(f"CSV sequence {shown}", "a.csv", _HEADER + _LINE.replace(b",0,", b"," + plain + b","), good=None)
    times = (
        "", " ", "now", "2026", "2026-11-24", "2026-11-24T16:00", "2026-11-24T16:00:00", "2026-11-24T24:00:00Z",
        "2026-11-24T16:60:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z", "2026-11-24T16:00:00+25:00", "2026-11-24T16:00:00+00:00:00", "2026-11-24T16:00:00.Z",
        "2026-11-24T16:00:00Zjunk", "2026-11-24T16:00:00Z\\n", "9" * 5000,
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "２０２６-11-24T16:00:00Z", "2026-11-24T16:00:00\u2212" + "01:00",
        "infinity", "-infinity", "epoch", "2026-W48-2", "20261124T160000Z", "1764000000",
    )  # fmt: skip
    for time in times:
        yield _file(f"time {time[:30]}", "a.ndjson", _line(timestamp=time))
        changed = _LINE.replace(b"2026-11-24T16:00:00Z", time.replace("\\n", "x").encode())
        yield _file(f"CSV time {time[:30]}", "a.csv", _HEADER + changed)
    keys = ',"x":1,"x":2', ',"x":1,"\\u0078":2', ',"":1', ',"a\\nb":1', f',"{"k" * 100_000}":1', ',"Value":1', ',"value":2'
    for more in keys:
        yield _file(f"keys {more[:30]}", "a.ndjson", _line(more=more), good=None)
    for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"x":' * 50_000 + "1" + "}" * 50_000, '"' + "x" * 3_000_000):
        yield _file(f"{len(text)} of {text[:6]}", "a.ndjson", text.encode())
        yield _file(f"attribute, {len(text)} of {text[:6]}", "a.ndjson", _line(more=f',"x":{text}'))
    wide = b"".join(_line(at, more=f',"k{at}":1') for at in range(5000))
    yield _file("each row has a key of its own", "a.ndjson", wide, good=None)
    yield _file("100,000 keys", "a.ndjson", _line(more="".join(f',"k{at}":1' for at in range(100_000))), good=None)


def _csv() -> Iterator[HostileInput]:
    """What may be wrong with CSV alone."""
    core = b"session_id,sequence,timestamp,metric,value,unit"
    values = _LINE.rstrip()
    yield _file("CSV, 50,000 columns", "a.csv", core + b",x" * 50_000 + b"\n" + values + b",1" * 50_000 + b"\n")
    wide = core + b"".join(b",x%d" % at for at in range(20_000)) + b"\n" + values + b",1" * 20_000 + b"\n"
    yield _file("CSV, 20,000 columns of their own names", "a.csv", wide, good=None)
    for name, data in {
        "a quote that never ends": _HEADER + _LINE + b'"' + _LINE * 100_000,
        "a quote inside": _HEADER + _LINE.replace(b"ms", b'm"s'),
        "text behind a quote": _HEADER + _LINE.replace(b"ms", b'"m"s'),
        "semicolons": (_HEADER + _LINE).replace(b",", b";"),
        "tabs": (_HEADER + _LINE).replace(b",", b"\t"),
        "carriage returns alone": (_HEADER + _LINE).replace(b"\n", b"\r"),
        "no header": _LINE * 3,
        "header twice": _HEADER * 2 + _LINE,
        "a field more": _HEADER + _LINE + _LINE.replace(b"ms", b"ms,"),
        "a field less": _HEADER + _LINE + _LINE.replace(b",ms", b""),
        "doubled columns": _HEADER.replace(b"unit", b"unit,unit") + _LINE.replace(b"ms", b"ms,ms"),
        "doubled values": _HEADER.replace(b"unit", b"value") + _LINE,
        "columns that differ in case": _HEADER.replace(b"unit", b"unit,Unit") + _LINE.replace(b"ms", b"ms,ms"),
        "an empty name": _HEADER.replace(b"unit", b'unit,""') + _LINE.replace(b"ms", b"ms,ms"),
        "a name of many lines": _HEADER.replace(b"unit", b'"u\nn\nit"') + _LINE,
        "empty lines": b"\n" * 1_000_000,
        "empty lines behind the header": _HEADER + b"\n" * 1_000_000,
        "commas": b"," * 1_000_000,
        "quotes": b'"' * 1_000_001,
        "NULs": bytes(1_000_000),
        "a NUL at the end": _HEADER + _LINE + b"\0",
        "an end-of-file sign": _HEADER + _LINE + b"\x1a",
        "spaces around": _HEADER + _LINE.replace(b",", b" , "),
        "a comment": b"# made by x\n" + _HEADER + _LINE,
    }.items():
        yield _file(f"CSV, {name}", "a.csv", data, good=None)
    for path in sorted((CORPORA / "csv-spectrum").glob("*.csv")):
        for command in (_EXPORT, (*_IMPORT, "--session-id", "s"), (*_IMPORT, "--skip-bad")):
            yield _file(f"csv-spectrum, {path.name}", "a.csv", path.read_bytes(), command=command)


def _gzip_of(*parts: tuple[bytes, int]) -> bytes:
    """Compress each part as often as it is repeated, without holding it."""
    out = zlib.compressobj(9, wbits=31)
    packed = [out.compress(part) for part, times in parts for _ in range(times)]
    return b"".join(packed) + out.flush()


def _zstd_of(*parts: tuple[bytes, int]) -> bytes:
    out = zstandard.ZstdCompressor().compressobj()
    packed = [out.compress(part) for part, times in parts for _ in range(times)]
    return b"".join(packed) + out.flush()


def _bombs() -> Iterator[HostileInput]:
    """Small files that are large inside."""
    block = bytes(_MEGABYTE)
    for pack, ending in ((_gzip_of, "gz"), (_zstd_of, "zst")):
        for name, parts in {
            "zeros": ((block, 2000),),
            "spaces": ((block.replace(b"\0", b" "), 2000),),
            "brackets": ((block.replace(b"\0", b"["), 300),),
            "one long text": ((_line()[:-2], 1), (b',"x":"', 1), (block.replace(b"\0", b"x"), 2000), (b'"}\n', 1)),
        }.items():
            yield _file(f"NDJSON bomb of {name}, {ending}", f"a.ndjson.{ending}", pack(*parts))
        for name, parts in {
            "zeros": ((block, 2000),),
            "quotes": ((_HEADER + b'"', 1), (block.replace(b"\0", b"x"), 2000)),
            "a header": ((block.replace(b"\0", b"x"), 2000),),
            "commas": ((block.replace(b"\0", b","), 300),),
        }.items():
            yield _file(f"CSV bomb of {name}, {ending}", f"a.csv.{ending}", pack(*parts))
        rows = b"".join(_line(at) for at in range(1000))
        again = _file(f"the same rows again, {ending}", f"a.ndjson.{ending}", pack((rows, 300)))
        yield replace(again, named="occurs twice")  # the rows may lie in two files
        text = _line(more=f',"x":"{"x" * 20_000_000}"')
        yield _file(f"a text of 20 MB, {ending}", f"a.ndjson.{ending}", pack((text, 1)), good=True)
    bomb = _gzip_of((block, 1000))
    yield _file("a bomb in a bomb", "a.ndjson.gz", _gzip_of((bomb, 500)))


def _compressed() -> Iterator[HostileInput]:
    """What may be wrong with gzip and zstd alone."""
    lines = ndjson_bytes()
    packed, framed = gzip.compress(lines, mtime=0), zstandard.ZstdCompressor(write_checksum=True).compress(lines)
    half = len(lines) // 2
    deflated = packed[10:-8]
    for name, data, good in (
        ("nothing", b"", False), ("ten bytes", packed[:10], False), ("two members", gzip.compress(lines[:half]) + gzip.compress(lines[half:]), True),
        ("100,000 empty members", gzip.compress(b"") * 100_000, False), ("rubbish behind", packed + b"rubbish", False),
        ("zeros behind", packed + bytes(1000), True), ("wrong checksum", packed[:-8] + bytes(4) + packed[-4:], False),
        ("wrong size", packed[:-4] + b"\xff\xff\xff\x7f", False), ("unknown method", packed[:2] + b"\x07" + packed[3:], False),
        ("reserved flags", packed[:3] + b"\xe0" + packed[4:], None), ("a name without end", packed[:3] + b"\x08" + packed[4:10] + b"x" * 100_000, False),
        ("an extra field beyond the end", packed[:3] + b"\x04" + packed[4:10] + b"\xff\xff", False),
        ("a distance too far", packed[:10] + b"\x03\x02\x00" + packed[-8:], False), ("reserved block", packed[:10] + b"\x07" + deflated[1:], False),
        ("zlib instead", zlib.compress(lines), False), ("zstd instead", framed, False),
    ):  # fmt: skip
        yield _file(f"gzip, {name}", "a.ndjson.gz", data, good=good)
    skippable = struct.pack("<II", 0x184D2A50, 100) + b"x" * 100
    endless = struct.pack("<II", 0x184D2A50, 2**32 - 1)
    window = lambda log: framed[:4] + bytes([0x00, log << 3]) + framed[6:]  # noqa: E731 - one of a table
    two = zstandard.ZstdCompressor().compress(lines[:half]) + zstandard.ZstdCompressor().compress(lines[half:])
    sized = zstandard.ZstdCompressor(write_content_size=True).compress(lines * 3)
    for name, data, good in (
        ("nothing", b"", False), ("magic number alone", framed[:4], False), ("two frames", two, True), ("skippable frame before", skippable + framed, True),
        ("endless skippable frame", endless + b"x" * 1000, False), ("100,000 skippable frames", (struct.pack("<II", 0x184D2A5F, 0)) * 100_000, False),
        ("wrong checksum", framed[:-4] + bytes(4), False), ("rubbish behind", framed + b"rubbish", False), ("gzip instead", packed, False),
        ("old version", b"\x24\xb5\x2f\xfd" + framed[4:], False), ("needs a dictionary", framed[:4] + bytes([framed[4] | 3]) + b"\1\2\3\4" + framed[5:], False),
        ("window of 2 GB", window(21), False), ("window of 2 TB", window(31), False), ("frame of 4 GB", sized[:4] + b"\xa0\xff\xff\xff\xff" + sized[7:], False),
    ):  # fmt: skip
        yield _file(f"zstd, {name}", "a.ndjson.zst", data, good=good)
    for name in ("a.parquet.gz", "a.arrow.zst", "a.gz", "a.zst", "a.csv.bz2", "a.CSV.GZ", "a.json", "a.txt", "a."):
        yield _file(f"name {name}", name, packed)


def _with(name: str, array: pa.Array) -> pa.Table:
    table = arrow_table(ROWS[: len(array)])
    return table.set_column(table.column_names.index(name), name, array)


def _strings(offsets: list[int], data: bytes = b"abcdefgh") -> pa.Array:
    held = np.arange(len(offsets), dtype=np.int32)
    array = pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(held), pa.py_buffer(data)])
    held[:] = offsets  # pyarrow has looked at the others
    return array


def _coded(codes: list[int], texts: list[str | None]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(texts, pa.string()), safe=False)


def _arrow() -> Iterator[HostileInput]:
    """Arrays that point outside themselves, and types that measurements do not have."""
    damaged = {
        "decreasing offsets": _strings([0, 4, 2, 6]), "negative offsets": _strings([-4, 0, 2, 6]), "a negative first offset": _strings([-100, 0, 2, 6]),
        "offsets beyond the data": _strings([0, 4, 6, 2**31 - 1]), "huge offsets": _strings([2**30, 2**30, 2**30, 2**30]),
        "an index beyond the dictionary": _coded([0, 1, 9], ["a", "b"]), "a negative index": _coded([0, -1, 1], ["a", "b"]), "an empty dictionary": _coded([0, 0, 0], []),
    }  # fmt: skip
    for name, array in damaged.items():
        for column in ("robot", "metric", "unit", "session_id"):
            for stream in (False, True):
                data = arrow_bytes(_with(column, array), stream=stream)
                yield _file(f"Arrow, {name} in {column}", "a.arrow", data, command=_EXPORT if stream else _IMPORT)
    three = [1, 2, 3]
    nested = pa.array([1, 2, 3])
    for _ in range(60):
        nested = pa.StructArray.from_arrays([nested], ["x"])
    for array in (
        pa.array([[1]] * 3), pa.array([{"a": 1}] * 3), pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())), pa.array([b"x"] * 3), pa.array(three, pa.date32()),
        pa.array(three, pa.time64("us")), pa.array(three, pa.duration("s")), pa.array([1, 2, 3], pa.decimal256(70, 0)), pa.array([2**64 - 1] * 3, pa.uint64()),
        pa.array(three, pa.float16()), pa.array(["a"] * 3, pa.string_view()), pa.array([b"\xff"] * 3, pa.binary_view()), nested, pa.nulls(3),
        pa.RunEndEncodedArray.from_arrays([3], ["a"]), pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [pa.array(three)]),
        pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()), pa.array([[1, 2]] * 3, pa.list_(pa.int8(), 2)), pa.array([[1]] * 3, pa.list_view(pa.int8())),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16] * 3, pa.binary(16))), pa.array([None, "x", None]).dictionary_encode(),
    ):  # fmt: skip
        for column in ("robot", "value", "sequence", "timestamp", "session_id"):
            yield _file(f"Arrow, {array.type} as {column}"[:80], "a.arrow", arrow_bytes(_with(column, array)), good=None)
    table = arrow_table(ROWS[:3])
    names = table.column_names
    for name, data in {
        "no columns": arrow_bytes(pa.table({})), "no rows": arrow_bytes(table.slice(0, 0)), "doubled columns": arrow_bytes(table.rename_columns([*names[:-1], "value"])),
        "doubled session_id": arrow_bytes(table.rename_columns(["session_id" if n == "robot" else n for n in names])),
        "an empty name": arrow_bytes(table.rename_columns([*names[:-1], ""])), "NUL in a name": arrow_bytes(table.rename_columns([*names[:-1], "a\0b"])),
        "magic number alone": b"ARROW1", "magic numbers alone": b"ARROW1\0\0ARROW1", "a footer of 2 GB": b"ARROW1\0\0" + bytes(100) + b"\xff\xff\xff\x7fARROW1",
        "a negative footer": b"ARROW1\0\0" + bytes(100) + b"\xff\xff\xff\xffARROW1", "a message of 2 GB": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(100),
        "a negative message": b"\xff\xff\xff\xff\x00\x00\x00\x80" + bytes(100), "an end alone": b"\xff\xff\xff\xff\0\0\0\0", "Feather V1": b"FEA1" + bytes(100) + b"FEA1",
    }.items():  # fmt: skip
        yield _file(f"Arrow, {name}", "a.arrow", data)
    many = pa.table({**{n: table[n] for n in names}, **{f"x{at}": pa.array(three) for at in range(5000)}})
    yield _file("Arrow, 5,000 columns", "a.arrow", arrow_bytes(many), good=None)


def _parquet() -> Iterator[HostileInput]:
    """Parquet that is no measurements, or none at all."""
    import pyarrow.tests as theirs  # noqa: PLC0415 - for the place of its data

    for path in sorted(Path(theirs.__file__).parent.glob("data/*/*")):
        ending = {".parquet": "parquet", ".feather": "arrow", ".orc": "parquet"}.get(path.suffix)
        if ending:
            yield _file(f"{path.name} of pyarrow's tests", f"a.{ending}", path.read_bytes())
    table = arrow_table()
    sound = parquet_bytes(table)
    for name, data in {
        "magic number alone": b"PAR1", "magic numbers alone": b"PAR1PAR1", "a footer of nothing": b"PAR1\0\0\0\0PAR1", "a footer of zeros": b"PAR1" + bytes(20) + b"\x14\0\0\0PAR1",
        "a footer of 4 GB": b"PAR1" + bytes(20) + b"\xff\xff\xff\xffPAR1", "encrypted": sound[:-4] + b"PARE", "a footer of brackets": b"PAR1" + b"\x1c" * 5000 + b"\x88\x13\0\0PAR1",
        "a footer of lists": b"PAR1" + b"\x19\xf9\xff\xff\xff\xff\x07" * 500 + b"\xac\x0d\0\0PAR1", "two files": sound + sound[:50], "the footer alone": b"PAR1" + sound[-2000:],
        "no columns": parquet_bytes(pa.table({})), "no rows": parquet_bytes(table.slice(0, 0)), "1,000 empty row groups": parquet_bytes(table, row_group_size=1)[:-9],
    }.items():  # fmt: skip
        yield _file(f"Parquet, {name}", "a.parquet", data)
    yield _file("Parquet, a row a group", "a.parquet", parquet_bytes(table, row_group_size=1), good=True)
    many = pa.table({**{n: table[n] for n in table.column_names}, **{f"x{at}": table["ratio"] for at in range(3000)}})
    yield _file("Parquet, 3,000 columns", "a.parquet", parquet_bytes(many), good=None)
    text = table.set_column(6, "robot", pa.array(["x" * 30_000_000, *["y"] * 29]))
    yield _file("Parquet, a text of 30 MB", "a.parquet", parquet_bytes(text, compression="zstd"), good=True)
    bomb = pa.table({"session_id": pa.repeat("s", 30_000_000), "sequence": pa.repeat(1, 30_000_000)})
    yield _file("Parquet, 30 million equal rows", "a.parquet", parquet_bytes(bomb, compression="zstd"))
    for name in ("robot", "metric", "session_id"):
        wrong = pa.array([b"\xff\xfe", b"a\0b", b"\xed\xa0\x80"]).view(pa.string())
        yield _file(f"Parquet, no UTF-8 in {name}", "a.parquet", parquet_bytes(_with(name, wrong)))


def _records() -> Iterator[HostileInput]:
    """Records of sessions, configurations, and the files that make a directory a store."""
    data = parquet_bytes(arrow_table([row | {"session_id": "s1"} for row in ROWS]))
    record = {
        "session_id": "s1", "started_at": "2026-11-24T16:00:00Z", "ended_at": "2026-11-24T17:00:00Z", "harness": {"name": "x", "version": "1"},
        "configuration": {"a": [1, {"b": None}]}, "attributes": {"site": "north"}, "measurement_count": 30, "metrics": ["control_rtt", "loss"],
        "first_timestamp": "2026-11-24T16:00:00Z", "last_timestamp": "2026-11-24T16:00:03.973Z", "null_count": 4, "backward_timestamp_count": 0,
        "dropped_digit_count": 0, "columns": {"robot": "string", "tries": "int64", "ratio": "float64", "ok": "bool"}, "content_digest": "x", "origin": {},
    }  # fmt: skip
    store = {"format_version": 1, "timestamp_unit": "us"}
    nasty = (None, True, -1, 0.5, 2**70, 1e308, "", "\0", "\ud800", "../../x", "9" * 5000, [], {}, [[]], {"": {}}, "s2", ["a"], "infinity")
    draw = random.Random(1)  # noqa: S311 - repeatable on purpose
    directory = "store/sessions/s1"
    for at in range(400):
        changed: dict[str, Any] = json.loads(json.dumps(record if at % 8 else store))
        key = draw.choice(sorted(changed))
        inner = changed[key]
        value = draw.choice(nasty)
        if isinstance(inner, dict) and inner and draw.random() < 0.5:
            inner[draw.choice(sorted(inner))] = value
        elif draw.random() < 0.15:
            del changed[key]
        else:
            changed[key] = value
        text = json.dumps(changed).encode()
        files = {"store/store.json": json.dumps(store).encode(), f"{directory}/session.json": json.dumps(record).encode()}
        files[f"{directory}/session.json" if at % 8 else "store/store.json"] = text
        files[f"{directory}/measurements-0000.parquet"] = data
        command = [["export", "store", "--to", "out", "--no-sync", "--quiet"], ["sessions", "store"], ["query", "store", "FROM sessions"]][at % 3]
        yield HostileInput(f"store, {key}: {str(value)[:30]!r}", files, command, oracles=[])
        if at % 8:
            files = {"a.parquet": data, "a.session.json": text}
            yield HostileInput(f"record, {key}: {str(value)[:30]!r}", files, ["import", "a.parquet", "--to", "s", "--quiet"], oracles=[])


def corpora() -> Iterator[HostileInput]:
    """JSONTestSuite: each case as a line, as a value of a row, as a configuration, as a record, and as the file of a harness."""
    lines = gzip.decompress((CORPORA / "json-test-suite.ndjson.gz").read_bytes()).decode().splitlines()
    sound = ndjson_bytes()
    add = partial(HostileInput, oracles=[])
    for case in map(json.loads, lines):
        name, text = case["name"], case["input"]
        data = text.encode("utf-8", "surrogatepass")
        yield _file(f"{name} as a line", "a.ndjson", data + b"\n" + sound, good=None)
        value = _line(more=f',"x":{text}')
        yield _file(f"{name} as a value", "a.ndjson", value, good=None)
        files = {"a.ndjson": sound, "c.json": data}
        yield add(f"{name} as configuration", files, [*_IMPORT, "--configuration", "c.json"][:1] + ["a.ndjson", "--to", "store", "--quiet", "--configuration", "c.json"], "c.json")
        yield add(f"{name} as record", {"a.ndjson": sound, "a.session.json": data}, ["export", "a.ndjson", "--to", "out", "--no-sync", "--quiet"])
        yield _file(f"{name} of a harness", "a.json", data, command=_IMPORT)
