"""Runs tools that registries offer, imports their fresh files, and compares every sample with a plain reading.

It installs packages of PyPI into an environment of its own; programs of the system are run where they are installed.

python faults/fresh_results.py --help
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from injection import WrongOutcomeError, require

from pipeline import connect, import_sessions, list_sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Sample = tuple[str, str | None, float]
"""Metric, unit and value."""

PYPERF = "import pyperf; r = pyperf.Runner(); r.timeit('sort', 'sorted(s)', setup='s = list(range(500))[::-1]')"
PYTEST = """
import pytest
@pytest.mark.parametrize("size", [10, 1000])
def test_sort(benchmark, size):
    benchmark(sorted, list(range(size))[::-1])
"""
GOOGLE = """
import google_benchmark as benchmark
@benchmark.register
def sum_of(state):
    while state:
        sum(range(1000))
if __name__ == "__main__":
    benchmark.main()
"""
GO = """
package queue
import ("testing"; "sort")
func BenchmarkSort(b *testing.B) {
    b.ReportAllocs(); b.SetBytes(800)
    for i := 0; i < b.N; i++ { s := make([]int, 100); for j := range s { s[j] = 100 - j }; sort.Ints(s) }
    b.ReportMetric(float64(b.N), "own-count")
}
"""

MCAP = """
import json
from mcap.writer import Writer
with open("result.mcap", "wb") as file:
    writer = Writer(file, chunk_size=1000)
    writer.start()
    channel = writer.register_channel("/rtt", "json", 0)
    for n in range(200):
        writer.add_message(channel, 10**18 + n * 10**6, json.dumps({"rtt": n % 7 / 3}).encode(), 10**18 + n, n)
    writer.finish()
"""
OTLP = """
import json
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
meter = MeterProvider([reader]).get_meter("own")
points = [Observation(n / 7, {"place": n}) for n in range(50)]
meter.create_observable_gauge("battery", [lambda options: points], unit="%")
for _ in range(3):
    print(json.dumps(MessageToDict(encode_metrics(reader.get_metrics_data()))))
