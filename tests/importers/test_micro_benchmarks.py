"""Files of JMH, go test, BenchmarkDotNet, criterion.rs and pyperf: every sample is the one that plain Python reads."""

from __future__ import annotations

import csv
import gzip
import json
import re

import numpy as np
import pytest
from project import SHARED
from samples import rows_of

from pipeline import import_sessions, list_sessions

STARTED = "2026-01-01T00:00:00Z"
OPTIONS = {"started_at": STARTED, "timezone": "UTC"}
MODES = {"thrpt": "throughput", "avgt": "average_time", "sample": "sample_time", "ss": "single_shot_time"}


def document(path):
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def jmh(path):
    found = []
    for one in document(path):
        metric, unit = MODES[one["mode"]], one["primaryMetric"]["scoreUnit"]
        name = (one["benchmark"], tuple(sorted(one.get("params", {}).items())))
        for fork in one["primaryMetric"].get("rawData", []):
            found += [(metric, unit, name, value) for value in fork]
        for fork in one["primaryMetric"].get("rawDataHistogram", []):
            for iteration in fork:
                found += [(metric, unit, name, value) for value, count in iteration for _ in range(count)]
    return found


def go(path):
    text = path.read_text()
    if path.suffix == ".json":
        text = "".join(event.get("Output", "") for event in map(json.loads, text.splitlines()))
    found = []
    for line in text.splitlines():
        if re.match(r"Benchmark\S*\s+\d+\s", line):
            name, _, *pairs = line.split()
            found += [(unit, unit, name, float(value)) for value, unit in zip(pairs[::2], pairs[1::2], strict=True)]
    return found


def dotnet(path):
    found = []
    for one in document(path)["Benchmarks"]:
        measured = [
            each["Nanoseconds"] / each["Operations"]
            for each in one.get("Measurements", [])
            if each["IterationMode"] == "Workload" and each["IterationStage"] == "Result"
        ]
        values = measured or one["Statistics"].get("OriginalValues", [])
        name = one.get("FullName", f"{one['Namespace']}.{one['Type']}.{one['Method']}")
        found += [("time", "ns", name, value) for value in values]
    return found


def criterion(path):
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        values = [float(row["sample_measured_value"]) / int(row["iteration_count"]) for row in rows]
    else:
        held = document(path)
        values = [time / count for time, count in zip(held["times"], held["iters"], strict=True)]
    name = document(path.with_name("benchmark.json"))["full_id"]
    return [("time", "ns", name, value) for value in values]


def pyperf(path):
    held = document(path)
    found = []
    for one in held["benchmarks"]:
        for run in one["runs"]:
            said = held["metadata"] | one.get("metadata", {}) | run["metadata"]
            found += [("time", "s", said["name"], value) for value in run.get("values", [])]
            found += [("warmup_time", "s", said["name"], value) for _, value in run.get("warmups", [])]
    return found


# Patterns of files, what reads them, the expression that tells what was measured.
PARAMS = (
    "computeType connectUri count pipelining sql countStrings countStringsDb deltaChanges maxStringLength shardSizeMBs"
)
READ = [
    ("harness/jmh/*", jmh, "benchmark"),
    ("harness/go-bench/*s.txt", go, "name"),
    ("harness/go-bench/benchstat-old.txt", go, "name"),
    ("harness/go-bench/*benchmem.txt", go, "name"),
    ("harness/go-bench/test2json-bench.json", go, "name"),
    ("harness/benchmarkdotnet/*full*.json", dotnet, "name"),
    ("harness/criterion/**/new/sample.json", criterion, "benchmark"),
    ("harness/criterion/**/raw.csv", criterion, "benchmark"),
    ("harness/pyperf/*", pyperf, "name"),
    ("recorded/pyperf/*", pyperf, "name"),
]


def found_by(pattern):
    paths = sorted(SHARED.glob(pattern))
    if not paths:
        pytest.skip(f"no {SHARED / pattern}")
    return paths


def samples_of(store, name):
    """All samples of a store: metric, unit, what was measured, value."""
    with_params = [
        each for each in PARAMS.split() if (each,) in rows_of(store, "SELECT column_name FROM (DESCRIBE measurements)")
    ]
    facts = {}
    for session in list_sessions(store):
        facts |= session["metric_facts"]
    columns = ", ".join(["metric", "unit", name, "value", *with_params])
    found = []
    for metric, unit, told, value, *params in rows_of(store, f"SELECT {columns} FROM measurements ORDER BY sequence"):
        if not facts.get(metric, {}).get("is_aggregate"):
            pairs = zip(with_params, params, strict=True)
            told_of = tuple(sorted((key, text) for key, text in pairs if text is not None))
            found.append((metric, unit, (told, told_of) if name == "benchmark" and with_params else told, value))
    return found


