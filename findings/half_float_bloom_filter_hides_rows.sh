#!/usr/bin/env bash
# Claim: DuckDB finds no row by equality in a half-float column of a Parquet file with a bloom filter, as pyarrow 26 can write it: it asks the filter for the hash of the four bytes of a FLOAT, the filter has those of the two bytes in the file. Ranges, Polars and DataFusion find the rows; without the filter DuckDB does, too.
# Versions: duckdb 2.0.1, pyarrow 26.0.1, polars 2.1.0, datafusion 55.0.0.
# Guess: a bloom filter may let too many row groups through, never too few, and is a matter of speed alone; DuckDB reads the column right, and finds rows by the filters of all other types that pyarrow writes.
# Hurts: who keeps quantised levels, set points or ratios in 16 bits, and makes them quick to look up: x = 1.5, x IN (1.5, 2.25) and a join on x give nothing, without an error, while x != 1.5, x BETWEEN 1.4 AND 1.6 and count(*) FILTER (x = 1.5) are right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0 datafusion==55.0.0 numpy==2.4.6
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from datafusion import SessionContext

levels = np.array([0.5, 1.5, 2.25, 100.0] * 2500)
kinds = {"halffloat": np.float16, "float": np.float32, "double": np.float64}
failed = False
for kind, dtype in kinds.items():
    table = pa.table({"level": levels.astype(dtype)})
    pq.write_table(table, f"{kind}.parquet", bloom_filter_options={"level": True})
    pq.write_table(table, f"{kind}-plain.parquet")

    def duck(condition, name, kind=kind):
        return duckdb.sql(f"SELECT count(*) FROM '{kind}{name}.parquet' WHERE {condition}").fetchall()[0][0]

    context = SessionContext()
    context.register_parquet("levels", f"{kind}.parquet")
    seen = {
        "=": duck("level = 1.5", ""),
        "in": duck("level IN (1.5, 2.25)", "") // 2,
        "join": duckdb.sql(f"SELECT count(*) FROM '{kind}.parquet' JOIN (SELECT 1.5::FLOAT AS level) USING (level)").fetchall()[0][0],
        "between": duck("level BETWEEN 1.4 AND 1.6", ""),
        "= without the filter": duck("level = 1.5", "-plain"),
        "group by": dict(duckdb.sql(f"SELECT level, count(*) FROM '{kind}.parquet' GROUP BY ALL").fetchall())[1.5],
        "polars": pl.scan_parquet(f"{kind}.parquet").filter(pl.col("level") == 1.5).collect().height,
        "datafusion": context.sql("SELECT * FROM levels WHERE level = 1.5").count(),
    }
    print(f"{kind:10}", seen)
    wanted = dict.fromkeys(seen, 2500)
    if kind == "halffloat":
        wanted |= {"=": 0, "in": 0, "join": 0}
    failed |= seen != wanted
sys.exit(failed)
PY
