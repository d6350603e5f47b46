"""Files that real tools wrote, or that somebody reported: every sample is the one that plain Python reads."""

from __future__ import annotations

import math
import re
from functools import partial

import pytest
from plain_readers import (
    document,
    fio,
    fio_log,
    getstats,
    iperf3,
    jmeter,
    k6,
    k6_csv,
    records,
    vegeta_csv,
    webrtc,
)
from project import SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions

STARTED = "2026-01-01T00:00:00Z"
NAMES = {
    10: "timeStamp,elapsed,label,code,message,thread,type,success,bytes,Latency",
    13: "timeStamp,elapsed,label,code,thread,success,bytes,grpThreads,allThreads,Latency,SampleCount,errors,host",
    15: "timeStamp,elapsed,label,code,message,thread,type,success,bytes,sentBytes,grpThreads,allThreads,Latency,"
    "IdleTime,Connect",
    16: "timeStamp,elapsed,label,code,message,thread,type,success,bytes,sentBytes,grpThreads,allThreads,URL,Latency,"
    "IdleTime,Connect",
    17: "timeStamp,elapsed,label,code,message,thread,type,success,failure,bytes,sentBytes,grpThreads,allThreads,URL,"
    "Latency,IdleTime,Connect",
}


def bare(fields, delimiter=","):
    return partial(jmeter, names=NAMES[fields].split(","), delimiter=delimiter)


# Patterns of files, and what reads them with plain Python; in some cases what import is told besides.
READ = [
    ("harness/jmeter/apache-*.csv", jmeter, {}),
    ("harness/jmeter/taurus-non-http-kpi.jtl", jmeter, {}),
    ("harness/jmeter/taurus-tabs.jtl", partial(jmeter, delimiter="\t"), {}),
    ("harness/jmeter/jmeter-2.13.jtl", jmeter, {}),
    ("harness/jmeter/jenkins-headerless.jtl", bare(10), {}),
    ("recorded/jmeter/5.5.jtl", jmeter, {}),
    ("reports/jmeter-headerless/no-field-names.jtl", bare(16), {}),
    ("reports/jmeter-headerless/sent-bytes-no-url.jtl", bare(15), {}),
    ("reports/jmeter-headerless/with-failure-message.jtl", bare(17), {}),
    ("reports/jmeter-headerless-bar/bar.jtl", bare(13, "|"), {}),
    ("reports/jmeter-multiline-message/xpath.jtl", jmeter, {"timezone": "Europe/Berlin"}),
    ("harness/k6/votes-out.json", k6, {}),
    ("recorded/k6/2.2.json", k6, {}),
    ("reports/k6-tags-case/tags.json", k6, {}),
    ("harness/k6/*.csv", k6_csv, {}),
    ("recorded/k6/2.2.csv", k6_csv, {}),
    ("reports/k6-csv-time-formats/*.csv", k6_csv, {}),
    ("harness/vegeta/*.csv", vegeta_csv, {}),
    ("reports/vegeta-csv-header/*.csv", vegeta_csv, {}),
    ("reports/vegeta-csv-large-body/*-line.csv", vegeta_csv, {}),
    ("reports/vegeta-csv-old/v7.csv", vegeta_csv, {}),
    ("harness/fio/*_bw.1.log", partial(fio_log, metric="bandwidth"), {}),
    ("harness/fio/*_iops.1.log", partial(fio_log, metric="iops"), {}),
    ("harness/fio/*_clat.1.log", partial(fio_log, metric="clat"), {}),
    ("harness/fio/*_lat.1.log", partial(fio_log, metric="lat"), {}),
    ("reports/fio-log-unix-epoch/*.log", partial(fio_log, metric="lat"), {}),
    ("reports/fio-log-microseconds/*.log", partial(fio_log, metric="clat"), {"assume": ["unit=us"]}),
    ("recorded/fio/3.42-averaged*.log", partial(fio_log, metric="lat_mean"), {}),
    ("recorded/fio/3.42-averaged*.log", partial(fio_log, metric="lat_max"), {"assume": ["window_value=max"]}),
    ("recorded/getstats/*", getstats, {}),
    ("reports/getstats-large-integers/pair.ndjson", getstats, {}),
    ("harness/webrtc-internals/loopback-av.json", webrtc, {}),
    ("recorded/webrtc-internals/*", webrtc, {}),
    ("reports/webrtc-internals-138/*", webrtc, {}),
    ("reports/getstats-large-integers/dump.json", webrtc, {}),
    ("harness/iperf3/*", lambda path: iperf3(document(path)), {}),
    ("reports/iperf3-omit/*", lambda path: iperf3(document(path)), {}),
    ("reports/iperf3-bidir/*", lambda path: iperf3(document(path)), {}),
    ("reports/iperf3-error/*", lambda path: iperf3(document(path)), {}),
    ("reports/iperf3-old/tcp-3.1.json", lambda path: iperf3(document(path)), {}),
]


