#!/usr/bin/env bash
# Claim: a Summary of prom-client takes its quantiles on straight lines between the distinct values, however many observations have each: of 10,000 response times, 9,950 of 20 ms and 50 of 1,000 ms, it shows 24.9 as the median and 808.9 as quantile 0.9, where all up to 0.99 are 20. Of 97 % zeros and 3 % of 200 to 249, quantile 0.9 is above 150.
# Versions: prom-client 15.1.3, its tdigest 0.1.3 (npm), node 18 or newer. pytdigest 0.1.4 of PyPI gives the same numbers; fastdigest 0.12.0, DuckDB 2.0.1 and ClickHouse's quantileTDigest give 20. An open issue of Python's tdigest has the same of the faces of a die; nothing of prom-client's says so.
# Guess: a quantile of a t-digest is a little off in its rank, and exact where there are few distinct values, since each then has a centroid of its own, with its count: the digest does know that 9,950 are 20. The README says "Summaries calculate percentiles of observed values".
# Hurts: who observes whole milliseconds, sizes, counts or losses: any that repeat. Every quantile between two values is an invented one, the mean of the whole stands near the median, and one slow answer in 200 makes p90 forty times too great: alarms, and comparisons of such runs, are of the rare values.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . prom-client@15.1.3 tdigest@0.1.3 >/dev/null
cat >observe.cjs <<'JS'
const {Summary} = require('prom-client');

const COUNT = 10_000;
const sets = {
  rare: i => i % 200 === 199 ? 1000 : 20,
  lost: i => i % 100 < 97 ? 0 : 200 + i % 50,
  spread: i => 20 + (i * 7919 % COUNT) / COUNT,  // no value twice
};
(async () => {
  const shown = {};
  for (const [name, value] of Object.entries(sets)) {
    const values = Array.from({length: COUNT}, (_, i) => value(i));
    const summary = new Summary({name, help: name, registers: []});
    for (const one of values) summary.observe(one);
    values.sort((a, b) => a - b);
    const quantiles = (await summary.get()).values.filter(({labels}) => labels.quantile !== undefined)
      .map(({labels, value}) => [labels.quantile, value, values[Math.ceil(labels.quantile * COUNT) - 1]]);
    shown[name] = Object.fromEntries(quantiles.map(([q, ...both]) => [q, both]));
    console.log(name.padEnd(6), ...quantiles.map(([q, has, right]) => `  ${q}: ${+has.toFixed(2)} (${right})`));
  }
  const [rare, lost, spread] = Object.values(shown);
  const wrong = rare[0.5][0] > 24 && rare[0.9][0] > 800 && rare[0.99][0] > 980 && [0.5, 0.9, 0.99].every(q => rare[q][1] === 20)
    && lost[0.9][0] > 150 && lost[0.9][1] === 0;
  process.exit(wrong && Object.values(spread).every(([has, right]) => Math.abs(has - right) < 0.01) ? 0 : 1);
})();
JS
echo "quantile: what the Summary has (what the sorted values have)"
node observe.cjs
