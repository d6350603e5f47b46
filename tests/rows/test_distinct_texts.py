"""Texts that repeat are dictionaries whose texts stand in the order of their first rows."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rows.distinct import encode_repeated


@given(
    st.lists(st.none() | st.text(alphabet=st.characters(codec="utf-8"), max_size=5), max_size=60), st.integers(0, 20)
)
def test_texts_that_repeat_are_encoded_as_pyarrow_encodes_them(texts, offset):
    array = pa.array(texts, pa.string()).slice(offset)
    encoded, expected = encode_repeated(array), array.dictionary_encode()
    assert encoded.equals(expected)
    assert encoded.dictionary.equals(expected.dictionary)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["", "a", "b", "ab", "é"]), min_size=1, max_size=70),
    st.integers(1, 4_000),
    st.integers(0, 20),
    st.none() | st.tuples(st.integers(0, 3_999), st.none() | st.sampled_from(["", "a", "c"])),
)
def test_texts_that_come_again_in_turn_are_encoded_so_too(turn, rows, offset, other):
    texts = (turn * (rows // len(turn) + 1))[:rows]
    if other is not None and other[0] < rows:
        texts[other[0]] = other[1]
    array = pa.array(texts, pa.string()).slice(offset)
    encoded, expected = encode_repeated(array), array.dictionary_encode()
    assert encoded.equals(expected)
    assert encoded.dictionary.equals(expected.dictionary)
