"""Values are counted by name as plain Python counts them in what json reads; so are keys that stand twice."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.native import BadDocumentError, DocumentNames, JsonLines, PathStep

ANY_KEY, ANY_ELEMENT, BELOW = PathStep("any key"), PathStep("any element"), PathStep("below")
NAMES = st.sampled_from(["a", "b", "m", "n", "x", "é\n", "", 'q\\"', "😀", "\0"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)


class Pairs(list):
    """An object as a list of keys and values, in which a key may stand twice."""


def objects(inner):
    return st.lists(st.tuples(NAMES, inner), max_size=5).map(Pairs)


VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | objects(inner), max_leaves=25)
PATHS = [
    ((PathStep("key", "a"), ANY_KEY), "read"),
    ((PathStep("key", "a"), PathStep("key", "b")), "left"),
    ((PathStep("key", "m"), BELOW), "left"),
    ((PathStep("key", "m"), PathStep("key", "x"), ANY_ELEMENT), "read"),
    ((PathStep("key", "n"), PathStep("element", number=1)), "read"),
    ((ANY_ELEMENT, ANY_KEY), "numbers"),
]


def written(value):
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(held)}" for key, held in value) + "}"
    if isinstance(value, list):
        return "[" + ",\n".join(map(written, value)) + "]"
    return json.dumps(value)


def walked(value, path=()):
    """Give path and value of everything that is no container, and the path of each key that its object had already."""
    if isinstance(value, Pairs):
        keys = [key for key, _ in value]
        for at, (key, held) in enumerate(value):
            if key in keys[:at]:
                yield (*path, key), "again"
            yield from walked(held, (*path, key))
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield from walked(held, (*path, at))
    elif value is not None:
        yield path, "text" if isinstance(value, str) else "boolean" if isinstance(value, bool) else "number"


def use_of(path, kind):
    """What `PATHS` say, in other words, and the name that ignored values get."""
    first, rest = (path[0], path[1:]) if path else (None, ())
    if first == "a" and len(rest) == 1 and isinstance(rest[0], str):
        return "left" if rest[0] == "b" else "read"
    if first == "m" and rest:
        return "read" if len(rest) == 2 and rest[0] == "x" and isinstance(rest[1], int) else "left"
    if first == "n" and rest == (1,):
        return "read"
    if isinstance(first, int) and len(rest) == 1 and isinstance(rest[0], str) and kind == "number":
        return "read"
    return "ignored"


def told(names, found):
    """Give the keys that lead to a name; elements of arrays have one, but for the one that `PATHS` tell."""
    keys = []
    while found.parent >= 0:
        keys.append({"key": found.key, "again": found.key, "element": found.number}.get(found.kind, found.kind))
        found = names[found.parent]
    return tuple(reversed(keys))


def read(names, data, size):
    for at in range(0, len(data), size):
        names.read(data[at : at + size])
    names.read(b"", is_last=True)
    return names.found()


@settings(max_examples=300, deadline=None)
@given(value=VALUES, size=st.integers(1, 40))
def test_every_value_is_counted_by_its_path(value, size):
    expected = Counter()
    for path, kind in walked(value):
        expected[tuple("any element" if isinstance(step, int) else step for step in path), kind] += 1
    found = read(DocumentNames([]), written(value).encode(), size)
    counted = Counter()
    for one in found:
        kinds = {"again": one.texts} if one.kind == "again" else vars_of(one)
        counted.update({(told(found, one), kind): count for kind, count in kinds.items()})
        assert one.use == "ignored"
    assert +counted == expected


def vars_of(one):
    return {"number": one.numbers, "boolean": one.booleans, "text": one.texts}


@settings(max_examples=300, deadline=None)
@given(value=VALUES | st.lists(objects(VALUES), max_size=3) | objects(VALUES), size=st.integers(1, 40))
def test_what_is_read_is_told_from_what_is_not(value, size):
    expected = Counter()
    for path, kind in walked(value):
        if kind != "again":
            expected[use_of(path, kind)] += 1
    counted = Counter()
    for one in read(DocumentNames(PATHS), written(value).encode(), size):
        if one.kind != "again":
            for kind, count in vars_of(one).items():
                counted["ignored" if one.use == "numbers" and kind != "number" else one.use] += count
    counted["read"] += counted.pop("numbers", 0)
    assert +counted == expected


def test_keys_that_a_path_does_not_name_are_one():
    names = DocumentNames([((PathStep("key", "p"), ANY_KEY, PathStep("key", "v")), "read")], limit=50)
    document = {"p": {f"id{n}": {"v": 1, "foo": n} for n in range(1000)}}
    found = read(names, json.dumps(document).encode(), 100)
    held = {told(found, one): (one.use, one.numbers) for one in found if one.numbers}
    assert held == {("p", "any key", "v"): ("read", 1000), ("p", "any key", "foo"): ("ignored", 1000)}


def test_of_many_names_the_last_ones_are_one():
    found = read(DocumentNames([], limit=10), json.dumps({f"k{n}": n for n in range(100)}).encode(), 1000)
    assert sum(one.numbers for one in found) == 100
    assert len(found) == 11
    assert [one.kind for one in found].count("more") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 01}', "is no JSON"),
        (b'{"a" 1}', "is no JSON"),
        (b'{"a": 1,}', "is no JSON"),
        (b"[1 2]", "is no JSON"),
        (b'{"a": "b', "is no JSON"),
        (b'{"a": [', "is no JSON"),
        (b'{"\xff": 1}', "is not valid UTF-8"),
        (b"[" * 1000, "is nested too deeply"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_what_is_no_json_is_refused(text, reason, size):
    with pytest.raises(BadDocumentError, match=reason):
        read(DocumentNames([]), text, size)


LINE = st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=3))


def numbers_in(value):
    if isinstance(value, dict | list):
        return sum(map(numbers_in, value.values() if isinstance(value, dict) else value))
    return int(isinstance(value, int | float) and not isinstance(value, bool))


@settings(max_examples=200, deadline=None)
@given(records=st.lists(LINE, max_size=6))
def test_keys_of_lines_that_are_no_field_are_counted(records):
    expected = Counter()
    for record in records:
        for key, value in record.items():
            held = value.items() if key == "m" and isinstance(value, dict) else ()
            for name, inner in held:
                if name != "x" and inner is not None:
                    expected.update({(key, name): 1, (key, name, "numbers"): numbers_in(inner)})
            if key not in {"a", "b", "m"} or (key == "m" and not isinstance(value, dict)):
                expected.update({(key,): value is not None, (key, "numbers"): numbers_in(value)})
    fields = JsonLines([(["a"], False), (["b"], True), (["m", "x"], False)])
    block = bytearray("".join(json.dumps(record) + "\n" for record in records).encode())
    fields.read(block, len(block))
    counted = Counter()
    for keys, values, numbers in fields.unread():
        counted.update({keys: values, (*keys, "numbers"): numbers})
    assert +counted == +expected
