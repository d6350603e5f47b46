"""Bad rows stop an import; when asked, they are left out and counted."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from plain_files import RECORD, arrow_table, record_of, stored_rows, write_table
from program import pipeline
from samples import row, write_ndjson

from pipeline import SourceError, import_sessions

GOOD_LINE = json.dumps(row("s1", 0)).encode()
BAD_LINES = {
    "no JSON": b"{",
    "no object": b"[1]",
    "not UTF-8": b'{"metric":"\xff"}',
    "bare NaN": GOOD_LINE.replace(b"1.5", b"NaN"),
    "doubled key": b'{"sequence":1,"sequence":2}',
    "text for a number": json.dumps(row("s1", 1, value="fast")).encode(),
    "no sequence": b'{"session_id":"s1","metric":"m","timestamp":"2026-11-24T16:00:00Z"}',
    "null metric": json.dumps(row("s1", 1, metric=None)).encode(),
    "NUL": json.dumps(row("s1", 1, unit="a\0")).encode(),
    "no time": json.dumps(row("s1", 1, timestamp="soon")).encode(),
    "int beyond 64 bits": json.dumps(row("s1", 2**63)).encode(),
    "half a surrogate pair": b'{"session_id":"s1","sequence":1,"metric":"\\ud83d"}',
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_bad_lines_are_left_out_and_counted_when_asked(tmp_path, what):
    last = json.dumps(row("s1", 9)).encode()
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([GOOD_LINE, BAD_LINES[what], BAD_LINES[what], last]) + b"\n")
    with pytest.raises(SourceError):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    report = import_sessions(tmp_path / "a.ndjson", tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 2)
    assert [r["sequence"] for r in stored_rows(tmp_path / "store")] == [0, 9]


BAD_CSV_ROWS = {
    "too few fields": b"s1,1",
    "too many fields": b"s1,1,2026-11-24T16:00:00Z,m,1.5,ms,more",
    "text for a number": b"s1,1,2026-11-24T16:00:00Z,m,fast,ms",
    "fraction for an integer": b"s1,1.5,2026-11-24T16:00:00Z,m,1.5,ms",
    "no time": b"s1,1,soon,m,1.5,ms",
    "null metric": b"s1,1,2026-11-24T16:00:00Z,,1.5,ms",
    "not UTF-8": b"s1,1,2026-11-24T16:00:00Z,\xff,1.5,ms",
    "NUL": b"s1,1,2026-11-24T16:00:00Z,a\0,1.5,ms",
}


@pytest.mark.parametrize("what", BAD_CSV_ROWS)
def test_bad_rows_of_csv_are_left_out_and_counted_when_asked(tmp_path, what):
    lines = [
        b"session_id,sequence,timestamp,metric,value,unit",
        b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms",
        BAD_CSV_ROWS[what],
        b"s1,9,2026-11-24T16:00:00Z,m,1.5,ms",
        BAD_CSV_ROWS[what],
    ]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(SourceError):
        import_sessions(tmp_path / "a.csv", tmp_path / "store")
    report = import_sessions(tmp_path / "a.csv", tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 2)
    assert [r["sequence"] for r in stored_rows(tmp_path / "store")] == [0, 9]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_bad_rows_of_columnar_files_are_left_out_and_counted_when_asked(tmp_path, name):
    table = arrow_table([row("s1", i) for i in range(5)])
    text = pa.Array.from_buffers(
        pa.string(), 5, [None, pa.py_buffer(np.arange(6, dtype=np.int32)), pa.py_buffer(b"ab\xffde")]
    )
    table = table.set_column(3, "metric", text).append_column("big", pa.array([0, 2**63, 0, 0, 0], pa.uint64()))
    table = table.set_column(1, "sequence", pa.array([0, 1, 2, None, 4]))
    write_table(tmp_path / name, table)
    with pytest.raises(SourceError):
        import_sessions(tmp_path / name, tmp_path / "store")
    report = import_sessions(tmp_path / name, tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 3)
    assert [r["metric"] for r in stored_rows(tmp_path / "store")] == ["a", "e"]


def test_a_count_of_the_record_that_bad_rows_explain_does_not_stop_the_import(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(GOOD_LINE + b"\n{\n")
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 2}), encoding="utf-8")
    result = pipeline("import", tmp_path / "a.ndjson", "--to", tmp_path / "store", "--skip-bad")
    assert result.status == 0
    assert "warning: 1 bad row left out" in result.err
    assert record_of(tmp_path / "store")["measurement_count"] == 1


def test_a_count_of_the_record_that_does_not_match_is_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 2}), encoding="utf-8")
    with pytest.raises(SourceError, match="says 2 measurements, its rows are 1"):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    assert not (tmp_path / "store").exists()
