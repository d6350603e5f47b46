"""Arrays that are cut out of a document: with them put back it is what Python's json reads, and else it is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.native import BadDocumentError, DocumentCut, ElementTexts, Outline, PathStep

ANY_KEY, ANY_ELEMENT = PathStep("any key"), PathStep("any element")


def key(name):
    return PathStep("key", name)


PATHS = [
    [key("a"), ANY_ELEMENT, key("b")],
    [key("é\n")],
    [key("m"), ANY_KEY, PathStep("element", number=1), ANY_ELEMENT],
    [key("m"), ANY_KEY, key("x")],
]
NAMES = st.sampled_from(["a", "b", "m", "x", "é\n", "", 'q\\"', "😀"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
NUMBERS = st.lists(st.floats() | st.integers() | st.none(), max_size=9)
DOCUMENTS = VALUES | st.fixed_dictionaries(
    {},
    optional={
        "a": st.lists(st.fixed_dictionaries({}, optional={"b": NUMBERS | VALUES, "x": VALUES}), max_size=4),
        "é\n": NUMBERS | VALUES,
        "m": st.dictionaries(NAMES, st.lists(st.lists(NUMBERS | SCALARS, max_size=3), max_size=3) | VALUES, max_size=3),
        "x": VALUES,
    },
)


def blocks(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def cut(data, size):
    """What is left of a document, and the elements of its arrays."""
    scanner = DocumentCut(PATHS)
    left = b"".join([scanner.read(block) for block in blocks(data, size)]) + scanner.read(b"", is_last=True)
    return left, [elements(data, size, *map(int, one)) for one in scanner.arrays()]


def elements(data, size, start, count, end):
    texts = ElementTexts()
    texts.start()
    parts = blocks(data[start : end + 1], size)
    found = []
    for at, part in enumerate(parts):
        array = texts.read(part, is_last=at == len(parts) - 1)
        array.validate(full=True)
        found += array.to_pylist()
    assert texts.is_finished
    assert len(found) == count
    return [None if text is None else json.loads(text) for text in found]


def expected(value, steps, arrays):
    """Cut a value as Python sees it; `steps` are those of the paths that lead to it."""
    if any(not rest for rest in steps):
        if isinstance(value, list):
            arrays.append(value)
            return len(arrays) - 1
        return None
    if isinstance(value, dict):
        return {name: expected(held, below(steps, name), arrays) for name, held in value.items()}
    if isinstance(value, list):
        return [expected(held, below(steps, at), arrays) for at, held in enumerate(value)]
    return value


def below(steps, place):
    kinds = {key(place), ANY_KEY} if isinstance(place, str) else {PathStep("element", number=place), ANY_ELEMENT}
    return [rest[1:] for rest in steps if rest and rest[0] in kinds]


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_a_document_is_cut_as_python_reads_it(document, size, is_ascii, indent):
    data = json.dumps(document, ensure_ascii=is_ascii, indent=indent).encode()
    arrays = []
    wanted = expected(document, PATHS, arrays)
    left, found = cut(data, size)
    # Written out, NaN is itself.
    assert json.dumps(json.loads(left)) == json.dumps(wanted)
    assert json.dumps(found) == json.dumps(arrays)


PIECES = [
    *(byte.to_bytes() for byte in b'"\\{}[],:0-.e+\x00\x1f\xff n'),
    b"",
    b"\\u",
    b"\\ud800",
    b"1.",
    b"null",
    b"NaN",
]


STOPS = '"{}[]'


def is_read_by_python(data):
    """Whether Python reads values one after the other, at least one."""
    try:
        text = data.decode().strip(" \t\r\n")
        while True:
            _, end = json.JSONDecoder().raw_decode(text)
            rest = text[end:].lstrip(" \t\r\n")
            if not rest:
                return True
            if len(rest) == len(text) - end and text[end - 1] not in STOPS and rest[0] not in STOPS:
                return False  # nulltrue is one word
            text = rest
    except (ValueError, RecursionError):
        return False


@settings(max_examples=600, deadline=None)
@given(DOCUMENTS, st.integers(1, 40), st.integers(0), st.integers(0, 3), st.sampled_from([*PIECES, None]))
def test_a_damaged_document_is_refused_where_python_refuses_it(document, size, place, removed, piece):
    data = json.dumps(document).encode()
    at = place % (len(data) + 1)
    data = data[:at] if piece is None else data[:at] + piece + data[at + removed :]
    try:
        left, found = cut(data, size)
    except BadDocumentError:
        assert not is_read_by_python(data), data
        return
    assert is_read_by_python(data), data
    json.dumps([left.decode(), found])


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(1, 40), st.integers(0, 3))
def test_an_outline_has_the_first_elements_and_stops_behind_the_value(document, size, most):
    def shortened(value):
        if isinstance(value, dict):
            return {name: shortened(held) for name, held in value.items()}
        return [shortened(held) for held in value[:most]] if isinstance(value, list) else value

    for checks_all in (False, True):
        outline = Outline(most, checks_all=checks_all)
        text = b""
        for block in blocks(json.dumps(document).encode() + b"\n}no JSON", size):
            text += outline.read(block)
            if outline.is_finished:
                break
        assert json.dumps(json.loads(text)) == json.dumps(shortened(document))


@pytest.mark.parametrize(
    ("left_out", "is_sound"),
    [('"]}", {"b": [2]}', True), ("[x, 1 2]", True), ('"\\x"', False), ("[" * 950 + "]" * 950, False), ("[1", False)],
)
def test_of_what_an_outline_leaves_out_brackets_and_texts_are_looked_at(left_out, is_sound):
    document = f'{{"a": [0, {left_out}, 9], "c": 1}}'.encode()
    outline = Outline(1, checks_all=False)
    if is_sound:
        text = b"".join(outline.read(block) for block in blocks(document, 3))
        assert json.loads(text) == {"a": [0], "c": 1}
    else:
        with pytest.raises(BadDocumentError):
            outline.read(document, is_last=True)


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.sampled_from('a"\\\n\u00e9\u20ac\U0001f600'), min_size=900, max_size=1300),
    st.integers(100, 3000),
    st.booleans(),
)
def test_an_outline_has_the_beginning_of_a_long_text(text, size, is_ascii):
    document = json.dumps({"a": text, "b": [text]}, ensure_ascii=is_ascii).encode()
    outline = Outline(3)
    told = b"".join(outline.read(block) for block in blocks(document, size)) + outline.read(b"", is_last=True)
    for kept in (json.loads(told)["a"], json.loads(told)["b"][0]):
        written = json.dumps(text, ensure_ascii=is_ascii).encode()
        if len(written) <= 1000:
            assert kept == text
        else:
            # Of a pair of surrogates that are escapes the first one may stand alone.
            assert text.encode("utf-16", "surrogatepass").startswith(kept.encode("utf-16", "surrogatepass"))
            assert 990 <= len(json.dumps(kept, ensure_ascii=is_ascii).encode(errors="surrogatepass")) <= 1010


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'{"a":\n[1,\n2', 2, "is no JSON"),
        (b'{"a": [\n01]}', 1, "is no JSON"),
        (b'{"a": "\xff"}', 0, "is not valid UTF-8"),
        (b"[" * 1000 + b"]" * 1000, 0, "is nested too deeply"),
        (b'{"a": [{"b": [1, [' + b"[" * 1000, 0, "is nested too deeply"),
        (b'{"a": [{"b": ["\xed\xa0\x80"]}]}', 0, "is not valid UTF-8"),
        (b"", 0, "is no JSON"),
        (b" \n\n", 2, "is no JSON"),
        (b"1" * 200_000, 0, "is no JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data, line, reason):
    with pytest.raises(BadDocumentError) as caught:
        cut(data, 50_000)
    assert (caught.value.line, str(caught.value)) == (line, reason)


def test_a_key_that_stands_twice_gives_both_arrays():
    left, found = cut(b'{"a": [{"b": [1], "b": [2], "\\u0062": [3]}]}', 7)
    assert left == b'{"a":[{"b":0,"b":1,"\\u0062":2}]}\n'
    assert found == [[1], [2], [3]]


def test_numbers_keep_all_their_digits():
    texts = ElementTexts()
    texts.start()
    written = [
        "1e-05",
        "-0.0",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "1E400",
        "NaN",
    ]
    assert texts.read(f"{', '.join(written)}]".encode(), is_last=True).to_pylist() == written


def test_more_steps_than_can_be_followed_are_refused():
    with pytest.raises(ValueError, match="more steps"):
        DocumentCut([[key("a")] * 64])
