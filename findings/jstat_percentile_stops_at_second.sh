#!/usr/bin/env bash
# Claim: jStat.percentile takes a straight line between two values everywhere but between the two greatest, where it gives the lesser one: of ten runs of 10 to 18 ms and one of 100 the percentile 0.95 is 18 instead of 63.1, and of 100 samples or fewer the percentile 0.99 is the second greatest, however great the greatest is.
# Versions: jstat 1.9.6 (npm), node 18 or newer; mathjs 15.2.0 and numpy give 63.1.
# Guess: that of PERCENTILE.INC, which it is for all ranks below: the example in its documentation, percentile([1, 2, 3, 4], 0.3) === 1.9, is of such a line. jStat.percentile(x, 1) is the greatest value, so the function jumps there.
# Hurts: who judges runs by p90 to p99 of some ten to a hundred samples: the one slow answer that they should show is not in them at all, a limit on p95 or p99 is kept whatever it took, and figures of the same data differ from those of Python or of a spreadsheet.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . jstat@1.9.6 mathjs@15.2.0 >/dev/null
cat >percentiles.cjs <<'JS'
const {jStat} = require('jstat'), {quantileSeq} = require('mathjs');

const runs = [10, 11, 12, 13, 14, 15, 16, 17, 18, 100];
const hundred = Array.from({length: 100}, (_, i) => i < 99 ? 20 + i / 100 : 5000);
function linear(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place), above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
const near = (a, b) => Math.abs(a - b) < 1e-9 * Math.abs(b);
let holds = true;
for (const [values, shares] of [[runs, [0.25, 0.5, 0.8, 0.85, 0.9, 0.95, 0.99, 1]], [hundred, [0.5, 0.95, 0.98, 0.99, 0.995, 1]]]) {
  console.log(`${values.length} values, the two greatest ${values.slice(-2).join(' and ')}`);
  for (const share of shares) {
    const has = jStat.percentile(values, share), right = linear(values, share), other = quantileSeq(values, share);
    console.log(`  ${share}: jStat ${+has.toFixed(2)}, mathjs ${+other.toFixed(2)}, the line ${+right.toFixed(2)}`);
    const between = share * (values.length - 1) > values.length - 2 + 1e-9 && share < 1;
    holds &&= near(other, right) && (between ? has === values.at(-2) && right > has : near(has, right));
  }
}
process.exit(holds ? 0 : 1);
JS
node percentiles.cjs
