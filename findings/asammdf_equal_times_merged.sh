#!/usr/bin/env bash
# Claim: asammdf keeps samples that share a time stamp in the MDF file, but its data frames and its CSV and Parquet exports keep one of them, which one depends on an option, and the chunked data frame repeats the first in place of the others.
# Versions: asammdf 8.8.28, pandas 3.1.1, numpy 2.3.5, pyarrow 26.0.1.
# Guess: a single channel group needs no resampling, so an export has one row for each sample, as `get` has. `use_interpolation` speaks of groups with different time bases only.
# Hurts: who logs events or requests with a coarse clock, several per tick: rows vanish without a word, so counts, sums and rates are too low; and `iter_to_dataframe`, meant for large files, has the right number of rows with wrong values.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet asammdf==8.8.28 pandas==3.1.1 numpy==2.3.5 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import csv
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from asammdf import MDF, Signal

times = np.array([0.0, 1.0, 1.0, 1.0, 2.0, 3.0])
latency = np.array([10.0, 11.0, 12.0, 13.0, 14.0, 15.0])
with MDF() as mdf:
    mdf.append([Signal(latency, times, name="latency")])
    mdf.save("run.mf4")

with MDF("run.mf4") as mdf:
    seen = {
        "get": mdf.get("latency").samples.tolist(),
        "to_dataframe": mdf.to_dataframe()["latency"].tolist(),
        "to_dataframe, no interpolation": mdf.to_dataframe(use_interpolation=False)["latency"].tolist(),
        "get_group": mdf.get_group(0)["latency"].tolist(),
        "iter_to_dataframe": next(iter(mdf.iter_to_dataframe()))["latency"].tolist(),
    }
    mdf.export("csv", "run_csv")
    mdf.export("parquet", "run_parquet")

with next(Path().glob("run_csv*.csv")).open(newline="") as file:
    seen["export csv"] = [float(row["latency"]) for row in csv.DictReader(file)]
seen["export parquet"] = pq.read_table("run_parquet.parquet")["latency"].to_pylist()
for way, values in seen.items():
    print(f"{way:32}", len(values), "rows", values)

last = [10.0, 13.0, 14.0, 15.0]
holds = seen == {
    "get": latency.tolist(),
    "to_dataframe": last,
    "to_dataframe, no interpolation": [10.0, 11.0, 14.0, 15.0],
    "get_group": last,
    "iter_to_dataframe": [10.0, 11.0, 11.0, 11.0, 14.0, 15.0],
    "export csv": last,
    "export parquet": last,
}
sys.exit(0 if holds else 1)
PY
