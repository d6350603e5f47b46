"""A harness file without samples is an error that says what was looked for, unless that is allowed."""

from __future__ import annotations

import json
import re

import pytest
from program import pipeline
from project import SHARED
from samples import row, write_ndjson

from pipeline import SourceError, import_sessions, list_sessions
from pipeline.importers.definition import built_in

STARTED = "2026-11-24T15:00:00Z"
IPERF3 = {"start": {"version": "iperf 3.16", "timestamp": {"timesecs": 1795542903}}, "intervals": [], "end": {}}
PYTEST = {"machine_info": {}, "commit_info": {}, "benchmarks": [], "datetime": "2026-11-24T17:59:56", "version": "5"}
ASV = {"commit_hash": "a", "env_name": "b", "params": {"machine": "c"}, "results": {}, "version": 2}
FIO = {"fio version": "fio-3.36", "timestamp": 1795543196, "timestamp_ms": 1795543196512, "jobs": []}
K6 = {"type": "Metric", "metric": "vus", "data": {"name": "vus", "type": "gauge", "contains": "default"}}
DOTNET = {"HostEnvironmentInfo": {"BenchmarkDotNetVersion": "0.15.8"}, "Benchmarks": []}
CRITERION_CSV = "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count"
JMH = {"benchmark": "a", "mode": "thrpt", "primaryMetric": {"score": "NaN", "scoreUnit": "ops/s", "rawData": [[]]}}
HYPERFINE = {"results": [{"command": "a", "mean": None, "times": []}]}
NO_NUMBER = {"id": "C1", "type": "codec", "timestamp": 1795543196000.5, "mimeType": "video/VP8"}
RTC = {"UserAgent": "Chrome", "PeerConnections": {}}
IPERF3_START = json.dumps({"event": "start", "data": IPERF3["start"]})
# By importer: a file without samples, and what its error says of it; None where a file always has one.
EMPTY = {
    "ab": ("starttime\tseconds\tctime\tdtime\tttime\twait\n", "looked for records behind the header line"),
    "ab-percentiles": ("Percentage served,Time in ms\n", "looked for records behind the header line"),
    "asv": (json.dumps(ASV), "`results` is empty; looked for"),
    "benchmarkdotnet": (json.dumps(DOTNET), "`Benchmarks` is empty; looked for `Measurements` of stage Result"),
    "criterion": (
        '{"sampling_mode": "Flat", "iters": [], "times": []}',
        "`iters` is empty; `times` is empty; looked for",
    ),
    "criterion-csv": (f"{CRITERION_CSV}\n", "looked for records behind the header line"),
    "criterion-estimates": None,
    "fio": (json.dumps(FIO), "`jobs` is empty; looked for"),
    "fio-log": None,
    "gatling": ("RUN\ta.B\tb\t1617110479263\t \t3.5.1\n", "looked for lines REQUEST, GROUP or ERROR"),
    "gatling-binary": None,
    "cyclictest": (
        '{"cmdline:": "cyclictest -q", "thread": {}}',
        "`thread` is empty; looked for threads in",
    ),
    "fping": None,
    "fping-json": ('{"stats": {"icmpEchosSent": 0}}\n', "looked for lines `resp` and `timeout`"),
    "getstats": (json.dumps(NO_NUMBER), "looked for numbers in reports"),
    "getstats-document": (json.dumps([NO_NUMBER], indent=1), "looked for numbers in reports"),
    "go-bench": ('{"Action": "output", "Output": "BenchmarkX \\t"}\n', "looked for lines of a name that begins"),
    "google-benchmark": ('{"context": {"num_cpus": 4}, "benchmarks": []}', "`benchmarks` is empty; looked for"),
    "h2load": None,
    "hdrhistogram-log": None,
    "hdrhistogram-percentiles": ("Value Percentile TotalCount 1/(1-Percentile)\n", "looked for rows of a value"),
    "hey": ("response-time,DNS+dialup,DNS,Request-write\n", "looked for records behind the header line"),
    "hyperfine-2": (
        '{"metadata": {"hyperfine_version": "2.0.0"}, "results": [{"measurements": []}]}',
        "looked for figures of the `measurements` in `results`",
    ),
    "hyperfine": (json.dumps(HYPERFINE), "looked for times of the commands in `results`"),
    "iperf3": (json.dumps(IPERF3), "`intervals` is empty; `end` is empty; looked for"),
    "iperf3-stream": (IPERF3_START, "looked for streams in events `interval`"),
    "irtt": (
        '{"version": {"irtt": "0.9.0"}, "round_trips": []}',
        "`round_trips` is empty; looked for probes",
    ),
    "jmeter": ("timeStamp,elapsed,label,success\n", "looked for records behind the header line"),
    "jmh": (json.dumps([JMH]), "looked for `rawData` and `rawDataHistogram`"),
    "jmeter-xml": ('<testResults version="1.2"></testResults>', "looked for elements `sample`"),
    "k6": (json.dumps(K6), "looked for lines of the type Point"),
    "k6-csv": ("metric_name,timestamp,metric_value\n", "looked for records behind the header line"),
    "k6-summary": ('{"metrics": {}, "root_group": {}}', "`metrics` is empty; looked for figures"),
    "locust": ("Type,Name,Request Count,Requests/s\n", "looked for records behind the header line"),
    "otlp": ('{"resourceSpans": [{"scopeSpans": []}]}', "looked for spans, and data points of metrics"),
    "pyperf": ('{"version": "1.0", "benchmarks": [{"runs": []}]}', "looked for `values` of the `runs`"),
    "locust-requests": ("timestamp,request_type,response_time_ms,status_code\n", "looked for records behind"),
    "oha": ('{"summary": {"requestsPerSec": null}, "latencyPercentiles": {}}', "`latencyPercentiles` is empty; looked"),
    "oha-csv": ("request-start,DNS,DNS+dialup,Response-delay\n", "looked for records behind the header line"),
    "mcap": None,
    "mtr": ('{"report": {"mtr": {}, "hubs": []}}', "looked for hops in `hubs` of `report`"),
    "mtr-raw": None,
    "ping": ("PING h (192.0.2.1) 56(84) bytes of data.\n--- h ping statistics ---\n", "looked for answers with"),
    "ping-windows": ("Pinging h [192.0.2.1] with 32 bytes of data:\n", "looked for lines `Reply from` with"),
    "pytest-benchmark": (json.dumps(PYTEST), "`benchmarks` is empty; looked for"),
    "rtcstats": ('RTCStatsDump\n{"fileFormat": 3}\n', "looked for rows `getstats` or `getStats`"),
    "sockperf": ("sockperf: [Total Run] RunTime=1.000 sec\n", "looked for lines behind `packet, txTime"),
    "vegeta": None,
    "vegeta-csv": None,
    "vegeta-report": ('{"latencies": {}, "status_codes": {}, "requests": null}', "`requests` is empty; looked for"),
    "wrk": ("Running 3s test @ http://x\n  1 threads and 4 connections\n", "looked for lines of latencies"),
    "webrtc-internals": (json.dumps(RTC), "`PeerConnections` is empty; looked for series of numbers"),
}
HAVE_EMPTY = [name for name, case in EMPTY.items() if case is not None]


