"""A damaged byte anywhere in a file is an error on purpose or gives rows; it ends in no crash."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import thrift
from samples import row

from pipeline import SourceError, export_measurements, query


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrows"])
def test_damage_anywhere_never_ends_in_a_crash_or_a_fault_of_the_program(tmp_path, name):
    """Each single damaged byte is either an error on purpose or gives rows; all in one process, which must survive."""
    table = pa.table(
        {
            "session_id": pa.array(["s1"] * 60).dictionary_encode(),
            "sequence": pa.array(range(60)),
            "timestamp": pa.array(range(60)).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(["m", "n"] * 30).dictionary_encode(),
            "value": pa.array([0.5] * 60),
            "unit": pa.array(["ms", None] * 30),
            "robot": pa.array([f"robot {i}" for i in range(60)]),
        }
    )
    if name == "a.parquet":
        pq.write_table(table, tmp_path / name, write_page_checksum=True)
    else:
        new = pa.ipc.new_stream if name == "a.arrows" else pa.ipc.new_file
        with pa.OSFile(str(tmp_path / name), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table)
    script = """
import sys
from pathlib import Path
from pipeline import PipelineError, export_measurements

source = Path(sys.argv[1])
whole = source.read_bytes()
refused = done = 0
for at in range(0, len(whole), max(1, len(whole) // 100)):
    for flip in (0x01, 0xFF):
        data = bytearray(whole)
        data[at] ^= flip
        source.write_bytes(data)
        print(f"{at} {flip}", flush=True)
        try:
            export_measurements(source, f"{source}-{at}-{flip}", sync=False)
            done += 1
        except PipelineError:
            refused += 1
print("survived", refused, done)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=False
    )
    last = ["nothing", *result.stdout.splitlines()][-1].split()
    assert result.returncode == 0, f"byte and flip {last}: {result.stderr[-2000:]}"
    assert last[0] == "survived"
    assert int(last[1]) > 50


def test_a_footer_whose_parts_have_fewer_rows_than_it_tells_of_is_damaged(tmp_path):
    """pyarrow and Polars give the rows of the parts, and no error: 4 of 6 rows."""
    rows = pa.Table.from_pylist([row("s1", at) for at in range(6)])
    at = rows.schema.get_field_index("timestamp")
    rows = rows.set_column(at, "timestamp", rows["timestamp"].cast(pa.timestamp("us", "UTC")))
    path = tmp_path / "a.parquet"
    pq.write_table(rows, path, row_group_size=3)
    whole = path.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    footer = thrift.Decoder(whole[-8 - size : -8]).struct()
    fields = {number: value for number, _, value in footer}
    [first, _] = fields[4][1]  # the row groups; the third field of each is the number of its rows
    [rows_of_first] = [field for field in first if field[0] == 3]
    assert (fields[3], rows_of_first[2]) == (6, 3)
    rows_of_first[2] = 1
    changed = thrift.encode(footer)
    path.write_bytes(whole[: -8 - size] + changed + len(changed).to_bytes(4, "little") + b"PAR1")
    assert pq.read_table(path).num_rows == 4
    says = "a.parquet: is damaged: it tells of 6 rows, and its parts of 4$"
    with pytest.raises(SourceError, match=says):
        export_measurements(path, tmp_path / "out")
    with pytest.raises(SourceError, match=says):
        query(path, "SELECT 1")
