"""The compiled reader of CSV against the plain one, and against Python's csv, float and int."""

from __future__ import annotations

import contextlib
import csv as python_csv
import io
import math
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from plain_files import as_stored, csv_text, stored_rows
from samples import row

from pipeline import SourceError, import_sessions
from pipeline.model.columns import type_name
from pipeline.model.timestamps import parse_timestamp
from pipeline.rows.attributes import check_column_names
from pipeline.scan.reading import Reading
from pipeline.sources import csv, csv_plain

CORE = ("session_id", "sequence", "timestamp", "metric", "value", "unit")
TEXTS = st.text(st.sampled_from('ab1,"\n\r ü€😀\0'), max_size=6) | st.text("ab", max_size=18) | st.just("robot")
INTEGERS = st.integers(-(2**63), 2**63 - 1).map(str)
ODD_INTEGERS = st.sampled_from(["007", "-0", "+1", "1.0", "0x10", "9223372036854775808", " 1", "1 ", "-", "1e3"])
FLOATS = st.floats().map(repr).map(lambda text: "NaN" if text == "nan" else text)
DECIMALS = st.from_regex(r"\A-?(0|[1-9]\d{0,24})(\.\d{1,24})?(e[+-]?\d{1,3})?\Z".replace(r"\d", "[0-9]"))
ODD_FLOATS = st.sampled_from(
    ["nan", "Infinity", "-Infinity", "INF", "+1.5", ".5", "5.", "1e400", "-1e400", "1E5", "1_0"]
)
MOMENTS = st.datetimes().map(lambda moment: moment.isoformat())
TIMES = st.builds(str.__add__, MOMENTS, st.sampled_from(["Z", "z", "+00:00", "-05:30", "+0530", "+14"]))
ODD_TIMES = (
    MOMENTS
    | MOMENTS.map(lambda text: text + ".5")
    | st.sampled_from(["2026-02-30T00:00:00Z", "2026-01-01", "x", "24:00:00Z"])
)
BOOLEANS = st.sampled_from(["true", "false"])
KINDS = {
    "session_id": TEXTS,
    "sequence": INTEGERS,
    "timestamp": TIMES,
    "metric": TEXTS,
    "value": FLOATS | DECIMALS,
    "unit": TEXTS,
    "x": INTEGERS,
    "y": FLOATS,
    "z": BOOLEANS,
    "w": TEXTS,
}
ODD = {"sequence": ODD_INTEGERS, "x": ODD_INTEGERS, "timestamp": ODD_TIMES, "value": ODD_FLOATS, "y": ODD_FLOATS}


def field(text, *, quoted):
    if text is None:
        return ""
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if quoted or text == "" or set(text) & set(',"\r\n') else text


