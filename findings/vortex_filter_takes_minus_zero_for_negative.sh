#!/usr/bin/env bash
# Claim: a filter of Polars or DuckDB over a Vortex file takes -0.0 for a negative number that is not 0: of a thousand clock offsets rounded to whole milliseconds 512 are "< 0" and 239 are "== 0"; after collect(), or from Parquet, the same expressions give 280 and 471. Daft says 512 and 239 of any file.
# Versions: vortex-data 0.93.0, daft 0.7.26, polars 2.1.0, duckdb 2.0.1, pyarrow 25.0.1, numpy 2.4.6, datafusion 55.0.0.
# Guess: -0.0 == 0.0, as IEEE 754, SQL and both engines have it, and a filter has the same result whether it is pushed down to the reader of the file or not. The reader compares bits in the end (IEEE's total order), which is meant for sorting.
# Hurts: who rounds small differences, offsets, residuals or temperatures, and counts, or joins by, the sign or the zero: half of all that rounds to 0 comes from below and is -0.0, so clocks that agree look late, differences by link or run change with the format of the file, and nothing tells.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet vortex-data==0.93.0 daft==0.7.26 polars==2.1.0 duckdb==2.0.1 pyarrow==25.0.1 numpy==2.4.6 datafusion==55.0.0
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import daft
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import vortex
from datafusion import SessionContext

offsets = np.round(np.random.default_rng(1).normal(0, 0.8, 1000))
table = pa.table({"offset": offsets})
pq.write_table(table, "run.parquet")
vortex.io.write(table, "run.vortex")
file = vortex.open("run.vortex")
assert np.array_equal(file.to_arrow().read_all()["offset"].to_numpy().view("u8"), offsets.view("u8")), "the file is right"


def by_polars(frame):
    return tuple(frame.lazy().filter(each).select(pl.len()).collect().item() for each in (pl.col("offset") < 0, pl.col("offset") == 0))


def by_duckdb(data):
    with duckdb.connect() as connection:
        connection.register("run", data)
        return tuple(connection.sql(f'SELECT count(*) FROM run WHERE "offset" {each} 0').fetchall()[0][0] for each in ("<", "="))


def by_arrow(data):
    return tuple(data.count_rows(filter=each) for each in (ds.field("offset") < 0.0, ds.field("offset") == 0.0))


def by_daft(frame):
    return tuple(frame.where(each).count_rows() for each in (daft.col("offset") < 0, daft.col("offset") == 0))


def by_datafusion(path):
    context = SessionContext()
    context.register_parquet("run", path)
    return tuple(context.sql(f'SELECT * FROM run WHERE "offset" {each} 0').count() for each in ("<", "="))


truth = int((offsets < 0).sum()), int((offsets == 0).sum())
seen = {
    "NumPy": truth,
    "Polars, Parquet": by_polars(pl.scan_parquet("run.parquet")),
    "Polars, Vortex": by_polars(file.to_polars()),
    "Polars, Vortex, collected": by_polars(file.to_polars().collect()),
    "DuckDB, Parquet": by_duckdb(ds.dataset("run.parquet")),
    "DuckDB, Vortex": by_duckdb(file.to_dataset()),
    "pyarrow, Parquet": by_arrow(ds.dataset("run.parquet")),
    "pyarrow, Vortex": by_arrow(file.to_dataset()),
    "DataFusion, Parquet": by_datafusion("run.parquet"),
    "Daft, Parquet": by_daft(daft.read_parquet("run.parquet")),
    "Daft, in memory": by_daft(daft.from_arrow(table)),
}
minus_zero = int(((offsets == 0) & np.signbit(offsets)).sum())
by_bits = truth[0] + minus_zero, truth[1] - minus_zero
failed = False
for way, (below, zero) in seen.items():
    print(f"{way:26} < 0: {below}   == 0: {zero}")
    wrong = way.startswith("Daft") or way.endswith("Vortex")
    failed |= (below, zero) != (by_bits if wrong else truth)
sys.exit(failed)
PY
