"""Units, times and samples that depend on the version and the options of fio, iperf3 and Locust."""

from __future__ import annotations

import json

import pytest
from harness_files import documents
from program import pipeline
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions, list_sessions

REPORTS = SHARED / "reports"
STARTED = "2026-01-01T00:00:00Z"


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def figures(store, condition="true"):
    rows = rows_of(store, f"SELECT metric, value, unit FROM measurements WHERE {condition}")
    return {metric: (value, unit) for metric, value, unit in rows}


def fio(version, read, **job):
    return {
        "fio version": version, "timestamp": 1795543196, "jobs": [{"jobname": "j", "error": 0, "read": read, **job}],
    }  # fmt: skip


def test_fio_before_3_counts_kib_and_microseconds(tmp_path):
    read = {
        "io_bytes": 102400, "bw": 10240, "iops": 2560.0, "runtime": 10000, "total_ios": 25600,
        "slat": {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0},
        "clat": {"min": 101, "max": 9120, "mean": 380.5, "stddev": 88.0,
                 "percentile": {"99.000000": 780, "99.950000": 790, "0.00": 0},
                 "bins": {"FIO_IO_U_PLAT_BITS": 6, "0": 1}},
    }  # fmt: skip
    import_sessions(write(tmp_path / "x.json", fio("fio-2.2.10", read)), tmp_path / "store")
    assert figures(tmp_path / "store") == {
        "io_bytes": (102400 * 1024, "By"), "bandwidth_mean": (10240, "KiBy/s"), "iops": (2560, "/s"),
        "runtime": (10000, "ms"), "total_ios": (25600, "1"), "clat_min": (101, "us"), "clat_max": (9120, "us"),
        "clat_mean": (380.5, "us"), "clat_stddev": (88, "us"), "clat_p99": (780, "us"), "clat_p99_95": (790, "us"),
    }  # fmt: skip
    (session,) = list_sessions(tmp_path / "store")
    assert (session["started_at"], session["ended_at"]) == (
        "2026-11-24T17:59:46.000000Z",
        "2026-11-24T17:59:56.000000Z",
    )


def test_fio_from_3_0_to_3_17_has_no_count_of_latencies(tmp_path):
    read = {
        "io_bytes": 4096, "io_kbytes": 4, "bw": 7, "total_ios": 1, "slat_ns": {"min": 0, "max": 0, "mean": 0.0},
        "clat_ns": {"min": 5, "max": 9, "mean": 7.5, "percentile": {"50.000000": 7}},
    }  # fmt: skip
    import_sessions(write(tmp_path / "x.json", fio("fio-3.1", read)), tmp_path / "store")
    assert figures(tmp_path / "store") == {
        "io_bytes": (4096, "By"), "bandwidth_mean": (7, "KiBy/s"), "total_ios": (1, "1"), "clat_min": (5, "ns"),
        "clat_max": (9, "ns"), "clat_mean": (7.5, "ns"), "clat_p50": (7, "ns"),
    }  # fmt: skip


def test_fio_iops_are_called_as_fio_calls_them(tmp_path):
    read = {"io_bytes": 4096, "io_kbytes": 4, "bw_bytes": 7000, "total_ios": 1, "iops": 273.1, "iops_mean": 273.0}
    samples = {"iops_min": 240, "iops_max": 300, "iops_stddev": 12.0, "iops_samples": 33}
    import_sessions(write(tmp_path / "x.json", fio("fio-3.36", read | samples)), tmp_path / "store")
    found = figures(tmp_path / "store", "metric LIKE 'iops%'")
    assert {metric: value for metric, (value, _) in found.items()} == {
        "iops": 273.1, "iops_mean": 273.0, "iops_min": 240, "iops_max": 300, "iops_stddev": 12.0,
    }  # fmt: skip
    import_sessions(write(tmp_path / "y.json", fio("fio-3.36", read | samples | {"iops_samples": 0})), tmp_path / "b")
    assert figures(tmp_path / "b", "metric LIKE 'iops%'") == {"iops": (273.1, "/s")}


