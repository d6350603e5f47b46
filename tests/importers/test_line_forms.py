"""Lines of a known form are taken apart by the compiled part; all others reach the SQL as they stand."""

from __future__ import annotations

import json
import random
import re

import pytest
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions
from pipeline.importers.definition import parse_definition

SQL = """\
-- format: lines
-- form: stamped = [{time SECONDS}] {host NAME}: {value DECIMAL} ms{ }({ttl INTEGER})
-- form: plain = {host NAME}: {value DECIMAL} ms{ }({ttl INTEGER})
-- form: list = L{_ INTEGER} {first L*}; {texts WORDS}

-- name: prepare
SET VARIABLE lines = (SELECT string_agg(form || '=' || lines, ' ' ORDER BY form) FROM forms);
SET VARIABLE others = (
    SELECT coalesce(string_agg(line_number || ':' || line, '|' ORDER BY line_number), '') FROM other_lines)

-- name: session
SELECT {lines: getvariable('lines'), others: getvariable('others')}::JSON AS configuration

-- name: measurements
SELECT 'm' AS metric, value, time AS epoch_ns, line_number, line, form, host, ttl, first,
       array_to_string(texts, ',') AS texts
FROM records
"""
# The same forms, as patterns.
PLAIN = r"(?P<host>[A-Za-z0-9][!-~ \t]*?): (?P<value>\d+(\.\d+)?) ms[ \t]+\((?P<ttl>\d{1,18})\)"
PATTERNS = {
    "stamped": r"\[(?P<time>\d+\.\d+)\] " + PLAIN,
    "plain": PLAIN,
    "list": r"L\d{1,18} (?P<first>L[!-~]*?); (?P<texts>[!-~][!-~ \t]*)",
}


def expected_of(text):
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip("\r")
        if not line.strip(" \t\r\v\f"):
            continue
        found = next(
            ((form, one) for form, one in ((f, re.fullmatch(p, line)) for f, p in PATTERNS.items()) if one), None
        )
        held = {} if found is None else found[1].groupdict()
        texts = ",".join(held["texts"].split()) if "texts" in held else None
        us = round(float(held["time"]) * 1e6) if held.get("time") else None
        value = float(held["value"]) if held.get("value") else None
        ttl = int(held["ttl"]) if held.get("ttl") else None
        is_other = found is None
        yield (
            value,
            us,
            number,
            line if is_other else None,
            None if is_other else found[0],
            held.get("host"),
            ttl,
            held.get("first"),
            texts,
        )


COLUMNS = (
    "value, CASE WHEN form = 'stamped' THEN epoch_us(timestamp) END, line_number, line, form, host, ttl, first, texts"
)
PIECES = (
    *("[1795883512.323695] ", "[17.5] ", "[x] ", "h", "a b", ": ", "1.5", "7", " ms", " ", "\t", "(64)"),
    *("(123456789012345678)", "(1234567890123456789)", "L1 ", "Lx", "; ", "one two", "\r", "ü", "\v", "\x7f"),
)


def imported(tmp_path, text):
    (tmp_path / "own.sql").write_text(SQL)
    (tmp_path / "x.txt").write_text(text, newline="")
    import_sessions(
        tmp_path / "x.txt", tmp_path / "store", importer=str(tmp_path / "own.sql"), started_at="2026-01-01T00:00:00Z"
    )
    return rows_of(tmp_path / "store", f"SELECT {COLUMNS} FROM measurements ORDER BY sequence")


def test_forms_are_what_their_patterns_say(tmp_path):
    rng = random.Random(7)  # noqa: S311 - the same lines each time
    whole = ["[1795883512.323695] h x: 1.5 ms (64)", "h: 7 ms \t(1)", "L1 Lx; one  two ", "", "  "]
    lines = [
        rng.choice(whole) if rng.random() < 0.3 else "".join(rng.choices(PIECES, k=rng.randrange(9)))
        for _ in range(8000)
    ]
    text = "\n".join(lines)
    rows = imported(tmp_path, text)
    assert rows == list(expected_of(text))
    assert {row[4] for row in rows} == {None, *PATTERNS}


FIELDS = """\
-- format: lines
-- form: tabs = T	{first FIELD}	{second FIELD}
-- form: exact = {ns NANOSECONDS} s
-- form: event = {{"a":"{text JSON}"}}{rest FIELD}

-- name: measurements
SELECT 'm' AS metric, 1 AS value, ns, line_number, line, form, first, second, text, rest FROM records
"""
PARTS = (
    *("T\t", "\t", " ", "one two", "", "1.5", "7", "999999999.999999999", "0000000007", "1.0000000001", " s", "s"),
    *('{"a":"', '"}', "\\t", "\\n", '\\"', "\\\\", "\\u0041", "\\u00e9", "\\u00", "\\x", "\\", "ü", "\x01"),
)