def test_every_importer_says_what_it_looks_for():
    assert EMPTY.keys() == {one.name for one in built_in()}
    assert all(not one.looks_for.startswith("samples as") for one in built_in())


@pytest.mark.parametrize("importer", HAVE_EMPTY)
def test_a_harness_file_without_samples_is_an_error_that_says_what_was_looked_for(tmp_path, importer):
    text, phrase = EMPTY[importer]
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    result = pipeline("import", path, "--to", tmp_path / "store")
    assert (result.status, result.out) == (3, "")
    assert result.err.startswith(f"pipeline: {path}: no samples: ")
    assert phrase in result.err
    assert result.err.endswith("; --allow-empty imports it as a session of 0 rows\n")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("importer", HAVE_EMPTY)
def test_it_becomes_a_session_of_no_rows_where_that_is_allowed(tmp_path, importer):
    path = tmp_path / "x.txt"
    path.write_text(EMPTY[importer][0], encoding="utf-8")
    report = import_sessions(path, tmp_path / "store", allow_empty=True, started_at=STARTED)
    assert (report.imported, report.empty, report.rows) == (("x",), ("x",), 0)
    (session,) = list_sessions(tmp_path / "store")
    assert (session["measurement_count"], session["origin"]["importer_name"]) == (0, importer)


