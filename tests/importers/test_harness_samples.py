"""Harness files: each becomes a session whose samples are those that plain Python reads in the file."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import re

import pytest
from harness_files import REAL, documents, k6_point, lines, values_of, write_k6
from program import pipeline
from project import HARNESS_FILES
from samples import rows_of

from pipeline import export_statistics, import_sessions, list_sessions


def records(path, names=None):
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, fieldnames=names) if any(row.values())]


def google_runs(path):
    return [run for run in documents(path)["benchmarks"] if run.get("run_type", "iteration") == "iteration"]


def asv_samples(path):
    found = documents(path)
    column = found["result_columns"].index("samples")
    results = [result for result in found["results"].values() if len(result) > column]
    return [value for result in results for samples in result[column] for value in samples]


def webrtc_values(path, kind, stat):
    found = []
    for connection in documents(path)["PeerConnections"].values():
        for name, series in connection["stats"].items():
            if series["statsType"] == kind and name.endswith(f"-{stat}"):
                found += json.loads(series["values"])
    return found


def fio_log(path):
    return [float(line.split(", ")[1]) for line in path.read_text().splitlines()]


# File, where it lies, the metric's name and what plain Python reads for it, in the file's order.
CASES = [
    (
        HARNESS_FILES,
        "hyperfine/two-commands.json",
        "time",
        lambda p: [t for r in documents(p)["results"] for t in r["times"]],
    ),
    (HARNESS_FILES, "fio/randrw-4k_clat.1.log", "clat", fio_log),
    (HARNESS_FILES, "fio/randrw-4k_bw.1.log", "bandwidth", fio_log),
    (
        HARNESS_FILES,
        "fio/randrw-4k.json",
        "clat_mean",
        lambda p: [documents(p)["jobs"][0][d]["clat_ns"]["mean"] for d in ("read", "write")],
    ),
    (
        HARNESS_FILES,
        "iperf3/tcp-1stream.json",
        "bits_per_second",
        lambda p: [s["bits_per_second"] for i in documents(p)["intervals"] for s in i["streams"]],
    ),
    (HARNESS_FILES, "jmeter/jmeter-2.13.jtl", "elapsed", lambda p: [float(r["elapsed"]) for r in records(p)]),
    (
        HARNESS_FILES,
        "google-benchmark/sort-copy-8reps.json",
        "real_time",
        lambda p: [r["real_time"] for r in google_runs(p)],
    ),
    (
        HARNESS_FILES,
        "pytest-benchmark/json-sort.json",
        "time",
        lambda p: [t for b in documents(p)["benchmarks"] for t in b["stats"]["data"]],
    ),
    (
        HARNESS_FILES,
        "locust/demo_stats_history.csv",
        "total_response_time_mean",
        # Before the first request Locust writes 0 for what it does not know.
        lambda p: [float(r["Total Average Response Time"]) for r in records(p) if r["Total Request Count"] != "0"],
    ),
    (
        HARNESS_FILES,
        "locust/demo_stats.csv",
        "response_time_mean",
        lambda p: [float(r["Average Response Time"]) for r in records(p)],
    ),
    (HARNESS_FILES, "asv/samples-v2.json", "time", asv_samples),
    (
        HARNESS_FILES,
        "webrtc-internals/loopback-av.json",
        "candidate-pair.currentRoundTripTime",
        lambda p: webrtc_values(p, "candidate-pair", "currentRoundTripTime"),
    ),
    (
        HARNESS_FILES,
        "k6/steady-4s.json",
        "http_req_duration",
        lambda p: [r["data"]["value"] for r in lines(p) if (r["type"], r["metric"]) == ("Point", "http_req_duration")],
    ),
    (
        HARNESS_FILES,
        "k6/steady-4s.csv",
        "http_req_duration",
        lambda p: [float(r["metric_value"]) for r in records(p) if r["metric_name"] == "http_req_duration"],
    ),
    (
        HARNESS_FILES,
        "getstats/loopback-100ms.ndjson",
        "candidate-pair.totalRoundTripTime",
        lambda p: [r["totalRoundTripTime"] for r in lines(p) if r["type"] == "candidate-pair"],
    ),
    (
        REAL,
        "k6/taurus-k6_kpi.csv",
        "http_req_duration",
        lambda p: [float(r["metric_value"]) for r in records(p) if r["metric_name"] == "http_req_duration"],
    ),
    (REAL, "vegeta/taurus-vegeta_kpi.csv", "latency", lambda p: [float(r["c"]) for r in records(p, ["a", "b", "c"])]),
    (REAL, "jmeter/apache-HTMLReportTestFile.csv", "elapsed", lambda p: [float(r["elapsed"]) for r in records(p)]),
    (REAL, "jmeter/apache-HTMLReportFalseTestFile.csv", "bytes", lambda p: [float(r["bytes"]) for r in records(p)]),
    (REAL, "jmeter/taurus-non-http-kpi.jtl", "elapsed", lambda p: [float(r["elapsed"]) for r in records(p)]),
    (REAL, "jmeter/jenkins-headerless.jtl", "elapsed", lambda p: [float(r["b"]) for r in records(p, ["a", "b"])]),
    (
        REAL,
        "locust/jenkins-test_results_stats.csv",
        "response_time_mean",
        lambda p: [float(r["Average Response Time"]) for r in records(p)],
    ),
]


def quantile(values, q):
    """Type 7, as the design writes it."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@pytest.mark.parametrize(("where", "name", "metric", "read"), CASES, ids=[case[1] for case in CASES])
