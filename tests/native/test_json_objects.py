"""Objects that JSON texts hold, taken apart by the compiled part, as Python's json reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.native import BadLineError, JsonObjects, PathStep


class Pairs(list):
    """An object, in which a key may stand twice."""

    def first(self, key):
        return next((value for name, value in self if name == key), None)


FIELDS = ["type", "time", "id"]
NAMES = st.sampled_from(["type", "time", "id", "n", "m", 'a"b', "a\\b", "a\b", "\u00e9", "", "\U0001f600"])
SCALARS = st.sampled_from([None, True, False, 0, -1.5, 1e300, 2**70, "text", 'x"\\\n\u00e9', ""])
VALUES = st.recursive(
    SCALARS, lambda held: st.lists(held, max_size=3) | st.lists(st.tuples(NAMES, held), max_size=5).map(Pairs)
)


def written(value, *, is_ascii=True, blank=""):
    if isinstance(value, Pairs):
        members = [
            f"{json.dumps(name, ensure_ascii=is_ascii)}{blank}:{blank}{written(held, is_ascii=is_ascii, blank=blank)}"
            for name, held in value
        ]
        return "{" + blank + f"{blank},{blank}".join(members) + blank + "}"
    if isinstance(value, list):
        return "[" + f"{blank},".join(written(held, is_ascii=is_ascii, blank=blank) for held in value) + "]"
    return json.dumps(value, ensure_ascii=is_ascii)


def rows_of(value, levels):
    """List the objects in a value: fields, and the keys and figures of their members."""
    if isinstance(value, Pairs) and (levels == 0 or isinstance(value.first("type"), str)):
        fields = [value.first(name) for name in FIELDS]
        fields[0] = fields[0] if isinstance(fields[0], str) else None
        members = [(name, value.first(name)) for name, _ in value]
        figures = [(name, float(held)) for name, held in members if isinstance(held, bool | int | float)]
        return [(fields, figures)]
    if isinstance(value, list) and levels > 0:
        held = [one for _, one in value] if isinstance(value, Pairs) else value
        return [row for one in held for row in rows_of(one, levels - 1)]
    return [([None] * len(FIELDS), [] if isinstance(value, list) else None)]


def is_like(found, value):
    if isinstance(value, list) and not isinstance(value, Pairs):
        return json.loads(found) == json.loads(written(value))
    if isinstance(value, Pairs):
        return json.loads(found, object_pairs_hook=list) == json.loads(written(value), object_pairs_hook=list)
    return found == value if isinstance(value, str) or value is None else json.loads(found) == value


def check(arrays, values, levels):
    expected = [row for value in values for row in rows_of(value, levels)]
    *fields, keys, figures = [array.to_pylist() for array in arrays]
    for array in arrays:
        array.validate(full=True)
    assert len(keys) == len(expected)
    for row, (wanted, members) in enumerate(expected):
        assert all(is_like(field[row], value) for field, value in zip(fields, wanted, strict=True))
        if members is None:
            assert (keys[row], figures[row]) == (None, None)
        else:
            assert list(zip(keys[row], map(float, figures[row]), strict=True)) == members


@settings(max_examples=300, deadline=None)
@given(st.lists(VALUES, max_size=6), st.integers(0, 2), st.booleans(), st.sampled_from(["", " ", "\t"]))
@example([Pairs([("type", "x"), ("a\\b", 1)]), Pairs([("type", "x"), ("a\b", 2)])], 0, True, "")
@example([Pairs([("type", "x"), ("n", 1), ("n", None), ("n", 2)])], 1, True, "")
def test_objects_are_found_as_python_finds_them(values, levels, is_ascii, blank):
    texts = [written(value, is_ascii=is_ascii, blank=blank) for value in values]
    block = bytearray("\n \n".join(texts).encode())
    check(JsonObjects(FIELDS, levels).read_lines(block, len(block)), values, levels)
    objects = JsonObjects(FIELDS, levels)
    for _ in range(2):  # keys are known again
        check(objects.read_lines(block, len(block)), values, levels)


def in_blocks(objects, text, size):
    """Read the elements of an array, of which so many bytes come at a time."""
    rest, rows = b"", []
    for at in range(0, len(text), size):
        rest += text[at : at + size]
        done, arrays = objects.read_elements(bytearray(rest), len(rest))
        rest = rest[done:]
        for array in arrays:
            array.validate(full=True)
        rows += zip(*(array.to_pylist() for array in arrays), strict=True)
    assert rest == b"]"
    return rows


@settings(max_examples=300, deadline=None)
@given(
    st.lists(VALUES, min_size=1, max_size=6),
    st.integers(0, 2),
    st.integers(1, 90),
    st.booleans(),
    st.sampled_from(["", " "]),
)
@example([[Pairs([("type", "x"), ("n", 1)]), Pairs([("type", "x"), ("n", -1.5)])]], 1, 30, True, "")
def test_elements_that_go_on_in_the_next_block_are_whole(values, levels, size, is_ascii, blank):
    texts = [written(value, is_ascii=is_ascii, blank=blank) for value in values]
    whole = bytearray("\n".join(texts).encode())
    arrays = JsonObjects(FIELDS, levels).read_lines(whole, len(whole))
    expected = list(zip(*(array.to_pylist() for array in arrays), strict=True))
    array = f"{blank}{f'{blank},'.join(texts)}{blank}]".encode()
    assert in_blocks(JsonObjects(FIELDS, levels), array, size) == expected


@pytest.mark.parametrize(
    "bad", ['{"type": "\\ud800", "m": "                 "}', '{"a" 1, "m": "                 "}', "[" * 2000]
)
def test_what_is_wrong_with_an_element_is_told_without_its_end(bad):
    with pytest.raises(BadLineError):
        in_blocks(JsonObjects(FIELDS, 0), f"1, {bad}".encode(), 4000)


PATH = [PathStep("key", "m"), PathStep("any element")]
FIGURES = ["id", "n", "absent", 'a"b']


def at_path(value, path):
    if not path:
        return [value] if isinstance(value, Pairs) else []
    if path[0].kind == "key":
        return at_path(value.first(path[0].key), path[1:]) if isinstance(value, Pairs) else []
    is_array = isinstance(value, list) and not isinstance(value, Pairs)
    return [row for one in value for row in at_path(one, path[1:])] if is_array else []


OBJECTS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(Pairs)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(NAMES, st.lists(OBJECTS | VALUES, max_size=3) | VALUES), max_size=4).map(Pairs) | VALUES,
        max_size=4,
    ),
    st.sampled_from([PATH, PATH[:1], PATH[1:]]),
)
@example([Pairs([("m", [Pairs([("n", None), ("n", 2), ("id", "x")])]), ("m", [Pairs([("n", 3)])])])], PATH)
def test_objects_at_the_end_of_a_path_have_the_figures_that_are_asked_for(values, path):
    block = bytearray("\n".join(map(written, values)).encode())
    arrays = JsonObjects(FIELDS, 0, figures=FIGURES, path=path).read_lines(block, len(block))
    *fields, keys, figures = [array.to_pylist() for array in arrays]
    found = [one for value in values for one in at_path(value, path)]
    assert len(keys) == len(found)
    for row, one in enumerate(found):
        assert all(is_like(field[row], one.first(name)) for field, name in zip(fields, FIELDS, strict=True))
        assert keys[row] == [name for name in FIGURES if any(name == key for key, _ in one)]
        assert all(is_like(figure, one.first(key)) for key, figure in zip(keys[row], figures[row], strict=True))


@given(
    st.lists(VALUES, min_size=1, max_size=3),
    st.integers(0),
    st.sampled_from(["", "}", "]", ",", '"', "\\", "x", "\x01"]),
)
def test_a_damaged_line_is_refused_where_python_refuses_it(values, place, piece):
    text = written(values[0])
    at = place % (len(text) + 1)
    damaged = text[:at] + piece + text[at + 1 :]
    block = bytearray(f"1\n{damaged}\n".encode())
    try:
        whole = json.loads(damaged, object_pairs_hook=list)  # a key that comes again hides nothing
        json.dumps(whole, ensure_ascii=False).encode()  # no half of a surrogate pair
        is_json = True
    except ValueError:
        is_json = not damaged.strip()
    if is_json:
        JsonObjects(FIELDS, 2).read_lines(block, len(block))
    else:
        with pytest.raises(BadLineError) as caught:
            JsonObjects(FIELDS, 2).read_lines(block, len(block))
        assert caught.value.line == 1


def test_many_keys_are_forgotten():
    objects = JsonObjects(FIELDS, 0)
    for block in range(4):
        values = [Pairs([("type", "x"), *((f"{block} {row} {key}", key) for key in range(9))]) for row in range(600)]
        lines = bytearray("\n".join(map(written, values)).encode())
        check(objects.read_lines(lines, len(lines)), values, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"type": "\xff"}', "is not valid UTF-8"),
        (b'{"type": "\\ud800"}', "holds half of a surrogate pair"),
        (b"[" * 2000, "is nested too deeply"),
        (b'{"type": "x"} 1', "is no JSON"),
    ],
)
def test_what_is_wrong_is_told(line, reason):
    block = bytearray(b"\n" + line)
    with pytest.raises(BadLineError, match=reason) as caught:
        JsonObjects(FIELDS, 2).read_lines(block, len(block))
    assert caught.value.line == 1
