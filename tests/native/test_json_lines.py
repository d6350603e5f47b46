"""Fields of JSON lines: what Python's json reads there, and a refusal of what it refuses."""

from __future__ import annotations

import json
import random

import pytest

from pipeline.native import BadLineError, JsonLines, find_text

FIELDS = [(("a",), False), (("b", "c"), False), (("b", "d"), True), (("b",), True), (("é",), False)]
TEXTS = ["", "x", 'q"\\/\b\f\n\r\t', "é漢😀", "\x7f", "a" * 70, "{", "\0"]
# What is asked beyond JSON: a key that is looked for stands once, text is Unicode.
BEYOND_JSON = {"a key occurs twice", "holds half of a surrogate pair"}
MUTATIONS = (
    [byte.to_bytes() for byte in b'"\\{}[],:0-e\x00\x1f\xff ']
    + [b"", b"\xed\xa0\x80", b"\\u", b"\\ud800", b"1.", b"null", b"NaN"]
)  # fmt: skip


def read(data):
    """Read lines; give the fields of each."""
    block = bytearray(data)
    columns = JsonLines(FIELDS).read(block, len(block))
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def expected(line):
    """What Python reads in a line."""
    row = json.loads(line)
    inner = row.get("b")
    inner = inner if isinstance(inner, dict) else {}
    return row.get("a"), inner.get("c"), inner.get("d"), row.get("b"), row.get("é")


def same(found, wanted, *, is_json):
    if found is None or wanted is None:
        return found is None and wanted is None
    if isinstance(wanted, str) and not is_json:
        return found == wanted
    return json.dumps(json.loads(found)) == json.dumps(wanted)


def value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {rng.choice(["a", "b", "c", "d", "é", *TEXTS]): value(rng, depth + 1) for _ in range(rng.randrange(5))}
    return [
        None,
        True,
        False,
        rng.choice(TEXTS),
        rng.uniform(-1, 1) * 10 ** rng.randrange(-9, 9),
        rng.randrange(-9, 99),
    ][kind]


def written(rng):
    row = {name: value(rng) for name in rng.sample(["a", "b", "x", "é"], rng.randrange(5))}
    if rng.random() < 0.6:
        row["b"] = {name: value(rng) for name in rng.sample(["c", "d", "e"], rng.randrange(4))}
    separators = rng.choice([(",", ":"), (", ", ": "), (" ,\t", " :\r")])
    return json.dumps(row, ensure_ascii=rng.random() < 0.5, separators=separators).encode()


@pytest.mark.parametrize("seed", range(4))
def test_fields_are_those_that_python_reads(seed):
    rng = random.Random(seed)  # noqa: S311 - no secret
    lines = [written(rng) for _ in range(400)]
    found = read(b"".join(line + rng.choice([b"\n", b"\r\n", b"\n \n"]) for line in lines))
    assert len(found) == len(lines)
    for line, row in zip(lines, found, strict=True):
        for got, wanted, (_, is_json) in zip(row, expected(line), FIELDS, strict=True):
            assert same(got, wanted, is_json=is_json), (line, got, wanted)


def is_read_by_python(line):
    try:
        return isinstance(json.loads(line.decode()), dict)
    except (ValueError, RecursionError):
        return False


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_line_is_refused_where_python_refuses_it(seed):
    rng = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(3000):
        line = bytearray(written(rng))
        at = rng.randrange(len(line))
        line[at : at + rng.randrange(3)] = rng.choice(MUTATIONS)
        try:
            read(line)
            reason = None
        except BadLineError as error:
            reason = str(error)
        if not line.strip():
            continue
        if reason not in BEYOND_JSON:
            assert is_read_by_python(line) == (reason is None), (bytes(line), reason)