"""


@dataclass(frozen=True)
class Tool:
    """A tool, and how a file of it is made and read.

    Attributes:
        importer: that has to know the file.
        packages: of PyPI that it needs.
        program: of the system that it needs; empty for none.
        files: that it runs on, by name.
        command: that writes the file; `{python}` is Python with the packages.
        result: the file's name; what the command prints where the command does not name it.
        read: reads its samples by plain Python.
    """

    importer: str
    packages: tuple[str, ...]
    program: str
    files: dict[str, str]
    command: tuple[str, ...]
    result: str
    read: Callable[[Path], Iterator[Sample]]


def _document(path: Path) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(path.read_text(encoding="utf-8"))


def _read_pyperf(path: Path) -> Iterator[Sample]:
    for run in (run for one in _document(path)["benchmarks"] for run in one["runs"]):
        yield from (("time", "s", value) for value in run.get("values", []))
        yield from (("warmup_time", "s", value) for _, value in run.get("warmups", []))


def _read_pytest(path: Path) -> Iterator[Sample]:
    for one in _document(path)["benchmarks"]:
        yield from (("time", "s", value) for value in one["stats"]["data"])


def _read_google(path: Path) -> Iterator[Sample]:
    for one in _document(path)["benchmarks"]:
        if one["run_type"] == "iteration":
            yield from ((metric, one["time_unit"], one[metric]) for metric in ("real_time", "cpu_time"))


def _read_hyperfine(path: Path) -> Iterator[Sample]:
    for one in _document(path)["results"]:
        yield from (("time", "s", value) for value in one["times"])
        yield from (("memory_usage", "By", value) for value in one.get("memory_usage_byte") or [])


def _read_go(path: Path) -> Iterator[Sample]:
    text = path.read_text(encoding="utf-8")
    if text.startswith("{"):
        text = "".join(json.loads(line).get("Output", "") for line in text.splitlines())
    for line in text.splitlines():
        if re.match(r"Benchmark\S*\s+\d+\s", line):
            _, _, *pairs = line.split()
            yield from ((unit, unit, float(value)) for value, unit in zip(pairs[::2], pairs[1::2], strict=True))


def _read_fio_log(path: Path) -> Iterator[Sample]:
    with path.open(newline="") as file:
        yield from (("lat", "ns", float(row[1])) for row in csv.reader(file))


def _read_iperf3(path: Path) -> Iterator[Sample]:
    streams = [stream for one in _document(path)["intervals"] for stream in one["streams"]]
    for stream in streams:
        yield "bits_per_second", "bit/s", stream["bits_per_second"]


def _read_mcap(_: Path) -> Iterator[Sample]:
    # What was written: that the package reads it so is what tests/importers/test_mcap.py compares.
    yield from (("/rtt.rtt", None, n % 7 / 3) for n in range(200))
    yield from (("message_latency", "ns", n * 10.0**6 - n) for n in range(200))
    yield from (("message_gap", "ns", 10.0**6) for _ in range(199))


def _read_otlp(path: Path) -> Iterator[Sample]:
    for line in path.read_text(encoding="utf-8").splitlines():
        for resource in json.loads(line)["resourceMetrics"]:
            for metric in (metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]):
                yield from ((metric["name"], metric["unit"], one["asDouble"]) for one in metric["gauge"]["dataPoints"])


_GO_FILES = {"go.mod": "module example.com/queue\n\ngo 1.18\n", "queue_test.go": GO}
_FIO = "--name=j --rw=randread --bs=4k --size=1M --io_size=1M --filename=data --write_lat_log=own --log_prio=1"
TOOLS = {
    "pyperf": Tool(
        "pyperf",
        ("pyperf",),
        "",
        {"bench.py": PYPERF},
        ("{python}", "bench.py", "-p", "3", "-n", "3", "-w", "1", "-q", "-o", "result.json"),
        "result.json",
        _read_pyperf,
    ),
    "pytest-benchmark": Tool(
        "pytest-benchmark",
        ("pytest-benchmark",),
        "",
        {"test_own.py": PYTEST},
        ("{python}", "-m", "pytest", "-q", "--benchmark-json=result.json", "--benchmark-save-data", "test_own.py"),
        "result.json",
        _read_pytest,
    ),
    "google-benchmark": Tool(
        "google-benchmark",
        ("google-benchmark",),
        "",
        {"bench.py": GOOGLE},
        ("{python}", "bench.py", "--benchmark_repetitions=3", "--benchmark_out=result.json"),
        "result.json",
        _read_google,
    ),
    "hyperfine": Tool(
        "hyperfine",
        (),
        "hyperfine",
        {},
        ("hyperfine", "-N", "-r", "5", "-w", "1", "--export-json", "result.json", "true"),
        "result.json",
        _read_hyperfine,
    ),
    "go": Tool(
        "go-bench",
        (),
        "go",
        _GO_FILES,
        ("go", "test", "-bench", ".", "-count", "3", "-benchtime", "100x"),
        "result.txt",
        _read_go,
    ),
    "go-json": Tool(
        "go-bench",
        (),
        "go",
        _GO_FILES,
        ("go", "test", "-json", "-bench", ".", "-count", "3", "-benchtime", "100x"),
        "result.json",
        _read_go,
    ),
    "fio": Tool("fio-log", (), "fio", {}, ("fio", *_FIO.split()), "own_lat.1.log", _read_fio_log),
    "iperf3": Tool(
        "iperf3",
        (),
        "iperf3",
        {"run.sh": "iperf3 -s -1 -p 5299 >server.txt & sleep 1; iperf3 -c 127.0.0.1 -p 5299 -t 2 -b 10M --json"},
        ("sh", "run.sh"),
        "result.json",
        _read_iperf3,
    ),
    "mcap": Tool("mcap", ("mcap",), "", {"record.py": MCAP}, ("{python}", "record.py"), "result.mcap", _read_mcap),
    "otlp": Tool(
        "otlp",
        ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-common"),
        "",
        {"export.py": OTLP},
        ("{python}", "export.py"),
        "result.jsonl",
        _read_otlp,
    ),
}


def run_tool(name: str, directory: Path) -> str:
    """Run a tool, import what it wrote, and say what came of it.

    Raises:
        WrongOutcomeError: the tool failed, or a sample is another.
    """
    tool = TOOLS[name]
    if tool.program and shutil.which(tool.program) is None:
        return f"{tool.program} is not installed"
    directory.mkdir()
    python = sys.executable
    if tool.packages:
        venv.create(directory / "env", with_pip=True)
        python = str(directory / "env" / "bin" / "python")
        _run([python, "-m", "pip", "install", "--quiet", *tool.packages], directory)
    for file, content in tool.files.items():
        (directory / file).write_text(content, encoding="utf-8")
    printed = _run([part.format(python=python) for part in tool.command], directory)
    path = directory / tool.result
    if not path.exists():
        path.write_text(printed, encoding="utf-8")
    return _compared(tool, path, directory / "store")


def _run(command: Sequence[str], directory: Path) -> str:
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    require(
        done.returncode == 0, f"{' '.join(command)}: status {done.returncode}: {(done.stderr or done.stdout)[-500:]}"
    )
    return done.stdout


def _compared(tool: Tool, path: Path, store: Path) -> str:
    report = import_sessions(path, store, timezone="UTC", started_at="2026-01-01T00:00:00Z")
    (session,) = list_sessions(store)
    require(session["origin"]["importer_name"] == tool.importer, f"is known as {session['origin']['importer_name']}")
    expected = Counter(tool.read(path))
    wanted = {metric for metric, *_ in expected}
    with connect(store) as connection:
        rows = connection.sql("SELECT metric, unit, value FROM measurements").fetchall()
    found = Counter((metric, unit, value) for metric, unit, value in rows if metric in wanted)
    others = [*(found - expected), *(expected - found)]
    require(bool(expected) and not others, f"{len(others)} samples differ, such as {others[:2]}")
    newer = [text for text in report.warnings if "than those that were tried" in text]
    return f"{sum(found.values()):,} samples are the same{'; ' + newer[0].partition(': ')[2] if newer else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tools."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", nargs="*", choices=[[], *TOOLS], help="default: all")
    options = parser.parse_args(arguments)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="fresh-") as directory:
        for name in options.tools or TOOLS:
            try:
                came = run_tool(name, Path(directory) / name)
            except WrongOutcomeError as error:
                came = f"WRONG {error}"
                wrong += 1
            print(f"{name:<18} {came}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