def test_an_empty_one_among_others_imports_nothing(tmp_path):
    (tmp_path / "a.json").write_text(EMPTY["asv"][0], encoding="utf-8")
    good = write_ndjson(tmp_path / "b.ndjson", [row("s1", 0)])
    with pytest.raises(SourceError, match=r"a\.json: no samples: `results` is empty"):
        import_sessions([good, tmp_path / "a.json"], tmp_path / "store")
    assert not (tmp_path / "store").exists()
    report = import_sessions([good, tmp_path / "a.json"], tmp_path / "store", allow_empty=True)
    assert (report.imported, report.empty) == (("a", "s1"), ("a",))


OWN_SQL = """\
-- format: csv
{}-- name: measurements
SELECT 'took' AS metric, took AS value FROM records WHERE took <> ''
"""


@pytest.mark.parametrize(
    ("head", "phrase"),
    [("", "samples as probe writes them"), ("-- looks for: records with `took`\n", "records with `took`")],
)
def test_an_own_importer_says_it_too(tmp_path, head, phrase):
    (tmp_path / "probe.sql").write_text(OWN_SQL.format(head), encoding="utf-8")
    (tmp_path / "x.csv").write_text('took\n""\n', encoding="utf-8")
    with pytest.raises(SourceError, match=f"no samples: looked for {phrase}; "):
        import_sessions(tmp_path / "x.csv", tmp_path / "store", importer=str(tmp_path / "probe.sql"))


def test_a_mapping_names_the_column_that_it_looks_for(tmp_path):
    (tmp_path / "x.csv").write_text("rtt,robot\n", encoding="utf-8")
    with pytest.raises(SourceError, match="no samples: looked for records behind the header line, with 'rtt'"):
        import_sessions(tmp_path / "x.csv", tmp_path / "store", mapping=["value=rtt:ms"])
    # A mapping that fits no record is a mistake in the mapping, and nothing that could be allowed.
    (tmp_path / "y.ndjson").write_text('{"a": 1}\n', encoding="utf-8")
    with pytest.raises(SourceError, match="no record has 'rtt'"):
        import_sessions(tmp_path / "y.ndjson", tmp_path / "store", mapping=["value=rtt:ms"], allow_empty=True)


def test_measurements_of_our_own_without_rows_are_a_session_and_a_warning(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(b"")
    record = {"session_id": "s1", "started_at": STARTED}
    (tmp_path / "a.session.json").write_text(json.dumps(record), encoding="utf-8")
    result = pipeline("import", tmp_path / "a.ndjson", "--to", tmp_path / "store", "--json")
    assert (result.status, json.loads(result.err)["warning"]) == (0, "1 session without rows: 's1'")
    assert json.loads(result.out)["empty"] == ["s1"]
    quiet = pipeline("import", tmp_path / "a.ndjson", "--to", tmp_path / "store", "--if-exists", "replace", "--quiet")
    assert (quiet.out, quiet.err) == ("", "pipeline: warning: 1 session without rows: 's1'\n")
    report = import_sessions(tmp_path / "a.ndjson", tmp_path / "store", if_exists="replace")
    assert "1 session without rows" in report._repr_html_()


def test_a_reported_file_without_samples_is_refused(tmp_path):
    path = SHARED / "reports/pytest-benchmark-disabled/disabled.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with pytest.raises(SourceError, match=rf"{re.escape(str(path))}: no samples: .*looked for .*--allow-empty"):
        import_sessions(path, tmp_path / "store")
