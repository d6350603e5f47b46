#!/usr/bin/env bash
# Claim: frictionless reads a date-time or a time with its microseconds and finds it valid, but cuts it to the second when it writes CSV or when `extract` prints CSV or JSON.
# Versions: frictionless 5.21.0, pyarrow 26.0.1, pandas 3.1.1.
# Guess: a table written from what was read has the same values: the rows in memory have the microseconds, the schema has the default format, which takes them, and nothing is reported.
# Hurts: who packs measurements as a data package or turns Parquet into CSV with it: every sample of a second gets the same time stamp, order and spacing are lost, and validation of the copy passes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet "frictionless[parquet]==5.21.0" pyarrow==26.0.1 pandas==3.1.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import csv
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from frictionless import Resource

start = datetime(2026, 1, 2, 3, 4, 5, 123456)
stamps = [start + i * timedelta(milliseconds=250) for i in range(3)]
table = pa.table({"ts": pa.array(stamps, pa.timestamp("us")), "v": [1, 2, 3]})
pq.write_table(table, "run.parquet")
lines = ["ts,clock,v", *(f"{s.isoformat()},{s.time().isoformat()},1" for s in stamps)]
Path("run.csv").write_text("\n".join(lines) + "\n")


def column(path, name):
    with open(path, newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


for name in ("run.csv", "run.parquet"):
    read = [row["ts"] for row in Resource(name).read_rows()]
    print(name, "valid:", Resource(name).validate().valid, "read with microseconds:", read == stamps)
    if read != stamps:
        sys.exit(1)

Resource("run.csv").write("copy.csv")
Resource("run.parquet").write("from_parquet.csv")
tool = str(Path(sys.executable).with_name("frictionless"))
output = subprocess.run([tool, "extract", "run.csv", "--json"], check=True, capture_output=True, text=True)
seen = {
    "copy of the CSV": column("copy.csv", "ts"),
    "its time column": column("copy.csv", "clock"),
    "CSV from Parquet": column("from_parquet.csv", "ts"),
    "extract --json": [row["ts"] for row in json.loads(output.stdout)["run"]],
}
print("written:", [s.isoformat() for s in stamps])
for way, values in seen.items():
    print(f"{way:17}", values)
valid = Resource("copy.csv").validate().valid
print("copy valid:", valid)

whole = ["2026-01-02T03:04:05"] * 3
clock = seen.pop("its time column")
sys.exit(0 if valid and clock == ["03:04:05"] * 3 and all(v == whole for v in seen.values()) else 1)
PY
