#!/usr/bin/env bash
# Claim: The samples that tinybench keeps of latency and of throughput are sorted, each by itself: place i of both is not one iteration, the slowest first iterations stand last, and a drift through the run cannot be seen.
# Versions: tinybench 6.2.5 (npm), node 18 or newer.
# Guess: retainSamples is asked for "the raw samples for further analysis", so samples[i] is iteration i, and throughput.samples[i] is 1000 / latency.samples[i]. The types call them sorted; JSON, in which results are kept, does not.
# Hurts: who plots samples over a run to see warm-up, drift or pauses: every run looks as if it grew slower steadily. Pairs of latency and throughput multiply to anything but 1; a test for a trend finds a perfect one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . tinybench@6.2.5 >/dev/null
cat >bench.mjs <<'JS'
import {writeFileSync} from 'node:fs';
import {Bench} from 'tinybench';

const order = [];
let calls = 0;
const bench = new Bench({iterations: 20, time: 0, warmup: false, retainSamples: true});
bench.add('starts slowly', () => {
  const began = performance.now(), wanted = calls++ < 5 ? 20 : 2;
  while (performance.now() - began < wanted);
  order.push(performance.now() - began);
});
await bench.run();
const {latency, throughput} = bench.tasks[0].result;
writeFileSync('result.json', JSON.stringify({order: order.slice(-20), latency: latency.samples, throughput: throughput.samples}));
JS
node bench.mjs
python3 - <<'PY'
import json
import sys

result = json.load(open("result.json"))
order, latency, throughput = result["order"], result["latency"], result["throughput"]
products = [ms * per_second / 1000 for ms, per_second in zip(latency, throughput)]
print("as they ran     ", *(f"{ms:.0f}" for ms in order))
print("latency.samples ", *(f"{ms:.0f}" for ms in latency))
print("products of pairs", f"{min(products):.2f} to {max(products):.2f}")
slow_first = min(order[:3]) > 10 > max(order[-3:])
sorted_each = latency == sorted(latency) and throughput == sorted(throughput)
if not (slow_first and sorted_each and max(latency[:3]) < 10 < latency[-1] and max(products) > 1.5):
    sys.exit("changed: samples stand in the order of the run, or in pairs")
PY
