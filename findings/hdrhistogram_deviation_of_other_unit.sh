#!/usr/bin/env bash
# Claim: the table of percentiles that Python's hdrhistogram prints has all figures in the unit asked for but the standard deviation, which stays in that of the recorded values: of latencies recorded in µs and printed in ms the mean is 20.0 and the deviation 5,773.5 instead of 5.8, on the same line.
# Versions: hdrhistogram 0.10.8 (PyPI); hdr-histogram-js 3.0.1 (npm) divides both, and so does HdrHistogram of Java, whose table it is.
# Guess: the ratio is for the whole table: values, mean and maximum are divided by it, and wrk2, YCSB and others print such tables with the deviation in the unit of the mean.
# Hurts: who keeps the table (.hgrm) as the record of a run, or imports it: the deviation is a thousand or a million times the rest, nothing in the file says so, and a coefficient of variation of 289 is taken for an unsteady link. With a ratio of 1 it is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
"venv/bin/pip" install --quiet hdrhistogram==0.10.8
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . hdr-histogram-js@3.0.1 >/dev/null
cat >print.py <<'PY'
import sys

from hdrh.histogram import HdrHistogram

histogram = HdrHistogram(1, 60_000_000, 3)
for i in range(10_000):
    histogram.record_value(10_000 + 2 * i)
histogram.output_percentile_distribution(sys.stdout.buffer, float(sys.argv[1]))
PY
cat >print.cjs <<'JS'
const {build} = require('hdr-histogram-js');

const histogram = build({lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3});
for (let i = 0; i < 10_000; i++) histogram.recordValue(10_000 + 2 * i);
console.log(histogram.outputPercentileDistribution(5, Number(process.argv[2])));
JS
for ratio in 1 1000; do
    venv/bin/python print.py "$ratio" >"python-$ratio.hgrm"
    node print.cjs "$ratio" >"js-$ratio.hgrm"
done
grep -H '#\[M' ./*.hgrm
venv/bin/python - <<'PY'
import re
import statistics
import sys

values = [(10_000 + 2 * i) / 1000 for i in range(10_000)]
right = {"Mean": statistics.fmean(values), "StdDeviation": statistics.pstdev(values), "Max": max(values)}
print("of the values, in ms:", {name: round(value, 3) for name, value in right.items()})


def figures(name):
    with open(name, encoding="utf-8") as file:
        return {key: float(value) for key, value in re.findall(r"(Mean|StdDeviation|Max) *= *([0-9.]+)", file.read())}


def near(value, wanted):
    return abs(value / wanted - 1) < 0.01


python, js = figures("python-1000.hgrm"), figures("js-1000.hgrm")
holds = all(near(js[name], right[name]) for name in right) and near(figures("python-1.hgrm")["StdDeviation"], 1000 * right["StdDeviation"])
holds &= near(python["Mean"], right["Mean"]) and near(python["Max"], right["Max"]) and near(python["StdDeviation"], 1000 * right["StdDeviation"])
sys.exit(not holds)
PY