def found_by(pattern):
    paths = sorted(SHARED.glob(pattern))
    if not paths:
        pytest.skip(f"no {SHARED / pattern}")
    return paths


@pytest.mark.parametrize(("pattern", "read", "options"), READ, ids=[f"{row[0]} {row[2] or ''}" for row in READ])
def test_every_sample_is_the_one_that_plain_python_reads(tmp_path, pattern, read, options):
    for number, path in enumerate(found_by(pattern)):
        store = tmp_path / f"store{number}"
        report = import_sessions(path, store, started_at=STARTED, **options)
        found = rows_of(store, "SELECT metric, value FROM measurements ORDER BY sequence")
        expected = read(path)
        assert found == expected
        assert report.rows == len(expected) > 0


FIO = ["harness/fio/randrw-4k.json", "recorded/fio/3.42-lat-percentiles.json"]
FIO += [f"reports/fio-json-{name}" for name in ("fsync/*", "3.1-no-count/*", "error-lines/job*", "client-server/*")]


@pytest.mark.parametrize("pattern", FIO)
def test_figures_of_fio_are_those_of_the_document(tmp_path, pattern):
    for path in found_by(pattern):
        import_sessions(path, tmp_path / "store")
        expected = fio(document(path))
        assert len(expected) > 5
        host = "hostname" if any(host for _, host, *_ in expected) else "NULL"
        query = f"SELECT job, {host}, direction, metric, value FROM measurements WHERE metric NOT LIKE '%bin%'"
        found = {tuple(row[:4]): row[4] for row in rows_of(tmp_path / "store", query)}
        assert {key: found.get(key) for key in expected} == expected
        columns = rows_of(tmp_path / "store", "SELECT column_name FROM (DESCRIBE measurements)")
        assert (("hostname",) in columns) == (host != "NULL")


def test_figures_of_fio_2_are_bytes_and_microseconds(tmp_path):
    (path,) = found_by("reports/fio-json-2-kilobytes/*.json")
    import_sessions(path, tmp_path / "store")
    (job,) = document(path)["jobs"]
    figures = {metric: (value, unit) for metric, value, unit in rows_of(tmp_path / "store", "SELECT metric, value, unit FROM measurements")}  # fmt: skip  # noqa: E501
    assert figures["io_bytes"] == (job["read"]["io_bytes"] * 1024, "By")
    assert figures["bandwidth_mean"] == (job["read"]["bw"], "KiBy/s")
    assert figures["clat_p99"] == (job["read"]["clat"]["percentile"]["99.000000"], "us")
    assert figures["lat_mean"] == (job["read"]["lat"]["mean"], "us")


LOCUST = {
    "requests_per_second": ("Requests/s",),
    "failures_per_second": ("Failures/s", "Requests Failed/s"),
    "request_count": ("Request Count", "# requests", "Total Request Count"),
    "failure_count": ("Failure Count", "# failures", "Total Failure Count"),
    "response_time_mean": ("Average Response Time", "Average response time", "Total Average Response Time"),
    "response_time_max": ("Max Response Time", "Max response time", "Total Max Response Time"),
}


@pytest.mark.parametrize(
    "pattern", ["harness/locust/*_stats*.csv", "recorded/locust/*_stats*.csv", "reports/locust-*/*"]
)
def test_figures_of_locust_are_those_of_its_columns(tmp_path, pattern):
    for number, path in enumerate(found_by(pattern)):
        import_sessions(path, tmp_path / f"{number}", started_at=STARTED)
        rows = records(path)
        has_times = "Timestamp" in rows[0]
        for metric, columns in LOCUST.items():
            (column,) = [name for name in columns if name in rows[0]]
            # Response times are unknown as long as nothing was requested.
            count = next(name for name in LOCUST["request_count"] if name in rows[0])
            known = [row for row in rows if not metric.startswith("response") or float(row[count])]
            name = metric if metric.endswith("second") or not has_times else f"total_{metric}"
            query = f"SELECT value FROM measurements WHERE metric = '{name}' ORDER BY sequence"
            assert rows_of(tmp_path / f"{number}", query) == [(float(row[column]),) for row in known], (path, metric)


def test_times_of_k6_are_told_by_their_length(tmp_path):
    for path in found_by("reports/k6-csv-time-formats/*.csv"):
        import_sessions(path, tmp_path / path.stem, timestamp_unit="ns")
    query = "SELECT epoch_ns(timestamp) FROM measurements"
    times = {store.name: rows_of(store, query)[0][0] for store in tmp_path.iterdir()}
    assert times == {"milli": 1795543196123000000, "nano": 1795543196123456789, "rfc3339-nano": 1795543196123456789}


