"""Memory follows the batch size and never the data; what need not be loaded is not."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from directories import only

from pipeline import export_measurements, import_sessions, list_sessions

ROWS = 1_000_000
SESSIONS = 5
MAX_MEGABYTES = 200
POINT = (
    '{"metric":"http_req_duration","type":"Point","data":{"time":"2026-11-24T16:00:00.%06d+01:00","value":%d.5,'
    '"tags":{"method":"GET","name":"page %d","status":"200","url":"https://test.k6.io/page/%d"}}}\n'
)
# The parent's own figure is no part of it: the one child that has ended is the command.
WRAPPER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "pipeline", *sys.argv[1:]])
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def peak_megabytes(*arguments):
    """Run a command in a fresh process; give the most memory it held at a time."""
    command = [sys.executable, "-c", WRAPPER, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, peak = map(int, done.stdout.split()[-2:])
    assert status == 0, done.stderr
    return peak


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A million measurements of five sessions in one Parquet file of nine columns."""
    numbers = np.arange(ROWS)
    random = np.random.default_rng(20261124)
    each = ROWS // SESSIONS

    def repeated(codes, *words):
        return pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(words)).dictionary_decode()

    table = pa.table(
        {
            "session_id": repeated(numbers // each, *(f"run-{i}" for i in range(SESSIONS))),
            "sequence": numbers % each,
            "timestamp": pa.array(1_764_000_000_000_000 + numbers * 10_000).cast(pa.timestamp("us", "UTC")),
            "metric": repeated(numbers % 3, "control_rtt", "video_latency", "jitter"),
            "value": pa.array(random.lognormal(3, 1, ROWS), mask=random.random(ROWS) < 0.01),
            "unit": repeated(np.zeros(ROWS), "ms"),
            "robot_id": repeated(numbers // each % 2, "robot-01", "robot-02"),
            "network_profile": repeated(numbers // each, "loopback", "veth", "lan", "wan", "wan-degraded"),
            "attempt": numbers % 7,
        }
    )
    path = tmp_path_factory.mktemp("million") / "million.parquet"
    pq.write_table(table, path, row_group_size=200_000)
    return path


def test_a_million_measurements_go_to_json_in_little_memory(million, tmp_path):
    peak = peak_megabytes("export", million, "--to", tmp_path / "out", "--format", "json")
    assert peak < MAX_MEGABYTES
    written = only(tmp_path / "out", "measurements_*.json")
    # What was written would not have found room in that memory.
    assert written.stat().st_size > MAX_MEGABYTES * 1_000_000

    # Complete, as Python's json reads it, line by line: the document begins with its metadata, a row a line follows.
    with written.open(encoding="utf-8") as file:
        first_line = file.readline()
        document = json.loads(first_line.rstrip(",\n") + "}")
        assert [s["measurement_count"] for s in document["metadata"]["sessions"]] == [ROWS // SESSIONS] * SESSIONS
        assert file.readline() == '"measurements":[\n'
        count = total = nulls = 0
        value_sum = 0.0
        first = last = None
        for line in file:
            if line.startswith("]"):
                break
            last = json.loads(line.rstrip(",\n"))
            first = first or last
            count += 1
            total += last["sequence"]
            nulls += last["value"] is None
            value_sum += last["value"] or 0.0
        assert line == "]}\n"
        assert file.read() == ""
    each = ROWS // SESSIONS
    assert count == ROWS
    assert total == SESSIONS * each * (each - 1) // 2
    value = pq.read_table(million, columns=["value"]).column("value")
    assert nulls == value.null_count
    # The same numbers in the same order add up to the same sum.
    assert value_sum == sum(number or 0.0 for number in value.to_pylist())
    source = pq.read_table(million)
    for row, at in ((first, 0), (last, ROWS - 1)):
        (wanted,) = source.slice(at, 1).to_pylist()
        wanted["timestamp"] = wanted["timestamp"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert row == wanted
    assert list(first) == source.column_names


def test_memory_does_not_grow_with_the_rows(million, tmp_path):
    """A fifth of the rows takes nearly as much, from a store as well, where nothing is looked through before."""
    subprocess.run(
        [sys.executable, "-m", "pipeline", "import", million, "--to", tmp_path / "store", "--quiet"],
        check=True,
    )
    fifth = peak_megabytes("export", tmp_path / "store", "--to", tmp_path / "fifth", "--session", "run-0")
    whole = peak_megabytes("export", tmp_path / "store", "--to", tmp_path / "whole")
    assert whole < MAX_MEGABYTES
    assert whole < fifth + 40


@pytest.mark.parametrize("of", ["attribute", "windows"])
def test_memory_does_not_grow_with_the_groups_of_statistics(tmp_path, of):
    count = 600_000
    numbers = np.arange(count)
    columns = {
        "session_id": pa.repeat("run", count),
        "sequence": numbers,
        "timestamp": pa.array(1_764_000_000_000_000 + numbers * 2_000_000).cast(pa.timestamp("us", "UTC")),
        "metric": pa.repeat("latency", count),
        "value": np.random.default_rng(4).lognormal(3, 1, count),
        "unit": pa.repeat("ms", count),
    }
    options = ["--window", "1s"]
    if of == "attribute":
        columns["device"] = pa.array([f"device-{at * 7919 % 300_000:06d}" for at in range(count)])
        options = ["--by", "device"]
    pq.write_table(pa.table(columns), tmp_path / "many.parquet")
    peak = peak_megabytes("statistics", tmp_path / "many.parquet", *options, "--to", tmp_path / "out", "--quiet")
    with only(tmp_path / "out", "statistics_*.csv").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) - 1 == (300_000 if of == "attribute" else count)
    assert peak < MAX_MEGABYTES


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_a_million_measurements_are_read_back_in_little_memory(million, tmp_path, kind):
    export_measurements(million, tmp_path / "out", format=kind, sync=False)
    assert peak_megabytes("verify", tmp_path / "out") < MAX_MEGABYTES


@pytest.mark.parametrize(
    "arguments", [["--help"], ["export", "--help"], ["--version"], ["export", "--format", "x"]], ids=" ".join
)
def test_help_loads_no_engine(arguments):
    script = """
import sys
from pipeline.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
engines = {"pyarrow", "duckdb", "numpy", "polars", "pandas", "zstandard"}
print("loaded", sorted(engines & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


_AB = "starttime\tseconds\tctime\tdtime\tttime\twait\nTue Nov 24 09:00:00 2026\t1795510800\t0\t2\t2\t1\n"
_RUN = {"metadata": {"loops": 8, "date": "2026-11-24 09:00:00"}, "values": [0.25] * 20}
_TIMES = dict.fromkeys(("mean", "stddev", "median", "user", "system", "min", "max"), 0.5)
_HYPERFINE = {"command": "a", **_TIMES, "times": [0.5, 0.25], "exit_codes": [0, 0]}
RESULTS = {
    "hyperfine": ("x.json", json.dumps({"results": [_HYPERFINE]})),
    "ab": (
        "x.tsv",
        _AB,
    ),
    "criterion": ("sample.json", json.dumps({"sampling_mode": "Linear", "iters": [1.0, 2.0], "times": [5.0, 9.0]})),
    "jmh": (
        "x.json",
        json.dumps(
            [
                {
                    "benchmark": "a.B.m",
                    "mode": "thrpt",
                    "threads": 1,
                    "primaryMetric": {"score": 1.5, "scoreUnit": "ops/s", "rawData": [[1.5, 2.5], [0.5] * 20]},
                    "secondaryMetrics": {},
                }
            ]
        ),
    ),
    "pyperf": (
        "x.json",
        json.dumps({"version": "1.0", "metadata": {"name": "a", "unit": "second"}, "benchmarks": [{"runs": [_RUN]}]}),
    ),
}


@pytest.mark.parametrize("source", ["store", "file"])
@pytest.mark.parametrize("command", ["sessions", "export", "export --format parquet", "statistics"])
def test_nothing_slow_is_loaded_that_is_not_used(fixture_store, tmp_path, command, source):
    """Arrow's functions take longer to load than a small store to export; pandas more than all the rest."""
    if source == "file":
        fixture_store = next(fixture_store.glob("sessions/*/*.parquet"))
    script = """
import sys
from pipeline.cli import main
main(sys.argv[1:])
slow = {"duckdb", "polars", "pandas", "pyarrow.compute", "pyarrow.dataset", "importlib.metadata", "concurrent.futures"}
print("loaded", sorted(slow & sys.modules.keys()))
"""
    used = ["pyarrow.compute"] if command in {"statistics", "export --format parquet"} else []
    to = [] if command == "sessions" else ["--to", str(tmp_path / "out"), "--no-sync"]
    arguments = [*command.split(), str(fixture_store), *to]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] in {"loaded []", f"loaded {used}"}


@pytest.mark.parametrize("name", ["hyperfine", "ab", "criterion", "jmh", "pyperf"])
def test_an_import_of_a_result_file_loads_nothing_slow(tmp_path, name):
    (tmp_path / RESULTS[name][0]).write_text(RESULTS[name][1])
    script = """
import sys
from pipeline.cli import main
main(sys.argv[1:])
slow = {"polars", "pandas", "numpy.ma", "pyarrow.compute", "pyarrow.dataset", "pipeline.cli.export"}
print("loaded", sorted(slow & sys.modules.keys()))
"""
    arguments = ["import", str(tmp_path / RESULTS[name][0]), "--to", str(tmp_path / "store"), "--timezone", "UTC"]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert "1 session" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_a_million_measurements_come_out_of_a_package_in_little_memory(million, tmp_path):
    export_measurements(million, tmp_path / "package", format="json", sync=False)
    assert peak_megabytes("import", tmp_path / "package", "--to", tmp_path / "store") < MAX_MEGABYTES


def test_memory_of_an_import_does_not_follow_the_file(tmp_path):
    peaks = []
    for rows in (200_000, 800_000):
        path = tmp_path / f"{rows}.json"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(POINT % (n % 1_000_000, n, n % 50, n % 50) for n in range(rows))
        peaks.append(peak_megabytes("import", path, "--to", tmp_path / f"store-{rows}"))
        path.unlink()
    # The larger file has 120 MB more. Whoever held it would need all of that: the engine's own buffers, which
    # fill up with the first million rows, need 15 to 35 MB.
    assert peaks[1] < 250
    assert peaks[1] < peaks[0] + 60


def test_texts_of_a_megabyte_do_not_multiply(tmp_path):
    count = 300
    texts = [f"{number:08}" * 125_000 for number in range(count)]
    columns = {
        "session_id": ["s1"] * count,
        "sequence": list(range(count)),
        "timestamp": pa.array(range(count)).cast(pa.timestamp("us", "UTC")),
        "metric": ["log"] * count,
        "value": [1.0] * count,
        "unit": ["1"] * count,
        "payload": texts,
    }
    pq.write_table(pa.table(columns), tmp_path / "long.parquet", row_group_size=10, use_dictionary=False)
    import_sessions([tmp_path / "long.parquet"], tmp_path / "store")
    peak = peak_megabytes("export", tmp_path / "store", "--to", tmp_path / "out", "--no-sync", "--quiet")
    text = only(tmp_path / "out", "measurements_*.ndjson")
    assert text.stat().st_size > count * 1_000_000
    assert peak < 285


def pytest_file(path, samples):
    stats = {"mean": 1.5, "rounds": samples, "iterations": 1, "data": [at / 7e6 for at in range(samples)]}
    benchmarks = [{"name": name, "fullname": name, "group": None, "stats": stats} for name in "ab"]
    document = {"machine_info": {}, "commit_info": {}, "benchmarks": benchmarks, "datetime": "2026-11-24T10:00:00"}
    path.write_text(json.dumps(document))


def hyperfine_file(path, samples):
    document = {"command": "x", "mean": 1.0, "times": "here", "exit_codes": "there"}
    text = json.dumps({"results": [document, document]})
    times = ["[", ",".join(["0.0012345678901234567"] * samples), "]"]
    path.write_text(text.replace('"here"', "".join(times)).replace('"there"', f"[{'0, ' * samples}1]"))


def fio_file(path, samples):
    def latency(start):
        return {"N": 9, "min": 1, "max": 2, "mean": 1.5, "bins": {str(start + at): at for at in range(samples)}}

    jobs = [{"jobname": f"j{at}", "read": {"io_bytes": 1, "clat_ns": latency(at)}} for at in range(4)]
    path.write_text(json.dumps({"fio version": "fio-3.36", "timestamp": 1795543196, "jobs": jobs}))


def pyperf_file(path, samples):
    runs = [{"metadata": {"loops": 8}, "values": [0.125, 0.25]} for _ in range(samples // 20)]
    benchmarks = [{"metadata": {"name": f"telco{at}"}, "runs": runs} for at in range(10)]
    path.write_text(json.dumps({"version": "1.0", "metadata": {"unit": "second"}, "benchmarks": benchmarks}))


def getstats_file(path, samples):
    report = {"id": "IT01", "type": "inbound-rtp", "timestamp": 1795883512000} | {f"stat{at}": at for at in range(20)}
    path.write_text((json.dumps(report) + "\n") * (samples // 20))


def k6_csv_file(path, samples):
    line = "http_req_duration,1795883512,21.5,GET,http://192.0.2.1/a/path/that/repeats\n"
    path.write_text("metric_name,timestamp,metric_value,method,name\n" + line * samples)


# A file of half a megabyte, one of 75 MB, and one whose 40,000 bins stand beside other figures; many small arrays,
# lines of many numbers, and a CSV file of 62 MB. Mebibytes more than a small file of the kind takes: of 150 that the
# same engines take by themselves 100 are pages of their libraries, and the system maps 20 more or less.
@pytest.mark.parametrize(
    ("write", "samples", "rows", "most"),
    [
        (pytest_file, 13_000, 26_004, 20),
        (hyperfine_file, 1_500_000, 3_000_002, 130),
        (fio_file, 10_000, 40_020, 130),
        (pyperf_file, 20_000, 20_000, 80),
        (getstats_file, 200_000, 200_000, 80),
        (k6_csv_file, 800_000, 800_000, 80),
    ],
)
def test_a_result_file_takes_little_memory(tmp_path, write, samples, rows, most):
    peaks = []
    for count, name in ((20, "small"), (samples, "large")):
        write(tmp_path / f"{name}.json", count)
        options = ["--to", tmp_path / name, "--started-at", "2026-11-24T10:00:00Z", "--quiet"]
        peaks.append(peak_megabytes("import", tmp_path / f"{name}.json", *options))
    (session,) = list_sessions(tmp_path / "large")
    assert session["measurement_count"] == rows
    assert peaks[1] < peaks[0] + most
