"""Lines of a known form are taken apart by the compiled part; all others reach the SQL as they stand."""

from __future__ import annotations

import json
import random
import re

import pytest
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions, list_sessions
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


NUMBERS = """\
-- format: lines
-- form: both = {number NUMBER} {whole WHOLE}
-- form: one = {_ NUMBER};

-- name: measurements
SELECT 'm' AS metric, number AS value, CASE WHEN form IS NULL THEN '1' END AS value_text, form, whole, line FROM records
"""
JSON_NUMBERS = (
    *("0", "-0", "7", "-12", "1.5", "-0.25", "1e3", "1E-7", "5e-324", "1e400", "01", "1.", ".5", "+1", "1e", "0x1"),
    *("9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808", "0.1", "123456.789", "-"),
)
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def test_numbers_of_forms_are_those_of_json(tmp_path):
    def expected(line):
        parts = line.split(" ")
        if line[-1] == ";" and JSON_NUMBER.fullmatch(line[:-1]):
            return None, "one", None, None
        if len(parts) == 2 and all(map(JSON_NUMBER.fullmatch, parts)):
            number, whole = float(parts[0]), json.loads(parts[1])
            if abs(number) < 2**53 and isinstance(whole, int) and -(2**63) <= whole < 2**63:
                return number, "both", whole, None
        return 1.0, None, None, line

    lines = [f"{one} {other}" for one in JSON_NUMBERS for other in JSON_NUMBERS] + [f"{one};" for one in JSON_NUMBERS]
    (tmp_path / "own.sql").write_text(NUMBERS)
    (tmp_path / "x.txt").write_text("\n".join(lines))
    import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=str(tmp_path / "own.sql"))
    rows = rows_of(tmp_path / "store", "SELECT value, form, whole, line FROM measurements ORDER BY sequence")
    assert list(map(repr, rows)) == [repr(expected(line)) for line in lines]
    assert {row[1] for row in rows} == {None, "both", "one"}


JSON_SQL = """\
-- format: ndjson
-- reads: a.b, a.n
-- form: known = {{"a": {{"b": "{b JSON}", "n": {n NUMBER}, "c": {_ WHOLE}, "t": "{_ SECONDS}"}}}}

-- name: measurements
SELECT 'm' AS metric, n AS value, json->>'$.a.n' AS value_text, coalesce(b, json->>'$.a.b') AS b, form FROM records
"""
PLAIN_JSON_SQL = """\
-- format: ndjson
-- reads: a.b, a.n
-- name: measurements
SELECT 'm' AS metric, json->>'$.a.n' AS value, json->>'$.a.b' AS b FROM records
"""


def json_of(number, c):
    return json.dumps({"a": {"b": f"h{number}\n", "n": number / 8, "c": c, "t": f"{number}.5"}})


def test_lines_of_json_are_the_same_with_forms_and_without(tmp_path):
    odd = [json_of(2, "x"), json_of(3, 5).replace(": ", ":"), "{}", '{"d": 1, "a": {"n": null}}', json_of(4, None)]
    known = [json_of(number, number) for number in range(20)]
    text = "\n".join([*known[:10], *odd, *known[10:]]) + "\n"
    (tmp_path / "x.json").write_text(text)
    told = []
    for name, sql in (("with", JSON_SQL), ("without", PLAIN_JSON_SQL)):
        (tmp_path / f"{name}.sql").write_text(sql)
        store = tmp_path / name
        options = {"importer": str(tmp_path / f"{name}.sql"), "started_at": "2026-01-01T00:00:00Z"}
        report = import_sessions(tmp_path / "x.json", store, **options)
        (session,) = list_sessions(store)
        told.append((session["origin"]["ignored"], report.warnings))
        told[-1] += (rows_of(store, "SELECT value, b FROM measurements ORDER BY sequence"),)
    assert told[0] == told[1]
    assert told[0][0] == {"a.c": 22, "a.t": 23, "d": 1}
    assert told[0][1] == (f"{tmp_path / 'x.json'}: holds 22 numbers that were not imported: a.c, d",)
    forms = rows_of(tmp_path / "with", "SELECT form, count(*) FROM measurements GROUP BY form ORDER BY form")
    assert forms == [("known", 20), (None, 5)]


def test_a_line_of_json_that_is_broken_is_named_among_those_of_a_form(tmp_path):
    (tmp_path / "own.sql").write_text(JSON_SQL)
    broken = json_of(1, 1).replace('"n": 0', '"n": 00')
    (tmp_path / "x.json").write_text((json_of(1, 1) + "\n") * 2000 + broken + "\n")
    with pytest.raises(SourceError, match=r"line 2001: .*JSON.*; --skip-bad"):
        import_sessions(tmp_path / "x.json", tmp_path / "store", importer=str(tmp_path / "own.sql"))


@pytest.mark.parametrize(
    "form",
    ['{{"a": {b JSON}}}', '{{"a": {b SECONDS}}}', '{{"a": "{b}"}}', '{{"a": {b INTEGER}}}', "[{b NUMBER}]", '{{"a": 1'],
)
def test_a_form_that_may_be_no_json_is_refused(form):
    with pytest.raises(UsageError, match="is no JSON object"):
        parse_definition(f"-- format: ndjson\n-- form: f = {form}\n-- name: measurements\nSELECT 1", name="x")


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


@pytest.mark.parametrize("head", ["-- format: csv", "-- format: ndjson\n-- fields: a"])
def test_forms_are_of_lines_alone(head):
    with pytest.raises(UsageError, match="is for '-- format: lines', and for 'ndjson' without"):
        parse_definition(f"{head}\n-- form: f = {{a}}\n-- name: measurements\nSELECT 1", name="x")
