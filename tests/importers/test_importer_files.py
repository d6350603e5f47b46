"""The files of every importer: packed and named in any way, cut off, empty, with numbers that do not fit."""

from __future__ import annotations

import gzip
import json
import re
import struct

import link_texts
import pytest
import zstandard
from load_files import TEXTS
from plain_readers import document, iperf3_events, lines
from project import HARNESS_FILES

from pipeline import SourceError, connect, import_sessions, list_sessions
from pipeline.importers.definition import BY_RECORDS, built_in

STARTED = "2026-01-01T00:00:00Z"

VEGETA_CSV = '179550720012345678{},200,435643128,0,2945,"a ""b"", é",e30=,a,{},GET,http://x/,\n'
IPERF3_STREAM = "".join(f"{event}\n" for event in iperf3_events(document(HARNESS_FILES / "iperf3/tcp-1stream.json")))
GETSTATS = json.dumps(lines(HARNESS_FILES / "getstats/loopback-100ms.ndjson")[:100], indent=1)

JMH = {
    "jmhVersion": "1.37", "benchmark": "a.B.c", "mode": "avgt", "threads": 1, "params": {"späte": "größe"},
    "primaryMetric": {"score": 2.0, "scoreError": "NaN", "scoreUnit": "us/op", "rawData": [[2.5, 3.5] * 9]},
}  # fmt: skip
MEASURED = {"IterationMode": "Workload", "IterationStage": "Result", "Operations": 1, "Nanoseconds": 7.5}
DOTNET = {"HostEnvironmentInfo": {"BenchmarkDotNetVersion": "0.15.8"}}
DOTNET |= {"Benchmarks": [{"FullName": "größe", "Measurements": [MEASURED] * 9}]}
CRITERION = {"sampling_mode": "Linear", "iters": [1.0, 2.0, 3.0], "times": [10.5, 20.0, 30.0]}
CRITERION_CSV = "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count\n"
ESTIMATE = {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1.0}, "point_estimate": 2.5}
ESTIMATES = {"mean": ESTIMATE, "std_dev": ESTIMATE}
PYPERF = {
    "version": "1.0",
    "metadata": {"name": "größe", "unit": "second"},
    "benchmarks": [{"runs": [{"values": [0.5, 0.25]}]}],
}

