"""Texts that are large, or many times their file: read within bounds, or refused before they are unpacked."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import SourceError, export_measurements, import_sessions
from pipeline.rows.batches import BATCH_BYTES, cut_by_text

MEGABYTE = 1 << 20


def table_of(texts):
    rows = len(texts)
    return pa.table(
        {
            "session_id": pa.array(["s1"] * rows),
            "sequence": pa.array(range(rows), pa.int64()),
            "timestamp": pa.array(range(rows), pa.int64()).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(["m"] * rows),
            "value": pa.array([1.5] * rows),
            "unit": pa.array(["ms"] * rows),
            "robot": texts,
        }
    )


def write(path, table, rows=None):
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=1 << 30)
    else:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        new = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
        with new(path, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=rows)
    return path


def peak_megabytes(*words):
    """The most memory that a command had, in a process of its own."""
    script = """
import re, sys
from pathlib import Path
from pipeline.cli import main
status = main(sys.argv[1:])
kilobytes = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(status, int(kilobytes) // 1024)
"""
    ended = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert not ended.stderr, ended.stderr
    status, megabytes = ended.stdout.split()[-2:]
    assert status == "0"
    return int(megabytes)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrows"])
def test_what_unpacks_to_much_more_than_its_file_is_refused_before(tmp_path, name):
    path = write(tmp_path / name, table_of(pa.array(["x" * (140 * MEGABYTE)])))
    assert path.stat().st_size < MEGABYTE
    with pytest.raises(SourceError) as refused:
        export_measurements(path, tmp_path / "out")
    what = "a page" if name == "a.parquet" else "a batch"
    assert f"{path}: {what} unpacks to 146,80" in str(refused.value)
    assert "of 100,663,296 that may be read at once; write the file again with smaller pages" in str(refused.value)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrows"])
def test_a_row_of_more_text_than_a_line_may_have_is_refused_and_can_be_left_out(tmp_path, name):
    path = write(tmp_path / name, table_of(pa.array(["a", "x" * (65 * MEGABYTE), "b"])))
    with pytest.raises(SourceError, match=r"sequence 1, column 'robot': makes its row 68,157,4\d\d bytes long"):
        export_measurements(path, tmp_path / "out")
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    assert (len(report.imported), report.skipped_rows) == (1, 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.parquet", pa.string()),
        ("a.parquet", pa.large_string()),
        ("a.arrow", pa.string()),
        ("a.arrow", pa.string_view()),
        ("a.arrows", pa.large_string()),
    ],
    ids=str,
)
def test_large_texts_of_a_dictionary_are_read_a_few_rows_at_a_time(tmp_path, name, kind):
    texts = ["x" * MEGABYTE, "y" * MEGABYTE, "z"]
    codes = [at % 3 for at in range(30)] + [2] * 30_000 + [at % 3 for at in range(360)]
    coded = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(texts, kind))
    path = write(tmp_path / name, table_of(coded))
    assert peak_megabytes("sessions", str(path)) < 400
    export_measurements(path, tmp_path / "out", sync=False, where="sequence < 40")
    (file,) = (tmp_path / "out").glob("measurements_*.ndjson")
    with file.open(encoding="utf-8") as lines:
        assert [json.loads(line)["robot"] for line in lines] == [texts[code] for code in codes[:40]]


def test_views_of_one_text_are_read_a_few_rows_at_a_time(tmp_path):
    frame = pl.DataFrame(table_of(pa.array([""] * 300)).drop_columns("robot"))
    frame = frame.with_columns(robot=pl.lit("x" * MEGABYTE))
    frame.write_ipc(tmp_path / "a.arrow", compression="zstd")
    assert peak_megabytes("sessions", str(tmp_path / "a.arrow")) < 400


def test_texts_that_begin_like_the_one_before_are_read_a_few_rows_at_a_time(tmp_path):
    table = table_of(pa.array(["x" * 100_000] * 3000))
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False, column_encoding={"robot": "DELTA_BYTE_ARRAY"})
    assert (tmp_path / "a.parquet").stat().st_size < 10 * MEGABYTE
    assert peak_megabytes("sessions", str(tmp_path / "a.parquet")) < 400


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40),
    st.integers(1, 50),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
    st.integers(0, 5),
)
def test_parts_hold_the_rows_and_are_small(drawn, rows, kind, start):
    sizes = (0, 1, BATCH_BYTES // 3, BATCH_BYTES * 2)
    texts = pa.array(["", "a", "b" * sizes[2], "c" * sizes[3]], pa.string()).cast(kind)
    codes = pa.array([None if null == 5 else size for size, null in drawn], pa.int32())
    batch = pa.record_batch({"text": pa.DictionaryArray.from_arrays(codes, texts), "number": range(len(codes))})
    batch = batch.slice(start)
    parts = list(cut_by_text(batch, rows))
    assert [at for part in parts for at in part.column("number").to_pylist()] == batch.column("number").to_pylist()
    for part in parts:
        bytes_ = sum(sizes[code] for code in part.column("text").indices.to_pylist() if code is not None)
        assert part.num_rows <= rows
        assert part.num_rows == 1 or bytes_ <= 4 * BATCH_BYTES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            (b'{"type":"Metric","data":{"type":"trend"},"metric":"m"}\n', b'{"type":"Point","x":"'),
            "a line is longer than 64 MiB",
        ),
        ((b"", b'{"machine_info":{},"benchmarks":[{"name":"'), "is one document, or a line, of more than 67,108,864"),
    ],
)
def test_a_line_or_document_of_a_harness_that_is_many_times_its_file_is_refused(tmp_path, content, said):
    path = tmp_path / "a.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(content[0] + content[1])
        for _ in range(140):
            file.write(b"x" * MEGABYTE)
    with pytest.raises(SourceError) as refused:
        import_sessions(path, tmp_path / "store")
    assert str(refused.value).startswith(f"{path}: {said}")
    assert not (tmp_path / "store").exists()
