#!/usr/bin/env bash
# Claim: where an Arrow-backed column of pandas holds NaN, groupby(...).median(), pivot_table and resample().median() give a number that depends on the order of the rows: where every hundredth of 20,000 probes is NaN, medians of 17 to 75, or NA, for a true one of 20; one NaN in a thousand rows is enough. nlargest(5) of such a column gives five rows, or none, by the order as well.
# Versions: pandas 3.1.1 (2.3.3 and 3.0.0 the same), pyarrow 26.0.1, numpy 2.4.6.
# Guess: NaN is left out, as median() of the whole column and groupby(...).quantile(0.5) of the same frame do, or the median is NaN, as the group's mean is NA. A median has no order. The same fault of grouped quantiles was mended this year (pull request 66183).
# Hurts: who reads Parquet with dtype_backend="pyarrow", so that NaN and null stay apart, and compares links or versions by their medians: plausible numbers, different after a sort, and for each group by other errors; the group without a loss alone is right. dtype_backend="numpy_nullable" and pandas' own types are right, and so is groupby(...).quantile(0.5).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

warnings.simplefilter("error")  # nothing warns
draw = np.random.default_rng(1)
ROWS, LINKS = 20_000, ("lan", "wan", "sat")
link = np.repeat(LINKS, ROWS)
rtt = draw.lognormal(3, 0.5, ROWS * 3)
rtt[ROWS::100] = np.nan  # of wan and sat every hundredth probe is lost
truth = [float(np.nanmedian(rtt[link == name])) for name in LINKS]


def medians(order, backend, how):
    pq.write_table(pa.table({"link": link[order], "rtt": rtt[order]}), "run.parquet")
    frame = pd.read_parquet("run.parquet", **({"dtype_backend": backend} if backend else {}))
    if how == "resample":
        hours = frame["link"].map({name: at for at, name in enumerate(LINKS)}).astype("int64")
        frame.index = pd.Timestamp("2026-11-24") + pd.to_timedelta(hours, unit="h")
        return frame.sort_index(kind="stable")["rtt"].resample("1h").median().tolist()
    grouped = frame.groupby("link")["rtt"]
    by_link = {
        "median": grouped.median,
        "quantile(0.5)": lambda: grouped.quantile(0.5),
        "agg of Series.median": lambda: grouped.agg(lambda each: each.median()),
        "pivot_table": lambda: frame.pivot_table(index="link", values="rtt", aggfunc="median")["rtt"],
    }[how]()
    return by_link.reindex(list(LINKS)).tolist()


orders = {"as measured": np.arange(len(rtt)), "backwards": np.arange(len(rtt))[::-1]}
orders |= {f"shuffled {at}": draw.permutation(len(rtt)) for at in (1, 2, 3)}
print(f"{'true':41}", *(f"{name} {x:6.2f}" for name, x in zip(LINKS, truth)))
off = []
failed = False
for how in ("median", "pivot_table", "resample"):
    for name, order in orders.items():
        seen = medians(order, "pyarrow", how)
        print(f"Arrow    {how:20} {name:11}", *(f"{link} {x:6.2f}" if pd.notna(x) else f"{link}     NA" for link, x in zip(LINKS, seen)))
        failed |= not np.isclose(seen[0], truth[0])  # no NaN there
        off += [abs(x - true) if pd.notna(x) else np.inf for x, true in zip(seen[1:], truth[1:])]
for backend, how in (("pyarrow", "quantile(0.5)"), ("pyarrow", "agg of Series.median"), ("numpy_nullable", "median"), (None, "median")):
    seen = medians(orders["shuffled 1"], backend, how)
    print(f"{backend or 'numpy':14} {how:25} ", *(f"{link} {x:6.2f}" for link, x in zip(LINKS, seen)))
    failed |= not np.allclose(seen, truth)
greatest = []
for order in orders.values():
    pq.write_table(pa.table({"rtt": rtt[order]}), "run.parquet")
    greatest.append(pd.read_parquet("run.parquet", dtype_backend="pyarrow")["rtt"].nlargest(5).round(1).tolist())
print("nlargest(5), true", sorted(rtt[~np.isnan(rtt)].round(1).tolist())[:-6:-1], "seen", *greatest)
failed |= all(len(each) == 5 for each in greatest)
print(f"{sum(x > 0.5 for x in off)} of {len(off)} medians with NaN are off by more than 0.5")
sys.exit(bool(failed or sum(x > 0.5 for x in off) < len(off) / 2))
PY
