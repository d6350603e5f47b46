"""Runs commands in fresh processes, one after the other, and sums up what they took.

This process stays small: a process starts with the peak memory of the one that made it.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
OWN = (sys.executable, "-m", "pipeline")
FAST = ("--no-hash", "--no-sync")


@dataclass(frozen=True)
class Run:
    """One run of a process, or the medians of several.

    Attributes:
        seconds: wall clock.
        cpu_seconds: of user and system.
        peak_megabytes: largest resident set.
    """

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run(command: list[str]) -> Run | None:
    """Run a process to its end; None where it cannot do the task.

    It starts when the disk has what others wrote, which it would have to wait for.
    """
    os.sync()
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode:
        return None
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def checked(command: list[str]) -> None:
    """Run a process that must succeed."""
    subprocess.run(command, check=True)


def medians(runs: list[Run]) -> Run:
    """Give the median of each figure."""
    return Run(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.cpu_seconds for one in runs),
        statistics.median(one.peak_megabytes for one in runs),
    )


def make_store(place: Path, rows: int) -> Path:
    """Write seeded measurements and import them into a store."""
    source, store = place / "measurements.parquet", place / f"store-{rows}"
    checked([sys.executable, str(HERE / "generate.py"), str(source), str(rows)])
    checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
    source.unlink()
    return store


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def version(name: str) -> str:
    """Version of a distribution, `absent` where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def machine() -> str:
    """Describe the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {platform.system()} {platform.release()}"
