"""Importers of text that is no table: each line is a record, by its number in the file."""

from __future__ import annotations

import gzip
import re

import pytest
from program import pipeline
from project import SHARED
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions, list_sessions

PING_SQL = """\
-- format: lines
-- looks for: replies with `time=`

-- name: recognise
SELECT first_line LIKE 'PING %' FROM content

-- name: measurements
SELECT 'rtt' AS metric, nullif(regexp_extract(line, 'time=(\\S+) ms', 1), '') AS value, 'ms' AS unit,
       ns_from_s(regexp_extract(line, '^\\[(\\S+)\\]', 1)::DOUBLE) AS epoch_ns,
       regexp_extract(line, 'icmp_seq=(\\d+)', 1)::BIGINT AS icmp_seq, line_number
FROM records WHERE line LIKE '%icmp_seq=%'
"""
ECHO_SQL = """\
-- format: lines
-- name: measurements
SELECT 'm' AS metric, value, line, line_number FROM (
    SELECT *, regexp_extract(line, 'v=(\\S+)', 1)::BIGINT AS value FROM records WHERE line_number > 1)
"""


@pytest.fixture
def echo(tmp_path):
    (tmp_path / "echo.sql").write_text(ECHO_SQL)
    return str(tmp_path / "echo.sql")


def test_what_ping_prints_is_read_with_its_losses(tmp_path):
    path = SHARED / "recorded/ping/gap.txt"
    if not path.exists():
        pytest.skip("the folder of recorded files is not here")
    (tmp_path / "ping.sql").write_text(PING_SQL)
    import_sessions(path, tmp_path / "store", importer=str(tmp_path / "ping.sql"))
    expected = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if sequence := re.search(r"icmp_seq=(\d+)", line):
            time = re.search(r"time=([\d.]+) ms", line)
            us = int(line[1 : line.index("]")].replace(".", ""))
            expected.append((float(time[1]) if time else None, us, int(sequence[1]), number))
    query = "SELECT value, epoch_us(timestamp), icmp_seq, line_number FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == expected
    assert len(expected) == 30


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_keep_their_numbers_and_their_texts(tmp_path, echo, end, pack):
    texts = ["head", "", '  v=1 a,b\t"c', " \t ", "v=2 größe\u2028漢字\x0bv\x85", "v=3"]
    (tmp_path / "x.txt").write_bytes(pack(end.join(texts).encode()))
    import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=echo)
    expected = [(float(n), texts[at], at + 1) for n, at in ((1, 2), (2, 4), (3, 5))]
    query = "SELECT value, line, line_number FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == expected
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["importer_name"] == "echo"


def test_a_long_file_is_read_in_its_order(tmp_path, echo):
    lines = [f"v={n} {'x' * (n % 50)}" for n in range(300_000)]
    lines[200_000] += "y" * 5_000_000  # longer than a block
    (tmp_path / "x.txt").write_text("\n".join(lines) + "\n")
    import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=echo)
    query = "SELECT count(*), count(*) FILTER (value = sequence + 1 AND line_number = sequence + 2) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(299_999, 299_999)]
    query = "SELECT max(length(line)) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(max(map(len, lines)),)]


@pytest.mark.parametrize(
    ("line", "phrase"),
    [("v=x", "Could not convert string 'x' to INT64"), (b"v=5 \xff", "is not valid UTF-8"), ("v=5 \0", "NUL")],
)
@pytest.mark.parametrize("at", [1, 20_000, 39_998])
def test_a_bad_line_is_named_or_left_out(tmp_path, echo, line, phrase, at):
    lines = [b"v=head"] + [f"v={n}".encode() for n in range(1, 40_000)]
    lines[at] = line if isinstance(line, bytes) else line.encode()
    lines[at - 1] = lines[at - 1] if at == 1 else b""
    path = tmp_path / "x.txt"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(SourceError, match=f"line {at + 1}: .*{phrase}.*; --skip-bad leaves such records out"):
        import_sessions(path, tmp_path / "store", importer=echo)
    report = import_sessions(path, tmp_path / "store", importer=echo, skip_bad=True)
    assert report.skipped_rows == 1
    good = [(float(n), n + 1) for n in range(1, 40_000) if n != at and lines[n]]
    assert rows_of(tmp_path / "store", "SELECT value, line_number FROM measurements ORDER BY sequence") == good


def test_a_file_without_a_line_that_is_looked_for_has_no_samples(tmp_path, echo):
    (tmp_path / "x.txt").write_text("head\n")
    result = pipeline("import", tmp_path / "x.txt", "--to", tmp_path / "store", "--from", echo)
    assert (result.status, result.err.count("\n")) == (3, 1)
    assert "no samples: looked for samples as echo writes them" in result.err


def test_lines_have_no_header(tmp_path, echo):
    (tmp_path / "x.txt").write_text("head\nv=1\n")
    with pytest.raises(UsageError, match=r"x\.txt is no CSV file but lines of text"):
        import_sessions(tmp_path / "x.txt", tmp_path / "store", importer=echo, header="a,b")
