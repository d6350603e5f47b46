"""Reads files of tools by plain Python: each sample, or figure of the tool, as metric, unit and value; lost is None."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Sample = tuple[str, str | None, float | None]
"""Metric, unit and value."""
Reading = Iterator[Sample]

_K6_PARTS = ("duration", "blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving")
_K6_TIMES = {*(f"http_req_{part}" for part in _K6_PARTS), "iteration_duration", "group_duration"}
_K6_DATA = {"data_sent", "data_received"}


def document(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Read a document."""
    return json.loads(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def of_column(**metrics: str) -> Callable[[Path], Reading]:
    """Read columns of CSV, or of what has tabs: by metric its column and its unit, with a colon between them."""

    def read(path: Path) -> Reading:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        for row in _rows(path, delimiter):
            for metric, named in metrics.items():
                column, _, unit = named.partition(":")
                yield metric, unit, float(row[column])

    return read


def pyperf(path: Path) -> Reading:
    """Values and warm-ups of the runs."""
    for run in (run for one in document(path)["benchmarks"] for run in one["runs"]):
        yield from (("time", "s", value) for value in run.get("values", []))
        yield from (("warmup_time", "s", value) for _, value in run.get("warmups", []))


def pytest_benchmark(path: Path) -> Reading:
    """The data of benchmarks."""
    for one in document(path)["benchmarks"]:
        yield from (("time", "s", value) for value in one["stats"]["data"])


def google_benchmark(path: Path) -> Reading:
    """Iterations."""
    for one in document(path)["benchmarks"]:
        if one["run_type"] == "iteration":
            yield from ((metric, one["time_unit"], one[metric]) for metric in ("real_time", "cpu_time"))


def hyperfine(path: Path) -> Reading:
    """Times and memory of the runs; from 2.0 on a run has an object of its figures."""
    for one in document(path)["results"]:
        for run in one.get("measurements", []):
            yield "time", "s", run["time_wall_clock"]["value"]
            yield "cpu_time", "s", run["time_cpu"]["value"]
            yield "memory_usage", "By", run["memory_peak_resident"]["value"]
        yield from (("time", "s", value) for value in one.get("times", []))
        yield from (("memory_usage", "By", value) for value in one.get("memory_usage_byte") or [])


def go_bench(path: Path) -> Reading:
    """Pairs of a figure and its unit behind the iterations, out of text or of the events of -json."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("{"):
        text = "".join(json.loads(line).get("Output", "") for line in text.splitlines())
    for line in text.splitlines():
        if re.match(r"Benchmark\S*\s+\d+\s", line):
            _, _, *pairs = line.split()
            yield from ((unit, unit, float(value)) for value, unit in zip(pairs[::2], pairs[1::2], strict=True))


def fio_log(path: Path) -> Reading:
    """Latencies of a log."""
    with path.open(newline="") as file:
        yield from (("lat", "ns", float(row[1])) for row in csv.reader(file))


def fio(path: Path) -> Reading:
    """Figures of the jobs in the directions that had I/O."""
    for job in document(path)["jobs"]:
        for side in ("read", "write"):
            one = job[side]
            if one["total_ios"]:
                yield "total_ios", "1", one["total_ios"]
                yield "io_bytes", "By", one["io_bytes"]
                yield "iops", "/s", one["iops"]
                yield "clat_mean", "ns", one["clat_ns"]["mean"]
                yield "clat_count", "1", one["clat_ns"]["N"]
                yield "clat_p99", "ns", one["clat_ns"]["percentile"]["99.000000"]


def _iperf3_samples(intervals: Iterable[dict[str, Any]]) -> Reading:
    for stream in (stream for one in intervals for stream in one["streams"]):
        yield "bits_per_second", "bit/s", stream["bits_per_second"]
        yield "bytes", "By", stream["bytes"]
        if "rtt" in stream:
            yield "rtt", "us", stream["rtt"]
        if "jitter_ms" in stream:
            yield "jitter", "ms", stream["jitter_ms"]


def iperf3(path: Path) -> Reading:
    """Streams of the intervals."""
    yield from _iperf3_samples(document(path)["intervals"])


def iperf3_stream(path: Path) -> Reading:
    """Streams of the events `interval`."""
    events = [json.loads(line) for line in _lines(path)]
    yield from _iperf3_samples(one["data"] for one in events if one["event"] == "interval")


def k6(path: Path) -> Reading:
    """Points; a metric's definition tells its unit."""
    rows = [json.loads(line) for line in _lines(path)]
    holds = {row["metric"]: row["data"]["contains"] for row in rows if row["type"] == "Metric"}
    for row in rows:
        if row["type"] == "Point":
            yield row["metric"], {"time": "ms", "data": "By"}.get(holds[row["metric"]]), row["data"]["value"]


def k6_csv(path: Path) -> Reading:
    """Rows; the names of k6's own metrics tell their units."""
    for row in _rows(path):
        name = row["metric_name"]
        unit = "ms" if name in _K6_TIMES else "By" if name in _K6_DATA else None
        yield name, unit, float(row["metric_value"])


def k6_summary(path: Path) -> Reading:
    """Figures of a summary, of --summary-export or of handleSummary()."""
    whole = document(path)
    for name, one in whole["metrics"].items():
        base = name.partition("{")[0]
        holds = one.get("contains") or ("time" if base in _K6_TIMES else "data" if base in _K6_DATA else "default")
        figures = one.get("values", one)
        for key, value in figures.items():
            if key not in {"thresholds", "type", "contains"}:
                end = (
                    {"avg": "mean", "med": "median"}.get(key, key).replace("p(", "p").replace(")", "").replace(".", "_")
                )
                end = "rate" if key == "value" and "passes" in figures else end
                yield f"{base}_{end}", _k6_unit(base, key, holds, is_rate="passes" in figures), value
    checks = whole["root_group"]["checks"]
    for check in checks.values() if isinstance(checks, dict) else checks:
        yield from ((f"check_{key}", "1", check[key]) for key in ("passes", "fails"))


def _k6_unit(name: str, key: str, holds: str, *, is_rate: bool) -> str | None:
    if is_rate or (holds == "time" and key == "count"):
        return "1"
    if holds == "time":
        return "ms"
    if holds == "data":
        return "By/s" if key == "rate" else "By"
    return "/s" if key == "rate" else "1" if key == "count" or name in {"vus", "vus_max"} else None


def ping(path: Path) -> Reading:
    """Answers, and probes that have none yet; an answer that comes late takes their place."""
    found: dict[str, float | None] = {}
    for line in _lines(path):
        if number := re.search(r"icmp_seq=(\d+)", line):
            time = re.search(r"time=([\d.]+) ms", line)
            found[number[1]] = float(time[1]) if time else None
    yield from (("rtt", "ms", value) for value in found.values())


def fping(path: Path) -> Reading:
    """Replies, a line each."""
    for line in _lines(path):
        if found := re.search(r" : \[\d+\], (?:\d+ bytes, (\S+) ms|timed out)", line):
            yield "rtt", "ms", float(found[1]) if found[1] else None


def fping_list(path: Path) -> Reading:
    """Replies, a host each line."""
    for line in _lines(path):
        if " : " in line:
            yield from (("rtt", "ms", None if one == "-" else float(one)) for one in line.split(" : ")[1].split())


def fping_json(path: Path) -> Reading:
    """Replies and timeouts, and the summaries of hosts."""
    for line in _lines(path):
        ((kind, one),) = json.loads(line).items()
        if kind in {"resp", "timeout"}:
            yield "rtt", "ms", one.get("rtt")
        if kind == "summary":
            yield "packets_sent", "1", one["xmt"]
            yield "rtt_mean", "ms", one["rttAvg"]


def irtt(path: Path) -> Reading:
    """Round trips; of one that was lost there is none."""
    for one in document(path)["round_trips"]:
        yield "rtt", "ns", one["delay"].get("rtt")


def mtr_raw(path: Path) -> Reading:
    """Probes that were sent, with an answer or without."""
    words = [line.split() for line in _lines(path)]
    answered = {(hop, *rest[1:]): float(rest[0]) for kind, hop, *rest in words if kind == "p"}
    yield from (("rtt", "us", answered.get((hop, rest[0]))) for kind, hop, *rest in words if kind == "x")


def mtr(path: Path) -> Reading:
    """Figures of hops."""
    for hub in document(path)["report"]["hubs"]:
        yield "loss", "%", hub["Loss%"]
        yield "packets_sent", "1", hub["Snt"]
        yield "rtt_mean", "ms", hub["Avg"]
        yield "rtt_max", "ms", hub["Wrst"]


def sockperf(path: Path) -> Reading:
    """Rows of packets."""
    is_table = False
    for line in _lines(path):
        if is_table and line[:1].isdigit():
            yield "latency", "us", float(line.split(", ")[3])
        is_table = is_table or line.startswith("packet, ")


def cyclictest(path: Path) -> Reading:
    """Bins and figures of threads."""
    for one in document(path)["thread"].values():
        yield from (("latency_bins", "us", float(key)) for key in one["histogram"])
        yield "latency_max", "us", one["max"]
        yield "latency_mean", "us", one["avg"]
        yield "cycles", "1", one["cycles"]
        yield "latency_beyond_bins", "1", one["cycles"] - sum(one["histogram"].values())


def h2load(path: Path) -> Reading:
    """Times of requests."""
    for start, status, time in (line.split("\t") for line in _lines(path)):
        yield "response_time", "us", float(time) if start and status != "-1" else None


def wrk(path: Path) -> Reading:
    """Figures that wrk prints as they are; those of times in their units."""
    text = path.read_text(encoding="utf-8")
    yield "requests", "1", float(_group(r"(\d+) requests in", text))
    yield "requests_per_second", "/s", float(_group(r"Requests/sec: +(\S+)", text))
    for percent, value, unit in re.findall(r"^ +(\d+)% +([\d.]+)(us|ms|s)$", text, re.MULTILINE):
        yield f"latency_p{percent}", unit, float(value)


def _group(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"nothing looks like {pattern}")
    return found[1]


def locust(path: Path) -> Reading:
    """Requests and percentiles of the statistics at the end."""
    for row in _rows(path):
        yield "request_count", "1", float(row["Request Count"])
        yield "failure_count", "1", float(row["Failure Count"])
        yield "response_time_p95", "ms", float(row["95%"])
        yield "response_time_mean", "ms", float(row["Average Response Time"])


def expected_beside(path: Path) -> Reading:
    """What the script that wrote the file says is in it, beside it."""
    yield from ((metric, unit, value) for metric, unit, value in document(path.with_name("expected.json")))


def otlp(path: Path) -> Reading:
    """Points of gauges."""
    for line in _lines(path):
        for resource in json.loads(line)["resourceMetrics"]:
            for metric in (metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]):
                yield from ((metric["name"], metric["unit"], one["asDouble"]) for one in metric["gauge"]["dataPoints"])


def vitest(path: Path) -> Reading:
    """Means of the benchmarks."""
    for group in (group for file in document(path)["files"] for group in file["groups"]):
        yield from (("mean", "ms", one["mean"]) for one in group["benchmarks"] if "mean" in one)


def tinybench(path: Path) -> Reading:
    """Samples of the tasks."""
    for one in document(path):
        yield from (("latency", "ms", value) for value in one["result"]["latency"]["samples"])


def mitata(path: Path) -> Reading:
    """Samples of the runs."""
    for run in (run for one in document(path)["benchmarks"] for run in one["runs"]):
        yield from (("time", "ns", value) for value in run["stats"]["samples"])


def ioping(path: Path) -> Reading:
    """Requests but those that ioping ignores itself."""
    for one in document(path):
        if "io" in one and not one["io"].get("ignored"):
            yield "latency", "ns", one["io"]["time"]


def ab_percentiles(path: Path) -> Reading:
    """Times at each percentage."""
    for row in _rows(path):
        yield f"ttime_p{row['Percentage served']}", "ms", float(row["Time in ms"])
