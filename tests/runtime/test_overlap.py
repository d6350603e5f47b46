"""Stages that overlap end with the export, however it ends; what was cut off never looks complete."""

from __future__ import annotations

import gzip
import io
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import cycle

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from samples import row, write_ndjson

import pipeline
from pipeline.disk.files import CountingFile
from pipeline.errors import DestinationError
from pipeline.runtime.threads import REUSED_BUFFERS, ScannedAhead, WrittenBehind, in_order

ROWS = 60_000
FAILING = "CASE WHEN sequence > 40000 THEN error('boom') ELSE true END"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_ndjson(tmp_path_factory.mktemp("overlap") / "a.ndjson", [row(sequence=at) for at in range(ROWS)])


def _reads(data: bytes, kind: str, compression: str) -> bool:
    """Whether an independent reader takes the bytes for a whole file."""
    try:
        if compression == "gzip":
            gzip.decompress(data)
        elif compression == "zstd" and kind == "ndjson":
            with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as stream:
                text = stream.read()
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=len(text) + 1) == text
        elif kind == "parquet":
            pq.read_table(io.BytesIO(data))
            pl.read_parquet(io.BytesIO(data))
        else:
            pa.ipc.open_file(data).read_all()
    except (OSError, EOFError, ValueError, zstandard.ZstdError, pl.exceptions.PolarsError):
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "compression"),
    [("ndjson", "gzip"), ("ndjson", "zstd"), ("parquet", "zstd"), ("arrow", "none"), ("arrow", "zstd")],
)
@pytest.mark.parametrize("where", [None, FAILING])
def test_a_stream_that_failed_is_no_complete_file(source, kind, compression, where):
    command = [sys.executable, "-m", "pipeline", "export", str(source), "--to", "-", "--quiet"]
    command += ["--format", kind, "--compression", compression, *(["--where", where] if where else [])]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == (3 if where else 0), done.stderr
    assert _reads(done.stdout, kind, compression) is (where is None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_export_whose_reader_stalls(source, number):
    command = [sys.executable, "-m", "pipeline", "export", str(source), "--to", "-", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # The pipe is full after this, and nobody empties it.
        os.read(process.stdout.fileno(), 1)
        time.sleep(1)
        process.send_signal(number)
        try:
            assert process.wait(timeout=20) == 128 + number
        finally:
            process.kill()


def test_no_thread_outlives_a_failed_export(source, tmp_path, monkeypatch):
    def fail(_self, _data):
        raise DestinationError("no")

    monkeypatch.setattr(CountingFile, "write", fail)
    with pytest.raises(DestinationError) as kept:
        pipeline.export_measurements(source, tmp_path / "out")
    # The error, and the frames it holds, are alive here as in a notebook.
    assert kept.value is not None
    time.sleep(0.2)
    assert {"scan", "write"}.isdisjoint(thread.name for thread in threading.enumerate())


def test_errors_come_out_where_their_items_would_have():
    def items():
        yield 1
        raise KeyError("broken")

    with ScannedAhead(items()) as ahead:
        assert next(ahead) == 1
        for _ in range(2):
            with pytest.raises(KeyError):
                next(ahead)


def test_what_cannot_be_written_is_an_error_at_the_end():
    class Full:
        def write(self, _data):
            raise OSError("full")

    with pytest.raises(OSError, match="full"), WrittenBehind(Full()) as sink:
        sink.write(b"x")


def test_a_buffer_is_not_filled_again_before_it_is_written():
    class Slow:
        def __init__(self):
            self.written = []

        def write(self, data):
            time.sleep(0.002)
            self.written.append(int.from_bytes(data, "big"))
            return len(data)

    slow, slower = Slow(), Slow()
    buffers = cycle([bytearray(8) for _ in range(REUSED_BUFFERS)])
    with WrittenBehind(slow, slower) as sink:
        for number in range(50):
            buffer = next(buffers)
            buffer[:] = number.to_bytes(8, "big")
            sink.write(memoryview(buffer))
    assert slow.written == slower.written == list(range(50))


def test_a_record_of_another_session_is_refused_beside_parquet_too(tmp_path):
    rows = [row("A", at) for at in range(3)]
    table = pa.table(
        {
            "session_id": [r["session_id"] for r in rows],
            "sequence": [r["sequence"] for r in rows],
            "timestamp": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
            "metric": [r["metric"] for r in rows],
            "value": [r["value"] for r in rows],
            "unit": [r["unit"] for r in rows],
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    (tmp_path / "x.session.json").write_text('{"session_id": "B", "started_at": "2026-01-01T00:00:00Z"}')
    with pytest.raises(pipeline.SourceError, match=r"'B'.*'A'"):
        pipeline.list_sessions(tmp_path / "x.parquet")


@pytest.mark.parametrize("damage", ["shorter", "sums", "missing"])
def test_a_damaged_package_is_not_taken_for_the_complete_one(fixture_store, tmp_path, damage):
    out = tmp_path / "out"
    pipeline.export_measurements(fixture_store, out)
    data = next(out.glob("measurements_*"))
    if damage == "shorter":
        os.truncate(data, data.stat().st_size - 10)
    elif damage == "missing":
        data.unlink()
    else:
        (out / "SHA256SUMS").write_text("x\n")
    with pytest.raises(DestinationError, match="damaged"):
        pipeline.export_measurements(fixture_store, out)
    assert not pipeline.export_measurements(fixture_store, out, overwrite=True).is_unchanged
    assert pipeline.export_measurements(fixture_store, out).is_unchanged


INTERRUPTIONS = """
import faulthandler, random, signal, sys
from pipeline.runtime.threads import ScannedAhead, WrittenBehind

class Sink:
    def write(self, data):
        return len(data)

def interrupt(*_):
    raise KeyboardInterrupt

faulthandler.dump_traceback_later(90, exit=True)
signal.signal(signal.SIGALRM, interrupt)
rng = random.Random(1)
came = 0
for _ in range(500):
    try:
        with ScannedAhead(iter(range(100_000))) as ahead:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00005, 0.001))
            for _ in ahead:
                pass
    except KeyboardInterrupt:
        came += 1
for _ in range(100):
    try:
        with WrittenBehind(Sink()) as sink:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00005, 0.001))
            while True:
                sink.write(b"x")
    except KeyboardInterrupt:
        came += 1
print(came)
"""


def test_an_interruption_at_any_point_ends_the_threads():
    done = subprocess.run([sys.executable, "-c", INTERRUPTIONS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 500


def test_results_come_in_the_order_of_the_items_however_long_each_takes():
    working = []
    most = 0

    def work(item):
        nonlocal most
        working.append(item)
        most = max(most, len(working))
        time.sleep(0.02 if item % 3 == 0 else 0.001)
        working.remove(item)
        return item * item

    taken = []
    results = in_order(work, (taken.append(item) or item for item in range(20)), threads=2)
    assert next(results) == 0
    assert len(taken) == 3  # no more than may wait
    assert list(results) == [item * item for item in range(1, 20)]
    assert most == 2


def test_work_that_fails_is_heard_where_its_result_would_have_come():
    def work(item):
        if item == 3:
            raise ValueError("boom")
        return item

    results = in_order(work, range(100), threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="boom"):
        next(results)
    assert not [one for one in threading.enumerate() if one.name.startswith("work")]


def test_few_small_writes_need_no_thread(monkeypatch):
    started = []
    whole = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda self: (started.append(self), whole(self)))
    first, second = io.BytesIO(), io.BytesIO()
    with WrittenBehind(first, second) as sink:
        for text in (b"one", b"two", b"three"):
            sink.write(text)
    assert first.getvalue() == second.getvalue() == b"onetwothree"
    assert started == []
    with WrittenBehind(first) as sink:
        for text in [b"more"] * 9:
            sink.write(text)
    assert first.getvalue() == b"onetwothree" + b"more" * 9
    assert len(started) == 1


def test_an_error_of_a_small_write_is_raised_at_the_end_and_what_was_cut_off_is_not_written():
    class Full:
        def write(self, _):
            raise DestinationError("full")

    with pytest.raises(DestinationError, match="full"), WrittenBehind(Full()) as sink:
        sink.write(b"some")
    behind = io.BytesIO()
    with pytest.raises(ZeroDivisionError), WrittenBehind(behind) as sink:
        sink.write(bytes([sink.write(b"some") // 0]))
    assert behind.getvalue() == b""
