"""Harness files read by plain Python: each reader gives all samples of a file as (metric, value), in its order."""

from __future__ import annotations

import csv
import gzip
import json
import re
from contextlib import contextmanager

JMETER = ("elapsed", "Latency", "Connect", "IdleTime", "bytes", "sentBytes", "grpThreads", "allThreads")
IPERF3 = (
    "bits_per_second",
    "bytes",
    "retransmits",
    "snd_cwnd",
    "snd_wnd",
    "rtt",
    "rttvar",
    "pmtu",
    "reorder",
    "jitter_ms",
)
IPERF3 += ("lost_packets", "packets", "lost_percent", "out_of_order", "max_snd_cwnd", "max_snd_wnd", "max_rtt")
IPERF3 += ("min_rtt", "mean_rtt")


def text_of(path):
    content = path.read_bytes()
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8-sig")


def document(path):
    return json.loads(text_of(path))


def lines(path):
    return [json.loads(line) for line in text_of(path).splitlines()]


@contextmanager
def large_fields():
    """Let Python's csv read fields of any size; the program itself must not depend on it."""
    before = csv.field_size_limit(1 << 30)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records(path, names=None, delimiter=","):
    with large_fields(), path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file, fieldnames=names, delimiter=delimiter) if any(row.values())]


def jmeter(path, names=None, delimiter=","):
    found = []
    for row in records(path, names, delimiter):
        end = "_sum" if int(row.get("SampleCount") or 1) > 1 else ""
        found += [(metric + end, float(row[metric])) for metric in JMETER if row.get(metric)]
    return found


def k6(path):
    points = [line for line in lines(path) if line["type"] == "Point"]
    return [(point["metric"], float(point["data"]["value"])) for point in points]


def k6_csv(path):
    return [(row["metric_name"], float(row["metric_value"])) for row in records(path)]


def vegeta_csv(path):
    with large_fields(), path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0] != "timestamp"]
    return [
        each
        for row in rows
        for each in (("latency", float(row[2])), ("bytes_in", float(row[4])), ("bytes_out", float(row[3])))
    ]


def fio_log(path, metric, column=1):
    return [(metric, float(line.split(",")[column])) for line in text_of(path).splitlines()]


def getstats(path):
    return [each for line in lines(path) for report in reports_of(line) for each in numbers_of(report)]


def reports_of(value):
    """The reports of a line: one, an array of them, or a map of them by their ids."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value.get("type"), str) else list(value.values())


def numbers_of(report):
    keys = [key for key, value in report.items() if isinstance(value, bool | int | float) and key != "timestamp"]
    return [(f"{report['type']}.{key}", float(report[key])) for key in keys]


def webrtc(path):
    found = []
    for connection in document(path)["PeerConnections"].values():
        for name, series in connection["stats"].items():
            stat = re.fullmatch(r".*-(\[.*\]|[^-\]]*)", name)[1]
            values = series["values"]
            values = json.loads(values) if isinstance(values, str) else values
            if stat not in {"timestamp", "[lastPacketReceivedTimestamp]", "[lastPacketSentTimestamp]"}:
                numbers = [value for value in values if isinstance(value, bool | int | float)]
                found += [(f"{series['statsType']}.{stat}", float(value)) for value in numbers]
    return found


def iperf3(found):
    """The samples of a document that was read already."""
    streams = [
        (stream, "omitted_" * bool(stream.get("omitted"))) for one in found["intervals"] for stream in one["streams"]
    ]
    ends = [
        stream[side]
        for stream in found["end"].get("streams", [])
        for side in ("udp", "sender", "receiver")
        if side in stream
    ]
    rows = []
    for stream, prefix in [*streams, *((stream, "total_") for stream in ends)]:
        for key in sorted(IPERF3):
            hidden = re.search("snd_|rtt|pmtu", key) and stream.get(key, 0) < 0
            if key in stream and not hidden:
                rows.append((prefix + key.removesuffix("_ms"), float(stream[key])))
    return rows


def iperf3_events(found):
    """The lines that --json-stream writes of a run whose document is given."""
    events = [("start", found["start"]), *(("interval", one) for one in found["intervals"])]
    events += [("error", found["error"])] if "error" in found else []
    events += [("end", found["end"])]
    return [json.dumps({"event": event, "data": data}, separators=(",", ":")) for event, data in events]


def fio(found):
    """Figures of a document of fio 3.18 and newer, of the directions that did something; by job, direction, metric."""
    rows = {}
    for job in found.get("jobs", found.get("client_stats")):
        for direction in ("read", "write", "trim", "sync"):
            figures = job.get(direction, {})
            if not figures.get("total_ios"):
                continue
            key = (job["jobname"], job.get("hostname"), direction)
            plain = {"io_bytes": "io_bytes", "total_ios": "total_ios", "bw_bytes": "bandwidth_mean", "iops": "iops"}
            rows |= {(*key, metric): float(figures[name]) for name, metric in plain.items() if name in figures}
            for kind in ("slat", "clat", "lat"):
                latency = figures.get(f"{kind}_ns", {})
                if latency.get("max", 0) > 0:
                    named = {"min": "min", "max": "max", "mean": "mean", "stddev": "stddev", "N": "count"}
                    rows |= {
                        (*key, f"{kind}_{to}"): float(latency[name]) for name, to in named.items() if name in latency
                    }
                    for percent, value in latency.get("percentile", {}).items():
                        place = percent.rstrip("0").rstrip(".").replace(".", "_")
                        rows[*key, f"{kind}_p{place}"] = float(value)
    return rows
