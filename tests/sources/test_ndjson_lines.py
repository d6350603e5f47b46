"""Lines of NDJSON in all forms: the compiled reader gives what the reader in Python gives, values and refusals."""

from __future__ import annotations

import gzip
import json
import random
import struct
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.scan.reading import Reading
from pipeline.sources import line_window, ndjson, ndjson_rows
from pipeline.sources.ndjson import read_ndjson
from pipeline.sources.text_files import FractionsFoundError, open_decompressed

SOUND_NUMBERS = [
    "0", "-0", "7", "-12", "9007199254740992", "9007199254740994", "9223372036854775807", "-9223372036854775808",
    "0.0", "-0.0", "1.5", "17.91963491418207", "1e-07", "1E+16", "2.5e300", "5e-324", "2.4703282292062328e-324",
    "1e-400", "0.1000000000000000055511151231257827", "9007199254740993.0", "1.7976931348623157e308", "0e99999999999",
    "123456789012345678901234567890.5", '"NaN"', '"Infinity"', '"-Infinity"',
]  # fmt: skip
ODD_NUMBERS = ["9007199254740993", "9223372036854775808", "1e400", "-1e309", "01", "1.", ".5", "+1", "1e", "-", "0x1",
               "NaN", "-Infinity", "1" * 30, "18446744073709551616", "1_0", "-9223372036854775809"]  # fmt: skip
TEXTS = [
    '""',
    '"ms"',
    '"é漢😀"',
    r'"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"',
    '"' + "long " * 30 + '"',
    r'"\u0000"',
    '"NaN"',
]
ODD_TEXTS = [
    r'"\ud800"',
    r'"\udc00x"',
    r'"\ud800\u0041"',
    r'"\x"',
    r'"\u12"',
    '"\t"',
    '"\x01"',
    '"open',
    "'a'",
    '"a""b"',
]
TIMES = [
    "2026-11-24T16:00:00.000001Z", "2026-11-24T16:00:00Z", "2026-11-24t16:00:00.5z", "2026-11-24 16:00:00.25+05:30",
    "2026-11-24T16:00:00.1234567-0100", "2026-11-24T16:00:00.000000100+02", "1969-12-31T23:59:59.9Z",
    "2024-02-29T00:00:00.0000000Z", "2026-11-24T16:00:00.0000000004Z",
]  # fmt: skip
ODD_TIMES = [
    "2026-11-24T16:00:00", "2026-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "", "today",
    "2026-11-24T24:00:00Z", "2026-11-24T16:00:60Z", "2026-11-24T16:00:00.Z", "2026-11-24T16:00Z", "2026-11-24",
    "1600-01-01T00:00:00Z", "2026-03-29T02:30:00", "2026-10-25T02:30:00.5", "2026-11-24T16:00:00+10:60",
    "\uff12026-11-24T16:00:00Z", "2026-11-24T16:00:00.1\u0000Z",
]  # fmt: skip
KEYS = ['"session_id"', '"sequence"', '"timestamp"', '"metric"', '"value"', '"unit"', '"x"', '"y"', r'"\u0078"', '"é"']
ODD_KEYS = ['""', r'"\ud800"', "x", r'"\u00e9"', '"timesta\\u006dp"']
OTHERS = ["null", "true", "false"]
ODD_OTHERS = ["[1]", "{}", '{"a":{}}', "nul", "True", "", "[" * 20_000, "1 2"]
KINDS = {
    '"session_id"': TEXTS, '"sequence"': SOUND_NUMBERS[:8], '"timestamp"': [f'"{time}"' for time in TIMES],
    '"metric"': TEXTS, '"value"': SOUND_NUMBERS, '"unit"': TEXTS,
}  # fmt: skip
SPACES = ["", "", "", " ", "\t ", "\r"]


def line_of(rng, strangeness):
    """Write a row, a sound one mostly."""
    keys = list(KEYS) if rng.random() < 0.5 else rng.sample(KEYS, rng.randrange(len(KEYS)))
    pairs = []
    for key in keys:
        values = KINDS.get(key, rng.choice([SOUND_NUMBERS, SOUND_NUMBERS[-3:], TEXTS, OTHERS[1:]]))
        value = "null" if rng.random() < 0.1 else rng.choice(values)
        if rng.random() < strangeness / 4:
            odd = [
                ODD_NUMBERS,
                ODD_TEXTS,
                ODD_OTHERS,
                OTHERS,
                TEXTS,
                SOUND_NUMBERS,
                [f'"{time}"' for time in ODD_TIMES],
            ]
            value = rng.choice(odd[6] if key == '"timestamp"' else rng.choice(odd))
        key = rng.choice(ODD_KEYS + KEYS) if rng.random() < strangeness / 8 else key  # noqa: PLW2901
        space = [rng.choice(SPACES) for _ in range(4)]
        pairs.append(f"{space[0]}{key}{space[1]}:{space[2]}{value}{space[3]}")
    return ("{" + ",".join(pairs) + "}").encode()


def file_of(rng, strangeness):
    lines = []
    for _ in range(rng.randrange(1, 14)):
        line = bytearray(line_of(rng, strangeness))
        if rng.random() < strangeness / 5:
            at = rng.randrange(len(line) + 1)
            line[at : at + rng.randrange(3)] = rng.choice(
                [b"\xff", b"\xed\xa0\x80", b"{", b"}", b",", b"\x00", b'"', b"\n"]
            )
        lines.append(bytes(line))
        if rng.random() < 0.1:
            lines.append(
                rng.choice(
                    [b"", b" \t\r", b"\v\f", *([b"[]", b"1", b"\xc2\xa0"] if rng.random() < strangeness else [])]
                )
            )
    text = rng.choice([b"\n", b"\n", b"\r\n"]).join(lines)
    return (b"\xef\xbb\xbf" if rng.random() < 0.1 else b"") + text + (b"" if rng.random() < 0.3 else b"\n")


