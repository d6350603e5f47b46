"""Runs this program and its peers in turn, each in a fresh process, and prints medians and ratios.

This process stays small: a process starts with the peak memory of the one that made it.

`python benchmarks [--rows N] [--runs N] [--tasks ndjson,csv,...] [--directory DIR]`
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

TASKS = ("ndjson", "csv", "ndjson-gzip", "ndjson-zstd", "parquet", "statistics", "k6")
PEERS = ("polars", "duckdb", "datafusion", "chdb")
FAST = ("--no-hash", "--no-sync")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """One run of a process.

    Attributes:
        seconds: wall clock.
        cpu_seconds: of user and system.
        peak_megabytes: largest resident set.
    """

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Measure this program against its peers.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--directory", type=Path, help="where the files go; a temporary directory by default")
    options = parser.parse_args()
    versions = ", ".join(f"{name} {_version(name)}" for name in ("measurement-export-pipeline", "pyarrow", *PEERS))
    print(f"{options.rows:,} rows, medians of {options.runs} runs in turn; {_machine()}; {versions}\n")
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        place = Path(directory)
        source = place / "measurements.parquet"
        _checked([sys.executable, str(HERE / "generate.py"), str(source), str(options.rows)])
        store = place / "store"
        _checked([sys.executable, "-m", "pipeline", "import", str(source), "--to", str(store), "--quiet"])
        files = _data_files(store, place / "files")
        for task in options.tasks.split(","):
            if task == "k6":
                lines = place / "k6.json"
                _checked([sys.executable, str(HERE / "k6_lines.py"), str(lines), str(options.rows)])
                _measure(task, place, _import_commands(lines, place / "out"), options.runs)
                lines.unlink()
            else:
                _measure(task, place, _commands(task, store, files, place / "out"), options.runs)


def _data_files(store: Path, to: Path) -> Path:
    """Put the data files of a store side by side, for engines that read a directory."""
    to.mkdir()
    for number, file in enumerate(sorted(store.glob("sessions/*/*.parquet"))):
        (to / f"{number:04}.parquet").hardlink_to(file)
    return to


def _measure(task: str, place: Path, commands: dict[str, list[str]], runs: int) -> None:
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    rows: dict[str, int] = {}
    for _ in range(runs):
        for name, command in commands.items():
            _remove(place / "out")
            run = _run(command)
            if run is not None:
                measured[name].append(run)
                if name not in rows:
                    rows[name] = _count(task, place / "out")
    _remove(place / "out")
    done = {name: found for name, found in measured.items() if found}
    wrong = {name: count for name, count in rows.items() if count != rows["pipeline"]}
    if wrong:
        raise SystemExit(f"{task}: rows differ: {rows}")
    ours = statistics.median(run.seconds for run in done["pipeline"])
    print(f"{task}: {rows['pipeline']:,} rows in each output")
    print(f"  {'engine':<18} {'seconds':>8} {'min':>7} {'max':>7} {'CPU s':>7} {'peak MB':>8} {'times ours':>11}")
    for name, found in sorted(done.items(), key=lambda item: statistics.median(run.seconds for run in item[1])):
        seconds = [run.seconds for run in found]
        median = statistics.median(seconds)
        cpu = statistics.median(run.cpu_seconds for run in found)
        peak = statistics.median(run.peak_megabytes for run in found)
        print(
            f"  {name:<18} {median:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} {cpu:7.2f} {peak:8.0f} "
            f"{median / ours:11.2f}"
        )
    print(flush=True)


def _commands(task: str, store: Path, files: Path, out: Path) -> dict[str, list[str]]:
    own = [sys.executable, "-m", "pipeline"]
    if task == "statistics":
        own += ["statistics", str(store), "--to", str(out), "--quiet", "--format", "ndjson"]
    else:
        kind, _, compression = task.partition("-")
        own += ["export", str(store), "--to", str(out), "--quiet", "--format", kind]
        own += ["--compression", compression] if compression else []
    commands = {"pipeline": [*own, *FAST], "pipeline, hashed": [*own, "--no-sync"], "pipeline, synced": own}
    peer = [sys.executable, str(HERE / "peers.py")]
    return commands | {name: [*peer, name, task, str(files), str(out)] for name in PEERS}


def _import_commands(lines: Path, out: Path) -> dict[str, list[str]]:
    """Import a file of k6; it is hashed and synced always. DuckDB is told the types, or finds them."""
    peer = [sys.executable, str(HERE / "peers.py"), "duckdb"]
    return {
        "pipeline": [sys.executable, "-m", "pipeline", "import", str(lines), "--to", str(out), "--quiet"],
        "duckdb": [*peer, "k6", str(lines), str(out)],
        "duckdb, typed": [*peer, "k6-typed", str(lines), str(out)],
    }


def _run(command: list[str]) -> Run | None:
    """Run a process to its end; None where it cannot do the task."""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode:
        return None
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def _checked(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _count(task: str, out: Path) -> int:
    """Count the rows of an output with DuckDB; of ours, those of its one table."""
    done = subprocess.run(
        [sys.executable, str(HERE / "count.py"), task, str(out)], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    main()