@st.composite
def files(draw, *, odd):
    """Bytes of a file and its texts; where it is odd, some of both is not as it should be."""
    names = draw(st.permutations(list(KINDS))) if odd else list(KINDS)
    names = names[: draw(st.integers(1, len(names)))] if odd else names
    kinds = [st.none() | (KINDS[name] | ODD.get(name, KINDS[name]) if odd else KINDS[name]) for name in names]
    rows = draw(st.lists(st.tuples(*kinds), max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [[field(text, quoted=draw(st.booleans())) for text in row] for row in rows]
    lines = [line for line in map(",".join, lines) if line]
    text = end.join([",".join(names), *lines]) + draw(st.sampled_from([end, end + end]))
    data = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()
    if odd:
        for _ in range(draw(st.integers(0, 3))):
            at, stop = draw(st.integers(0, len(data))), draw(st.integers(0, 2))
            new = draw(
                st.sampled_from([b"", b",", b'"', b"\n", b"\r", b"\r\n", b"\xff", b"\xc3", b"\0", b'""', b"x\n"])
            )
            data = data[:at] + new + data[at + stop :]
    return names, rows, data


@contextlib.contextmanager
def small_blocks(size):
    before, csv._BLOCK_BYTES = csv._BLOCK_BYTES, size
    try:
        yield
    finally:
        csv._BLOCK_BYTES = before


def comparable(value):
    return value.hex() if isinstance(value, float) else value


def outcome(read, path, reading):
    """All that a reader tells of a file: types, rows, which times lost digits, what was left out; or its error."""
    names, rows, drops = None, [], []
    try:
        for batch in read(path, reading):
            names = [(f.name, type_name(f.type)) for f in batch.schema]
            batch.validate(full=True)
            assert batch.num_rows <= reading.batch_size
            for column in batch.columns:
                if pa.types.is_dictionary(column.type):
                    texts = column.dictionary.to_pylist()
                    assert len(set(texts)) == len(texts)
                    assert None not in texts
            columns = [(c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist() for c in batch.columns]
            rows += [tuple(map(comparable, row)) for row in zip(*columns, strict=True)]
            drops += [False] * batch.num_rows if reading.drops is None else list(reading.drops)
    except (SourceError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        return type(error), str(error)
    return names, rows, drops, reading.skipped


def plain_types(path, reading):
    possible, filled = {}, set()
    for texts in csv_plain.read_texts(lambda: csv_plain.open_decompressed(path), reading):
        check_column_names(texts.schema.names)
        for name in set(texts.schema.names) - set(CORE):
            possible[name] = possible.get(name, {"bool", "int64", "float64"}) & csv_plain.text_types(texts.column(name))
            filled |= {name} if texts.column(name).null_count < texts.num_rows else set()
    first = {
        name: next((one for one in ("bool", "int64", "float64") if one in found), "string")
        for name, found in possible.items()
    }
    return {name: kind if name in filled else "null" for name, kind in first.items()}


# Such files are small enough; making them smaller would take minutes.
@settings(max_examples=200, deadline=None, phases=[Phase.generate])
@given(
    files(odd=True),
    st.integers(1, 300),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from(["us", "ns"]),
    st.sampled_from([None, ZoneInfo("Europe/Berlin")]),
    st.booleans(),
)
def test_whatever_a_file_holds_the_compiled_reader_says_what_the_plain_one_does(
    made, block, rows, skip_bad, unit, zone, typed
):
    _, _, data = made
    with tempfile.TemporaryDirectory() as directory, small_blocks(block):
        path = Path(directory, "a.csv")
        path.write_bytes(data)
        types = {}
        try:
            types = plain_types(path, Reading(rows, skip_bad=skip_bad))
        except (SourceError, pa.ArrowInvalid, UnicodeDecodeError):
            pass
        else:
            assert csv.find_text_types([path], Reading(rows, skip_bad=skip_bad)) == types
        kept = types if typed else {}

        def reading():
            return Reading(rows, zone=zone, unit=unit, skip_bad=skip_bad, text_types=kept)

        assert outcome(csv.read_csv, path, reading()) == outcome(csv_plain.read_plain_csv, path, reading())


def expected_value(name, text, unit):
    if text is None or name in {"session_id", "metric", "unit", "w"}:
        return text
    if name == "timestamp":
        return parse_timestamp(text, unit)[0]
    if name in {"sequence", "x"}:
        return int(text)
    return text == "true" if name == "z" else float(text).hex()


@settings(max_examples=100, deadline=None)
@given(files(odd=False), st.integers(1, 300), st.integers(1, 5), st.sampled_from(["us", "ns"]))
def test_sound_files_are_what_csv_and_float_of_python_say(made, block, rows, unit):
    names, expected, data = made
    text = data.decode("utf-8-sig")
    assert [["" if t is None else t for t in row] for row in expected] == [
        row for row in list(python_csv.reader(io.StringIO(text, newline="")))[1:] if row
    ]
    try:
        values = [tuple(expected_value(n, t, unit) for n, t in zip(names, row, strict=True)) for row in expected]
    except ValueError:
        return  # a time that cannot be counted
    assume(not any(row[4] and math.isinf(float(row[4])) and "inf" not in row[4] for row in expected))
    types = {"x": "int64", "y": "float64", "z": "bool"}
    with tempfile.TemporaryDirectory() as directory, small_blocks(block):
        path = Path(directory, "a.csv")
        path.write_bytes(data)
        _, found, *_ = outcome(csv.read_csv, path, Reading(rows, unit=unit, text_types=types))
    assert found == values


def refuse(*_, **__):
    raise AssertionError("it is read plainly")


def test_sound_files_are_not_read_plainly(tmp_path, monkeypatch):
    rows = [
        's1,0,2026-11-24T16:00:00Z,m,1.5,ms,1,0.5,true,"a ""quote"", and\r\na line"',
        "",
        '"s1","1","2026-11-24T17:00:00.0000001+01:00","m",NaN,,,,,ü 5" disk',
        "s1,2,2026-11-24T16:00:00.123456789Z,m,,ms,-9223372036854775808,-inf,false,",
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([",".join(KINDS), *rows]).encode())
    types = csv.find_text_types([path], Reading(10))
    assert types == {"x": "int64", "y": "float64", "z": "bool", "w": "string"}
    expected = outcome(csv_plain.read_plain_csv, path, Reading(10, text_types=types))
    assert len(expected[1]) == 3
    monkeypatch.setattr(csv_plain, "read_texts", refuse)
    monkeypatch.setattr(csv_plain, "typed_column", refuse)
    monkeypatch.setattr(csv_plain, "typed", lambda batch, _reading: batch if batch.num_rows == 0 else refuse())
    names, found, *rest = outcome(csv.read_csv, path, Reading(10, text_types=types))
    assert (names, found, rest) == (expected[0], expected[1], list(expected[2:]))


def test_texts_may_repeat_here_and_vary_there(tmp_path):
    def text(n):
        kind = n // 3000 % 3
        return f"note {n} of some length" if kind == 1 else 'a "quote"' if kind == 2 and n % 1000 == 0 else "same"

    rows = [row("s1", n, note=text(n), other=None if n % 7 else text(n // 2)) for n in range(20_000)]
    lines = csv_text(rows)
    assert len(lines) > 1 << 20, "one block would hold it"
    (tmp_path / "a.csv").write_text(lines, encoding="utf-8", newline="")
    import_sessions(tmp_path / "a.csv", tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_texts_of_any_length_are_told_apart(tmp_path):
    texts = (
        ["x" * n for n in range(1, 40)] + ["x" * 9 + one + "x" * 9 for one in "abc"] + ["ü" * n for n in range(1, 9)]
    )
    data = ",".join(CORE) + "\n" + "".join(f"{text},,,{text},,\n" for text in texts * 3)
    (tmp_path / "a.csv").write_text(data, encoding="utf-8")
    batch = pa.Table.from_batches(list(csv.read_csv(tmp_path / "a.csv", Reading(1000))))
    assert pa.types.is_dictionary(batch.schema.field("metric").type)
    assert batch.column("metric").to_pylist() == batch.column("session_id").to_pylist() == texts * 3