# By importer: a file, as a path or as text, and what finds the number of its main metric.
FILES = {
    "asv": ("asv/samples-v2.json", r'"results": \{"b\.Suite\.mem_list": \[\[(\d+)'),
    "benchmarkdotnet": (json.dumps(DOTNET, indent=1), r'"Nanoseconds": ([\d.]+)'),
    "criterion": (json.dumps(CRITERION, indent=1), r'"times": \[\s*([\d.]+)'),
    "criterion-csv": (CRITERION_CSV + "größe,f,3,,,30.5,ns,1\n" * 9, r"3,,,([\d.]+)"),
    "criterion-estimates": (json.dumps(ESTIMATES, indent=1), r'"point_estimate": ([\d.]+)'),
    "cyclictest": (link_texts.CYCLICTEST, r'"max": (\d+)'),
    "fio": ("fio/randrw-4k.json", r'"iops" : ([\d.]+)'),
    "fio-log": ("fio/randrw-4k_clat.1.log", r"\n\d+, (\d+)"),
    "fping": (link_texts.FPING, r"bytes, ([\d.]+) ms"),
    "fping-json": (link_texts.FPING_JSON, r'"rtt": ([\d.]+)'),
    "getstats": ("getstats/loopback-100ms.ndjson", r'"totalRoundTripTime":([\d.]+)'),
    "getstats-document": (GETSTATS, r'"totalRoundTripTime": ([\d.]+)'),
    "go-bench": ("pkg: größe.example/queue-pkg\n" + "BenchmarkX-8  \t 100\t   12.5 ns/op\n" * 9, r"100\t   ([\d.]+)"),
    "google-benchmark": ("google-benchmark/sort-copy-8reps.json", r'"real_time": ([\d.e+]+)'),
    "hyperfine-2": ("hyperfine/two-parameters-2.0.0.json", r'"value": ([\d.]+)'),
    "hyperfine": ("hyperfine/two-commands.json", r'"times": \[\s*([\d.]+)'),
    "iperf3": ("iperf3/tcp-1stream.json", r'"bits_per_second":\s*([\d.]+)'),
    "iperf3-stream": (IPERF3_STREAM, r'"bits_per_second":([\d.]+)'),
    "irtt": (link_texts.IRTT, r'"rtt": (\d+)'),
    "jmeter": ("jmeter/jmeter-2.13.jtl", r"\n\d{13},(\d+)"),
    "jmh": (json.dumps([JMH], indent=1), r'"rawData": \[\s*\[\s*([\d.]+)'),
    "k6": ("k6/steady-4s.json", r'"value":([\d.]+)'),
    "k6-csv": ("k6/steady-4s.csv", r"\n\w+,\d+,([\d.]+)"),
    "locust": ("locust/demo_stats_history.csv", r"\n\d+,(\d+)"),
    "pyperf": (json.dumps(PYPERF, indent=1), r'"values": \[\s*([\d.]+)'),
    "otlp": ("otlp/sdk.jsonl", r'"asDouble":([\d.]+)'),
    "mtr": (link_texts.MTR, r'"Avg": ([\d.]+)'),
    "mtr-raw": (link_texts.MTR_RAW, r"\np \d+ (\d+)"),
    "ping": (link_texts.PING, r"time=([\d.]+) ms"),
    "ping-windows": (link_texts.PING_WINDOWS, r"time=(\d+)ms"),
    "pytest-benchmark": ("pytest-benchmark/json-sort.json", r'"data": \[\s*([\d.e-]+)'),
    "rtcstats": (link_texts.RTCSTATS, r'"bytesSent":(\d+)'),
    "sockperf": (link_texts.SOCKPERF, r"\n\d+, [\d.]+, [\d.]+, ([\d.]+)"),
    "vegeta": (TEXTS["vegeta"], r'"latency": (\d+)'),
    "vegeta-csv": ("".join(VEGETA_CSV.format(n, n) for n in range(9)), r"\n\d+,200,(\d+)"),
    "webrtc-internals": ("webrtc-internals/loopback-av.json", r'-bytesSent": \{[^}]*"values": "\[([\d.]+)'),
    # Load tests.
    "ab": (TEXTS["ab"], r"\t5\t(5)\t"),
    "ab-percentiles": (TEXTS["ab-percentiles"], r"\n0,([\d.]+)"),
    "gatling": (TEXTS["gatling"], r"\t(130)\tKO"),
    "h2load": (TEXTS["h2load"], r"\t200\t(\d+)"),
    "hdrhistogram-log": (TEXTS["hdrhistogram-log"], r"(2222\.155)"),
    "hdrhistogram-percentiles": (TEXTS["hdrhistogram-percentiles"], r"(0\.921)"),
    "hey": (TEXTS["hey"], r"\n(0\.0043)"),
    "jmeter-xml": (TEXTS["jmeter-xml"], r' t="(180)"'),
    "k6-summary": (TEXTS["k6-summary"], r'"avg": ([\d.]+)'),
    "locust-requests": (TEXTS["locust-requests"], r"/a,(6\.5)"),
    "oha": (TEXTS["oha"], r'"average": (0\.1),'),
    "oha-csv": (TEXTS["oha-csv"], r",(0\.004),"),
    "vegeta-report": (TEXTS["vegeta-report"], r'"mean": (10)'),
    "wrk": (TEXTS["wrk"], r"Requests/sec: +([\d.]+)"),
}  # fmt: skip
FORMATS = {one.name: one.format for one in built_in() if one.format != "binary"}
TAKEN_AS_FAR_AS_WHOLE = {"gatling", "hdrhistogram-percentiles", "jmeter-xml", "otlp", "wrk"}
"""Of files that are cut off, which killed runs leave, what is whole is taken, and that is said."""


def content_of(importer):
    file, _ = FILES[importer]
    text = file if "\n" in file else (HARNESS_FILES / file).read_text(encoding="utf-8")
    return text if FORMATS[importer] in {"json", "text"} else "".join(text.splitlines(keepends=True)[:60])


def written(directory, importer, data, name="x"):
    """Write a file; what fio logs hold stands in their names alone."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / (f"{name}_clat.1.log" if importer == "fio-log" else name)
    path.write_bytes(data)
    return path


def test_every_importer_has_a_file_here():
    assert FILES.keys() == FORMATS.keys()


SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"size"


def zstd_frames(data):
    """Compress data as pzstd does: frames of their own, and before each one that readers pass over."""
    half = len(data) // 2
    return b"".join(SKIPPABLE + zstandard.compress(part) for part in (data[:half], data[half:]))


PACKED = {
    "gzip": ("x.json", lambda text: gzip.compress(text.encode())),
    "two gzip members": ("x.csv", lambda t: gzip.compress(t.encode()[:100]) + gzip.compress(t.encode()[100:])),
    "zstd": ("x", lambda text: zstandard.compress(text.encode())),
    "several zstd frames behind one to skip": ("x.json.zst", lambda text: zstd_frames(text.encode())),
    "BOM": ("x.txt", lambda text: text.encode("utf-8-sig")),
    "CRLF": ("x.ndjson", lambda text: text.replace("\n", "\r\n").encode()),
    "UTF-16": ("x.csv", lambda text: text.encode("utf-16")),
    "UTF-16 big-endian": ("x.gz", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
    "UTF-16 without BOM": ("x.json", lambda text: text.encode("utf-16-le")),
    "gzip of UTF-16": ("x.jtl", lambda text: gzip.compress(text.encode("utf-16"))),
    "no line end at the end": ("x.csv", lambda text: text.rstrip("\n").encode()),
    "blank lines at the end": ("x.ndjson", lambda text: f"{text}\n\n".encode()),
}


@pytest.fixture(scope="module")
def plain_sessions(tmp_path_factory):
    """The session of each importer's file as it is."""
    found = {}
    for importer in FILES:
        directory = tmp_path_factory.mktemp(importer)
        path = written(directory, importer, content_of(importer).encode())
        import_sessions(path, directory / "store", session_id="s", started_at=STARTED)
        (found[importer],) = list_sessions(directory / "store")
    return found


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("importer", FILES)
def test_a_file_is_the_same_however_it_is_packed_and_named(tmp_path, plain_sessions, importer, kind):
    name, pack = PACKED[kind]
    path = written(tmp_path, importer, pack(content_of(importer)), name)
    import_sessions(path, tmp_path / "store", session_id="s", started_at=STARTED)
    (session,) = list_sessions(tmp_path / "store")
    plain = plain_sessions[importer]
    assert session["measurement_count"] > 0
    for same in ("content_digest", "configuration", "started_at", "ended_at", "harness", "metrics"):
        assert session[same] == plain[same], same
    assert session["origin"]["importer_name"] == plain["origin"]["importer_name"] == importer


