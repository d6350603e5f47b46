"""What versions, options and accidents make of files of JMH, go test, BenchmarkDotNet, criterion.rs and pyperf."""

from __future__ import annotations

import json

import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

OPTIONS = {"started_at": "2026-01-01T00:00:00Z", "timezone": "UTC"}


def imported(tmp_path, name, content, **options):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    report = import_sessions(path, tmp_path / "store", **OPTIONS, **options)
    return report, next(
        one for one in list_sessions(tmp_path / "store") if one["session_id"] == report.files[0].session_id
    )


def values(tmp_path, columns, where="true"):
    return rows_of(tmp_path / "store", f"SELECT {columns} FROM measurements WHERE {where} ORDER BY sequence")


def refused(tmp_path, name, content, phrase, **options):
    with pytest.raises(SourceError, match=phrase) as caught:
        imported(tmp_path, name, content, **options)
    assert "\n" not in str(caught.value)


def jmh(mode="thrpt", unit="ops/s", secondary=None, **metric):
    primary = {"score": 2.5, "scoreError": "NaN", "scoreConfidence": ["NaN", "NaN"], "scorePercentiles": {"0.0": 1.0}}
    return {
        "benchmark": "a.B.c",
        "mode": mode,
        "threads": 1,
        "forks": 1,
        "primaryMetric": primary | {"scoreUnit": unit} | metric,
        "secondaryMetrics": secondary or {},
    }


def test_nan_of_jmh_is_lost_and_infinities_are_kept(tmp_path):
    imported(tmp_path, "a.json", [jmh(rawData=[[1.5, "NaN"], ["+INF", "-INF"]])])
    infinity = float("inf")
    expected = [(1.5, 0, 0), (None, 0, 1), (infinity, 1, 0), (-infinity, 1, 1)]
    assert values(tmp_path, "value, fork, iteration", "metric = 'throughput'") == expected
    # Figures that are none are no rows.
    assert values(tmp_path, "metric, value", "metric LIKE 'throughput_%'") == [
        ("throughput_score", 2.5),
        ("throughput_p0", 1.0),
    ]


def test_a_histogram_of_jmh_repeats_what_it_counted(tmp_path):
    histogram = [[[[0.5, 2500], [2.0, 1]], []], [[[1.0, 2]]]]
    imported(tmp_path, "a.json", [jmh("sample", "ms/op", rawDataHistogram=histogram)])
    expected = [(0.5, 0, 0)] * 2500 + [(2.0, 0, 0)] + [(1.0, 1, 0)] * 2
    assert values(tmp_path, "value, fork, iteration", "metric = 'sample_time'") == expected
    for bad in ([0.5, 1.5], [0.5, -1], [0.5], 7, [0.5, "3"]):
        refused(tmp_path, "bad.json", [jmh("sample", "ms/op", rawDataHistogram=[[[bad]]])], "how often it was counted")
    many = [[[[0.5, 60_000_000], [1.5, 60_000_000]]]]
    refused(tmp_path, "bad.json", [jmh("sample", "ms/op", rawDataHistogram=many)], "count more than 100,000,000")


def test_secondary_results_of_jmh(tmp_path):
    secondary = {
        "·gc.alloc.rate.norm": {"score": 24.0, "scoreUnit": "B/op", "rawData": [[24.0, 24.5]]},
        "gc.count": {"score": 3.0, "scoreUnit": "counts", "rawData": [[1.0, 2.0]]},
        "put": {"score": 7.0, "scoreUnit": "ops/us", "rawData": [[7.0]]},
    }
    _, session = imported(tmp_path, "a.json", [jmh(rawData=[[1.0]], secondary=secondary)])
    found = values(tmp_path, "metric, value, unit, secondary_result", "metric NOT LIKE '%throughput%'")
    norm = "·gc.alloc.rate.norm"
    assert found[:5] == [
        ("gc.alloc.rate.norm", 24.0, "B/op", norm),
        ("gc.alloc.rate.norm", 24.5, "B/op", norm),
        ("gc.count", 1.0, "counts", "gc.count"),
        ("gc.count", 2.0, "counts", "gc.count"),
        ("put", 7.0, "ops/us", "put"),
    ]
    facts = session["metric_facts"]
    assert [facts[name]["better"] for name in ("gc.alloc.rate.norm", "gc.count", "put")] == ["lower", None, "higher"]
    assert facts["put_score"]["is_aggregate"]


