"""Texts that repeat are dictionaries whose texts stand in the order of their first rows."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
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
