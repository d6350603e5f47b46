"""The compiled check of rows and the one in Python find the same rows sound."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import BadRowError
from pipeline.rows import rules
from pipeline.rows.rules import check_rows

SECOND = 1_000_000
FIRST_TICK, LAST_TICK = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1


def texts(values: list[bytes | None]) -> pa.Array:
    """Make a string array of bytes that need not be UTF-8."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


def batch(**columns: pa.Array) -> pa.RecordBatch:
    rows = len(next(iter(columns.values())))
    return pa.record_batch({"session_id": pa.array(["s"] * rows), **columns})


def problem(rows: pa.RecordBatch) -> str | None:
    try:
        check_rows(rows)
    except BadRowError as error:
        return str(error)
    return None


BAD_TEXTS = {
    "a lone continuation": b"\x80",
    "a continuation missing": b"\xc3",
    "a continuation missing inside": b"\xc3a",
    "overlong in two bytes": b"\xc0\xaf",
    "overlong in three bytes": b"\xe0\x80\xaf",
    "overlong in four bytes": b"\xf0\x80\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
    "a byte of no character": b"\xff",
    "cut in four bytes": b"\xf0\x9f\x98",
    "NUL": b"a\0b",
}
GOOD_TEXTS = {
    "none": b"",
    "two bytes": "é".encode(),
    "the last before the surrogates": "\ud7ff".encode(),
    "the first behind them": "\ue000".encode(),
    "the last character": "\U0010ffff".encode(),
    "long": b"x" * 100 + "\U0001f600".encode(),
}


@pytest.mark.parametrize("as_dictionary", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 31])
@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_bad_text_is_found(text, padding, as_dictionary):
    values = texts([b"x" * padding, b"x" * padding + text, None])
    if as_dictionary:
        values = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), values)
    assert problem(batch(note=values)) is not None


@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS.keys())
def test_a_good_text_is_let_through_by_the_compiled_check(text, monkeypatch):
    # Without the checks in Python: they would let it through as well, only slower.
    monkeypatch.setattr(rules, "_first_problem", lambda *_: (0, "not found sound by the compiled check"))
    assert problem(batch(note=texts([text, None, b"x" + text]))) is None


@pytest.mark.parametrize(
    ("ids", "sound"),
    [
        ([""], False),
        (["x" * 128], True),
        (["x" * 129], False),
        (["\U0001f600" * 128], True),
        (["\U0001f600" * 129], False),
        ([None], False),
    ],
)
@pytest.mark.parametrize("as_dictionary", [False, True])
def test_the_length_of_a_session_id(ids, sound, as_dictionary):
    values = pa.array([*ids, *ids], pa.string())
    rows = pa.record_batch({"session_id": values.dictionary_encode() if as_dictionary else values})
    assert (problem(rows) is None) == sound


@pytest.mark.parametrize(
    ("tick", "sound"),
    [(FIRST_TICK, True), (FIRST_TICK - 1, False), (LAST_TICK, True), (LAST_TICK + 1, False), (None, True)],
)
def test_the_years_of_a_time(tick, sound):
    times = pa.array([0, tick], pa.int64()).cast(pa.timestamp("us", "UTC"))
    assert (problem(batch(seen=times)) is None) == sound


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(), st.binary(max_size=40)), min_size=1, max_size=6), st.booleans())
def test_any_bytes_are_judged_as_python_judges_them(values, as_dictionary):
    raw = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in values]

    def sound(text: bytes | None) -> bool:
        try:
            return text is None or "\0" not in text.decode()
        except UnicodeDecodeError:
            return False

    column = texts(raw)
    if as_dictionary:
        column = pa.DictionaryArray.from_arrays(pa.array(range(len(raw)), pa.int32()), column)
    assert (problem(batch(note=column)) is None) == all(sound(text) for text in raw)