def test_files_beside_results_say_what_to_import(tmp_path):
    table = '"Benchmark","Mode","Threads","Samples","Score","Unit"\n"a.B.c","thrpt",1,5,2.5,"ops/s"\n'
    refused(tmp_path, "a.csv", table, "import what -rf json writes")
    names = {
        "group_id": "g",
        "function_id": None,
        "value_str": None,
        "full_id": "g",
        "directory_name": "g",
        "title": "g",
    }
    refused(tmp_path, "benchmark.json", names, "import sample.json beside it")


def test_jmh_without_raw_data_has_figures_and_an_unknown_mode_is_refused(tmp_path):
    report, _ = imported(tmp_path, "a.json", [jmh("ss", "s/op", rawData=[])])
    assert report.rows == 2
    refused(tmp_path, "b.json", [jmh("all", rawData=[[1.0]])], "its mode all is none of JMH")


GO = """\
goos: linux
pkg: a/b
note: one
BenchmarkX-8   \t     100\t  12.5 ns/op\t  3.00 MB/s
BenchmarkY
BenchmarkX-8   \t     100\t   NaN ns/op
Unit p99-ns better=lower assume=nothing
pkg: c/d
note:
BenchmarkZ 1 1e3 p99-ns
some log: text
--- FAIL: TestA
FAIL
"""


def test_settings_of_go_hold_until_they_come_again(tmp_path):
    _, session = imported(tmp_path, "a.txt", GO)
    assert values(tmp_path, "metric, value, unit, name, iterations, goos, pkg, note") == [
        ("ns/op", 12.5, "ns/op", "BenchmarkX-8", 100, "linux", "a/b", "one"),
        ("MB/s", 3.0, "MB/s", "BenchmarkX-8", 100, "linux", "a/b", "one"),
        ("ns/op", None, "ns/op", "BenchmarkX-8", 100, "linux", "a/b", "one"),
        ("p99-ns", 1000.0, "p99-ns", "BenchmarkZ", 1, "linux", "c/d", None),
    ]
    assert session["metric_facts"]["p99-ns"]["better"] == "lower"
    assert any("says FAIL" in text for text in session["origin"]["warnings"])
    assert session["origin"]["ignored"] == {"failure": 2, "line without a figure": 1, "other line": 1}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,", ":")])
def test_a_line_of_go_may_lie_in_several_events(tmp_path, separators):
    def event(output, time="2026-11-24T09:00:00.5Z", **more):
        event = {"Time": time, "Action": "output", "Package": "a/b"} | more | {"Output": output}
        return json.dumps(event, separators=separators).replace("<", "\\u003c") + "\n"

    text = '{"Time":"2026-11-24T09:00:00Z","Action":"start","Package":"a/b"}\n' + event("pkg: a/b\n")
    text += event("BenchmarkX\n", Test="BenchmarkX") + event("BenchmarkX-8 \t") + "a line of stderr\n"
    text += (
        event(" 10\t")
        + event("7 ns/op\n", "2026-11-24T09:00:01Z")
        + event("BenchmarkX-8 \t 20\t 8 ns/op\n")
        + event("Benchmark<é>\t 30\t 9 ns/op\r\n")
        + event("Benchmark<e>\t 40\t 10 ns/op\r\n")
        + event("PASS\n")
    )
    _, session = imported(tmp_path, "a.json", text)
    assert values(tmp_path, "value, iterations, pkg, timestamp::VARCHAR") == [
        (7.0, 10, "a/b", "2026-11-24 09:00:01+00"),
        *((value, count, "a/b", "2026-11-24 09:00:00.5+00") for value, count in ((8.0, 20), (9.0, 30), (10.0, 40))),
    ]
    assert values(tmp_path, "name")[2:] == [("Benchmark<é>",), ("Benchmark<e>",)]
    ignored = session["origin"]["ignored"]
    assert ignored == {"Test": 1, "line that is no event": 1, "line without a figure": 1, "other line": 1}


def test_a_bad_line_of_go_is_refused_by_its_number_or_left_out(tmp_path):
    bad = "BenchmarkX 1 2 ns/op\nBenchmarkX 1 2 ns/op 3\n"
    refused(tmp_path, "a.txt", bad, r"line 2: .*3 has no unit; --skip-bad leaves such records out")
    refused(tmp_path, "a.txt", "BenchmarkX 1 2 ns/op\nBenchmarkX 1 two ns/op\n", r"line 2: .*'two' is no number")
    report, _ = imported(tmp_path, "a.txt", bad, skip_bad=True)
    assert report.rows == 1


