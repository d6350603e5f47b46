#!/usr/bin/env bash
# Claim: in DataFusion, in what embeds it (deltalake's QueryBuilder) and in Daft, max and min of a group start anew after each NaN: of links that lose every hundredth probe as NaN, max(rtt) ... GROUP BY link is 66 and 56 where the greatest are 144 and 135, namely the greatest after the last loss; other orders of the rows give other numbers, or NaN.
# Versions: datafusion 55.0.0, daft 0.7.26, deltalake 1.6.6; DuckDB 2.0.1 and Polars 2.1.0 beside them, each by its rule; pyarrow 25.0.1, numpy 2.4.6.
# Guess: NaN is the greatest of all, as in DuckDB, or left out, as in Polars: either is one rule, and DataFusion itself says NaN over a window, and leaves NaN out without GROUP BY, where it has the statistics of the file. A maximum has no order. DataFusion knows of it (issue 24432).
# Hurts: who asks for the worst and the best latency by link, run or hour: the more often a link loses a probe, the less of it is looked at and the better its worst case looks, while its mean is NaN, and nobody doubts a maximum. isnan() in WHERE or FILTER helps.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet datafusion==55.0.0 daft==0.7.26 deltalake==1.6.6 duckdb==2.0.1 polars==2.1.0 pyarrow==25.0.1 numpy==2.4.6
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import shutil
import sys

import daft
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from datafusion import SessionConfig, SessionContext
from deltalake import DeltaTable, QueryBuilder, write_deltalake

draw = np.random.default_rng(1)
ROWS, LINKS = 10_000, ("lan", "sat", "wan")
link = np.repeat(LINKS, ROWS)
rtt = draw.lognormal(3, 0.5, ROWS * 3)
rtt[ROWS + 50 :: 100] = np.nan  # sat and wan lose every hundredth probe
SQL = "SELECT link, max(rtt) AS most, min(rtt) AS least FROM probes {} GROUP BY link ORDER BY link"


def by_datafusion(condition=""):
    context = SessionContext(SessionConfig().with_target_partitions(1))
    context.register_parquet("probes", "probes.parquet")
    rows = context.sql(SQL.format(condition)).to_pydict()
    return list(zip(rows["most"], rows["least"]))


def by_deltalake():
    shutil.rmtree("delta", ignore_errors=True)
    write_deltalake("delta", pq.read_table("probes.parquet"))
    rows = QueryBuilder().register("probes", DeltaTable("delta")).execute(SQL.format("")).read_all()
    rows = pa.table(rows).to_pydict()
    return list(zip(rows["most"], rows["least"]))


def by_daft():
    rtt = daft.col("rtt")
    rows = daft.read_parquet("probes.parquet").groupby("link").agg(rtt.max().alias("most"), rtt.min().alias("least")).sort("link").to_pydict()
    return list(zip(rows["most"], rows["least"]))


def by_polars():
    rtt = pl.col("rtt")
    rows = pl.read_parquet("probes.parquet").group_by("link").agg(rtt.max().alias("most"), rtt.min().alias("least")).sort("link").to_dict(as_series=False)
    return list(zip(rows["most"], rows["least"]))


def by_duckdb():
    return [row[1:] for row in duckdb.sql(SQL.format("").replace("probes", "'probes.parquet'")).fetchall()]


def after_the_last_nan(order):
    """What is left of each link, if all before its last NaN is forgotten."""
    ends = []
    for name in LINKS:
        values = rtt[order][link[order] == name]
        lost = np.flatnonzero(np.isnan(values))
        rest = values[lost[-1] + 1 :] if len(lost) else values
        ends.append((rest.max(), rest.min()) if len(rest) else (np.nan, np.nan))
    return ends


def show(ends):
    return "  ".join(f"{name} {most:6.2f} {least:5.2f}" for name, (most, least) in zip(LINKS, ends))


truth = [(np.nanmax(rtt[link == name]), np.nanmin(rtt[link == name])) for name in LINKS]
print(f"{'greatest and least that were measured':38}", show(truth))
failed = False
for name, order in {"as measured": np.arange(len(rtt)), "shuffled": draw.permutation(len(rtt))}.items():
    pq.write_table(pa.table({"link": link[order], "rtt": rtt[order]}), "probes.parquet")
    wrong = after_the_last_nan(order)
    print(f"{name}: after the last NaN".ljust(38), show(wrong))
    for way in (by_datafusion, by_deltalake, by_daft, by_polars, by_duckdb):
        seen = way()
        print(f"    {way.__name__[3:]:34}", show(seen))
        if way in (by_datafusion, by_daft):
            failed |= not np.allclose(seen, wrong, equal_nan=True)
        elif way is by_polars:
            failed |= not np.allclose(seen, truth)
        elif way is by_duckdb:
            failed |= not (np.allclose([x for _, x in seen], [x for _, x in truth]) and all(np.isnan(most) for most, _ in seen[1:]))
    seen = by_datafusion("WHERE NOT isnan(rtt)")
    print(f"    {'datafusion, WHERE NOT isnan(rtt)':34}", show(seen))
    failed |= not np.allclose(seen, truth)
sys.exit(bool(failed))
PY
