#!/usr/bin/env bash
# Claim: A row of a Delta table whose key is an exact decimal epoch (seconds with nine digits) is in the table, but no filter with its own value finds it, and a delete by it removes nothing.
# Versions: deltalake 1.6.6, polars 2.1.0, pyarrow 26.0.1.
# Guess: `t = value` finds the row just written: the column is DECIMAL(19,9) and the Parquet file holds it exactly. But the log keeps the file's minimum and maximum as JSON floats (about 16 digits), and every reader skips the file by them.
# Hurts: who keeps time stamps or sums as decimals so as not to lose digits: look-ups and range filters miss rows, and a delete removes none without an error. Reading all, then filtering, is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import json
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake

step, first = Decimal("0.123456789"), Decimal("1767225600.000000001")
values = [first + i * step for i in range(8)]
for value in values:  # one file each, as a run that writes as it goes
    rows = pa.table({"t": pa.array([value], pa.decimal128(19, 9))})
    write_deltalake("runs", rows, mode="append")

log = Path("runs/_delta_log/00000000000000000001.json").read_text().splitlines()
add = next(json.loads(line)["add"] for line in log if '"add"' in line)
print("written", values[1], "log keeps", add["stats"])

table = DeltaTable("runs")
everything = pl.read_delta("runs")


def found(value):
    sql = f"SELECT t FROM runs WHERE t = CAST('{value}' AS DECIMAL(19,9))"
    return (
        everything.filter(pl.col("t") == value).height,
        pl.scan_delta("runs").filter(pl.col("t") == value).collect().height,
        table.to_pyarrow_table(filters=[("t", "=", value)]).num_rows,
        pa.table(QueryBuilder().register("runs", table).execute(sql).read_all()).num_rows,
    )


seen = [found(value) for value in values]
print("rows found by own value (all in memory, polars scan, pyarrow, own SQL):")
for value, counts in zip(values, seen):
    print("  ", value, counts)
after = pl.scan_delta("runs").filter(pl.col("t") >= first).collect().height
print("rows:", everything.height, "rows >= the least value, polars scan:", after)

removed = table.delete(f"t = CAST('{values[3]}' AS DECIMAL(19,9))")["num_deleted_rows"]
print("delete by value removed", removed)

same = all(counts == (1, 0, 0, 0) for counts in seen)
holds = same and everything.height == 8 and after == 7 and removed == 0
sys.exit(0 if holds else 1)
PY
