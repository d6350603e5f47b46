#!/usr/bin/env bash
# Claim: asammdf brings samples that an MDF file marks as invalid back as measured ones: its data frames and its CSV and Parquet exports hold a number between the neighbours in their place, or a neighbour once more for integers and at the ends; resample and cut interpolate between the number that was invalid and the next, and mark the result as valid: 500.5 of 2 and an invalid 999.
# Versions: asammdf 8.8.28, pandas 3.1.1, numpy 2.3.5, pyarrow 26.0.1.
# Guess: an invalid sample is missing everywhere, as it is from `get`, or NaN, as with use_interpolation=False. That option speaks of several time rasters, and here is one channel group, whose times are all there; what lies between a valid and an invalid sample is not measured.
# Hurts: who marks lost or overranged samples by MDF's own means, and exports or thins out the file: outages of any length become straight lines, the losses cannot be counted, and after resample error codes are mixed into the values, below any check for 999.
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

times = np.arange(8) / 10
level = np.array([1.0, 2.0, 999.0, 999.0, 999.0, 6.0, 7.0, 999.0])
invalid = level == 999
with MDF() as mdf:
    mdf.append([
        Signal(level, times, name="level", invalidation_bits=invalid),
        Signal(level.astype(np.uint16), times, name="count", invalidation_bits=invalid),
        Signal(np.arange(8.0), times, name="other"),
    ])
    mdf.save("run.mf4")

with MDF("run.mf4") as mdf:
    frame = mdf.to_dataframe()
    apart = mdf.to_dataframe(use_interpolation=False)
    mdf.export("csv", "run_csv")
    mdf.export("parquet", "run_parquet")
    finer = mdf.resample(0.05).get("level")
    later = mdf.cut(start=0.15).get("level")
    seen = {
        "get": mdf.get("level").samples.tolist(),
        "data frame, level": frame["level"].tolist(),
        "data frame, count": frame["count"].tolist(),
        "the same, use_interpolation=False": apart["level"].tolist(),
        "resample(0.05), at 0.1 to 0.3 s": [(round(float(t), 2), float(x)) for t, x in zip(finer.timestamps, finer.samples) if 0.09 < t < 0.31],
        "cut(0.15), the first two": [(round(float(t), 2), float(x)) for t, x in zip(later.timestamps, later.samples)][:2],
    }
with next(Path().glob("run_csv*.csv")).open(newline="") as file:
    seen["CSV"] = [float(row["level"]) for row in csv.DictReader(file)]
seen["Parquet"] = pq.read_table("run_parquet.parquet")["level"].to_pylist()
for way, values in seen.items():
    print(f"{way:34}", values)

filled = [1, 2, 3, 4, 5, 6, 7, 7]
failed = seen["get"] != [1, 2, 6, 7]
failed |= any(not np.allclose(seen[way], filled) for way in ("data frame, level", "CSV", "Parquet"))
failed |= seen["data frame, count"] != [1, 2, 2, 2, 2, 6, 7, 7]
failed |= not np.array_equal(np.isnan(seen["the same, use_interpolation=False"]), invalid)
failed |= not any(400 < x < 600 for _, x in seen["resample(0.05), at 0.1 to 0.3 s"])
failed |= not 400 < seen["cut(0.15), the first two"][0][1] < 600
sys.exit(failed)
PY
