"""Texts that are numbers are read as Python reads them, or not at all."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.importers.values import exact_floats
from pipeline.native import float_texts, integer_texts

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-(2.0**53) + 1, max_value=2.0**53 - 1)
WRITTEN = st.one_of(FLOATS.map(repr), st.decimals(-(10**9), 10**9, allow_nan=False).map(str), st.just(None))


@settings(max_examples=300, deadline=None)
@given(st.lists(WRITTEN))
def test_floats_are_the_nearest(texts):
    found = float_texts(pa.array(texts, pa.string()))
    if found is not None:
        expected = [0.0 if text is None else float(text) for text in texts]
        assert [(one, math.copysign(1, one)) for one in found] == [(one, math.copysign(1, one)) for one in expected]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.none())), st.integers(0, 3))
def test_integers_are_exact_in_slices_too(numbers, start):
    texts = pa.array([None if one is None else json.dumps(one) for one in numbers], pa.string())[start:]
    assert integer_texts(texts).tolist() == [one or 0 for one in numbers[start:]]


@pytest.mark.parametrize("text", ["", " 1", "1 ", "+1", "01", "1.", ".5", "nan", "1e999", "0x1", "1_0", "true", '"1"'])
def test_what_json_does_not_write_as_a_number_is_left_to_others(text):
    assert float_texts(pa.array(["1", text])) is None
    assert integer_texts(pa.array(["1", text])) is None


def test_integers_that_float64_may_not_hold_are_left_to_others():
    assert float_texts(pa.array(["9007199254740992"])) is None
    assert exact_floats(pa.array(["9007199254740992", " 5", "inf"])).to_pylist() == [2.0**53, 5.0, math.inf]
    assert integer_texts(pa.array(["9223372036854775808"])) is None
