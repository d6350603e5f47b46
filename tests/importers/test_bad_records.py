"""Broken records of harness files are named; when asked, they are left out and counted."""

from __future__ import annotations

import gzip
import json
import os
import re

import pytest
import zstandard
from harness_files import GOOD_POINT, GOOD_RECORD, JMETER_HEADER, after_good, k6_point, write_k6
from program import pipeline
from project import HARNESS_FILES
from samples import rows_of

from pipeline import SourceError, connect, import_sessions, list_sessions

# What the file holds, what the one line must say, and how many records are left out by --skip-bad: None where the
# whole file is at fault.
BROKEN = {
    "a line that is no JSON": (after_good('{"type":') + GOOD_POINT, r"line 2: is no JSON", 1),
    "a line cut off": (after_good(GOOD_POINT) + GOOD_POINT[:40], r"line 3: is no JSON .*cut off", 1),
    "a line that is no object": (after_good("[1]") + GOOD_POINT, r"line 2: is no JSON object", 1),
    "two objects in a line": (after_good(GOOD_POINT * 2), r"line 2: is no JSON", 1),
    "a value that is no number": (
        after_good("\n" + GOOD_POINT.replace("1.5", "[2]")),
        r"line 3: column 'value': '\[2\]' is no number",
        1,
    ),
    "a time that is none": (after_good(GOOD_POINT.replace("-11-", "-13-")), r"line 2: column 'timestamp'", 1),
    "no metric": (after_good(GOOD_POINT.replace('"metric"', '"n"')), r"line 2: .*metric.*null", 1),
    "a NUL in a tag": (after_good(json.dumps(k6_point(name="a\0b"))), r"line 2: .*NUL", 1),
    "bytes that are not UTF-8": (
        after_good(GOOD_POINT).encode().replace(b'"a"', b'"\xff"') + GOOD_POINT.encode(),
        r"line 1: .*UTF-8",
        2,
    ),
    "a tag that occurs twice": (
        after_good(GOOD_POINT.replace('"name": "a"', '"name": "a", "name": "b"')),
        r"line 2: attribute 'name' occurs twice",
        1,
    ),
    "a value that occurs twice": (
        after_good(GOOD_POINT.replace('"value": 1.5', '"value": 1.5, "value": 2')),
        r"line 2: a key occurs twice; --skip-bad",
        1,
    ),
    "half of a surrogate pair in a metric": (
        after_good(GOOD_POINT.replace("http_req_duration", "\\ud800")),
        r"line 2: holds half of a surrogate pair; --skip-bad",
        1,
    ),
    "half of a surrogate pair in a tag": (
        after_good(json.dumps(k6_point(name="\ud800"))),
        r"line 2: .*surrogate pair",
        1,
    ),
    "half of a surrogate pair in a key": (
        json.dumps(k6_point(name="b", **{"\udc00": "b"})) + f"\n{GOOD_POINT}",
        r"line 1: .*surrogate pair",
        1,
    ),
    "a nest too deep": (after_good(GOOD_POINT.replace("1.5", "[" * 600 + "]" * 600)), r"line 2: .*deep", 1),
    "tags that are no object": (after_good(GOOD_POINT.replace('{"name": "a"}', "[1]")), r"line 2: .*no JSON object", 1),
    "many bad lines": ("x\n" * 3 + f"{GOOD_POINT}\n" * 5 + "{\n" * 7, r"line 1: is no JSON", 10),
    "too few fields": (f"{GOOD_RECORD}1795542903863,1\n", r"line 3: .*Columns: 4 Found: 2", 1),
    "too many fields": (f"{GOOD_RECORD}1795542903863,1,a,true,9\n", r"line 3: .*Columns: 4 Found: 5", 1),
    "text for a number": (f"{GOOD_RECORD}1795542903863,x,a,true\n", r"line 3: .*'x'", 1),
    "nothing for a number": (f"{GOOD_RECORD}1795542903863,,a,true\n", r"line 3: .*no elapsed", 1),
    "a quote not closed": (f'{GOOD_RECORD}1795542903863,1,"a,true\n', r"line 3: .*quote", 1),
    "a record over lines that is bad": (
        f'{JMETER_HEADER}1795542903863,1,"a\nb",true\n1795542903863,x,"a\n\nb",true\n1795542903863,2,c,true\n',
        r"line 4: .*'x'",
        1,
    ),
    "an empty file": ("", r"is empty", None),
    "white space": (" \n\n", r"is empty", None),
    "a document cut off": (
        (HARNESS_FILES / "hyperfine/two-commands.json").read_text()[:900],
        r"no harness|cut off",
        None,
    ),
    "binary": (b"\x7fELF" + bytes(range(3)) * 900, r"no text", None),
    "noise": (bytes(range(256)) * 9, r"line 1, column 1: .* is no JSON", None),
    "bzip2": (b"BZh91AY&SY" + bytes(range(200)), r"bzip2; decompress", None),
    "gzip cut off": (gzip.compress(os.urandom(9000).hex().encode())[:800], r"cut off", None),
    "zstd cut off": (zstandard.compress(os.urandom(9000).hex().encode())[:800], r"cut off|no harness", None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_and_nothing_is_imported(tmp_path, what):
    content, phrase, _ = BROKEN[what]
    path = tmp_path / "run.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    good = write_k6(tmp_path / "good.json")
    result = pipeline("import", good, path, "--to", tmp_path / "store")
    assert result.status == 3, result.err
    assert result.err.count("\n") == 1
    assert str(path) in result.err
    assert re.search(phrase, result.err), result.err
    assert not list((tmp_path / "store").rglob("*.parquet"))


@pytest.mark.parametrize("what", [what for what, (_, _, bad) in BROKEN.items() if bad])
def test_bad_records_are_left_out_and_counted_when_asked(tmp_path, what):
    content, _, bad = BROKEN[what]
    path = tmp_path / "run.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    assert report.skipped_rows == bad
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["skipped_records"] == bad
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    if lines[0].startswith((b"{", b"x")):
        assert session["measurement_count"] == len(lines) - bad
    with connect(tmp_path / "store") as connection:
        assert connection.sql("SELECT count(*) FROM measurements WHERE value IS NULL").fetchall() == [(0,)]


def test_a_file_of_which_nothing_can_be_read_is_refused_even_so(tmp_path):
    path = write_k6(tmp_path / "run.json")
    path.write_text("\n".join([GOOD_POINT.replace("1.5", '"x"')] * 3))
    with pytest.raises(SourceError, match="no record can be read; line 1"):
        import_sessions(path, tmp_path / "store", skip_bad=True)


def test_a_long_record_of_csv_is_read_and_a_bad_one_behind_it_named(tmp_path):
    """The engine's blocks are small until a record does not fit them."""
    path = tmp_path / "requests.csv"
    head = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\n"
    rows = [f'1795883036.5,GET,/{n},6.5,120,200,"said ""no""\n{n}"\n' for n in range(100_000)]
    rows[70_000] = f"1795883036.5,GET,/long,6.5,120,200,{'x' * 3_000_000}\n"
    path.write_text(head + "".join(rows))
    assert import_sessions(path, tmp_path / "store").rows == 200_000
    query = "SELECT max(length(exception)), count(DISTINCT exception) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(3_000_000, 100_000)]
    rows[90_000] = "1795883036.5,GET,/bad,soon,120,200,\n"
    path.write_text(head + "".join(rows))
    with pytest.raises(SourceError, match=r"line 180001: .*'soon' is no number"):
        import_sessions(path, tmp_path / "bad")


def test_the_bad_line_of_a_long_file_is_found(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(f"{GOOD_POINT}\n" * 40_000 + '{"no":\n' + f"{GOOD_POINT}\n" * 20_000)
    with pytest.raises(SourceError, match="line 40001: is no JSON"):
        import_sessions(path, tmp_path / "store")
    assert import_sessions(path, tmp_path / "store", skip_bad=True).rows == 60_000


def test_a_line_may_be_longer_than_any_buffer(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(f"{GOOD_POINT}\n" + json.dumps(k6_point(name="x" * 3_000_000)) + "\n")
    import_sessions(path, tmp_path / "store")
    assert rows_of(tmp_path / "store", "SELECT max(length(name)) FROM measurements") == [(3_000_000,)]


def test_the_order_of_the_file_is_that_of_the_sequence(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("".join(json.dumps(k6_point(value=n)) + "\n" for n in range(100_000)))
    import_sessions(path, tmp_path / "store")
    query = "SELECT count(*), count(*) FILTER (value = sequence) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(100_000, 100_000)]


@pytest.mark.parametrize("count", [20, 30_000])
@pytest.mark.parametrize("read", ["note", "exception"])
def test_bytes_that_are_no_text_are_named_in_columns_that_nobody_reads_too(tmp_path, read, count):
    other = "note" if read == "exception" else "exception"
    lines = [f"timestamp,request_type,name,response_time_ms,response_length,status_code,{other},{read}\n".encode()]
    for number in range(count):
        text = b"Caf\xe9" if number == count - 5 else b"Cafe"
        lines.append(f"{1795543196 + number},GET,/x,{number}.5,10,200,,".encode() + text + b"\n")
    (tmp_path / "requests.csv").write_bytes(b"".join(lines))
    with pytest.raises(SourceError, match=rf"line {count - 3}: is not valid UTF-8; --skip-bad leaves such records out"):
        import_sessions(tmp_path / "requests.csv", tmp_path / "store")
    assert import_sessions(tmp_path / "requests.csv", tmp_path / "store", skip_bad=True).skipped_rows == 1
    [session] = list_sessions(tmp_path / "store")
    assert session["measurement_count"] == 2 * (count - 1)
    assert session["origin"].get("ignored") == ({"note": count - 1} if read == "note" else None)


@pytest.mark.parametrize("blank", ["\n", "\n \r\n\n"])
@pytest.mark.parametrize("count", [2, 40_000])
def test_lines_that_are_blank_before_the_header_are_no_header(tmp_path, blank, count):
    lines = [f"vus,{1795543196 + number},{number}\n" for number in range(count)]
    text = blank + "metric_name,timestamp,metric_value\n" + "".join(lines)
    (tmp_path / "k6.csv").write_text(text, newline="")
    import_sessions(tmp_path / "k6.csv", tmp_path / "store")
    query = "SELECT value FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(float(number),) for number in range(count)]
    (tmp_path / "bad.csv").write_text(text + "vus,x,1\n", newline="")
    with pytest.raises(SourceError, match=f"line {len(text.splitlines()) + 1}: column 'timestamp': 'x' is not a time"):
        import_sessions(tmp_path / "bad.csv", tmp_path / "store")
