"""A process ends with its own exit status, whatever a reader of Arrow's is doing in other threads at that moment."""

from __future__ import annotations

import ast
import gc
import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pv
import pytest
from project import ROOT

from pipeline.runtime.csv_blocks import CsvBlocks

TEXT = b"a,b\n" + b"1,x\n" * 100_000
BLOCK_BYTES = 1 << 12

SLOW = f"""
import io, sys, time
import pyarrow.csv as pv
from pipeline.runtime.csv_blocks import CsvBlocks

class Slow(io.BytesIO):
    reads = 0
    def read(self, size=-1):
        self.reads += 1
        if self.reads > 2:  # the header and a block; this is read ahead, in a thread of Arrow's
            time.sleep(0.3)
        if self.reads == fails_at:
            raise EOFError("cut off")
        return super().read(size)

def skip(row):
    return "skip"

fails_at = 0
blocks = CsvBlocks(Slow({TEXT[:40_000]!r}), block_bytes={BLOCK_BYTES}, convert=pv.ConvertOptions(), on_bad_row=skip)
"""
ENDS = {
    "closed": ("next(blocks); blocks.close()", 0),
    "at its end": ("list(blocks)", 0),
    "open": ("next(blocks)", 0),
    "open, after an error": ("next(blocks); raise SystemExit(3)", 3),
    "open, and never found by its references alone": (
        "blocks.itself = blocks; next(blocks); del blocks; sys.exit(5)",
        5,
    ),
    "failed": ("fails_at = 3\ntry:\n    list(blocks)\nexcept EOFError as error:\n    sys.exit(3)", 3),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_process_ends_with_its_status_though_a_reader_reads_ahead(end):
    """Arrow's thread comes back to an interpreter that is ending: without the wait this is an abort, status -6."""
    code, status = ENDS[end]
    done = subprocess.run([sys.executable, "-c", SLOW + code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (status, "")


def test_nothing_is_held_when_a_reader_is_closed():
    for stop in (0, 1, 1_000):
        file = io.BytesIO(TEXT)
        references = sys.getrefcount(file)
        with CsvBlocks(file, block_bytes=BLOCK_BYTES, convert=pv.ConvertOptions()) as blocks:
            for _ in range(stop):
                next(blocks, None)
        del blocks
        gc.collect()
        assert sys.getrefcount(file) == references


class Broken(io.BytesIO):
    sound_bytes = 0

    def read(self, size=-1):
        if self.tell() >= self.sound_bytes:
            raise EOFError("cut off")
        return super().read(size)


@pytest.mark.parametrize("sound_blocks", [0, 1, 3, 20])
def test_what_reading_raises_comes_out_as_it_is(sound_blocks):
    file = Broken(TEXT)
    file.sound_bytes = sound_blocks * BLOCK_BYTES
    with (
        pytest.raises(EOFError, match="cut off"),
        CsvBlocks(file, block_bytes=BLOCK_BYTES, convert=pv.ConvertOptions()) as blocks,
    ):
        list(blocks)


def test_what_is_no_csv_is_an_error_of_arrows():
    with pytest.raises(pa.ArrowInvalid, match="Empty"):
        CsvBlocks(io.BytesIO(), block_bytes=BLOCK_BYTES, convert=pv.ConvertOptions())


def test_files_of_python_are_lent_to_arrow_in_one_place_and_where_nothing_is_read_ahead():
    """Whatever else reads ahead from them could abort the process as it ends."""
    lending = {"open_csv", "PythonFile", "dataset", "open_json", "input_stream"}
    found = {
        path.relative_to(ROOT / "pipeline").as_posix()
        for path in (ROOT / "pipeline").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in lending
    }
    assert found == {"runtime/csv_blocks.py", "scan/parquet.py"}


READS = """
import sys
from pipeline.runtime.threads import ScannedAhead
from pipeline.sources.open import open_source

with open_source(sys.argv[1]) as inventory:
    scan = inventory.open()
    ahead = ScannedAhead(scan.batches(batch_size=64), ahead=8)
    ahead.__enter__()
    next(ahead)
    sys.exit(4)
"""


def test_a_process_ends_with_its_status_though_a_store_is_being_read(fixture_store):
    """A row group that is held is given to Arrow by a file of Python, to the thread that reads and no other."""
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", READS, str(fixture_store)], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert (done.returncode, done.stderr) == (4, "")
