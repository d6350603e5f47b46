#!/usr/bin/env bash
# Claim: scipy.stats.quantile reads the masked arrays in which DuckDB's fetchnumpy gives columns with NULL half-way: it sorts the missing values to the end, then counts them and takes the zeros under the mask. Of round trips of 10 to 19.9 ms of which a quarter is lost the median is 16.7 in place of 15.0, quantile 0.7 is 19.3 in place of 17.0, and quantiles 0.8, 0.95 and 0.99 are 0.
# Versions: scipy 1.17.1, duckdb 2.0.1, numpy 2.4.6. nan_policy="omit" changes nothing. describe, spearmanr, percentileofscore, bootstrap, ecdf and wasserstein_distance of the same array take the zeros for values (a mean of 11.2), and do not warn either.
# Guess: the missing are left out, as scipy's iqr, median_abs_deviation, trim_mean, mannwhitneyu, ttest_ind and kendalltau of the same array do, whose documentation says so of masked arrays; or an error, or a warning as numpy.quantile gives. quantile is the newest of all, and its documentation says nothing of them.
# Hurts: who takes statistics of what a query gave: with few NULLs all quantiles are a little too great and the highest ones, p99 for latency, are 0; with many, every one is wrong. Columns without NULL are ordinary arrays, so the same program is right until a probe is lost.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 duckdb==2.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

import duckdb
import numpy as np
from scipy import stats

warnings.simplefilter("error")  # nothing warns
LEVELS = 0.1, 0.5, 0.7, 0.8, 0.95, 0.99
PROBES = "SELECT i, (10 + (i * 7 % 100) / 10)::DOUBLE AS ms, (i * 7 % 100 + i % 9)::DOUBLE AS load FROM range(2000) probes(i)"
with_null = duckdb.sql(f"SELECT CASE WHEN i % 4 > 0 THEN ms END AS ms, load FROM ({PROBES}) ORDER BY i").fetchnumpy()
answered = duckdb.sql(f"SELECT ms, load FROM ({PROBES}) WHERE i % 4 > 0 ORDER BY i").fetchnumpy()
column, values = with_null["ms"], answered["ms"]
print(f"{type(column).__name__} of {len(column)}, {column.mask.sum()} missing, {sorted(set(column.data[column.mask].tolist()))} under the mask; "
      f"the others from {values.min()} to {values.max()}")
seen = [float(stats.quantile(column, level)) for level in LEVELS]
omitted = [float(stats.quantile(column, level, nan_policy="omit")) for level in LEVELS]
right = [float(np.quantile(values, level)) for level in LEVELS]
sql = duckdb.sql(f"SELECT quantile_cont(ms, {list(LEVELS)}) FROM ({PROBES}) WHERE i % 4 > 0").fetchall()[0][0]
for level, *row in zip(LEVELS, seen, right, sql, strict=True):
    print("quantile {}: scipy {:.2f}, numpy of the answered {:.2f}, DuckDB {:.2f}".format(level, *row))
holds = np.allclose(right, sql) and seen == omitted and seen[1] > right[1] + 1 and seen[2] > right[2] + 2 and seen[3:] == [0, 0, 0]
heeding = {
    "iqr": lambda ms: stats.iqr(ms), "median_abs_deviation": lambda ms: stats.median_abs_deviation(ms),
    "trim_mean": lambda ms: stats.trim_mean(ms, 0.1), "mannwhitneyu": lambda ms: stats.mannwhitneyu(ms, values + 1).statistic,
    "ttest_ind": lambda ms: stats.ttest_ind(ms, values + 1).statistic,
}
for name, of in heeding.items():
    holds &= bool(np.isclose(of(column), of(values)))
holds &= bool(np.isclose(stats.kendalltau(column, with_null["load"]).statistic, stats.kendalltau(values, answered["load"]).statistic))
print("as without the missing:", *heeding, "kendalltau")
others = {
    "describe's mean": lambda ms, load: stats.describe(ms).mean, "percentileofscore of 12": lambda ms, load: stats.percentileofscore(ms, 12),
    "spearmanr": lambda ms, load: stats.spearmanr(ms, load).statistic,
}
for name, of in others.items():
    all_of_them, without = of(column, with_null["load"]), of(values, answered["load"])
    print(f"{name}: {all_of_them:.2f}, without the missing {without:.2f}")
    holds &= bool(abs(all_of_them - without) > 0.1)
sys.exit(not holds)
PY