def in_python(path, reading):
    with open_decompressed(path) as file:
        rows = ndjson_rows.RowReader(reading)
        while (batch := rows.read(file)) is not None:
            yield batch


def bits(values):
    return [struct.pack("<d", value) if isinstance(value, float) else value for value in values]


def outcome(read, path, **options):
    """Everything that a reader says of a file."""
    reading = Reading(**options)
    reading.number_columns, reading.ambiguous_columns = set(), set()
    said = []
    try:
        for batch in read(path, reading):
            batch.validate(full=True)
            columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
            schema = pa.schema(zip(batch.schema.names, [column.type for column in columns], strict=True))
            times = [column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in columns]
            drops = None if reading.drops is None or not reading.drops.any() else reading.drops.tolist()
            said.append((batch.num_rows, schema, [bits(column.to_pylist()) for column in times], drops))
    except (SourceError, FractionsFoundError, EOFError, OSError, pa.ArrowException) as error:
        said.append((type(error), str(error)))
        return said
    return [*said, (reading.skipped, reading.number_columns, reading.ambiguous_columns)]


def assert_same(path, **options):
    assert outcome(read_ndjson, path, **options) == outcome(in_python, path, **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("ndjson") / "a.ndjson"


@given(
    seed=st.integers(0, 2**32),
    strangeness=st.sampled_from([0, 0.05, 0.3, 1]),
    batch_size=st.integers(1, 6),
    zone=st.sampled_from([None, ZoneInfo("Europe/Berlin")]),
    unit=st.sampled_from(["us", "ns"]),
    skip_bad=st.booleans(),
    chunk=st.sampled_from([5, 100, 1 << 18]),
)
@settings(max_examples=150, deadline=None)
def test_generated_files_are_read_as_in_python(place, seed, strangeness, batch_size, zone, unit, skip_bad, chunk):
    place.write_bytes(file_of(random.Random(seed), strangeness))  # noqa: S311 - no secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_window, "_CHUNK", chunk)
        assert_same(place, batch_size=batch_size, zone=zone, unit=unit, skip_bad=skip_bad)


ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["session_id", "sequence", "value", "x", "é"]) | st.text(max_size=3),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["NaN", "-Infinity"]),
        max_size=5,
    ),
    max_size=6,
)


@given(rows=ROWS, ascii_only=st.booleans(), skip_bad=st.booleans())
@example(rows=[{"x": "NaN"}, {"x": 1.5}, {"x": 2**53 + 1}], ascii_only=True, skip_bad=True)
@settings(max_examples=80, deadline=None)
def test_what_python_writes_is_read_as_in_python(place, rows, ascii_only, skip_bad):
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    place.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert_same(place, batch_size=2, skip_bad=skip_bad)


def test_sound_forms_need_no_reader_in_python(place, monkeypatch):
    monkeypatch.setattr(ndjson_rows.RowReader, "read", None)
    fixed = {"value": SOUND_NUMBERS[:6] + SOUND_NUMBERS[8:], "unit": TEXTS, "flag": OTHERS, "y": SOUND_NUMBERS[8:]}
    fixed |= {"timestamp": [f'"{time}"' for time in TIMES], "sequence": SOUND_NUMBERS[:8]}
    lines = []
    for at in range(40):
        values = {name: texts[at % len(texts)] for name, texts in fixed.items()}
        lines.append("{" + ", ".join(f'"{name}" : {text}' for name, text in values.items()) + "}")
    place.write_text("\ufeff" + "\n\n".join(lines))
    rows = [row for batch in read_ndjson(place, Reading(7)) for row in batch.to_pylist()]
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        wanted = json.loads(line, parse_constant=None)
        for name in ("unit", "flag", "sequence"):
            assert row[name] == wanted[name]
        for name in ("value", "y"):
            assert bits([row[name]]) == bits([float(wanted[name])])


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    "limits", [{"BATCH_BYTES": 90}, {"MAX_CELLS": 7}, {"MAX_ROW_BYTES": 99, "_LINE_BYTES": 99}, {"_LINE_BYTES": 60}]
)
def test_batches_and_long_lines_end_where_they_end_in_python(place, monkeypatch, limits, skip_bad):
    for name, limit in limits.items():
        for module in (ndjson, ndjson_rows):
            monkeypatch.setattr(module, name, limit, raising=False)
    for seed in range(30):
        rng = random.Random(seed)  # noqa: S311 - no secret
        monkeypatch.setattr(line_window, "_CHUNK", rng.choice([5, 1 << 18]))
        place.write_bytes(file_of(rng, rng.choice([0, 0.2])) + rng.choice([b"", b" " * 130 + b"\n"]))
        assert_same(place, batch_size=5, skip_bad=skip_bad)


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_compressed_files_that_are_cut_are_refused_as_in_python(tmp_path, suffix, compress):
    for strangeness in (0, 1):
        packed = compress(file_of(random.Random(strangeness), strangeness))  # noqa: S311 - no secret
        path = tmp_path / f"a.ndjson{suffix}"
        for cut in range(0, len(packed) + 1, 7):
            path.write_bytes(packed[: len(packed) - cut])
            assert_same(path, batch_size=3)