def test_the_samples_of_a_file_are_those_that_plain_python_reads(tmp_path, where, name, metric, read):
    path = where / name
    if not path.exists():
        pytest.skip("the folder of real files is not here")
    expected = read(path)
    import_sessions(path, tmp_path / "store")
    assert values_of(tmp_path / "store", metric) == expected
    export_statistics(tmp_path / "store", tmp_path / "out", by=[])
    (file,) = (tmp_path / "out").glob("statistics_*.csv")
    found = [row for row in records(file) if row["metric"] == metric]
    assert sum(int(row["count"]) for row in found) == len(expected)
    if len(found) == 1:
        (row,) = found
        figures = [min(expected), max(expected), quantile(expected, 0.5), quantile(expected, 0.95)]
        assert [float(row[key]) for key in ("min", "max", "p50", "p95")] == figures
        assert float(row["mean"]) == pytest.approx(math.fsum(expected) / len(expected), rel=1e-15)


def test_k6_metrics_have_the_units_that_their_definitions_say(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json"), tmp_path / "store")
    query = "SELECT DISTINCT metric, unit FROM measurements ORDER BY metric"
    assert rows_of(tmp_path / "store", query) == [("data_sent", "By"), ("http_req_duration", "ms"), ("own", None)]
    (session,) = list_sessions(tmp_path / "store")
    assert session["configuration"]["metrics"]["http_req_duration"]["thresholds"] == ["p(95)<500"]
    assert session["started_at"] == "2026-11-24T15:00:00.000001Z"
    assert session["dropped_digit_count"] == 1
    assert session["harness"] == {"name": "k6", "version": None}


def test_tags_become_columns_whatever_they_hold(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json"), tmp_path / "store")
    query = "SELECT \"späte\", url, name FROM measurements WHERE metric = 'own'"
    assert rows_of(tmp_path / "store", query) == [('größe,"q"\n漢字', "http://x/?a=1,2", None)]


def test_a_tag_with_the_name_of_a_column_gets_another(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json", [k6_point(unit="x", Metric="y")]), tmp_path / "store")
    query = "SELECT unit, attribute_unit, attribute_Metric FROM measurements LIMIT 1"
    assert rows_of(tmp_path / "store", query) == [("ms", "x", "y")]


def test_a_tag_that_appears_late_is_a_column_too(tmp_path):
    points = [k6_point(value=n, name="a") for n in range(30_000)]
    points[25_000]["data"]["tags"] = {"late": "x", "number": 5, "list": [1, "é"], "none": None}
    import_sessions(write_k6(tmp_path / "run.json", points), tmp_path / "store")
    query = 'SELECT sequence, name, late, number, list, "none" FROM measurements WHERE late IS NOT NULL'
    assert rows_of(tmp_path / "store", query) == [(25_000, None, "x", "5", '[1,"é"]', None)]
    assert rows_of(tmp_path / "store", "SELECT count(*), count(name) FROM measurements") == [(30_002, 29_999)]


def test_nanoseconds_are_kept_in_a_store_of_nanoseconds(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json"), tmp_path / "store", timestamp_unit="ns")
    (session,) = list_sessions(tmp_path / "store")
    assert session["last_timestamp"] == "2026-11-24T15:00:06.123456789Z"
    assert session["dropped_digit_count"] == 0


def test_bare_nan_of_old_versions_is_read(tmp_path):
    path = tmp_path / "old.json"
    text = (HARNESS_FILES / "google-benchmark/sort-copy-8reps.json").read_text()
    path.write_text(re.sub(r'"real_time": [^,]*', '"real_time": NaN', text, count=1))
    import_sessions(path, tmp_path / "store")
    assert math.isnan(values_of(tmp_path / "store", "real_time")[0])


def test_units_that_differ_in_a_file_are_those_of_the_rows(tmp_path):
    import_sessions(HARNESS_FILES / "google-benchmark/sort-copy-8reps.json", tmp_path / "store")
    found = rows_of(
        tmp_path / "store", "SELECT name, unit FROM measurements WHERE metric = 'real_time' ORDER BY sequence"
    )
    runs = google_runs(HARNESS_FILES / "google-benchmark/sort-copy-8reps.json")
    assert found == [(run["name"], run["time_unit"]) for run in runs]


def test_aggregates_are_called_so(tmp_path):
    import_sessions(HARNESS_FILES / "google-benchmark/sort-copy-8reps.json", tmp_path / "store")
    runs = documents(HARNESS_FILES / "google-benchmark/sort-copy-8reps.json")["benchmarks"]
    means = [run["real_time"] for run in runs if run.get("aggregate_name") == "mean"]
    assert values_of(tmp_path / "store", "real_time_mean") == means


def test_a_direction_of_fio_that_did_nothing_is_left_out(tmp_path):
    import_sessions(HARNESS_FILES / "fio/randrw-4k.json", tmp_path / "store")
    assert rows_of(tmp_path / "store", "SELECT DISTINCT direction FROM measurements ORDER BY 1") == [
        ("read",),
        ("write",),
    ]


def test_asv_takes_units_and_names_from_the_file_beside(tmp_path):
    import_sessions(HARNESS_FILES / "asv/samples-v2.json", tmp_path / "with")
    alone = tmp_path / "alone.json"
    alone.write_bytes((HARNESS_FILES / "asv/samples-v2.json").read_bytes())
    import_sessions(alone, tmp_path / "without")
    query = "SELECT DISTINCT unit FROM measurements WHERE metric = 'tracked_value'"
    assert rows_of(tmp_path / "with", query) == [("By",)]
    assert rows_of(tmp_path / "without", query) == [(None,)]
    query = "SELECT n, kind, value FROM measurements WHERE metric = 'tracked_value' ORDER BY sequence"
    expected = [
        ("10", "'plain'", 90),
        ("10", "'with, comma'", 150),
        ("1000", "'plain'", 9000),
        ("1000", "'with, comma'", 15000),
    ]
    assert rows_of(tmp_path / "with", query) == expected


def test_asv_of_version_1_is_read_as_version_2_is(tmp_path):
    found = documents(HARNESS_FILES / "asv/samples-v2.json")
    names = found.pop("result_columns")
    started = {}
    for benchmark, columns in found["results"].items():
        held = dict(zip(names, columns, strict=False))
        started[benchmark] = held.pop("started_at", None)
        found["results"][benchmark] = {key: held[key] for key in ("result", "params", "samples") if key in held}
    two = documents(HARNESS_FILES / "asv/samples-v2.json")
    # A benchmark without parameters may be its bare result.
    two["results"]["b.track_bare"] = [[5.5], []]
    found["results"]["b.track_bare"] = 5.5
    (tmp_path / "one.json").write_text(json.dumps(found | {"version": 1, "started_at": started}))
    (tmp_path / "two.json").write_text(json.dumps(two))
    query = "SELECT metric, value, unit, benchmark, timestamp FROM measurements ORDER BY sequence"
    rows = []
    for name in ("one", "two"):
        import_sessions(tmp_path / f"{name}.json", tmp_path / name)
        rows.append(rows_of(tmp_path / name, query))
    assert rows[0] == rows[1]
    assert len(rows[0]) > 40


def test_a_point_of_a_webrtc_series_has_the_time_of_its_report(tmp_path):
    path = HARNESS_FILES / "webrtc-internals/loopback-av.json"
    import_sessions(path, tmp_path / "store")
    stats = documents(path)["PeerConnections"]["8-1"]["stats"]
    report = next(name for name in stats if name.endswith("-currentRoundTripTime")).removesuffix(
        "-currentRoundTripTime"
    )
    times = [round(ms * 1000) for ms in json.loads(stats[f"{report}-timestamp"]["values"])]
    query = f"""SELECT epoch_us(timestamp) FROM measurements WHERE connection = '8-1' AND report_id = '{report}'
                AND metric = 'candidate-pair.currentRoundTripTime' ORDER BY sequence"""
    assert [us for (us,) in rows_of(tmp_path / "store", query)] == times


def test_reports_of_getstats_become_samples(tmp_path):
    reports = [
        {
            "timestamp": 1795543196038.539,
            "type": "remote-inbound-rtp",
            "id": "R1",
            "kind": "video",
            "jitter": 0.002,
            "packetsLost": 3,
        },
        {"timestamp": 1795543197039.148, "type": "candidate-pair", "id": "C1", "nominated": True, "a/b": 1},
    ]
    path = tmp_path / "stats.ndjson"
    path.write_text("".join(json.dumps(report) + "\n" for report in reports))
    import_sessions(path, tmp_path / "store")
    query = "SELECT metric, value, unit, epoch_us(timestamp), report_id, kind FROM measurements ORDER BY metric"
    assert rows_of(tmp_path / "store", query) == [
        ("candidate-pair.a/b", 1.0, None, 1795543197039148, "C1", None),
        ("candidate-pair.nominated", 1.0, None, 1795543197039148, "C1", None),
        ("remote-inbound-rtp.jitter", 0.002, "s", 1795543196038539, "R1", "video"),
        ("remote-inbound-rtp.packetsLost", 3.0, "1", 1795543196038539, "R1", "video"),
    ]


def test_vegeta_lines_hold_three_measurements(tmp_path):
    line = {
        "attack": "a",
        "seq": 0,
        "code": 200,
        "timestamp": "2026-11-24T10:00:00.123456789+02:00",
        "latency": 435643128,
        "bytes_out": 0,
        "bytes_in": 2945,
        "error": "",
        "body": "e30=",
        "method": "GET",
        "url": "http://x/,",
        "headers": {},
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(line) + "\n" + json.dumps(line | {"seq": 1, "code": 0, "error": 'a "b"'}) + "\n")
    import_sessions(path, tmp_path / "store", timestamp_unit="ns")
    query = (
        "SELECT metric, value, unit, code, error, epoch_ns(timestamp) FROM measurements WHERE seq = 1 ORDER BY sequence"
    )
    time = 1795507200123456789
    assert time == int(dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC).timestamp()) * 10**9 + 123456789
    assert rows_of(tmp_path / "store", query) == [
        ("latency", 435643128.0, "ns", 0, 'a "b"', time),
        ("bytes_in", 2945.0, "By", 0, 'a "b"', time),
        ("bytes_out", 0.0, "By", 0, 'a "b"', time),
    ]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1633706790", 1633706790 * 10**9),
        ("1633706790123", 1633706790123 * 10**6),
        ("1633706790123456", 1633706790123456 * 1000),
        ("1633706790123456789", 1633706790123456789),
        ("2021-10-08T17:26:30+02:00", 1633706790 * 10**9),
        ("2021-10-08T15:26:30.000000001Z", 1633706790 * 10**9 + 1),
    ],
)
def test_each_time_format_of_k6_csv_is_told_from_the_others(tmp_path, text, nanoseconds):
    path = tmp_path / "run.csv"
    path.write_text(f"metric_name,timestamp,metric_value,method,extra_tags\nvus,{text},1.000000,GET,a=b&c=d\n")
    import_sessions(path, tmp_path / "store", timestamp_unit="ns")
    query = "SELECT epoch_ns(timestamp), method, extra_tags FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(nanoseconds, "GET", "a=b&c=d")]


def test_the_record_beside_a_harness_file_wins(tmp_path):
    path = write_k6(tmp_path / "run.json")
    record = {"session_id": "mine", "started_at": "2026-11-24T14:00:00Z", "attributes": {"site": "lab", "name": "no"}}
    (tmp_path / "run.session.json").write_text(json.dumps(record))
    import_sessions(path, tmp_path / "store", configuration={"users": 5})
    (session,) = list_sessions(tmp_path / "store")
    assert (session["session_id"], session["started_at"]) == ("mine", "2026-11-24T14:00:00.000000Z")
    assert "metrics" in session["configuration"]  # the file says one, so the option does not
    query = "SELECT site, count(*), count(*) FILTER (name = 'no') FROM measurements GROUP BY site"
    assert rows_of(tmp_path / "store", query) == [("lab", 12, 0)]


def test_the_command_names_the_session_and_tells_what_was_left_out(tmp_path):
    path = write_k6(tmp_path / "run.json")
    path.write_text(path.read_text() + "{\n")
    result = pipeline("import", path, "--to", tmp_path / "store", "--skip-bad")
    assert result.status == 0
    assert result.out.startswith("run\n")
    assert "1 bad row left out" in result.err