def refused(tmp_path, importer, data, **options):
    path = written(tmp_path, importer, data)
    with pytest.raises(SourceError) as caught:
        import_sessions(path, tmp_path / "store", importer=importer, **options)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet"))
    return str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b" \r\n\n", b"\xef\xbb\xbf", gzip.compress(b"")], ids=["0", "space", "BOM", "gzip"]
)
@pytest.mark.parametrize("importer", FILES)
def test_an_empty_file_is_called_so(tmp_path, importer, data):
    assert "is empty" in refused(tmp_path, importer, data)


@pytest.mark.parametrize("importer", FILES)
def test_a_file_that_is_cut_off_is_refused(tmp_path, importer):
    data = content_of(importer).encode()
    if FORMATS[importer] == "csv":
        # Behind the first comma of the last record: one that ends in its last field cannot be told from a whole one.
        data = data[: data.index(b"\t" if importer == "ab" else b",", data.rindex(b"\n", 0, -2)) + 1]
    else:
        data = data[: len(data) * 2 // 3 + 5]
    if importer in TAKEN_AS_FAR_AS_WHOLE:
        report = import_sessions(written(tmp_path, importer, data), tmp_path / "store", importer=importer)
        assert report.rows
        assert "cut off" in " ".join(report.warnings)
        return
    message = refused(tmp_path, importer, data)
    if FORMATS[importer] != "json":
        line = data.count(b"\n") + 1
        assert f": line {line}: " in message, message


@pytest.mark.parametrize(
    ("number", "phrase"),
    [("1e999", "is beyond the range of float64"), ("9007199254740993", "does not fit float64 without loss")],
)
@pytest.mark.parametrize("importer", FILES)
def test_a_number_that_float64_cannot_hold_is_refused(tmp_path, importer, number, phrase):
    text = content_of(importer)
    found = re.search(FILES[importer][1], text, re.MULTILINE)
    damaged = text[: found.start(1)] + number + text[found.end(1) :]
    message = refused(tmp_path / "a", importer, damaged.encode())
    assert phrase in message or f"{number}'" in message, message
    if FORMATS[importer] not in BY_RECORDS:
        return
    line = text[: found.start(1)].count("\n") + 1
    assert f": line {line}: " in message, message
    path = written(tmp_path / "b", importer, damaged.encode())
    report = import_sessions(path, tmp_path / "b" / "store", skip_bad=True)
    assert report.skipped_rows == 1
    (session,) = list_sessions(tmp_path / "b" / "store")
    assert session["origin"]["skipped_records"] == 1


OWN_SQL = """\
-- format: csv
-- columns: t, took, what
-- name: measurements
SELECT 'took' AS metric, took AS value, 'ms' AS unit, t::BIGINT * 1000000 AS epoch_ns, what FROM records
"""


def test_the_first_record_of_a_file_without_a_header_line_may_be_bad(tmp_path):
    (tmp_path / "own.sql").write_text(OWN_SQL)
    path = written(tmp_path, "own", b"1,x,a\n2,2,a\n3,3\n4,4,b\n5,5,c,d\n6,6,b\n")
    with pytest.raises(SourceError, match=r"line 1: column 'value': 'x' is no number"):
        import_sessions(path, tmp_path / "store", importer=str(tmp_path / "own.sql"))
    report = import_sessions(path, tmp_path / "store", importer=str(tmp_path / "own.sql"), skip_bad=True)
    assert (report.rows, report.skipped_rows) == (3, 3)
    with connect(tmp_path / "store") as connection:
        found = connection.sql("SELECT value, what FROM measurements ORDER BY sequence").fetchall()
    assert found == [(2.0, "a"), (4.0, "b"), (6.0, "b")]
