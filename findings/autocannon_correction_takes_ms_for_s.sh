#!/usr/bin/env bash
# Claim: with a fixed rate autocannon corrects its latencies for coordinated omission by an interval of 1 ms, whatever the rate: the interval is 1 / rate in seconds, rounded up, the latencies are milliseconds. Each response of 40 ms brings 39 invented ones of 39, 38, ... 1 ms, so that a server which never answers below 40 ms is shown with half of that, though every response came before the next request was due.
# Versions: autocannon 9.0.0 (npm), node 18 or newer.
# Guess: the correction, of HdrHistogram, adds what was held up: a response that took longer than the interval of the schedule, here 100 ms, brings the requests that should have been sent meanwhile. It can make latencies worse only, and changes nothing where none took longer. The help says that latencies are corrected with a rate and warns of leaving that off.
# Hurts: who measures latency at a fixed rate, which is the right way: mean, median and all lower percentiles are far too low, the least is 1 ms, totalCount is many times the requests sent, and a slow answer now and then weighs more than all the quick ones. With -C (ignoreCoordinatedOmission) the figures are those of the responses.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . autocannon@9.0.0 >/dev/null
cat >measure.mjs <<'JS'
import {createServer} from 'node:http';
import {once} from 'node:events';
import autocannon from 'autocannon';

const server = createServer((request, response) => setTimeout(() => response.end('ok'), 40));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
async function measure(name, options) {
  const seen = [];
  const {latency} = await autocannon({
    url: ['http:', '', `127.0.0.1:${server.address().port}`].join('/'), connections: 1, amount: 30, ...options,
    setupClient: client => client.on('response', (status, bytes, ms) => seen.push(ms)),
  });
  seen.sort((a, b) => a - b);
  const [least, median, most] = [seen[0], seen[seen.length >> 1], seen.at(-1)].map(ms => +ms.toFixed(1));
  console.log(name, '\n  events     ', {count: seen.length, least, median, most},
    '\n  its result ', {count: latency.totalCount, least: latency.min, median: latency.p50, mean: latency.average});
  return {least, median, most, latency, count: seen.length};
}
const rated = await measure('10 requests a second', {overallRate: 10});
const plain = await measure('the same with -C', {overallRate: 10, ignoreCoordinatedOmission: true});
server.close();
const untouched = ({least, most}) => least >= 39 && most < 100;  // no request was held up: one is due every 100 ms
const halved = rated.latency.min <= 1 && rated.latency.p50 < 0.7 * rated.median && rated.latency.totalCount > 20 * rated.count;
const right = plain.latency.min >= 39 && plain.latency.totalCount === plain.count;
if (!untouched(rated)) console.log('the machine was busy: a response took longer than 100 ms, so that some of the correction was due');
process.exit(halved && right ? 0 : 1);
JS
node measure.mjs