@pytest.mark.parametrize(("pattern", "read", "name"), READ, ids=[row[0] for row in READ])
def test_every_sample_is_the_one_that_plain_python_reads(tmp_path, pattern, read, name):
    for number, path in enumerate(found_by(pattern)):
        store = tmp_path / f"{number}"
        import_sessions(path, store, **OPTIONS)
        expected = read(path)
        found = samples_of(store, name)
        assert sorted(found) == sorted(expected)
        assert len(found) > 0


# Figures that were found by other means: file, metric, name, count, minimum, maximum, mean, median, 95th percentile.
FIGURES = """
harness/jmh/bencher-caffeine-params.json|throughput|%compute_sameKey|3|152340547.9|152724143.2|152520132.3|152495706|152701299.4
harness/jmh/pg-client-sample-histogram.json|sample_time|%jdbcBurstQuery|10|3.435134976|3.955228672|3.728316826|3.762290688|3.951453798
harness/go-bench/crc-params.txt|ns/op|%|162|16|15801|2115.361111|50.65|14650.95
harness/go-bench/suffixarray-count10-benchmem.txt|ns/op|%|209|705436|7136956950|703348266|26078039|5861210697
harness/go-bench/benchstat-units.txt|text-bytes|%|8|100|105|101.25|101|103.6
harness/benchmarkdotnet/baselined-report-full.json|time|%.DoNothing|3|0.6331356242|2.488407493|1.376688046|1.00852102|2.340418845
harness/benchmarkdotnet/sample-report-full-0.12.1.json|time|%Fib10|14|24.06129602|24.80546203|24.4202085|24.41949853|24.7066543
harness/criterion/basic dice/new/sample.json|time|%|100|1129.176471|1428.679908|1147.687412|1136.219824|1182.657969
harness/criterion/big_file_tail/new/raw.csv|time|%|100|27193440.5|46901858|33034796.29|32113643.25|39679679.12
harness/pyperf/mult_list_py36.json|time|[1]*1000|60|2.050876358e-06|2.39451326e-06|2.127002236e-06|2.113202576e-06|2.276788017e-06
harness/pyperf/timeit_strip.json.gz|time|timeit|9|6.36006007e-07|9.460054571e-07|7.503355543e-07|7.600028766e-07|8.800037904e-07
recorded/pyperf/two-benchmarks.json|time|true|12|0.00059675195|0.00091115696|0.00069956877|0.00068675171|0.00087265682
"""


@pytest.mark.parametrize("line", FIGURES.split("\n")[1:-1], ids=lambda line: line.partition("|")[0])
def test_figures_are_those_that_were_found_by_other_means(tmp_path, line):
    file, metric, name, *figures = line.split("|")
    (path,) = found_by(file)
    import_sessions(path, tmp_path / "s", **OPTIONS)
    column = "benchmark" if "jmh" in file or "criterion" in file else "name"
    like = f"{column} LIKE '{name}'" if "%" in name else f"{column} = '{name}'"
    first = " AND computeType = 'Caffeine'" if "caffeine" in file else ""
    query = f"SELECT value FROM measurements WHERE metric = '{metric}' AND {like}{first}"
    values = np.array([value for (value,) in rows_of(tmp_path / "s", query)])
    found = [len(values), values.min(), values.max(), values.mean(), *np.percentile(values, [50, 95])]
    assert found == pytest.approx([float(figure) for figure in figures], rel=2e-8)


def test_what_is_better_follows_the_mode_and_the_unit(tmp_path):
    for file in ("jmh/bencher-caffeine-params.json", "jmh/pg-client-sample-histogram.json", "go-bench/crc-params.txt"):
        import_sessions(found_by(f"harness/{file}")[0], tmp_path / "s", **OPTIONS)
    facts = {}
    for session in list_sessions(tmp_path / "s"):
        facts |= session["metric_facts"]
    better = {name: (fact["better"], fact["is_aggregate"]) for name, fact in facts.items()}
    assert better["throughput"] == ("higher", False)
    assert better["throughput_p50"] == ("higher", True)
    assert better["sample_time"] == ("lower", False)
    assert better["iteration_p99_9"] == ("lower", True)
    assert (better["ns/op"], better["MB/s"]) == (("lower", False), ("higher", False))
