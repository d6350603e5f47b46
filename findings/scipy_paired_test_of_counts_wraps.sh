#!/usr/bin/env bash
# Claim: scipy.stats.ttest_rel subtracts unsigned integers as they are, so that a pair whose first value is the lesser one differs by four thousand million: of 30 links that lose 3.3 probes more after a change, p is 0.16 instead of 1e-8; t may have the wrong sign, and nothing warns.
# Versions: scipy 1.17.1 (and 1.13.1, the same) with numpy 2.4.6, polars 2.1.0, pandas 3.1.1. The paired tests of pingouin 0.7.0 (ttest) and statsmodels 0.15.0 (ttost_paired) do the same.
# Guess: a test is of numbers, whatever type holds them, as wilcoxon, ttest_ind, pearsonr and permutation_test of the same two arrays are. Nobody asked for the type, either: what Polars counts (null_count, len, n_unique, the sum of a condition) is UInt32.
# Hurts: who compares counts, ticks or sizes in pairs, by link, by run or by hour, out of Polars, Parquet or a driver's buffer: a change for the worse is found to be none, and the other way round; the interval of confidence alone looks odd. Signed integers and floats are right, and so are unsigned ones where no first value is the lesser.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import polars as pl
from scipy import stats

warnings.simplefilter("error")  # nothing warns
draw = np.random.default_rng(2026)
before = draw.poisson(40, 30)
after = before + draw.poisson(6, 30) - 3
LINKS, PROBES = 30, 200


def counted(lost):
    """Probes of 30 links, of which so many have no value, and Polars' count of these."""
    answered = np.arange(PROBES) >= lost[:, None]
    probes = pl.DataFrame({"link": np.repeat(np.arange(LINKS), PROBES), "rtt": np.where(answered.ravel(), 20.0, np.nan)})
    return probes.with_columns(pl.col("rtt").fill_nan(None)).group_by("link").agg(pl.col("rtt").null_count()).sort("link")["rtt"]


x, y = counted(after), counted(before)
assert x.to_list() == after.tolist() and y.to_list() == before.tolist()
ways = {
    "Polars' counts": (x, y),
    "the same in NumPy": (x.to_numpy(), y.to_numpy()),
    "the same in pandas": (x.to_pandas(), y.to_pandas()),
    "cast to Int64": (x.cast(pl.Int64), y.cast(pl.Int64)),
    "cast to Float64": (x.cast(pl.Float64), y.cast(pl.Float64)),
}
print(f"mean of the differences: {np.mean(after - before):.2f}")
failed = False
for way, (a, b) in ways.items():
    paired = stats.ttest_rel(a, b)
    interval = paired.confidence_interval()
    others = [stats.wilcoxon(a, b).pvalue, stats.ttest_ind(a, b).pvalue]
    print(f"{way:18} {a.dtype!s:7} t {paired.statistic:5.2f}  p {paired.pvalue:8.2g}  difference {interval.low:.4g} to {interval.high:.4g};"
          f"  wilcoxon {others[0]:.2g}  ttest_ind {others[1]:.2g}")
    right = paired.pvalue < 1e-6 and 2 < interval.low < interval.high < 5
    wrong = 0.05 < paired.pvalue and interval.high > 1e8
    failed |= not (right if "cast" in way else wrong) or others[0] > 1e-4 or others[1] > 0.02
rises = np.array([1, 2, 3, 9], np.uint32), np.array([2, 4, 5, 8], np.uint32)
signs = [np.sign(stats.ttest_rel(*(each.astype(kind) for each in rises)).statistic) for kind in ("u4", "i4")]
print("sign of t for 1-2, 2-4, 3-5, 9-8: unsigned", signs[0], "signed", signs[1])
sys.exit(failed or signs != [1, -1])
PY
