"""Harness files: each becomes a session whose samples are those that plain Python reads in the file."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import ROOT, SHARED, pipeline

import pipeline as package
from pipeline import SourceError, UsageError, connect, export_statistics, import_sessions, list_sessions

FIXTURES = ROOT / "data" / "fixtures" / "harness"
REAL = SHARED / "harness"


def documents(path):
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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
        FIXTURES,
        "hyperfine/two-commands.json",
        "time",
        lambda p: [t for r in documents(p)["results"] for t in r["times"]],
    ),
    (FIXTURES, "fio/randrw-4k_clat.1.log", "clat", fio_log),
    (FIXTURES, "fio/randrw-4k_bw.1.log", "bandwidth", fio_log),
    (
        FIXTURES,
        "fio/randrw-4k.json",
        "clat_mean",
        lambda p: [documents(p)["jobs"][0][d]["clat_ns"]["mean"] for d in ("read", "write")],
    ),
    (
        FIXTURES,
        "iperf3/tcp-1stream.json",
        "bits_per_second",
        lambda p: [s["bits_per_second"] for i in documents(p)["intervals"] for s in i["streams"]],
    ),
    (FIXTURES, "jmeter/jmeter-2.13.jtl", "elapsed", lambda p: [float(r["elapsed"]) for r in records(p)]),
    (
        FIXTURES,
        "google-benchmark/sort-copy-8reps.json",
        "real_time",
        lambda p: [r["real_time"] for r in google_runs(p)],
    ),
    (
        FIXTURES,
        "pytest-benchmark/json-sort.json",
        "time",
        lambda p: [t for b in documents(p)["benchmarks"] for t in b["stats"]["data"]],
    ),
    (
        FIXTURES,
        "locust/demo_stats_history.csv",
        "total_response_time_mean",
        lambda p: [float(r["Total Average Response Time"]) for r in records(p)],
    ),
    (
        FIXTURES,
        "locust/demo_stats.csv",
        "response_time_mean",
        lambda p: [float(r["Average Response Time"]) for r in records(p)],
    ),
    (FIXTURES, "asv/samples-v2.json", "time", asv_samples),
    (
        FIXTURES,
        "webrtc-internals/loopback-av.json",
        "candidate-pair.currentRoundTripTime",
        lambda p: webrtc_values(p, "candidate-pair", "currentRoundTripTime"),
    ),
    (
        FIXTURES,
        "k6/steady-4s.json",
        "http_req_duration",
        lambda p: [r["data"]["value"] for r in lines(p) if (r["type"], r["metric"]) == ("Point", "http_req_duration")],
    ),
    (
        FIXTURES,
        "k6/steady-4s.csv",
        "http_req_duration",
        lambda p: [float(r["metric_value"]) for r in records(p) if r["metric_name"] == "http_req_duration"],
    ),
    (
        FIXTURES,
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


def rows_of(store, query):
    with connect(store) as connection:
        return connection.sql(query).fetchall()


def values_of(store, metric):
    with connect(store) as connection:
        query = "SELECT value FROM measurements WHERE metric = ? ORDER BY sequence"
        return [value for (value,) in connection.execute(query, [metric]).fetchall()]


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


def k6_point(metric="http_req_duration", value=1.5, time="2026-11-24T16:00:00.000001+01:00", **tags):
    return {"metric": metric, "type": "Point", "data": {"time": time, "value": value, "tags": tags}}


def k6_metric(metric, contains):
    definition = {
        "name": metric,
        "type": "trend",
        "contains": contains,
        "thresholds": ["p(95)<500"],
        "submetrics": None,
    }
    return {"type": "Metric", "metric": metric, "data": definition}


def write_k6(path, points=None):
    """A file as k6 writes it, with tags that are hard to write and definitions in between."""
    lines = [
        k6_metric("http_req_duration", "time"),
        *(points or [k6_point(value=n + 0.5, name=f"n{n}") for n in range(10)]),
        k6_metric("data_sent", "data"),
        k6_point("data_sent", 800, time="2026-11-24T15:00:05Z"),
        k6_metric("own", "default"),
        k6_point("own", 3, time="2026-11-24T15:00:06.123456789Z", späte='größe,"q"\n漢字', url="http://x/?a=1,2"),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


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


JMETER_HEADER = "timeStamp,elapsed,label,success\n"
GOOD_POINT = json.dumps(k6_point(name="a"))
GOOD_RECORD = f"{JMETER_HEADER}1795542903863,1,a,true\n"


def after_good(bad):
    """A point that can be read, then another line."""
    return f"{GOOD_POINT}\n{bad}\n"


# What the file holds, what the one line must say, and how many records are left out by --skip-bad: None where the
# whole file is at fault.
BROKEN = {
    "a line that is no JSON": (after_good('{"type":') + GOOD_POINT, r"line 2: is no JSON", 1),
    "a line cut off": (after_good(GOOD_POINT) + GOOD_POINT[:40], r"line 3: is no JSON .*cut off", 1),
    "a line that is no object": (after_good("[1]") + GOOD_POINT, r"line 2: is no JSON object", 1),
    "two objects in a line": (after_good(GOOD_POINT * 2), r"line 2: is no JSON", 1),
    "a value that is no number": (
        after_good("\n" + GOOD_POINT.replace("1.5", "[2]")),
        r"line 3: column 'value': '\[2\]' is no number",
        1,
    ),
    "a time that is none": (after_good(GOOD_POINT.replace("-11-", "-13-")), r"line 2: column 'timestamp'", 1),
    "no metric": (after_good(GOOD_POINT.replace('"metric"', '"n"')), r"line 2: .*metric.*null", 1),
    "a NUL in a tag": (after_good(json.dumps(k6_point(name="a\0b"))), r"line 2: .*NUL", 1),
    "bytes that are not UTF-8": (
        after_good(GOOD_POINT).encode().replace(b'"a"', b'"\xff"') + GOOD_POINT.encode(),
        r"line 1: .*UTF-8",
        2,
    ),
    "a tag that occurs twice": (
        after_good(GOOD_POINT.replace('"name": "a"', '"name": "a", "name": "b"')),
        r"line 2: attribute 'name' occurs twice",
        1,
    ),
    "a value that occurs twice": (
        after_good(GOOD_POINT.replace('"value": 1.5', '"value": 1.5, "value": 2')),
        r"line 2: a key occurs twice; --skip-bad",
        1,
    ),
    "half of a surrogate pair in a metric": (
        after_good(GOOD_POINT.replace("http_req_duration", "\\ud800")),
        r"line 2: holds half of a surrogate pair; --skip-bad",
        1,
    ),
    "half of a surrogate pair in a tag": (
        after_good(json.dumps(k6_point(name="\ud800"))),
        r"line 2: .*surrogate pair",
        1,
    ),
    "half of a surrogate pair in a key": (
        json.dumps(k6_point(name="b", **{"\udc00": "b"})) + f"\n{GOOD_POINT}",
        r"line 1: .*surrogate pair",
        1,
    ),
    "a nest too deep": (after_good(GOOD_POINT.replace("1.5", "[" * 600 + "]" * 600)), r"line 2: .*deep", 1),
    "tags that are no object": (after_good(GOOD_POINT.replace('{"name": "a"}', "[1]")), r"line 2: .*no JSON object", 1),
    "many bad lines": ("x\n" * 3 + f"{GOOD_POINT}\n" * 5 + "{\n" * 7, r"line 1: is no JSON", 10),
    "too few fields": (f"{GOOD_RECORD}1795542903863,1\n", r"line 3: .*Columns: 4 Found: 2", 1),
    "too many fields": (f"{GOOD_RECORD}1795542903863,1,a,true,9\n", r"line 3: .*Columns: 4 Found: 5", 1),
    "text for a number": (f"{GOOD_RECORD}1795542903863,x,a,true\n", r"line 3: .*'x'", 1),
    "nothing for a number": (f"{GOOD_RECORD}1795542903863,,a,true\n", r"line 3: .*no elapsed", 1),
    "a quote not closed": (f'{GOOD_RECORD}1795542903863,1,"a,true\n', r"line 3: .*quote", 1),
    "a record over lines that is bad": (
        f'{JMETER_HEADER}1795542903863,1,"a\nb",true\n1795542903863,x,"a\n\nb",true\n1795542903863,2,c,true\n',
        r"line 4: .*'x'",
        1,
    ),
    "an empty file": ("", r"is empty", None),
    "white space": (" \n\n", r"is empty", None),
    "a document cut off": ((FIXTURES / "hyperfine/two-commands.json").read_text()[:900], r"no harness|cut off", None),
    "binary": (b"\x7fELF" + bytes(range(3)) * 900, r"no text", None),
    "noise": (bytes(range(256)) * 9, r"no harness is known", None),
    "bzip2": (b"BZh91AY&SY" + bytes(range(200)), r"bzip2; decompress", None),
    "gzip cut off": (gzip.compress(os.urandom(9000).hex().encode())[:800], r"cut off", None),
    "zstd cut off": (zstandard.compress(os.urandom(9000).hex().encode())[:800], r"cut off|no harness", None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_and_nothing_is_imported(tmp_path, what):
    content, phrase, _ = BROKEN[what]
    path = tmp_path / "run.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    good = write_k6(tmp_path / "good.json")
    result = pipeline("import", good, path, "--to", tmp_path / "store")
    assert result.status == 3, result.err
    assert result.err.count("\n") == 1
    assert str(path) in result.err
    assert re.search(phrase, result.err), result.err
    assert not list((tmp_path / "store").rglob("*.parquet"))


@pytest.mark.parametrize("what", [what for what, (_, _, bad) in BROKEN.items() if bad])
def test_bad_records_are_left_out_and_counted_when_asked(tmp_path, what):
    content, _, bad = BROKEN[what]
    path = tmp_path / "run.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    assert report.skipped_rows == bad
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["skipped_records"] == bad
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    if lines[0].startswith((b"{", b"x")):
        assert session["measurement_count"] == len(lines) - bad
    with connect(tmp_path / "store") as connection:
        assert connection.sql("SELECT count(*) FROM measurements WHERE value IS NULL").fetchall() == [(0,)]


def test_a_file_of_which_nothing_can_be_read_is_refused_even_so(tmp_path):
    path = write_k6(tmp_path / "run.json")
    path.write_text("\n".join([GOOD_POINT.replace("1.5", '"x"')] * 3))
    with pytest.raises(SourceError, match="no record can be read; line 1"):
        import_sessions(path, tmp_path / "store", skip_bad=True)


def test_the_bad_line_of_a_long_file_is_found(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(f"{GOOD_POINT}\n" * 40_000 + '{"no":\n' + f"{GOOD_POINT}\n" * 20_000)
    with pytest.raises(SourceError, match="line 40001: is no JSON"):
        import_sessions(path, tmp_path / "store")
    assert import_sessions(path, tmp_path / "store", skip_bad=True).rows == 60_000


def test_a_line_may_be_longer_than_any_buffer(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(f"{GOOD_POINT}\n" + json.dumps(k6_point(name="x" * 3_000_000)) + "\n")
    import_sessions(path, tmp_path / "store")
    assert rows_of(tmp_path / "store", "SELECT max(length(name)) FROM measurements") == [(3_000_000,)]


def test_the_order_of_the_file_is_that_of_the_sequence(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("".join(json.dumps(k6_point(value=n)) + "\n" for n in range(100_000)))
    import_sessions(path, tmp_path / "store")
    query = "SELECT count(*), count(*) FILTER (value = sequence) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [(100_000, 100_000)]


def test_a_file_that_was_imported_is_known_by_its_content(tmp_path):
    path = write_k6(tmp_path / "run.json")
    import_sessions(path, tmp_path / "store")
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"copy\.json: was imported before, as session 'run'; --if-exists skip or"):
        import_sessions(copy, tmp_path / "store")
    assert import_sessions(copy, tmp_path / "store", if_exists="skip").unchanged == ("run",)
    with pytest.raises(SourceError, match="--session-id run replaces that"):
        import_sessions(copy, tmp_path / "store", if_exists="replace")
    assert import_sessions(copy, tmp_path / "store", if_exists="replace", session_id="run").imported == ("run",)
    assert len(list_sessions(tmp_path / "store")) == 1


def test_another_file_of_the_same_name_is_no_repetition(tmp_path):
    import_sessions(write_k6(tmp_path / "a" / "run.json"), tmp_path / "store")
    other = write_k6(tmp_path / "b" / "run.json", [k6_point(value=9)])
    with pytest.raises(SourceError, match="has session 'run' already"):
        import_sessions(other, tmp_path / "store")
    assert import_sessions(other, tmp_path / "store", if_exists="skip").unchanged == ("run",)
    import_sessions(other, tmp_path / "store", session_id="other")
    import_sessions(other, tmp_path / "store2")
    import_sessions(tmp_path / "a" / "run.json", tmp_path / "store2", if_exists="replace")
    assert values_of(tmp_path / "store2", "http_req_duration") == [n + 0.5 for n in range(10)]


def test_the_same_content_twice_in_one_import_is_noticed(tmp_path):
    path = write_k6(tmp_path / "run.json")
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"run\.json: was imported before, as session 'copy'"):
        import_sessions([copy, path], tmp_path / "store")
    report = import_sessions([copy, path], tmp_path / "store", if_exists="skip")
    assert (report.imported, report.unchanged) == (("copy",), ("copy",))


def test_a_file_of_a_header_alone_is_a_session_without_measurements(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("metric_name,timestamp,metric_value,url\n")
    import_sessions(path, tmp_path / "store")
    assert list_sessions(tmp_path / "store")[0]["measurement_count"] == 0


def test_two_files_of_one_id_are_refused_together(tmp_path):
    first = write_k6(tmp_path / "a" / "run.json")
    second = write_k6(tmp_path / "b" / "run.json", [k6_point(value=9)])
    with pytest.raises(SourceError, match=r"b/run\.json: session 'run' lies in another"):
        import_sessions([first, second], tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_harness_files_and_measurements_are_imported_together(tmp_path):
    rows = '{"session_id":"m","sequence":0,"timestamp":"2026-01-01T00:00:00Z","metric":"x","value":1}\n'
    (tmp_path / "own.ndjson").write_text(rows)
    report = import_sessions([write_k6(tmp_path / "run.json"), tmp_path / "own.ndjson"], tmp_path / "store")
    assert set(report.imported) == {"run", "m"}
    assert report.rows == 13


LIMITED = """
import resource, sys
from pipeline.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("large", [0, 1])
def test_a_disk_that_fails_leaves_the_sessions_that_were_imported_by_then(tmp_path, large):
    noise = random.Random(1)  # noqa: S311 - numbers that do not compress
    for number in range(2):
        rows = 100_000 if number == large else 10
        table = pa.table(
            {
                "session_id": [f"p{number}"] * rows,
                "sequence": pa.array(range(rows)),
                "timestamp": pa.array(range(number, number + rows), pa.timestamp("us", "UTC")),
                "metric": ["x"] * rows,
                "value": [noise.random() for _ in range(rows)],
                "unit": ["ms"] * rows,
            }
        )
        pq.write_table(table, tmp_path / f"p{number}.parquet")
    write_k6(tmp_path / "run.json")
    command = ["import", "*.parquet", "run.json", "--to", "store"]
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 4, result.stderr
    done = ["run", "p0"][: large + 1]
    number = f"{len(done)} session{'s were' if large else ' was'}"
    assert f"{number} imported before; the same command with --if-exists skip imports the others\n" in result.stderr
    assert result.stderr.count("\n") == 1
    assert {session["session_id"] for session in list_sessions(tmp_path / "store")} == set(done)
    report = import_sessions(
        [tmp_path / "p0.parquet", tmp_path / "p1.parquet", tmp_path / "run.json"], tmp_path / "store", if_exists="skip"
    )
    assert set(report.unchanged) == set(done)
    assert len(list_sessions(tmp_path / "store")) == 3


