"""Values and measurements that break careless exporters; files are written by pyarrow alone."""

from __future__ import annotations

import json
import math
import random
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from readers import ARROW_TYPES, comparable

from pipeline import import_sessions

ATTRIBUTES = {
    'robot "x", %s 100%': "string",
    "note": "string",
    "count": "int64",
    "ratio": "float64",
    "is_ok": "bool",
    "é😀'": "string",
}
TEXTS = (
    "",
    None,
    "a,b",
    'say "hi"',
    '"',
    '""',
    "two\nlines",
    "dos\r\nlines",
    "\r",
    "\n",
    "=1+1",
    "-x",
    "@sum",
    "\ttab",
    " padded ",
    "null",
    "NaN",
    "None",
    "%d%% %(x)s",
    "{0} {}",
    "\\",
    "\\n",
    "\x01\x1f\x7f\x85\u2028\u2029",
    "😀\U0010ffff\ufeff\uffff",
    "'quoted'",
)
INTEGERS = (0, -1, 2**63 - 1, -(2**63), 2**53 + 1, None)
NAN_BITS = (0x7FF8 << 48, 0xFFF8 << 48, (0x7FF8 << 48) | 1, (1 << 64) - 1)
FLOATS = (
    0.0,
    -0.0,
    1.0,
    0.1,
    1e-4,
    1e-5,
    1e-7,
    1e15,
    1e16,
    9999999999999998.0,
    1e22,
    1e23,
    5e-324,
    -5e-324,
    2.2250738585072009e-308,
    2.2250738585072014e-308,
    1e308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    math.inf,
    -math.inf,
    123456789.12345679,
    123456789012345680.0,
    None,
    *(struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in NAN_BITS),
)
YEAR_1 = -62_135_596_800_000_000
YEAR_10000 = 253_402_300_800_000_000
START = 1_795_536_000_000_000
SESSION_IDS = (
    "lan-01",
    "LAN-01",
    "../../etc/passwd",
    "con",
    "a,b\"c'd%s",
    "=cmd|' /C calc'!A0",
    "two\nlines",
    "😀" * 128,
)
CONFIGURATION = {
    "network": {"address": "10.0.0.7", "loss_percent": 0.1, "paths": [{"key": "a"}, {"key": "b"}]},
    'key "quoted" \n</script>': [None, True, 1e300, 2**60, "é😀", {}],
}


def columns(unit, attributes=None):
    """Columns of measurements as (name, kind)."""
    core = [("session_id", "string"), ("sequence", "int64"), ("timestamp", unit), ("metric", "string")]
    core += [("value", "float64"), ("unit", "string")]
    return [*core, *(ATTRIBUTES if attributes is None else attributes).items()]


