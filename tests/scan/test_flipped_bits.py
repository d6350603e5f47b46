"""Whatever bit of a store flips, an export of it is refused or the same."""

from __future__ import annotations

import shutil
import subprocess
import sys


def test_no_flipped_bit_in_a_store_passes_for_data(good_store, tmp_path):
    """Page checksums: whatever bit changes, the export is refused or the same."""
    store = tmp_path / "store"
    shutil.copytree(good_store, store)
    script = """
import sys
from pathlib import Path
from pipeline import PipelineError, export_measurements

store, out = Path(sys.argv[1]), Path(sys.argv[2])
source = store / "sessions" / "wan-02" / "measurements-0000.parquet"
whole = source.read_bytes()
def export(name):
    export_measurements(store, out / name, sync=False)
    (written,) = (out / name).glob("measurements_*")
    return written.read_bytes()
wanted = export("good")
refused = same = 0
for at in range(0, len(whole), max(1, len(whole) // 100)):
    data = bytearray(whole)
    data[at] ^= 1 << at % 8
    source.write_bytes(data)
    try:
        written = export(str(at))
    except PipelineError:
        refused += 1
    else:
        assert written == wanted, at
        same += 1
print(refused, same)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, store, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    refused, _same = map(int, result.stdout.split())
    assert refused > 30  # the others hit what a scan does not need: statistics, the page index
