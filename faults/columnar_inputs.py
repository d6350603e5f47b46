"""Bad Arrow IPC and Parquet: arrays that point outside themselves, types that measurements do not have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from made import EXPORT, IMPORT, one_file
from mutations import ROWS, arrow_bytes, arrow_table, parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judging import HostileInput


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


def bad_arrow() -> Iterator[HostileInput]:
    """Arrays that point outside themselves, and types that measurements do not have."""
    damaged = {
        "decreasing offsets": _strings([0, 4, 2, 6]),
        "negative offsets": _strings([-4, 0, 2, 6]),
        "a negative first offset": _strings([-100, 0, 2, 6]),
        "offsets beyond the data": _strings([0, 4, 6, 2**31 - 1]),
        "huge offsets": _strings([2**30, 2**30, 2**30, 2**30]),
        "an index beyond the dictionary": _coded([0, 1, 9], ["a", "b"]),
        "a negative index": _coded([0, -1, 1], ["a", "b"]),
        "an empty dictionary": _coded([0, 0, 0], []),
    }
    for name, array in damaged.items():
        for column in ("robot", "metric", "unit", "session_id"):
            for stream in (False, True):
                data = arrow_bytes(_with(column, array), stream=stream)
                yield one_file(f"Arrow, {name} in {column}", "a.arrow", data, command=EXPORT if stream else IMPORT)
    three = [1, 2, 3]
    nested = pa.array([1, 2, 3])
    for _ in range(60):
        nested = pa.StructArray.from_arrays([nested], ["x"])
    for array in (
        pa.array([[1]] * 3),
        pa.array([{"a": 1}] * 3),
        pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())),
        pa.array([b"x"] * 3),
        pa.array(three, pa.date32()),
        pa.array(three, pa.time64("us")),
        pa.array(three, pa.duration("s")),
        pa.array([1, 2, 3], pa.decimal256(70, 0)),
        pa.array([2**64 - 1] * 3, pa.uint64()),
        pa.array(three, pa.float16()),
        pa.array(["a"] * 3, pa.string_view()),
        pa.array([b"\xff"] * 3, pa.binary_view()),
        nested,
        pa.nulls(3),
        pa.RunEndEncodedArray.from_arrays([3], ["a"]),
        pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [pa.array(three)]),
        pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()),
        pa.array([[1, 2]] * 3, pa.list_(pa.int8(), 2)),
        pa.array([[1]] * 3, pa.list_view(pa.int8())),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16] * 3, pa.binary(16))),
        pa.array([None, "x", None]).dictionary_encode(),
    ):
        for column in ("robot", "value", "sequence", "timestamp", "session_id"):
            yield one_file(
                f"Arrow, {array.type} as {column}"[:80], "a.arrow", arrow_bytes(_with(column, array)), good=None
            )
    table = arrow_table(ROWS[:3])
    names = table.column_names
    for name, data in {
        "no columns": arrow_bytes(pa.table({})),
        "no rows": arrow_bytes(table.slice(0, 0)),
        "doubled columns": arrow_bytes(table.rename_columns([*names[:-1], "value"])),
        "doubled session_id": arrow_bytes(table.rename_columns(["session_id" if n == "robot" else n for n in names])),
        "an empty name": arrow_bytes(table.rename_columns([*names[:-1], ""])),
        "NUL in a name": arrow_bytes(table.rename_columns([*names[:-1], "a\0b"])),
        "magic number alone": b"ARROW1",
        "magic numbers alone": b"ARROW1\0\0ARROW1",
        "a footer of 2 GB": b"ARROW1\0\0" + bytes(100) + b"\xff\xff\xff\x7fARROW1",
        "a negative footer": b"ARROW1\0\0" + bytes(100) + b"\xff\xff\xff\xffARROW1",
        "a message of 2 GB": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(100),
        "a negative message": b"\xff\xff\xff\xff\x00\x00\x00\x80" + bytes(100),
        "an end alone": b"\xff\xff\xff\xff\0\0\0\0",
        "Feather V1": b"FEA1" + bytes(100) + b"FEA1",
    }.items():
        yield one_file(f"Arrow, {name}", "a.arrow", data)
    many = pa.table({**{n: table[n] for n in names}, **{f"x{at}": pa.array(three) for at in range(5000)}})
    yield one_file("Arrow, 5,000 columns", "a.arrow", arrow_bytes(many), good=None)


def bad_parquet() -> Iterator[HostileInput]:
    """Parquet that is no measurements, or none at all."""
    import pyarrow.tests as theirs  # noqa: PLC0415 - for the place of its data

    for path in sorted(Path(theirs.__file__).parent.glob("data/*/*")):
        ending = {".parquet": "parquet", ".feather": "arrow", ".orc": "parquet"}.get(path.suffix)
        if ending:
            yield one_file(f"{path.name} of pyarrow's tests", f"a.{ending}", path.read_bytes())
    table = arrow_table()
    sound = parquet_bytes(table)
    for name, data in {
        "magic number alone": b"PAR1",
        "magic numbers alone": b"PAR1PAR1",
        "a footer of nothing": b"PAR1\0\0\0\0PAR1",
        "a footer of zeros": b"PAR1" + bytes(20) + b"\x14\0\0\0PAR1",
        "a footer of 4 GB": b"PAR1" + bytes(20) + b"\xff\xff\xff\xffPAR1",
        "encrypted": sound[:-4] + b"PARE",
        "a footer of brackets": b"PAR1" + b"\x1c" * 5000 + b"\x88\x13\0\0PAR1",
        "a footer of lists": b"PAR1" + b"\x19\xf9\xff\xff\xff\xff\x07" * 500 + b"\xac\x0d\0\0PAR1",
        "two files": sound + sound[:50],
        "the footer alone": b"PAR1" + sound[-2000:],
        "no columns": parquet_bytes(pa.table({})),
        "no rows": parquet_bytes(table.slice(0, 0)),
        "1,000 empty row groups": parquet_bytes(table, row_group_size=1)[:-9],
    }.items():
        yield one_file(f"Parquet, {name}", "a.parquet", data)
    yield one_file("Parquet, a row a group", "a.parquet", parquet_bytes(table, row_group_size=1), good=True)
    many = pa.table({**{n: table[n] for n in table.column_names}, **{f"x{at}": table["ratio"] for at in range(3000)}})
    yield one_file("Parquet, 3,000 columns", "a.parquet", parquet_bytes(many), good=None)
    text = table.set_column(6, "robot", pa.array(["x" * 30_000_000, *["y"] * 29]))
    yield one_file("Parquet, a text of 30 MB", "a.parquet", parquet_bytes(text, compression="zstd"), good=True)
    bomb = pa.table({"session_id": pa.repeat("s", 30_000_000), "sequence": pa.repeat(1, 30_000_000)})
    yield one_file("Parquet, 30 million equal rows", "a.parquet", parquet_bytes(bomb, compression="zstd"))
    for name in ("robot", "metric", "session_id"):
        wrong = pa.array([b"\xff\xfe", b"a\0b", b"\xed\xa0\x80"]).view(pa.string())
        yield one_file(f"Parquet, no UTF-8 in {name}", "a.parquet", parquet_bytes(_with(name, wrong)))
