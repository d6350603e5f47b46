"""Google Benchmark, asv, pytest-benchmark, hyperfine: their figures as Python reads them, and what is no sample."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections import Counter

import pytest
from harness_files import REAL, documents
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, export_statistics, import_sessions, list_sessions
from pipeline.importers.definition import built_in

STARTED = "2026-01-01T00:00:00Z"
AGGREGATES = ("mean", "median", "stddev", "cv", "BigO", "RMS")
TOOLS = ("asv", "google-benchmark", "hyperfine", "hyperfine-2", "pytest-benchmark")
FILES = {
    "google-benchmark": [
        HARNESS_FILES / "google-benchmark/sort-copy-8reps.json",
        REAL / "google-benchmark/google-test1_run1.json",
        SHARED / "recorded/google-benchmark/1.9.5-repetitions.json",
        SHARED / "reports/google-benchmark-1.4-aggregates/sort.json",
        SHARED / "reports/google-benchmark-nan/fit.json",
    ],
    "hyperfine": [
        HARNESS_FILES / "hyperfine/two-commands.json",
        SHARED / "recorded/hyperfine/1.15-parameter.json",
        SHARED / "reports/hyperfine-failed-runs/flaky.json",
    ],
    "pytest-benchmark": [
        HARNESS_FILES / "pytest-benchmark/json-sort.json",
        SHARED / "recorded/pytest-benchmark/5.3.1-params.json",
        SHARED / "reports/pytest-benchmark-mixed-params/mixed.json",
    ],
    "asv": [
        HARNESS_FILES / "asv/samples-v2.json",
        SHARED / "reports/asv-nan-null/ee28c181-virtualenv-py3.12.json",
    ],
}


def files_of(tool):
    return [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in FILES[tool]]


def imported(tmp_path, source, columns, condition="true", **options):
    """What an import gives of a file, or of an object that is written to one: rows of some columns, in their order."""
    path = source
    if isinstance(source, dict):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(source))
    elif not path.exists():
        pytest.skip("the shared data is not here")
    import_sessions(path, tmp_path / "store", timezone="UTC", **options)
    order = "ORDER BY sequence"
    return comparable(rows_of(tmp_path / "store", f"SELECT {columns} FROM measurements WHERE {condition} {order}"))


def comparable(rows):
    """Rows whose NaN equal each other."""
    return [tuple("nan" if isinstance(one, float) and math.isnan(one) else one for one in row) for row in rows]


def benchmarks(*runs, version="1.9.5"):
    return {"context": {"date": STARTED, "num_cpus": 2, "library_version": version}, "benchmarks": list(runs)}


def timed(name, real_time=10.0, **more):
    return {"name": name, "iterations": 9, "real_time": real_time, "cpu_time": 2.0, "time_unit": "ns"} | more


def google_rows(path):
    """Metric, value, unit and name as Python reads them in a file whose aggregates are those that its names tell."""
    with path.open() as file:
        runs = dict(json.load(file, object_pairs_hook=list))["benchmarks"]
    for pairs in runs:
        run = dict(reversed(pairs))  # the program's own key stands before a counter of its name
        name, kind = run.get("run_name"), run.get("aggregate_name")
        if "run_type" not in run:
            ending = run["name"].rpartition("_")
            name, kind = (ending[0], ending[2]) if ending[2] in AGGREGATES else (run["name"], None)
        failed = run.get("error_occurred", False)
        has_passed_unit = False
        for key, value in pairs:
            has_passed_unit |= key == "time_unit"
            is_figure = has_passed_unit or key in {
                "real_time",
                "cpu_time",
                "cpu_coefficient",
                "real_coefficient",
                "rms",
            }
            if not is_figure or isinstance(value, str):
                continue
            metric = f"{key}_{kind.lower()}" if kind and key != "rms" else key
            is_time = key in {"real_time", "cpu_time"} and kind != "cv"
            unit = {"items_per_second": "/s", "bytes_per_second": "By/s", "rms": "1"}.get(key)
            unit = "1" if kind == "cv" else run["time_unit"] if is_time else unit
            yield metric, None if failed else value, unit, name


@pytest.mark.parametrize("path", files_of("google-benchmark"))
def test_google_benchmark_gives_the_figures_that_python_reads(tmp_path, path):
    found = imported(tmp_path, path, "metric, value, unit, name")
    assert found == comparable(google_rows(path))
    assert len(found) > 3


def test_google_benchmark_runs_that_failed_or_were_skipped_are_lost_with_their_message(tmp_path):
    failed = timed("a", 0.0, run_type="iteration", error_occurred=True, error_message='no, "device"')
    skipped = timed("b", 0.0, run_type="iteration", skipped=True, skip_message="not today", rate=5.0)
    found = imported(
        tmp_path, benchmarks(failed, skipped, timed("c", 0.0, run_type="iteration")),
        "metric, name, value, error_occurred, error_message, skip_message",
    )  # fmt: skip
    assert found == [
        ("real_time", "a", None, True, 'no, "device"', None), ("cpu_time", "a", None, True, 'no, "device"', None),
        ("real_time", "b", None, None, None, "not today"), ("cpu_time", "b", None, None, None, "not today"),
        ("rate", "b", None, None, None, "not today"),
        ("real_time", "c", 0, None, None, None), ("cpu_time", "c", 2, None, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "aggregates"),
    [
        (["a", "a", "a_mean", "a_median", "a_stddev", "a_cv"], {2: "mean", 3: "median", 4: "stddev", 5: "cv"}),
        (["a_mean", "a_stddev"], {0: "mean", 1: "stddev"}),  # --benchmark_report_aggregates_only
        (["running_mean", "geometric_mean", "median"], {}),
        (["a_mean", "a_mean_mean", "a_mean_stddev"], {1: "mean", 2: "stddev"}),
        (["a/8", "a/64", "a/8_mean", "a/64_maximum"], {2: "mean"}),
    ],
)
def test_old_google_benchmark_aggregates_are_told_by_their_names(tmp_path, names, aggregates):
    found = imported(tmp_path, benchmarks(*map(timed, names), version=None), "metric, name", "metric LIKE 'real%'")
    expected = []
    for at, name in enumerate(names):
        kind = aggregates.get(at)
        expected.append((f"real_time_{kind}", name.removesuffix(f"_{kind}")) if kind else ("real_time", name))
    assert found == expected


def test_google_benchmark_says_of_a_new_file_itself_what_an_aggregate_is(tmp_path):
    runs = [timed(name, run_name=name, run_type="iteration") for name in ("a", "a_mean", "a_median")]
    runs.append(timed("a_worst", run_name="a", run_type="aggregate", aggregate_name="worst"))
    found = imported(tmp_path, benchmarks(*runs), "metric, name", "metric LIKE 'real%'")
    names = [("real_time", name) for name in ("a", "a_mean", "a_median")]
    assert found == [*names, ("real_time_worst", "a")]


def test_google_benchmark_counters_may_have_any_name(tmp_path):
    counters = {"threads": 3.0, "family_index": 4.0, "iterations": 5.0, "name": 6.0, "real_time": 7.0, "Peak": 8.0}
    text = json.dumps(benchmarks(timed("a") | {"threads": 1, "time_unit": "ns"}))
    more = "".join(f', "{key}": {value}' for key, value in counters.items())
    path = tmp_path / "own.json"
    path.write_text(text.replace('"time_unit": "ns"', f'"time_unit": "ns"{more}').replace(', "threads": 1', ""))
    found = imported(tmp_path, path, "metric, value, unit, name, iterations")
    times = [("real_time", 10, "ns", "a", 9), ("cpu_time", 2, "ns", "a", 9)]
    renamed = {"real_time": "counter_real_time"}
    assert found == times + [(renamed.get(key, key), value, None, "a", 9) for key, value in counters.items()]


def asv_rows(path):
    """Metric, benchmark, parameters, value and outcome; samples stand behind all results of their benchmark."""
    found = documents(path)
    for benchmark, columns in found["results"].items():
        held = dict(zip(found["result_columns"], columns, strict=False))
        own_name = benchmark.rpartition(".")[2]
        metric = next((m for start, m in ASV_METRICS.items() if own_name.startswith(start)), "tracked_value")
        combinations = list(itertools.product(*held["params"]))
        results = held["result"] or [None] * len(combinations)
        for combination, value in zip(combinations, results, strict=True):
            outcome = "failed" if value is None else "skipped" if math.isnan(value) else None
            yield metric, benchmark, "|".join(combination), None if outcome else value, outcome
        for combination, samples in zip(combinations, held.get("samples") or [], strict=False):
            for value in samples or []:
                yield "time", benchmark, "|".join(combination), value, None


ASV_METRICS = {"time_": "time_median", "mem_": "memory", "peakmem_": "peak_memory"}


@pytest.mark.parametrize("path", files_of("asv"))
def test_asv_gives_the_figures_that_python_reads_and_loses_what_failed(tmp_path, path):
    names = "n, kind" if path.parent.name == "asv" else "param_1"
    found = imported(tmp_path, path, f"metric, benchmark, concat_ws('|', {names}), value, outcome")
    assert found == list(asv_rows(path))


def test_asv_failures_are_counted_as_lost(tmp_path):
    path = FILES["asv"][1]
    found = imported(tmp_path, path, "benchmark", "value IS NULL")
    assert sorted(found) == [
        ("suite.Part.time_failing",), ("suite.Part.time_failing_all",), ("suite.Part.time_failing_all",),
        ("suite.Part.time_partial",), ("suite.Part.time_some_failed",),
    ]  # fmt: skip
    export_statistics(tmp_path / "store", tmp_path / "out", by=["benchmark"])
    (file,) = (tmp_path / "out").glob("statistics_*.csv")
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["metric"] == "time_median"]
    assert {row["benchmark"].rpartition(".")[2]: int(row["null_count"]) for row in rows} == {
        "time_partial": 1, "time_failing": 1, "time_failing_all": 2, "time_some_failed": 1,
    }  # fmt: skip


ASV = {"commit_hash": "a", "env_name": "b", "params": {"machine": "c"}, "date": 0, "version": 2}


def test_an_asv_file_in_which_all_failed_is_a_session_of_lost_samples(tmp_path):
    columns = ["result", "params", "version", "started_at"]
    params = [["1", "2", "3"], ["'x'", "'y'"]]
    results = {"s.time_grid": [None, params, "v", 1795543200000], "s.track_one": [None, []]}
    found = imported(
        tmp_path, ASV | {"result_columns": columns, "results": results},
        "metric, value, outcome, benchmark, param_1, param_2",
    )  # fmt: skip
    expected = [("time_median", None, "failed", "s.time_grid", *one) for one in itertools.product(*params)]
    assert found == [*expected, ("tracked_value", None, "failed", "s.track_one", None, None)]


def test_asv_of_version_1_loses_what_failed_as_well(tmp_path):
    results = {
        "s.time_bare": None,
        "s.time_none": {"result": None, "params": [["1", "2"]]},
        "s.time_some": {"result": [None, 0.5], "params": [["1", "2"]]},
    }
    found = imported(tmp_path, ASV | {"version": 1, "results": results}, "benchmark, param_1, value, outcome")
    assert found == [
        ("s.time_bare", None, None, "failed"), ("s.time_none", "1", None, "failed"),
        ("s.time_none", "2", None, "failed"), ("s.time_some", "1", None, "failed"), ("s.time_some", "2", 0.5, None),
    ]  # fmt: skip


def test_a_parameter_of_asv_may_be_called_as_a_column_is(tmp_path):
    columns = ["result", "params"]
    document = ASV | {"result_columns": columns, "results": {"s.time_a": [[0.5], [["'x'"], ["'y'"]]]}}
    (tmp_path / "benchmarks.json").write_text(json.dumps({"s.time_a": {"param_names": ["benchmark", "outcome"]}}))
    found = imported(tmp_path, document, "benchmark, attribute_benchmark, attribute_outcome")
    assert found == [("s.time_a", "'x'", "'y'")]


PYTEST_FIGURES = {
    "ops": "operations_per_second", "rounds": "rounds", "max": "time_max", "mean": "time_mean", "median": "time_median",
    "min": "time_min", "q1": "time_p25", "q3": "time_p75", "stddev": "time_stddev",
}  # fmt: skip


@pytest.mark.parametrize("path", files_of("pytest-benchmark"))
def test_pytest_benchmark_gives_the_figures_that_python_reads(tmp_path, path):
    found = imported(tmp_path, path, 'metric, value, round, iterations, name, fullname, "group"')
    expected = []
    for one in documents(path)["benchmarks"]:
        who = (one["stats"]["iterations"], one["name"], one["fullname"], one["group"])
        expected += [("time", value, at, *who) for at, value in enumerate(one["stats"]["data"])]
        expected += [(metric, one["stats"][key], None, *who) for key, metric in PYTEST_FIGURES.items()]
    assert found == expected


def pytest_document(*own, version="5.3.1"):
    stats = {"mean": 1.5, "rounds": 2, "iterations": 1, "data": [1.0, 2.0]}
    entries = [
        {"name": f"t{at}", "fullname": f"f{at}", "group": None, "stats": stats} | one for at, one in enumerate(own)
    ]
    return {"machine_info": {}, "commit_info": {}, "benchmarks": entries, "datetime": STARTED, "version": version}


def test_parameters_and_extra_info_of_pytest_benchmark_hide_nothing(tmp_path):
    first = {"params": {"name": "inner", "n": 3, "deep": {"a": [1, None]}}, "extra_info": {"n": 4, "group": "own"}}
    second = {"params": None, "extra_info": {"n": 5}}
    document = pytest_document(first, second, {"params": {}, "extra_info": None})
    columns = 'name, "group", attribute_name, attribute_group, n, extra_info_n, deep'
    found = imported(tmp_path, document, columns, "metric = 'rounds'")
    assert found == [
        ("t0", None, "inner", "own", "3", "4", '{"a":[1,null]}'),
        ("t1", None, None, None, "5", None, None),
        ("t2", None, None, None, None, None, None),
    ]


def test_parameters_of_pytest_benchmark_that_were_reported_keep_their_values(tmp_path):
    path = FILES["pytest-benchmark"][2]
    found = imported(tmp_path, path, "fullname, N, attribute_n, arg, opts, attribute_name", "metric = 'rounds'")
    for row, one in zip(found, documents(path)["benchmarks"], strict=True):
        params = one["params"] or {}
        texts = [params.get("N"), one["extra_info"].get("n"), params.get("arg"), params.get("opts"), params.get("name")]
        read = [text if text is None or text[0] not in '{"0123456789' else json.loads(text) for text in row[1:]]
        assert (row[0], read) == (one["fullname"], texts)


def test_a_file_of_pytest_benchmark_without_its_measurements_is_refused(tmp_path):
    path = SHARED / "reports/pytest-benchmark-disabled/disabled.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    with pytest.raises(SourceError, match="no samples: `benchmarks` is empty"):
        import_sessions(path, tmp_path / "store")


def hyperfine_rows(path):
    for result in documents(path)["results"]:
        told = [f"{key}={value}" for key, value in result.get("parameters", {}).items()]
        for key, metric, unit in (("times", "time", "s"), ("memory_usage_byte", "memory_usage", "By")):
            for run, (value, code) in enumerate(zip(result.get(key, []), result["exit_codes"], strict=False)):
                yield metric, value, unit, run, code, result["command"], *told
        for metric, key in HYPERFINE_FIGURES.items():
            if result[key] is not None:
                yield metric, result[key], "s", None, None, result["command"], *told


HYPERFINE_FIGURES = {
    "system_time_mean": "system", "time_max": "max", "time_mean": "mean", "time_median": "median", "time_min": "min",
    "time_stddev": "stddev", "user_time_mean": "user",
}  # fmt: skip


@pytest.mark.parametrize("path", files_of("hyperfine"))
def test_hyperfine_gives_the_figures_that_python_reads(tmp_path, path):
    parameter = {"1.15-parameter.json": ", 'n=' || n", "flaky.json": ", 'mode=' || mode"}.get(path.name, "")
    found = imported(tmp_path, path, f"metric, value, unit, run, exit_code, command{parameter}")
    assert found == list(hyperfine_rows(path))


HYPERFINE_2 = HARNESS_FILES / "hyperfine/two-parameters-2.0.0.json"
HYPERFINE_2_NAMES = {
    "time_wall_clock": "time", "time_cpu": "cpu_time", "time_user": "user_time", "time_system": "system_time",
    "memory_peak_resident": "memory_usage",
}  # fmt: skip
BASE_UNITS = {"second": "s", "byte": "By", None: "1"}


def hyperfine_2_rows(document):
    """Runs of all results, then their summaries, whose order means nothing."""
    for result in document["results"]:
        n, level = result["parameters"]["n"]["value"], result["environment"]["LEVEL"]
        of = result["command"], result["name"], n, level
        for run, one in enumerate(result["measurements"]):
            for key, told in one.items():
                if key != "exit_code":
                    unit = BASE_UNITS[told.get("unit")]
                    yield HYPERFINE_2_NAMES.get(key, key), told["value"], unit, run, one["exit_code"], *of
        for key, told in result["summary"].items():
            for figure in ("mean", "stddev", "median", "min", "max"):
                if told[figure] is not None:
                    unit = BASE_UNITS[told.get("unit")]
                    yield f"{HYPERFINE_2_NAMES.get(key, key)}_{figure}", told[figure], unit, None, None, *of


@pytest.mark.parametrize("more", [{}, {"cpu_cycles": 5_000_000}])
def test_hyperfine_2_gives_the_figures_that_python_reads(tmp_path, more):
    document = documents(HYPERFINE_2)
    result = document["results"][0]
    for key, count in more.items():  # as where the system gives counters of the hardware
        result["measurements"][0][key] = {"value": count}
        result["summary"][key] = dict.fromkeys(("mean", "median", "min", "max"), count) | {"count": 1, "stddev": None}
    columns = 'metric, value, unit, run, exit_code, command, name, n, "environment_LEVEL"'
    found = imported(tmp_path, document, columns)
    assert Counter(found) == Counter(hyperfine_2_rows(document))
    assert [row[3] for row in found if row[0] == "time"] == [0, 1, 2, 3] * 2


def test_hyperfine_2_says_when_it_began_which_runs_failed_and_what_its_metrics_are(tmp_path):
    (warning,) = import_sessions(HYPERFINE_2, tmp_path / "store").warnings
    assert "4 of the runs failed, with an exit code other than 0" in warning
    (session,) = list_sessions(tmp_path / "store")
    began = documents(HYPERFINE_2)["metadata"]["start_time"]
    assert (session["started_at"], session["harness"]["version"]) == (began.replace("Z", ".000000Z"), "2.0.0")
    assert session["configuration"]["commands"] == ['sh -c "exit 0"', 'sh -c "exit 1"']
    facts = session["metric_facts"]
    assert facts["time"] == {"kind": "duration", "better": "lower", "is_aggregate": False}
    assert {name for name, one in facts.items() if not one["is_aggregate"]} == set(HYPERFINE_2_NAMES.values())


def test_a_hyperfine_2_run_that_a_signal_ended_counts_as_failed(tmp_path):
    document = documents(HYPERFINE_2)
    for result in document["results"]:
        for run in result["measurements"]:
            run["exit_code"] = 0
    document["results"][0]["measurements"][2]["exit_code"] = None
    (tmp_path / "x.json").write_text(json.dumps(document))
    (warning,) = import_sessions(tmp_path / "x.json", tmp_path / "store").warnings
    assert "1 of the runs failed" in warning
    rows = rows_of(tmp_path / "store", "SELECT DISTINCT run FROM measurements WHERE run >= 0 AND exit_code IS NULL")
    assert rows == [(2,)]


def hyperfine(*codes, **more):
    figures = dict.fromkeys(HYPERFINE_FIGURES.values(), 1.0) | {"command": "x", "times": [0.5 + at for at in range(9)]}
    return {"results": [figures | {"exit_codes": one} | more for one in codes]}


@pytest.mark.parametrize(
    ("codes", "failed"), [([[0, 0]], 0), ([[0, 1, 0], [0, None]], 2), ([[137] * 3], 3), ([[0]], 0), ([None], 0)]
)
def test_failed_runs_of_hyperfine_are_a_warning(tmp_path, codes, failed):
    (tmp_path / "x.json").write_text(json.dumps(hyperfine(*codes, memory_usage_byte=[7, 8])))
    report = import_sessions(tmp_path / "x.json", tmp_path / "store", started_at=STARTED)
    assert [warning.split(": ")[1].split(" of the runs failed")[0] for warning in report.warnings] == (
        [str(failed)] if failed else []
    )


def test_results_of_hyperfine_with_one_command_are_told_apart_by_their_parameters(tmp_path):
    document = hyperfine([0], [0])
    document["results"][0]["parameters"] = {"command": "a", "run": "1"}
    document["results"][1]["parameters"] = {"command": "b", "run": "2"}
    columns = "command, attribute_command, attribute_run"
    found = imported(tmp_path, document, columns, "metric = 'time'", started_at=STARTED)
    assert found == [("x", "a", "1")] * 9 + [("x", "b", "2")] * 9


def test_each_of_these_importers_says_which_versions_were_tried():
    assert {one.name for one in built_in() if one.versions} >= set(TOOLS)


@pytest.mark.parametrize(
    ("document", "phrase"),
    [
        (benchmarks(timed("a"), version="v1.9.5"), None),
        (benchmarks(timed("a"), version="v1.10.0"), "says version 1.10.0 of google-benchmark, newer"),
        (benchmarks(timed("a"), version=None), None),
        (pytest_document({}), None),
        (pytest_document({}, version="5.4.0"), "says version 5.4.0 of pytest-benchmark, newer"),
        (pytest_document({}, version="3.0.0"), "says version 3.0.0 of pytest-benchmark, older"),
        (ASV | {"result_columns": ["result", "params"], "results": {"a": [[1], []]}}, None),
        (
            ASV | {"result_columns": ["result", "params"], "results": {"a": [[1], []]}, "version": 3},
            "version 3 of asv's",
        ),
    ],
)
def test_a_version_that_was_not_tried_is_a_warning(tmp_path, document, phrase):
    (tmp_path / "x.json").write_text(json.dumps(document))
    report = import_sessions(tmp_path / "x.json", tmp_path / "store")
    assert [phrase in warning for warning in report.warnings] == ([True] if phrase else [])
    (session,) = list_sessions(tmp_path / "store")
    assert len(session["origin"].get("warnings", [])) == len(report.warnings)