def test_fio_sync_and_mixed_are_directions(tmp_path):
    latency = {"min": 1100, "max": 2200, "mean": 1500.5, "stddev": 9.5, "N": 12, "percentile": {"99.000000": 2100}}
    job = {"sync": {"total_ios": 12, "lat_ns": latency}, "mixed": {"total_ios": 3, "io_bytes": 5, "iops": 2.5}}
    import_sessions(write(tmp_path / "x.json", fio("fio-3.36", {"total_ios": 0}, **job)), tmp_path / "store")
    assert figures(tmp_path / "store", "direction = 'sync'") == {
        "total_ios": (12, "1"), "lat_min": (1100, "ns"), "lat_max": (2200, "ns"), "lat_mean": (1500.5, "ns"),
        "lat_stddev": (9.5, "ns"), "lat_count": (12, "1"), "lat_p99": (2100, "ns"),
    }  # fmt: skip
    assert figures(tmp_path / "store", "direction = 'mixed'")["iops"] == (2.5, "/s")


@pytest.mark.parametrize("servers", [1, 2, 3])
def test_jobs_of_fio_servers_have_their_host_and_their_sum_is_left_out(tmp_path, servers):
    def job(name, host, ios):
        return {"jobname": name, "hostname": host, "port": 8765, "read": {"total_ios": ios, "io_bytes": 512 * ios}}

    jobs = [job("j", f"host{number}", number + 1) for number in range(servers)]
    summed = [job("All clients", f"host{servers - 1}", 99)] if servers > 1 else []
    found = fio("fio-3.36", {}) | {"client_stats": jobs + summed}
    del found["jobs"]
    import_sessions(write(tmp_path / "x.json", found), tmp_path / "store")
    query = "SELECT job, hostname, value FROM measurements WHERE metric = 'total_ios' ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [("j", f"host{number}", number + 1) for number in range(servers)]


def test_what_a_tool_says_of_its_failure_is_told_and_kept(tmp_path):
    read = {"io_bytes": 4096, "io_kbytes": 4, "total_ios": 1}
    path = write(tmp_path / "x.json", fio("fio-3.36", read, error=5))
    result = pipeline("import", path, "--to", tmp_path / "store")
    assert result.status == 0
    assert "x.json: job j ended with error 5, says fio" in result.err
    (session,) = list_sessions(tmp_path / "store")
    assert session["configuration"]["job_errors"] == [{"job": "j", "error": 5}]
    assert len(session["origin"]["warnings"]) == 1
    path = write(tmp_path / "y.json", iperf([interval(0)], error="the control socket has closed"))
    report = import_sessions(path, tmp_path / "store")
    assert report.warnings == (f"{path}: iperf3 says that the test failed: the control socket has closed",)
    assert list_sessions(tmp_path / "store")[1]["configuration"]["error"] == "the control socket has closed"


@pytest.mark.parametrize(
    ("version", "phrase"),
    [("fio-3.42", None), ("fio-3.42.1", None), ("fio-3.43", "newer"), ("fio-4.0-rc1", "newer"), ("fio-2.1", "older")],
)
def test_a_version_that_was_never_tried_is_told(tmp_path, version, phrase):
    path = write(tmp_path / "x.json", fio(version, {"io_bytes": 1, "total_ios": 1}))
    report = import_sessions(path, tmp_path / "store")
    number = version.removeprefix("fio-").removesuffix("-rc1")
    told = f"{path}: says version {number} of fio, {phrase} than those that were tried, 2.2 to 3.42"
    assert report.warnings == ((told,) if phrase else ())