REPEATED = [
    b'{"type":"Point","data":{"time":"t0","tags":{"url":"http://x/1","k":"\\u00e9"}},"x":1}',
    b'{"type":"Point","data":{"time":"t1","tags":{"url":"http://x/2","k":{}}},"x":2}',
    b'{"type" : "Point", "data":{"time":null,"tags":{}},"x":[]}',
    b'{"x":"","data":{"tags":{"url":"http://x/1","k":"\\u00e9"},"time":3},"type":"Metric"}',
]


@pytest.mark.parametrize("seed", range(4))
def test_what_lines_before_held_changes_nothing(seed):
    rng = random.Random(seed)  # noqa: S311 - no secret
    fields = [(("type",), False), (("data", "time"), False), (("data", "tags"), True)]
    lines = JsonLines(fields)
    for _ in range(1500):
        chosen = rng.choices(REPEATED, k=rng.randrange(1, 9))
        if rng.random() < 0.7:
            line = bytearray(chosen[-1])
            at = rng.randrange(len(line))
            line[at : at + rng.randrange(3)] = rng.choice([*MUTATIONS, line[at : at + 9], rng.choice(REPEATED)[at:]])
            chosen[-1] = bytes(line)
        if b"\n" in chosen[-1] or not chosen[-1].strip():
            continue
        block = bytearray(b"\n".join(chosen))
        problem = None
        try:
            found = list(zip(*(column.to_pylist() for column in lines.read(block, len(block))), strict=True))
        except BadLineError as error:
            problem = error
        if problem is not None:
            assert problem.line == len(chosen) - 1
            assert str(problem) in BEYOND_JSON or not is_read_by_python(chosen[-1]), chosen[-1]
            continue
        for line, (kind, time, tags) in zip(chosen, found, strict=True):
            row = json.loads(line)
            data = row.get("data") if isinstance(row.get("data"), dict) else {}
            assert same(kind, row.get("type"), is_json=False)
            assert same(time, data.get("time"), is_json=False)
            assert same(tags, data.get("tags"), is_json=True)


def test_a_key_that_occurs_twice_is_refused_again():
    lines = JsonLines(FIELDS)
    for _ in range(3):
        with pytest.raises(BadLineError, match="a key occurs twice"):
            lines.read(bytearray(b'{"a":1,"a":1}'), 13)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a":1', "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b'{"a":"\xff"}', "is not valid UTF-8"),
        (b'{"a":' + b"[" * 600 + b"]" * 600 + b"}", "is nested too deeply"),
        (b'{"b":{"c":1,"\\u0063":2}}', "a key occurs twice"),
        (b'{"a":"\\ud800x"}', "holds half of a surrogate pair"),
        (b'{"x":"\\ud800\\u0041"}', "holds half of a surrogate pair"),
        (b'{"b":{"\\udc00":1}}', "holds half of a surrogate pair"),
    ],
)
def test_the_reason_is_told_with_the_line(line, reason):
    with pytest.raises(BadLineError, match=f"^{reason}$") as caught:
        read(b'{"a":1}\n\n' + line + b"\n{}\n")
    assert caught.value.line == 2


def test_lines_that_hold_white_space_are_passed_over():
    assert read(b'\n \t\r\n{"a":"x"}\r\n\n {"a":2} \n   ') == [
        ("x", None, None, None, None),
        ("2", None, None, None, None),
    ]


def test_very_many_fields_are_refused():
    with pytest.raises(ValueError, match="more fields"):
        JsonLines([((f"f{n}",), False) for n in range(65)])


@pytest.mark.parametrize("text", [b"x", b'"M"', b"\n\n"])
def test_a_text_is_found_where_it_is(text):
    rng = random.Random(len(text))  # noqa: S311 - no secret
    for _ in range(500):
        block = bytearray(rng.choices(b'x"M\n', k=rng.randrange(12)))
        start = rng.randrange(len(block) + 1)
        stop = rng.randrange(start, len(block) + 1)
        assert find_text(block, start, stop, text) == block.find(text, start, stop)
