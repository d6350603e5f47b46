#!/usr/bin/env bash
# Claim: in DataFusion one NaN or infinity makes the moving sum and mean NaN from there to the end of the partition, not in the rows alone whose window holds it, since a value that leaves the window is subtracted; moving max and median recover. One very great value leaves an error behind in the same way: 1.33 for a mean of ones.
# Versions: datafusion 55.0.0; polars 2.1.0, duckdb 2.0.1 and pandas 3.1.1 recover, each.
# Guess: avg(x) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) is the mean of three values, whatever stood before them, as it is with the other engines, and as the same query is with NULL in place of NaN.
# Hurts: who smooths samples in which a lost probe is NaN, as Arrow and Parquet from NumPy have it: all after the first loss is lost; and after one spoilt number all later means are wrong without a sign.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet datafusion==55.0.0 polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import math
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from datafusion import SessionContext

frame = "OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)"
sql = "SELECT {}(x) " + frame + " AS y FROM samples ORDER BY i"
failed = False
for name, odd in (("NaN", math.nan), ("infinity", math.inf), ("1e16", 1e16), ("null", None)):
    values = [1.0, 1.0, odd, *[1.0] * 7]
    samples = pa.table({"i": list(range(10)), "x": pa.array(values, pa.float64())})
    context = SessionContext()
    context.from_arrow(samples, "samples")
    seen = {f"datafusion {f}": context.sql(sql.format(f)).to_pydict()["y"] for f in ("avg", "sum", "max", "median")}
    seen["duckdb avg"] = [y for (y,) in duckdb.sql(sql.format("avg")).fetchall()]
    seen["polars mean"] = pl.Series(values).rolling_mean(3, min_samples=1).to_list()
    seen["pandas mean"] = pd.Series(values, dtype=float).rolling(3, min_periods=1).mean().tolist()
    print(f"1 1 {name} 1 1 1 1 1 1 1")
    for way, moved in seen.items():
        print(f"  {way:18}", *(f"{y:g}" for y in moved))
        ends = {3.0} if way.endswith("sum") else {1.0}  # five rows after the odd value has left the window
        recovers = set(moved[5:]) == ends
        wanted = name == "null" or way not in ("datafusion avg", "datafusion sum")
        failed |= recovers != wanted
sys.exit(failed)
PY
