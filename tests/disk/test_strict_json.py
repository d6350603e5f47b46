"""JSON read strictly, also where objects that are the same are given as one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.disk.strict_json import parse_json

SCALARS = st.none() | st.booleans() | st.sampled_from([0, 1, 0.0, -0.0, 1.0, "1", "", "a"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=30
)


@given(st.lists(VALUES, max_size=5))
def test_shared_objects_are_those_that_json_has(values):
    text = json.dumps([*values, *values])
    # Its text tells 1 from 1.0 and true, and the order of the keys.
    assert repr(parse_json(text.encode(), shared=True)) == repr(json.loads(text)) == repr(parse_json(text.encode()))


def test_the_same_object_is_one_and_one_with_a_number_is_not():
    text = json.dumps([{"fields": [{"name": "a", "is": True}]}, {"fields": [{"name": "a", "is": True}]}] * 2)
    first, *others = parse_json(text.encode(), shared=True)
    assert all(one is first for one in others)
    first, second = parse_json(b'[{"rows": 1}, {"rows": 1}]', shared=True)
    assert first is not second


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        rb'{"a": "\ud800"}',
        rb'["\uDfff"]',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": "", "b": ""}}',
        b"[NaN]",
        b"[1e999]",
        b"{",
    ],
)
def test_what_is_no_json_is_refused(text, shared):
    with pytest.raises(ValueError, match="is no valid JSON"):
        parse_json(text, shared=shared)


def test_a_pair_of_surrogates_is_a_character():
    assert parse_json(rb'["\ud83d\ude00"]') == ["\N{GRINNING FACE}"]