@pytest.mark.parametrize("bad", ["run.json", "own.ndjson"])
def test_nothing_is_imported_where_one_of_harness_files_and_measurements_is_bad(tmp_path, bad):
    rows = '{"session_id":"m","sequence":0,"timestamp":"2026-01-01T00:00:00Z","metric":"x","value":1}\n'
    (tmp_path / "own.ndjson").write_text(rows)
    write_k6(tmp_path / "run.json")
    with (tmp_path / bad).open("a") as file:
        file.write("{\n")
    for files in (["own.ndjson", "run.json"], ["run.json", "own.ndjson"]):
        with pytest.raises(SourceError, match=bad):
            import_sessions([tmp_path / name for name in files], tmp_path / "store")
        assert not list((tmp_path / "store").rglob("*.parquet"))


STARTS = [
    ("iperf3/tcp-1stream.json", {}, "the file", "2026-11-24T17:52:26.000000Z"),
    ("hyperfine/two-commands.json", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
    (
        "hyperfine/two-commands.json",
        {"started_at": "2026-01-02T03:04:05Z"},
        "--started-at",
        "2026-01-02T03:04:05.000000Z",
    ),
    ("jmeter/jmeter-2.13.jtl", {}, "the earliest sample", "2026-11-24T17:55:03.860000Z"),
    ("locust/demo_stats.csv", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
    ("fio/randrw-4k_clat.1.log", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
]


@pytest.mark.parametrize(("name", "options", "start_from", "start"), STARTS)
def test_the_record_says_where_the_start_came_from(tmp_path, name, options, start_from, start):
    path = tmp_path / Path(name).name
    path.write_bytes((FIXTURES / name).read_bytes())
    os.utime(path, (1_700_000_000, 1_700_000_000))
    import_sessions(path, tmp_path / "store", **options)
    (session,) = list_sessions(tmp_path / "store")
    assert (session["origin"]["start_from"], session["started_at"]) == (start_from, start)
    assert session["origin"]["file"] == path.name
    assert session["first_timestamp"] >= start


def test_relative_times_count_from_the_start(tmp_path):
    import_sessions(FIXTURES / "fio/randrw-4k_clat.1.log", tmp_path / "store", started_at="2026-01-01T00:00:00Z")
    offsets = [int(line.split(",")[0]) for line in (FIXTURES / "fio/randrw-4k_clat.1.log").read_text().splitlines()]
    query = (
        "SELECT epoch_ms(timestamp) - epoch_ms(TIMESTAMPTZ '2026-01-01 00:00:00Z') FROM measurements ORDER BY sequence"
    )
    assert [ms for (ms,) in rows_of(tmp_path / "store", query)] == offsets
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["times_from"] == ["the file, relative to the session's start"]


def test_times_without_a_zone_need_one(tmp_path):
    found = documents(FIXTURES / "google-benchmark/sort-copy-8reps.json")
    found["context"]["date"] = "2016-08-02 17:44:46"
    path = tmp_path / "old.json"
    path.write_text(json.dumps(found))
    with pytest.raises(SourceError, match="names no time zone; say which with --timezone"):
        import_sessions(path, tmp_path / "store")
    import_sessions(path, tmp_path / "store", timezone="Europe/Berlin")
    assert list_sessions(tmp_path / "store")[0]["started_at"] == "2016-08-02T15:44:46.000000Z"


@pytest.mark.parametrize("skip_bad", [False, True])
def test_local_times_of_samples_need_a_zone(tmp_path, skip_bad):
    path = tmp_path / "run.jtl"
    path.write_text(f"{JMETER_HEADER}2026/07/01 12:00:00.250,1,a,true\n2026/07/01 12:00:01.000,2,b,false\n")
    with pytest.raises(SourceError, match="--timezone"):
        import_sessions(path, tmp_path / "store", skip_bad=skip_bad)
    import_sessions(path, tmp_path / "store", timezone="Europe/Berlin")
    (session,) = list_sessions(tmp_path / "store")
    assert session["started_at"] == "2026-07-01T10:00:00.250000Z"
    query = "SELECT success, label FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(True, "a"), (False, "b")]


def test_bare_nan_of_old_versions_is_read(tmp_path):
    path = tmp_path / "old.json"
    text = (FIXTURES / "google-benchmark/sort-copy-8reps.json").read_text()
    path.write_text(re.sub(r'"real_time": [^,]*', '"real_time": NaN', text, count=1))
    import_sessions(path, tmp_path / "store")
    assert math.isnan(values_of(tmp_path / "store", "real_time")[0])


def test_units_that_differ_in_a_file_are_those_of_the_rows(tmp_path):
    import_sessions(FIXTURES / "google-benchmark/sort-copy-8reps.json", tmp_path / "store")
    found = rows_of(
        tmp_path / "store", "SELECT name, unit FROM measurements WHERE metric = 'real_time' ORDER BY sequence"
    )
    runs = google_runs(FIXTURES / "google-benchmark/sort-copy-8reps.json")
    assert found == [(run["name"], run["time_unit"]) for run in runs]


def test_aggregates_are_called_so(tmp_path):
    import_sessions(FIXTURES / "google-benchmark/sort-copy-8reps.json", tmp_path / "store")
    runs = documents(FIXTURES / "google-benchmark/sort-copy-8reps.json")["benchmarks"]
    means = [run["real_time"] for run in runs if run.get("aggregate_name") == "mean"]
    assert values_of(tmp_path / "store", "real_time_mean") == means


def test_a_direction_of_fio_that_did_nothing_is_left_out(tmp_path):
    import_sessions(FIXTURES / "fio/randrw-4k.json", tmp_path / "store")
    assert rows_of(tmp_path / "store", "SELECT DISTINCT direction FROM measurements ORDER BY 1") == [
        ("read",),
        ("write",),
    ]


def test_asv_takes_units_and_names_from_the_file_beside(tmp_path):
    import_sessions(FIXTURES / "asv/samples-v2.json", tmp_path / "with")
    alone = tmp_path / "alone.json"
    alone.write_bytes((FIXTURES / "asv/samples-v2.json").read_bytes())
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
    found = documents(FIXTURES / "asv/samples-v2.json")
    names = found.pop("result_columns")
    started = {}
    for benchmark, columns in found["results"].items():
        held = dict(zip(names, columns, strict=False))
        started[benchmark] = held.pop("started_at", None)
        found["results"][benchmark] = {key: held[key] for key in ("result", "params", "samples") if key in held}
    two = documents(FIXTURES / "asv/samples-v2.json")
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
    path = FIXTURES / "webrtc-internals/loopback-av.json"
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


OWN_SQL = """\
-- format: csv
-- columns: when, took

-- name: measurements
SELECT 'took' AS metric, took::DOUBLE AS value, 'ms' AS unit, "when"::BIGINT * 1000000 AS offset_ns,
       * EXCLUDE (took, "when")
FROM records
"""


def test_a_harness_is_added_by_one_sql_file(tmp_path):
    (tmp_path / "my.sql").write_text(OWN_SQL)
    (tmp_path / "run.txt").write_text('when;took;where\n0;1.5;"a;b"\n250;2.5;c\n')
    result = pipeline(
        "import", tmp_path / "run.txt", "--to", tmp_path / "store", "--from", tmp_path / "my.sql",
        "--started-at", "2026-01-01T00:00:00Z",
    )  # fmt: skip
    assert result.status == 0, result.err
    query = (
        'SELECT sequence, metric, value, unit, epoch_ms(timestamp) % 1000, "where" FROM measurements ORDER BY sequence'
    )
    assert rows_of(tmp_path / "store", query) == [(0, "took", 1.5, "ms", 0, "a;b"), (1, "took", 2.5, "ms", 250, "c")]
    assert list_sessions(tmp_path / "store")[0]["harness"]["name"] == "my"


BOTH_SQL = """\
-- format: csv
-- name: measurements
SELECT 'x' AS metric, v AS value, t::BIGINT AS epoch_ns, o::BIGINT AS offset_ns FROM records
"""


def test_relative_times_among_others_count_from_the_earliest_of_those(tmp_path):
    (tmp_path / "both.sql").write_text(BOTH_SQL)
    (tmp_path / "run.csv").write_text("v,t,o\n1,,5000\n2,1700000000000002000,\n3,1700000000000001000,\n4,,\n")
    import_sessions(tmp_path / "run.csv", tmp_path / "store", importer=str(tmp_path / "both.sql"))
    query = "SELECT epoch_us(timestamp) - 1700000000000000 FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(6,), (2,), (1,), (1,)]
    assert list_sessions(tmp_path / "store")[0]["origin"]["start_from"] == "the earliest sample"


def test_a_relative_time_that_cannot_be_counted_is_refused(tmp_path):
    (tmp_path / "both.sql").write_text(BOTH_SQL)
    (tmp_path / "run.csv").write_text("v,t,o\n1,,5000\n2,,9223372036854775807\n")
    with pytest.raises(SourceError, match="line 3: column 'offset_ns': lies too far from the session's start"):
        import_sessions(
            tmp_path / "run.csv", tmp_path / "store", importer=str(tmp_path / "both.sql"), timestamp_unit="ns",
            started_at="2026-01-01T00:00:00Z",
        )  # fmt: skip


SESSION_SQL = "-- format: csv\n-- name: session\nSELECT 1 AS start\n"
WRONG_SQL = {
    "no section": ("-- format: csv\nSELECT 1", "'-- name: measurements'"),
    "no format": ("-- name: measurements\nSELECT 1", "-- format:"),
    "a section unknown": ("-- format: csv\n-- name: measurement\nSELECT 1", "did you mean 'measurements'"),
    "no value": ("-- format: csv\n-- name: measurements\nSELECT 'x' AS metric FROM records", "no column 'value'"),
    "a syntax error": ("-- format: csv\n-- name: measurements\nSELEC 1", "syntax error"),
    "no SELECT": ("-- format: csv\n-- name: measurements\nDROP VIEW records", "one SELECT"),
    "an unknown column": ("-- format: csv\n-- name: measurements\nSELECT x AS metric, 1 AS value FROM records", '"x"'),
    "another file": (
        "-- format: csv\n-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM read_text('/etc/hostname')",
        "disabled by configuration",
    ),
    "writing in prepare": (
        "-- format: csv\n-- name: prepare\nCOPY (SELECT 1) TO 'x'\n-- name: measurements\nSELECT 1",
        "prepare may",
    ),
    "a setting": ("-- format: csv\n-- name: prepare\nSET threads = 1\n-- name: measurements\nSELECT 1", "locked"),
    "an unknown fact": (
        SESSION_SQL + "-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM records",
        "did you mean 'started_at'",
    ),
}


@pytest.mark.parametrize("what", WRONG_SQL)
def test_what_is_wrong_with_an_sql_file_is_told_in_one_line(tmp_path, what):
    sql, phrase = WRONG_SQL[what]
    (tmp_path / "my.sql").write_text(sql)
    (tmp_path / "run.csv").write_text("a,b\n1,2\n")
    result = pipeline("import", tmp_path / "run.csv", "--to", tmp_path / "store", "--from", tmp_path / "my.sql")
    assert result.status in {2, 3}, result.err
    assert result.err.count("\n") == 1
    assert phrase in result.err, result.err
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("name", "given", "phrase"),
    [
        ("hyperfine/two-commands.json", "k6", "is no k6 file; it looks like one of hyperfine"),
        ("hyperfine/two-commands.json", "hyperfin", "did you mean 'hyperfine'"),
        ("hyperfine/two-commands.json", "none.sql", "cannot be read"),
        ("asv/benchmarks.json", None, "no harness is known to write this; --from names one of asv, fio"),
    ],
)
def test_content_that_is_not_known_is_told_with_the_candidates(tmp_path, name, given, phrase):
    with pytest.raises((SourceError, UsageError), match=re.escape(phrase)):
        import_sessions(FIXTURES / name, tmp_path / "store", importer=given)


def test_content_that_two_know_is_told_with_both(tmp_path):
    found = documents(FIXTURES / "hyperfine/two-commands.json")
    found |= documents(FIXTURES / "fio/randrw-4k.json")
    (tmp_path / "both.json").write_text(json.dumps(found))
    with pytest.raises(SourceError, match="may be a file of fio and hyperfine; say which with --from"):
        import_sessions(tmp_path / "both.json", tmp_path / "store")
    import_sessions(tmp_path / "both.json", tmp_path / "store", importer="hyperfine")


MAPPED_LINES = """\
{"ts": 1767225600.5, "v": 1, "kind": "é,\\"\\n"}
{"v": null, "ts": 1767225601}
{"ts": 1767225602, "other": [1]}
"""
MAPPED = [
    (
        "t,latency,kind\n2026-01-01T00:00:00Z,1.5,a\n2026-01-01T00:00:01Z,,b\n",
        ["value=latency:ms", "time=t"],
        [("latency", 1.5, "ms", 0, "a"), ("latency", None, "ms", 1000, "b")],
    ),
    (
        "kind;m;v;u\na;cpu;3;%\n",
        ["value=v", "metric=m", "unit=u"],
        [("cpu", 3.0, "%", 0, "a")],
    ),
    (
        "s,a:b,c,kind\n0.25,1,2,x\n",
        ["value=a:b:", "value=c:By", "offset=s:s"],
        [("a:b", 1.0, None, 250, "x"), ("c", 2.0, "By", 250, "x")],
    ),
    (
        MAPPED_LINES,
        ["value=v:ms", "time=ts:s"],
        [("v", 1.0, "ms", 500, 'é,"\n'), ("v", None, "ms", 1000, None)],
    ),
]


@pytest.mark.parametrize(("text", "mapping", "expected"), MAPPED)
def test_any_csv_or_ndjson_is_imported_by_a_mapping(tmp_path, text, mapping, expected):
    (tmp_path / "run.dat").write_text(text)
    import_sessions(tmp_path / "run.dat", tmp_path / "store", mapping=mapping, started_at="2026-01-01T00:00:00Z")
    query = """SELECT metric, value, unit, epoch_ms(timestamp) - epoch_ms(TIMESTAMPTZ '2026-01-01 00:00:00Z'), kind
               FROM measurements ORDER BY sequence"""
    assert rows_of(tmp_path / "store", query) == expected


TYPED = [
    ([1, 2, None], "BIGINT", [1, 2, None]),
    ([1, 2.5, None], "DOUBLE", [1.0, 2.5, None]),
    ([True, None, False], "BOOLEAN", [True, None, False]),
    ([1, True, "x"], "VARCHAR", ["1", "true", "x"]),
    ([1, [2], None], "VARCHAR", ["1", "[2]", None]),
    ([None, None, None], "VARCHAR", [None, None, None]),
    ([-(2**63), 2**63 - 1, 0], "BIGINT", [-(2**63), 2**63 - 1, 0]),
]


@pytest.mark.parametrize("distance", [0, 20_000])
@pytest.mark.parametrize(("given", "kind", "expected"), TYPED)
def test_attributes_of_mapped_ndjson_keep_their_type(tmp_path, given, kind, expected, distance):
    rows = [{"v": 1, "x": given[0]}] * (distance + 1) + [{"v": 1, "x": value} for value in given[1:]]
    (tmp_path / "run.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=v"])
    query = f"SELECT x, typeof(x) FROM measurements WHERE sequence = 0 OR sequence > {distance} ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(value, kind) for value in expected]


@pytest.mark.parametrize("values", [[2**63], [1.5, 2**53 + 1], [1.5, "1e999"]])
def test_attributes_that_do_not_fit_are_refused(tmp_path, values):
    lines = "".join(f'{{"v": 1, "x": {value}}}\n' for value in values)
    (tmp_path / "run.ndjson").write_text(lines)
    with pytest.raises(SourceError, match=r"attribute 'x': .*(does not fit|beyond the range)"):
        import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=v"])


@pytest.mark.parametrize(
    ("mapping", "phrase"),
    [
        (["value=latenzy"], "has no column 'latenzy'; did you mean 'latency'"),
        (["time=t"], "say which column is the value"),
        (["valu=latency"], "did you mean 'value'"),
        (["value"], "names no column"),
        (["value=latency", "time=t", "time=t"], "given twice"),
        (["value=latency", "offset=t"], "in which unit"),
        (["value=latency", "time=t:h"], "units of time"),
        (["value=latency", "value=t", "metric=t"], "metric of one value"),
        (["value=latency", "time=t", "offset=t:s"], "one of them"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(tmp_path, mapping, phrase):
    (tmp_path / "run.csv").write_text("t,latency\n1,2\n")
    with pytest.raises((SourceError, UsageError), match=re.escape(phrase)):
        import_sessions(tmp_path / "run.csv", tmp_path / "store", mapping=mapping)


def test_a_mapping_that_no_record_fits_is_told(tmp_path):
    (tmp_path / "run.ndjson").write_text('{"rtt": 1.5}\n{"rtt": 2.5}\n')
    with pytest.raises(SourceError, match=r"run\.ndjson: no record has 'rt'; did you mean 'rtt'"):
        import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=rt"])
    assert not (tmp_path / "store").exists()


def test_a_path_with_signs_of_a_pattern_is_a_path(tmp_path):
    path = write_k6(tmp_path / "a [1]*'\"; x" / "run?.json")
    import_sessions(path, tmp_path / "store")
    assert len(list_sessions(tmp_path / "store")) == 1


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


def test_an_exported_session_of_a_harness_can_be_imported_again(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json"), tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    package.export_measurements(tmp_path / "store", tmp_path / "out", format="parquet")
    (file,) = (tmp_path / "out").glob("measurements*")
    (tmp_path / "again.parquet").write_bytes(file.read_bytes())
    (tmp_path / "again.session.json").write_text(json.dumps(session))
    import_sessions(tmp_path / "again.parquet", tmp_path / "again")
    assert list_sessions(tmp_path / "again")[0]["content_digest"] == session["content_digest"]


def test_the_command_names_the_session_and_tells_what_was_left_out(tmp_path):
    path = write_k6(tmp_path / "run.json")
    path.write_text(path.read_text() + "{\n")
    result = pipeline("import", path, "--to", tmp_path / "store", "--skip-bad")
    assert result.status == 0
    assert result.out.startswith("run\n")
    assert "1 bad row left out" in result.err