def test_what_a_log_prints_as_settings_makes_no_columns(tmp_path):
    log = "".join(f"key{number}: 1\n" for number in range(60))
    _, session = imported(tmp_path, "a.txt", f"pkg: a\nBenchmarkX 1 2 ns/op\n{log}BenchmarkX 1 2 ns/op\n")
    assert session["origin"]["ignored"]["key7"] == 1
    assert ("key7",) not in rows_of(tmp_path / "store", "SELECT column_name FROM (DESCRIBE measurements)")


def dotnet(*measurements, **more):
    benchmark = {"Namespace": "n", "Type": "T", "Method": "m", "Parameters": "N=1", "Statistics": {"Mean": 2.5, "N": 1}}
    benchmark |= {"Measurements": list(measurements)} | more
    return {"HostEnvironmentInfo": {"BenchmarkDotNetVersion": "0.10.1"}, "Benchmarks": [benchmark]}


def test_versions_of_benchmarkdotnet_before_0_11_have_one_mode_for_results(tmp_path):
    def measured(mode, nanoseconds):
        return {
            "IterationMode": mode,
            "LaunchIndex": 1,
            "IterationIndex": 1,
            "Operations": 4,
            "Nanoseconds": nanoseconds,
        }

    content = dotnet(
        measured("IdleTarget", 1), measured("MainTarget", 100), measured("Result", 10), measured("Result", 20)
    )
    _, session = imported(tmp_path, "a.json", content)
    found = values(tmp_path, "value, unit, name, parameters, operations", "metric = 'time'")
    assert found == [(2.5, "ns", "n.T.m", "N=1", 4), (5.0, "ns", "n.T.m", "N=1", 4)]
    assert session["origin"]["ignored"]["Measurements of MainTarget"] == 1
    result = measured("Result", 10) | {"Operations": 0}
    refused(tmp_path, "b.json", dotnet(result), "a measurement is of 0 operations")


def test_figures_of_memory_that_benchmarkdotnet_may_add_are_told(tmp_path):
    memory = {"Gen0Collections": 3, "BytesPinnedPerOperation": 5}
    _, session = imported(tmp_path, "a.json", dotnet(Statistics={"Mean": 2.5}, Memory=memory))
    assert values(tmp_path, "metric, value") == [("time_mean", 2.5), ("gen0_collections", 3.0)]
    assert "Benchmarks[].Memory.BytesPinnedPerOperation" in session["origin"]["ignored"]


def test_benchmarkdotnet_without_results_has_its_statistics(tmp_path):
    report, _ = imported(
        tmp_path, "a.json", dotnet(Statistics={"Mean": 2.5, "Median": "NaN", "OriginalValues": [1, "", 3]})
    )
    assert values(tmp_path, "metric, value") == [("time", 1.0), ("time", None), ("time", 3.0), ("time_mean", 2.5)]
    assert report.rows == 4


ESTIMATE = {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1.0, "upper_bound": 3.0}}
ESTIMATE |= {"point_estimate": 2.0, "standard_error": 0.5}


def test_old_files_of_criterion(tmp_path):
    imported(tmp_path, "g/new/sample.json", [[1.0, 2.0], [10.0, 30.0]])
    assert values(tmp_path, "metric, value, unit, iterations") == [("time", 10.0, "ns", 1), ("time", 15.0, "ns", 2)]
    imported(tmp_path, "g/new/raw.csv", "group,function,value,sample_time_nanos,iteration_count\ng,f,3,30.0,2\n")
    found = values(tmp_path, "metric, value, unit, benchmark, iterations", "session_id = 'raw'")
    assert found == [("time", 15.0, "ns", "g/f/3", 2)]
    imported(tmp_path, "g/new/estimates.json", {"Mean": ESTIMATE, "MedianAbsDev": ESTIMATE, "StdDev": ESTIMATE})
    found = values(tmp_path, "metric, value, confidence_level", "session_id = 'estimates'")
    assert found[:4] == [
        ("time_mean", 2.0, None),
        ("time_mean_standard_error", 0.5, None),
        ("time_mean_lower", 1.0, 0.95),
        ("time_mean_upper", 3.0, 0.95),
    ]
    assert [name for name, *_ in found[4::4]] == ["time_median_abs_dev", "time_stddev"]