# Patterns of files that are not read, what import is told besides, and what the error says.
REFUSED = [
    ("reports/fio-json-error-lines/sdx.json", {}, r"line 1, column 1: .* the JSON begins in line 3, delete what is"),
    ("reports/fio-log-window-both/w_clat.1.log", {}, r"its 7 fields are in no order that is known; name all of them"),
    ("reports/iperf3-old/udp-nan.json", {}, r"line 48, column \d+: '-nan' is no JSON"),
    ("reports/jmeter-excel-saved/minutes.csv", {"timezone": "UTC"}, r"line 2: .*2026/11/24 17:59"),
    ("reports/jmeter-excel-saved/scientific.csv", {}, r"line 2: .*1\.79554E\+12"),
    ("reports/jmeter-local-time/*.jtl", {"timezone": "Europe/Berlin"}, r"line 2: .* CEST == .*UTC or .* CET"),
    ("reports/jmeter-merged/merged.jtl", {}, r"line 3: .*timeStamp.*--skip-bad"),
    ("reports/k6-truncated-gzip/*", {}, r"cut off or damaged"),
    ("harness/webrtc-internals/chrome142-gumonly.json", {}, r"no samples: `PeerConnections` is empty"),
    ("reports/map-epoch-fraction/decimal-comma.csv", {"mapping": ["time=when", "value=rtt:ms"]}, r"line 2: .*'12,5'"),
]


REFUSED += [
    (pattern, {}, phrase)
    for patterns, phrase in {
        "reports/webrtc-internals-legacy/*": "Chrome's legacy statistics .* import a dump of the standard ones",
        "reports/fio-log-histogram/*": r"fio's log of histograms, .* write_lat_log, or --output-format=json\+",
        "harness/locust/*_failures.csv harness/locust/*_exceptions.csv": "Locust's list of errors, .* _stats.csv",
        "recorded/locust/run_failures.csv": "Locust's list of errors, ",
    }.items()
    for pattern in patterns.split()
]


@pytest.mark.parametrize(("pattern", "options", "phrase"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_read_rightly_is_refused(tmp_path, pattern, options, phrase):
    for path in found_by(pattern):
        with pytest.raises(SourceError, match=phrase) as caught:
            import_sessions(path, tmp_path / "store", started_at=STARTED, **options)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "store").exists()


def test_a_header_line_among_the_records_can_be_left_out(tmp_path):
    (path,) = found_by("reports/jmeter-merged/merged.jtl")
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    elapsed = [float(row["elapsed"]) for row in records(path) if row["elapsed"] != "elapsed"]
    assert report.skipped_rows == 1
    query = "SELECT value FROM measurements WHERE metric = 'elapsed' ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(value,) for value in elapsed]


def test_the_name_of_a_windows_maximum_is_a_matter_of_the_options(tmp_path):
    (path,) = found_by("recorded/fio/3.42-averaged*.log")
    report = import_sessions(path, tmp_path / "store", started_at=STARTED)
    (warning,) = report.warnings
    assert re.search(r"holds figures of windows .* --assume window_value=max of log_max_value", warning)


def test_fractions_of_seconds_are_mapped_exactly(tmp_path):
    (path,) = found_by("reports/map-epoch-fraction/epoch.csv")
    import_sessions(path, tmp_path / "store", mapping=["time=when:s", "value=rtt:ms"])
    rows = [line.split(";") for line in path.read_text().splitlines()[1:]]
    expected = [(round(float(when) % 1000 * 1e6), float(rtt)) for when, rtt in rows]
    query = "SELECT epoch_us(timestamp) % 1000000000, value FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == expected


def test_a_large_body_is_mapped(tmp_path):
    (path,) = found_by("reports/vegeta-csv-large-body/map.csv")
    import_sessions(path, tmp_path / "store", mapping=["time=when", "value=rtt:ms"])
    assert rows_of(tmp_path / "store", "SELECT value, page FROM measurements") == [
        (float(row["rtt"]), row["page"]) for row in records(path)
    ]


def test_values_that_are_no_numbers_and_texts_with_signs_are_kept(tmp_path):
    (path,) = found_by("reports/influx-nan-text/rows.ndjson")
    import_sessions(path, tmp_path / "store")
    query = "SELECT value, host, path FROM measurements ORDER BY sequence"
    (first, second) = rows_of(tmp_path / "store", query)
    assert math.isnan(first[0])
    assert (second[0], first[1:], second[1:]) == (12.0, ("web 1,eu=x", "C:\\temp"), ("web 1,eu=x", "C:\\temp"))


def test_texts_that_look_like_numbers_stay_texts(tmp_path):
    (path,) = found_by("reports/spreadsheet-locale/rows.csv")
    import_sessions(path, tmp_path / "store")
    expected = [(float(row["value"]), row["build"], row["version"]) for row in records(path)]
    assert rows_of(tmp_path / "store", "SELECT value, build, version FROM measurements ORDER BY sequence") == expected