def fields_of(line):
    """Give the form of a line, and its fields: number, first, second, text, rest."""
    if found := re.fullmatch(r"T\t([ -~]*?)\t([ -~]*)", line):
        return "tabs", None, found[1], found[2], None, None
    if found := re.fullmatch(r"(\d{1,9})(?:\.(\d{1,9}))? s", line):
        return "exact", int(found[1] + (found[2] or "").ljust(9, "0")), None, None, None, None
    escape = r'\\(?:["\\/bfnrt]|u00[0-7][0-9a-fA-F])'
    if found := re.fullmatch(rf'\{{"a":"((?:[ !#-\[\]-~]|{escape})*)"\}}([ -~]*)', line):
        return "event", None, None, None, json.loads(f'"{found[1]}"'), found[2]
    return (None,) * 6


def test_fields_of_forms_are_what_their_patterns_say(tmp_path):
    rng = random.Random(11)  # noqa: S311 - the same lines each time
    whole = ["T\ta b\t", "T\t\t", "12.000000001 s", "3 s", '{"a":"x\\tB\\n"}', '{"a":""} more', '{"a":"\\u007f"}']
    lines = [
        rng.choice(whole) if rng.random() < 0.3 else "".join(rng.choices(PARTS, k=rng.randrange(7)))
        for _ in range(8000)
    ]
    (tmp_path / "own.sql").write_text(FIELDS)
    (tmp_path / "x.txt").write_text("\n".join(lines), newline="")
    import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=str(tmp_path / "own.sql"))
    columns = "form, ns, first, second, text, rest, line"
    rows = rows_of(tmp_path / "store", f"SELECT {columns} FROM measurements ORDER BY sequence")
    held = [(*found, None if found[0] else one) for one in lines if one.strip(" \t") for found in [fields_of(one)]]
    assert rows == held
    assert {row[0] for row in rows} == {None, "tabs", "exact", "event"}


def test_other_lines_are_given_again_be_they_few_or_many(tmp_path):
    sql = SQL.replace("SELECT 'm' AS metric", "SELECT (SELECT count(*) FROM other_lines) AS others, 'm' AS metric")
    (tmp_path / "own.sql").write_text(sql)
    for count in (0, 999, 1000, 1001, 40_000):
        text = "h: 1 ms (1)\n" + "odd ü\n" * count
        (tmp_path / "x.txt").write_text(text)
        import_sessions(
            tmp_path / "x.txt", tmp_path / "store", importer=str(tmp_path / "own.sql"), session_id=f"{count}"
        )
        query = f"SELECT DISTINCT others FROM measurements WHERE session_id = '{count}'"
        assert rows_of(tmp_path / "store", query) == [(count,)]
        query = f"SELECT length(configuration->>'others') FROM sessions WHERE session_id = '{count}'"
        expected = "|".join(f"{number}:odd ü" for number in range(2, count + 2))
        assert rows_of(tmp_path / "store", query) == [(len(expected),)]


def test_lines_of_forms_are_counted_and_the_others_given(tmp_path):
    imported(tmp_path, "h: 1 ms (1)\n\nodd\nh: 2 ms (2)\n[1.5] h: 2 ms (2)\n")
    (row,) = rows_of(tmp_path / "store", "SELECT configuration->>'lines', configuration->>'others' FROM sessions")
    assert row == ("list=0 plain=2 stamped=1", "3:odd")


def test_a_line_that_is_no_text_is_named(tmp_path):
    (tmp_path / "own.sql").write_text(SQL)
    (tmp_path / "x.txt").write_bytes(b"h: 1 ms (1)\n" * 3000 + b"h\xff: 1 ms (1)\nh: 1 ms (1)\n")
    with pytest.raises(SourceError, match=r"line 3001: is not valid UTF-8; --skip-bad"):
        import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=str(tmp_path / "own.sql"))


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("no form", "cannot be read"),
        ("f = {a", "cannot be read"),
        ("f = {a FLOAT}", "cannot be read"),
        ("f = {a WORDS} b", "cannot be read"),
        ("f =", "cannot be read"),
        ("f = {a} {a}", "'a' again"),
        ("f = {line}", "one that all lines have"),
        ("f = {a}\n-- form: g = {a INTEGER}", "of another type in another form"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(line, phrase):
    with pytest.raises(UsageError, match=phrase):
        parse_definition(f"-- format: lines\n-- form: {line}\n-- name: measurements\nSELECT 1", name="x")


def test_forms_are_of_lines_alone():
    with pytest.raises(UsageError, match="is for lines of text"):
        parse_definition("-- format: csv\n-- form: f = {a}\n-- name: measurements\nSELECT 1", name="x")