def test_folders_of_criterion_tell_what_its_files_are_of(tmp_path):
    named = {"group_id": "g", "function_id": "f x", "value_str": "7", "full_id": "g/f x/7", "directory_name": "g/f_x/7"}
    sessions = []
    for folder, time in (("new", 10.0), ("base", 12.0)):
        place = tmp_path / "g" / "f_x" / "7" / folder
        place.mkdir(parents=True)
        (place / "benchmark.json").write_text(json.dumps(named))
        content = {"sampling_mode": "Flat", "iters": [2.0], "times": [time]}
        sessions.append(imported(tmp_path, f"g/f_x/7/{folder}/sample.json", content)[1])
    assert [one["session_id"] for one in sessions] == ["g-f_x-7-new", "g-f_x-7-base"]
    found = values(tmp_path, 'value, benchmark, "group", "function", parameter, sampling_mode, baseline')
    same = ("g/f x/7", "g", "f x", "7", "Flat")
    assert sorted(found) == [(5.0, *same, None), (6.0, *same, "base")]
    # Changes are relative to the run before, and no times.
    imported(tmp_path, "g/f_x/7/change/estimates.json", {"mean": ESTIMATE, "median": ESTIMATE})
    assert ("relative_time_mean", 2.0, "1") in values(tmp_path, "metric, value, unit", "baseline = 'change'")


def test_files_of_criterion_that_do_not_fit_are_refused(tmp_path):
    for iterations, times, phrase in (
        ([1.0], [1.0, 2.0], "not as many iterations as times"),
        ([1.0, 2.0], [1.0], "not as many iterations as times"),
        ([0.0], [1.0], "is of no iterations"),
        ([1.5], [1.0], "is of 1.5 iterations"),
        (["x"], [1.0], "x"),
    ):
        refused(tmp_path, "sample.json", {"sampling_mode": "Flat", "iters": iterations, "times": times}, phrase)
    refused(
        tmp_path,
        "raw.csv",
        "group,function,value,sample_time_nanos,iteration_count\ng,f,3,30.0,0\n",
        "line 2: .*no iter",
    )


def test_old_files_of_pyperf_have_raw_warm_ups_and_other_names(tmp_path):
    runs = [{"samples": [0.5, 0.25], "warmups": [[4, 16.0]], "metadata": {"date": "2016-01-01T00:00:05"}}]
    held = {
        "version": 5,
        "benchmarks": [{"common_metadata": {"name": "b", "inner_loops": 2, "loops": 4}, "runs": runs}],
    }
    imported(tmp_path, "a.json", held)
    assert values(tmp_path, "metric, value, unit, name, loops, run, iteration, epoch(timestamp) % 60") == [
        ("time", 0.5, "s", "b", 4, 0, 0, 5.0),
        ("time", 0.25, "s", "b", 4, 0, 1, 5.0),
        ("warmup_time", 2.0, "s", "b", 4, 0, 0, 5.0),
    ]


def test_pyperf_measures_bytes_too_and_a_run_says_more_than_all(tmp_path):
    runs = [
        {"values": [1024], "metadata": {"name": "own", "unit": "byte"}},
        {"values": [7], "metadata": {"unit": "integer"}},
    ]
    imported(
        tmp_path,
        "a.json",
        {"version": "1.0", "metadata": {"name": "all", "unit": "second"}, "benchmarks": [{"runs": runs}]},
    )
    found = values(tmp_path, "metric, value, unit, name")
    assert found == [("memory", 1024.0, "By", "own"), ("value", 7.0, "1", "all")]
    bad = {"version": "1.0", "benchmarks": [{"runs": [{"values": [1], "warmups": [0.5]}]}]}
    refused(tmp_path, "b.json", bad, "a warm-up is 0.5, not its loops and a value")
    dated = {"version": "1.0", "benchmarks": [{"runs": [{"values": [1], "metadata": {"date": "2026-01-01 00:00:00"}}]}]}
    (tmp_path / "c.json").write_text(json.dumps(dated))
    with pytest.raises(SourceError, match="time zone"):
        import_sessions(tmp_path / "c.json", tmp_path / "store")