# By number: lines of a log; metric, value, unit, direction, block size, offset, priority and issue time of each row.
LOGS = {
    "4 fields": ("12, 812, 0, 4096\n", [("clat", 812, None, "read", 4096, None, None, None)]),
    "5 with a priority": ("12, 812, 1, 4096, 1\n", [("clat", 812, "ns", "write", 4096, None, "1", None)]),
    "5 with an offset": (
        "12, 812, 2, 4096, 0\n13, 900, 2, 512, 8192\n",
        [("clat", 812, None, "trim", 4096, 0, None, None), ("clat", 900, None, "trim", 512, 8192, None, None)],
    ),
    "5, hexadecimal": ("1, 8, 0, 4096, 0x4000\n", [("clat", 8, "ns", "read", 4096, None, "0x4000", None)]),
    "6": ("1, 8, 0, 4096, 8192, 0x0000\n", [("clat", 8, "ns", "read", 4096, 8192, "0x0000", None)]),
    "6 with the issue time": ("1, 8, 0, 4096, 0, 5120000\n", [("clat", 8, "ns", "read", 4096, None, "0", 5120000)]),
    "7 with the issue time": (
        "1, 8, 0, 4096, 8192, 0, 5120000\n",
        [("clat", 8, "ns", "read", 4096, 8192, "0", 5120000)],
    ),
    "6 of both": (
        "50, 800, 912, 1, 0, 0\n",
        [("clat_mean", 800, "ns", "write", 0, None, "0", None), ("clat_max", 912, "ns", "write", 0, None, "0", None)],
    ),
    "7 of both": (
        "50, 800, 912, 1, 0, 0, 0x0000\n",
        [("clat_mean", 800, "ns", "write", 0, 0, "0x0000", None),
         ("clat_max", 912, "ns", "write", 0, 0, "0x0000", None)],
    ),
    "8": (
        "50, 800, 912, 1, 0, 0, 0, 0\n",
        [("clat_mean", 800, "ns", "write", 0, 0, "0", 0), ("clat_max", 912, "ns", "write", 0, 0, "0", 0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fields", LOGS)
def test_fio_logs_of_each_number_of_fields(tmp_path, fields):
    text, expected = LOGS[fields]
    path = write(tmp_path / "x_clat.1.log", text)
    report = import_sessions(path, tmp_path / "store", started_at=STARTED)
    query = """SELECT metric, value, unit, direction, block_size, log_offset, priority, issue_time_ns,
                      epoch_ms(timestamp) - 1767225600000 FROM measurements ORDER BY sequence"""
    times = [int(line.split(",")[0]) for line in text.splitlines() for _ in range(2 if "912" in line else 1)]
    assert rows_of(tmp_path / "store", query) == [(*row, ms) for row, ms in zip(expected, times, strict=True)]
    assert ["--assume unit=ns" in warning for warning in report.warnings] == [True] * (expected[0][2] is None)


def test_the_unit_of_a_fio_log_can_be_given(tmp_path):
    path = write(tmp_path / "x_lat.log", "12, 812, 0, 4096\n")
    result = pipeline("import", path, "--to", tmp_path / "store", "--assume", "unit=us", "--started-at", STARTED)
    assert (result.status, "warning" in result.err) == (0, False)
    assert figures(tmp_path / "store") == {"lat": (812, "us")}
    wrong = {"unit=s": "did you mean 'ns' or 'us'", "units=us": "did you mean 'unit'", "unit": "give NAME=VALUE"}
    for given, phrase in wrong.items():
        with pytest.raises(UsageError, match=phrase):
            import_sessions(path, tmp_path / "none", assume=[given])
    with pytest.raises(UsageError, match="its importer asks nothing"):
        import_sessions(HARNESS_FILES / "fio/randrw-4k.json", tmp_path / "none", assume=["unit=us"])


def test_windows_of_a_fio_log_are_no_samples(tmp_path):
    path = write(tmp_path / "x_lat.log", "50, 31687, 1, 0, 0, 0x0000\n50, 3232054, 0, 0, 0, 0x0000\n")
    report = import_sessions(path, tmp_path / "mean", started_at=STARTED)
    assert rows_of(tmp_path / "mean", "SELECT DISTINCT metric FROM measurements") == [("lat_mean",)]
    assert "--assume window_value=max" in report.warnings[0]
    report = import_sessions(path, tmp_path / "max", started_at=STARTED, assume=["window_value=max"])
    assert rows_of(tmp_path / "max", "SELECT DISTINCT metric FROM measurements") == [("lat_max",)]
    assert report.warnings == ()


def test_times_since_1970_of_a_fio_log_are_not_added_to_the_start(tmp_path):
    path = write(tmp_path / "x_lat.1.log", "1795543196120, 81250, 0, 4096, 0, 0\n1795543196123, 79010, 1, 4096, 0, 0\n")
    import_sessions(path, tmp_path / "store", started_at=STARTED)
    query = "SELECT epoch_ms(timestamp) FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(1795543196120,), (1795543196123,)]


@pytest.mark.parametrize("line", ["1000, 81250, 1, 0, 4096, 0, 0", "1000, 812, 500, 1, 0, 0, 0"])
def test_a_maximum_below_the_mean_is_no_maximum(tmp_path, line):
    with pytest.raises(SourceError, match=r"in no order that is known|its maximum 500 is below its mean 812"):
        import_sessions(write(tmp_path / "x_clat.log", f"{line}\n"), tmp_path / "store")


def iperf(intervals, error=None, **start):
    begin = {"version": "iperf 3.17.1", "timestamp": {"timesecs": 1795543196}, "connecting_to": {}, "test_start": {}}
    streams = {"intervals": [{"streams": [one]} for one in intervals], "end": {}}
    return {"start": begin | start, **streams} | ({"error": error} if error else {})


def interval(start, mbits=900, **more):
    return {"socket": 5, "start": start, "end": start + 1, "bits_per_second": mbits * 1e6, "sender": True, **more}


def test_omitted_intervals_of_iperf3_are_no_samples_and_come_first(tmp_path):
    intervals = [interval(0, 100, omitted=True), interval(1, 200, omitted=True), interval(0, 900), interval(1, 960)]
    times = {"timesecs": 1795543196, "timemillisecs": 1795543196750}
    path = write(tmp_path / "x.json", iperf(intervals, timestamp=times, test_start={"omit": 2}))
    import_sessions(path, tmp_path / "store")
    query = "SELECT metric, value, epoch_ms(timestamp) - 1795543196750 FROM measurements ORDER BY timestamp"
    assert rows_of(tmp_path / "store", query) == [
        ("omitted_bits_per_second", 100e6, 1000), ("omitted_bits_per_second", 200e6, 2000),
        ("bits_per_second", 900e6, 3000), ("bits_per_second", 960e6, 4000),
    ]  # fmt: skip
    assert list_sessions(tmp_path / "store")[0]["started_at"] == "2026-11-24T17:59:56.750000Z"


@pytest.mark.parametrize(
    ("start", "side"),
    [
        ({"test_start": {"reverse": 0}}, "sender"),
        ({"test_start": {"reverse": 1}}, "receiver"),
        ({"test_start": {"reverse": 0}, "connecting_to": None, "accepted_connection": {}}, "receiver"),
        ({"test_start": {}}, None),
    ],
)
def test_old_iperf3_does_not_say_which_side_an_interval_is_of(tmp_path, start, side):
    old = interval(0, rtt=-1)
    del old["sender"]
    found = iperf([old], **start)
    found["start"] = {key: value for key, value in found["start"].items() if value is not None}
    import_sessions(write(tmp_path / "x.json", found), tmp_path / "store")
    assert rows_of(tmp_path / "store", "SELECT metric, side FROM measurements") == [("bits_per_second", side)]


LOCUST = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,100%,Total Request Count,Total Failure Count,"
LOCUST += "Total Median Response Time,Total Average Response Time,Total Min Response Time,Total Max Response Time\n"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0.0,0.0,N/A,N/A,0,0,0,0.0,0,0", {"total_request_count": 0, "total_failure_count": 0}),
        (
            "0.0,0.0,0,0,8,1,6,5.5,0.9,12.5",
            {"total_request_count": 8, "total_failure_count": 1, "total_response_time_median": 6,
             "total_response_time_mean": 5.5, "total_response_time_min": 0.9, "total_response_time_max": 12.5},
        ),
        (
            "9.0,0.0,0,0,8,1,0,0.3,0.1,0.4",
            {"response_time_p50": 0, "response_time_p100": 0, "total_request_count": 8, "total_failure_count": 1,
             "total_response_time_median": 0, "total_response_time_mean": 0.3, "total_response_time_min": 0.1,
             "total_response_time_max": 0.4},
        ),
    ],
)  # fmt: skip
def test_zeros_of_locust_that_mean_unknown_are_no_measurements(tmp_path, row, expected):
    import_sessions(
        write(tmp_path / "x_stats_history.csv", f"{LOCUST}1795543196,2,,Aggregated,{row}\n"), tmp_path / "s"
    )
    found = {metric: value for metric, (value, _) in figures(tmp_path / "s").items()}
    rates = {"user_count": 2, "requests_per_second": float(row.split(",")[0]), "failures_per_second": 0}
    assert found == rates | expected


OLD = {
    "# requests": "request_count", "# failures": "failure_count", "Requests Failed/s": "failures_per_second",
    "Average response time": "response_time_mean", "Max response time": "response_time_max",
}  # fmt: skip


@pytest.mark.parametrize("has_times", [False, True])
def test_old_columns_of_locust_are_read(tmp_path, has_times):
    time = '"Timestamp",' if has_times else ""
    header = f'"Type","Name",{time}{",".join(chr(34) + name + chr(34) for name in OLD)},"Requests/s","99.999"\n'
    row = f'"None","Aggregated",{"1795543196," if has_times else ""}776,12,0.40,28,144,25.50,140\n'
    import_sessions(write(tmp_path / "x.csv", header + row), tmp_path / "store")
    total = "total_" if has_times else ""
    assert {metric: value for metric, (value, _) in figures(tmp_path / "store").items()} == {
        f"{total}request_count": 776, f"{total}failure_count": 12, "failures_per_second": 0.4,
        f"{total}response_time_mean": 28, f"{total}response_time_max": 144, "requests_per_second": 25.5,
        "response_time_p99_999": 140,
    }  # fmt: skip
    assert rows_of(tmp_path / "store", "SELECT DISTINCT request_type FROM measurements") == [(None,)]


def test_reported_files_have_the_figures_that_they_hold(tmp_path):
    if not REPORTS.exists():
        pytest.skip("the folder of reported files is not here")
    path = REPORTS / "fio-json-fsync/wal-fdatasync.json"
    import_sessions(path, tmp_path / "a")
    sync = documents(path)["jobs"][0]["sync"]["lat_ns"]
    assert figures(tmp_path / "a", "direction = 'sync'")["lat_p99"] == (sync["percentile"]["99.000000"], "ns")
    path = REPORTS / "iperf3-omit/omit2.json"
    import_sessions(path, tmp_path / "b")
    streams = [stream for one in documents(path)["intervals"] for stream in one["streams"]]
    measured = [(stream["bits_per_second"],) for stream in streams if not stream["omitted"]]
    query = "SELECT value FROM measurements WHERE metric = 'bits_per_second' ORDER BY sequence"
    assert rows_of(tmp_path / "b", query) == measured
    path = REPORTS / "fio-log-window-both/w_iops.1.log"
    import_sessions(path, tmp_path / "c")
    fields = [line.split(", ") for line in path.read_text().splitlines()]
    query = "SELECT value FROM measurements WHERE metric = 'iops_max' ORDER BY sequence"
    assert rows_of(tmp_path / "c", query) == [(float(line[2]),) for line in fields]
