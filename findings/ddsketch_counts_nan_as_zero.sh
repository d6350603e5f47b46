#!/usr/bin/env bash
# Claim: DDSketch of Python and of JavaScript counts NaN as the value 0: with 30 % of the probes lost as NaN, the 25th percentile of round trips of 10 to 20 ms is 0, though the sketch itself says that its minimum is 10.0, and all percentiles above are too low.
# Versions: ddsketch 3.0.1 on Python 3.11; @datadog/sketches-js 2.1.1 (npm), node 18 or newer; crick 0.0.8, datasketches 5.2.0, pytdigest 0.1.4 and fastdigest 0.12.0 beside them.
# Guess: NaN is left out, as crick, datasketches (KLL) and pytdigest have it, or refused, as fastdigest does. Here what is neither above nor below 0 is taken for 0.
# Hurts: who feeds a column from NumPy, Polars or a harness into a sketch: each lost probe is the quickest of all, so that the more a link loses the better its percentiles are. Percentiles stay plausible up to the share that is lost; the sum alone becomes NaN, and is not kept when a sketch is sent on.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet ddsketch==3.0.1 crick==0.0.8 datasketches==5.2.0 pytdigest==0.1.4 fastdigest==0.12.0 numpy==2.4.6
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @datadog/sketches-js@2.1.1 >/dev/null
cat >sketch.mjs <<'JS'
import {readFileSync} from 'node:fs';
import {DDSketch} from '@datadog/sketches-js';

const seen = JSON.parse(readFileSync('rtt.json', 'utf8')).map(values => {
  const sketch = new DDSketch({relativeAccuracy: 0.01});
  for (const value of values) sketch.accept(value ?? NaN);
  return [sketch.count, ...[0.25, 0.5, 0.9].map(q => sketch.getValueAtQuantile(q))];
});
console.log(JSON.stringify(seen));
JS
"$dir/venv/bin/python" - <<'PY'
import json
import subprocess
import sys

import numpy as np
from crick import TDigest
from datasketches import kll_doubles_sketch
from ddsketch import DDSketch
from fastdigest import TDigest as FastDigest
from pytdigest import TDigest as PyTDigest

QUANTILES = [0.25, 0.5, 0.9]
probes = np.random.default_rng(1).uniform(10, 20, 10_000)
probes[: 3_000] = np.nan
answered = probes[3_000:]


def by_ddsketch(values):
    sketch = DDSketch(0.01)
    for value in values:
        sketch.add(float(value))
    return [sketch.count, *map(sketch.get_quantile_value, QUANTILES)]


def by_crick(values):
    sketch = TDigest()
    sketch.update(values)
    return [sketch.size(), *sketch.quantile(QUANTILES)]


def by_kll(values):
    sketch = kll_doubles_sketch(800)
    sketch.update(values)
    return [sketch.n, *map(sketch.get_quantile, QUANTILES)]


def by_pytdigest(values):
    sketch = PyTDigest.compute(values, compression=500)
    return [sketch.weight, *sketch.inverse_cdf(QUANTILES)]


with open("rtt.json", "w") as file:
    json.dump([[None if np.isnan(value) else value for value in values] for values in (answered, probes)], file)
in_javascript = json.loads(subprocess.run(["node", "sketch.mjs"], stdout=subprocess.PIPE, check=True).stdout)
seen = {"ddsketch": (by_ddsketch(answered), by_ddsketch(probes)), "sketches-js": tuple(in_javascript)}
for name, by in (("crick", by_crick), ("datasketches", by_kll), ("pytdigest", by_pytdigest)):
    seen[name] = by(answered), by(probes)
truth = np.quantile(answered, QUANTILES)
print(f"{'':13} answered: count, p25, p50, p90    with the lost ones as NaN    (true {', '.join(f'{q:.2f}' for q in truth)})")
failed = False
for name, (without, with_lost) in seen.items():
    print(f"{name:13} {'  '.join(f'{x:8.2f}' for x in without)}  | {'  '.join(f'{x:8.2f}' for x in with_lost)}")
    failed |= bool(np.any(np.abs(np.array(without[1:]) - truth) > 0.3)) or without[0] != 7_000
    if name in ("ddsketch", "sketches-js"):
        failed |= with_lost[0] != 10_000 or with_lost[1] != 0 or not 12 < with_lost[2] < 14
    else:
        failed |= with_lost[0] != 7_000 or bool(np.any(np.abs(np.array(with_lost[1:]) - truth) > 0.3))
try:
    FastDigest.from_values(probes)
    failed = True
except ValueError as error:
    print("fastdigest refuses:", error)
sketch = DDSketch(0.01)
sketch.add(12.0)
sketch.add(np.nan)
print("of 12 and NaN ddsketch says", str(sketch).rpartition("zero_count")[2].strip(": "), "and that its lowest quantile is", sketch.get_quantile_value(0))
sys.exit(failed or sketch.get_quantile_value(0) != 0 or "min: 12.0" not in str(sketch))
PY