def make_rows(unit, *, per_session=40, session_ids=SESSION_IDS, seed=1, padding=""):
    """Rows as tuples in the order of the model, times as ticks; every hostile value occurs."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    scale = 1000 if unit == "ns" else 1
    digit = 1 if unit == "ns" else 0
    # The outermost nanoseconds are what no reader of text or DuckDB's infinity.
    least, most = (YEAR_1, YEAR_10000 - 1) if unit == "us" else (-(2**63) + 10**9, 2**63 - 10**9)
    rows = []
    for at, session_id in enumerate(session_ids):
        sequences = sorted(chance.sample(range(-5, per_session * 3), per_session))
        if at == 0:
            sequences[0], sequences[-1] = -(2**63), 2**63 - 1
        for place, sequence in enumerate(sequences):
            ticks = (START + at * 10**9 + place * 50_001) * scale + digit
            if at == 0 and place in {1, 2}:
                ticks = least if place == 1 else most
            rows.append(
                (
                    session_id,
                    sequence,
                    ticks,
                    chance.choice(["control_rtt", "loss", "", "m,\n\"'"]),
                    FLOATS[(place + at) % len(FLOATS)],
                    chance.choice(["ms", "%", "1", None]),
                    TEXTS[(place + at) % len(TEXTS)],
                    # One attribute is long where size matters.
                    None if at == 1 else chance.choice(["x", "y", None]) and padding + str(chance.random()),
                    chance.choice(INTEGERS),
                    chance.choice(FLOATS),
                    chance.choice([True, False, None]),
                    None if at % 2 else chance.choice(TEXTS),
                )
            )
    return rows


def make_table(unit, rows, names_and_kinds=None):
    """Rows as an Arrow table of the data model."""
    arrays = []
    names_and_kinds = names_and_kinds or columns(unit)
    for at, (_, kind) in enumerate(names_and_kinds):
        values = [row[at] for row in rows]
        if kind in {"us", "ns"}:
            arrays.append(pa.array(values, pa.int64()).view(ARROW_TYPES[kind]))
        else:
            arrays.append(pa.array(values, ARROW_TYPES[kind]))
    return pa.table(arrays, names=[name for name, _ in names_and_kinds])


def make_records(session_ids=SESSION_IDS):
    """Session records for the file beside; the second session has attributes of its own."""
    return [
        {
            "session_id": session_id,
            "harness": {"name": "teleop", "version": "1.2"},
            "configuration": CONFIGURATION | {"number": at},
        }
        for at, session_id in enumerate(session_ids)
    ]


def write_source(directory, unit="us", *, rows=None, name="run", records=True):
    """Write `run.parquet` and its session records; give the path and the rows."""
    rows = make_rows(unit) if rows is None else rows
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.parquet"
    pq.write_table(make_table(unit, rows), path)
    if records:
        ids = dict.fromkeys(row[0] for row in rows)
        text = json.dumps(make_records(ids), ensure_ascii=False)
        (directory / f"{name}.session.json").write_text(text, encoding="utf-8")
    return path, rows


def write_store(directory, unit="us"):
    """The hostile rows as a store."""
    path, _ = write_source(directory, unit)
    import_sessions(path, directory / "store", timestamp_unit=unit)
    return directory / "store"


def as_read(unit, rows):
    """Rows as the readers give them."""
    return comparable(columns(unit), rows)


def from_bits(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


texts = st.one_of(
    st.sampled_from([text for text in TEXTS if text is not None]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.text('",\r\n\t =+-@%\\{}ab', max_size=6),
)
names = texts.filter(bool)
float_bits = st.one_of(
    st.sampled_from([number for number in FLOATS if number is not None]).map(
        lambda number: struct.unpack("<Q", struct.pack("<d", number))[0]
    ),
    st.sampled_from([*NAN_BITS, (0x7FF0 << 48) | 1]),
    st.integers(0, 2**64 - 1),
)
VALUES = {
    "string": texts,
    "text": texts,
    "int64": st.one_of(st.sampled_from([-(2**63), 2**63 - 1, 0, -1, 2**53 + 1]), st.integers(-(2**63), 2**63 - 1)),
    "float64": float_bits,
    "bool": st.booleans(),
    "us": st.one_of(
        st.sampled_from([YEAR_1, YEAR_10000 - 1, 0, -1, 1, 951_782_400_000_000]),
        st.integers(YEAR_1, YEAR_10000 - 1),
    ),
    "ns": st.one_of(st.sampled_from([-(2**63) + 1, 2**63 - 1, 0, -1, 1, 999]), st.integers(-(2**63) + 1, 2**63 - 1)),
}


def make_array(kind, values):
    """An Arrow array; floats are given by their bits, times by their ticks, "text" makes strings a dictionary."""
    if kind == "text":
        # Not the smallest dictionary: unused, doubled and null entries are allowed, and so is a slice.
        entries = ["unused", None, *values[::-1], *dict.fromkeys(values)]
        places = [None if v is None and at % 2 else entries.index(v) for at, v in enumerate(values)]
        dictionary = pa.array(["cut off", "too", *entries], pa.string()).slice(2)
        return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), dictionary)
    mask = np.array([value is None for value in values], bool)
    # What lies under a null is anything, and no value of the model.
    plain = [2**63 - 1 if value is None else value for value in values]
    if kind == "float64":
        return pa.array(np.array(plain, np.uint64).view(np.float64), mask=mask)
    if kind in {"us", "ns"}:
        return pa.array(np.array(plain, np.int64), mask=mask).view(ARROW_TYPES[kind])
    return pa.array(values, ARROW_TYPES[kind])


def batch_of(names_and_kinds, rows):
    """Rows as a batch, values as `make_array` takes them."""
    arrays = [make_array(kind, [row[at] for row in rows]) for at, (_, kind) in enumerate(names_and_kinds)]
    return pa.record_batch(arrays, names=[name for name, _ in names_and_kinds])


@st.composite
def tables(draw, *, keyed=False, least_rows=0, kinds=tuple(VALUES), column_names=names):
    """Columns, rows, and the batch that holds them, as a slice of a longer one: encoders get slices too."""
    chosen = draw(
        st.lists(
            st.tuples(column_names, st.sampled_from(kinds)),
            min_size=1,
            max_size=6,
            # DuckDB takes names that differ in case for the same.
            unique_by=lambda column: column[0].casefold(),
        )
    )
    values = [st.none() | VALUES[kind] for _, kind in chosen]
    if keyed:
        # A first column without nulls, as every table has: an empty line is no row to some readers.
        chosen = [("sequence", "int64"), *((name, k) for name, k in chosen if name != "sequence")]
        # pyarrow reads no time of the first second that nanoseconds can count.
        possible = VALUES | {"ns": VALUES["ns"].filter(lambda ticks: ticks >= -(2**63) + 10**9)}
        values = [VALUES["int64"], *(st.none() | possible[kind] for _, kind in chosen[1:])]
    rows = draw(st.lists(st.tuples(*values), min_size=least_rows, max_size=12))
    first = draw(st.integers(0, len(rows)))
    last = draw(st.integers(first, len(rows)))
    if last - first < least_rows:
        first, last = 0, len(rows)
    batch = batch_of(chosen, rows).slice(first, last - first)
    return [(name, "string" if kind == "text" else kind) for name, kind in chosen], rows[first:last], batch
