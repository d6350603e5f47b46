"""Exports on Apache Spark: the files that one machine writes, also where something is killed in the middle.

    just spark --kills 20

A cluster is started on this machine. First the tests that compare files run on it, in place of Sail. Then an export of
measurements and windows over all sessions run in turn, and in the middle of each an executor, a worker, the Python
process of a task, or the driver is killed. The files must be those of one machine, nothing may lie beside them, and no
process may be left over; a driver that was killed is started again, and keeps the files that were finished.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exports import make_store
from injection import contents, empty, require
from spark_standalone import SparkStandalone

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSIONS, ROWS = 40, 4_000
TASKS = 20
VARIANTS = {
    "measurements": ("export", "--scope", "per-session", "--compression", "zstd"),
    "windows over all sessions": ("statistics", "--scope", "cross-session", "--window", "1m", "--format", "parquet"),
}
KILLED = ("executor", "worker", "python", "driver")
TESTS = ("tests/spark/test_cluster_bytes.py", "tests/spark/test_pooled_on_cluster.py")
_ROOT = Path(__file__).parent.parent
_LONGEST_SECONDS = 600.0
_GONE_SECONDS = 60.0  # until what a killed process started has ended
_PAUSE = 0.02


class Undisturbed(NamedTuple):
    """What a variant does where nothing is killed.

    Attributes:
        files: that one machine writes.
        seconds: from when its work directory is there to its end.
    """

    files: dict[str, bytes]
    seconds: float


class Exports:
    """Runs exports on a cluster, one at a time."""

    def __init__(self, directory: Path, cluster: SparkStandalone) -> None:
        """Make the store.

        Args:
            directory: where all happens.
            cluster: that runs.
        """
        self._directory = directory
        self._cluster = cluster
        self._store = make_store(directory / "source", sessions=SESSIONS, rows=ROWS)
        self._package = directory / "out" / "package"
        self._undisturbed: dict[str, Undisturbed] = {}

    def kill(self, variant: str, killed: str, draw: random.Random) -> str:
        """Kill something in the middle of an export.

        Returns:
            in a word what was seen.

        Raises:
            WrongOutcomeError: the files are not those of one machine, or something is left over.
        """
        expected = self._expected(variant)
        while True:
            empty(self._package.parent)
            with self._running(variant) as driver:
                self._wait_for_work(driver)
                time.sleep(draw.uniform(0, 0.8) * expected.seconds)
                pids = [driver.pid] if killed == "driver" else self._pids(killed, driver)
                if driver.poll() is not None:
                    continue  # it ended before
                os.kill(draw.choice(pids), signal.SIGKILL)
                seen = self._start_again(variant, driver) if killed == "driver" else self._wait(variant, driver)
            self._require_nothing_left(variant, expected)
            self._cluster.restore()
            self._cluster.end_idle_python()
            return seen

    def _expected(self, variant: str) -> Undisturbed:
        if variant not in self._undisturbed:
            empty(self._package.parent)
            here = [sys.executable, "-m", "pipeline", *self._words(variant)]
            subprocess.run(here, cwd=self._directory, env=self._environment(), check=True)
            files = contents(self._package) or {}
            seconds = []
            for _ in range(2):  # the first starts Python on all workers
                empty(self._package.parent)
                with self._running(variant) as driver:
                    self._wait_for_work(driver)
                    started = time.monotonic()
                    self._wait(variant, driver)
                    seconds.append(time.monotonic() - started)
                self._require_nothing_left(variant, Undisturbed(files, 0))
            self._undisturbed[variant] = Undisturbed(files, min(seconds))
        return self._undisturbed[variant]

    def _words(self, variant: str) -> list[str]:
        command, *options = VARIANTS[variant]
        return [command, str(self._store), "--to", str(self._package), *options, "--quiet"]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SOURCE_DATE_EPOCH": "0"}

    @contextmanager
    def _running(self, variant: str) -> Iterator[subprocess.Popen[bytes]]:
        cluster = ["--engine", "spark", "--master", self._cluster.url]
        words = [*self._words(variant), *cluster, "--rows-per-task", str(SESSIONS * ROWS // TASKS)]
        with (self._directory / "driver.log").open("wb") as log:
            driver = subprocess.Popen(
                [sys.executable, "-m", "pipeline", *words],
                cwd=self._directory,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield driver
        finally:
            driver.kill()
            driver.wait()

    def _wait_for_work(self, driver: subprocess.Popen[bytes]) -> None:
        while driver.poll() is None and not any(self._package.parent.glob(".package.work-*/*")):
            time.sleep(_PAUSE)

    def _pids(self, killed: str, driver: subprocess.Popen[bytes]) -> list[int]:
        find = {
            "executor": self._cluster.executor_pids,
            "worker": self._cluster.worker_pids,
            "python": self._cluster.python_pids,
        }[killed]
        while not (pids := find()) and driver.poll() is None:
            time.sleep(_PAUSE)
        return pids

    def _wait(self, variant: str, driver: subprocess.Popen[bytes]) -> str:
        try:
            status = driver.wait(_LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        said = (self._directory / "driver.log").read_text(encoding="utf-8")
        require(status == 0, f"{variant}: ended with {status}, says {said!r}")
        return "went on"

    def _start_again(self, variant: str, driver: subprocess.Popen[bytes]) -> str:
        driver.wait()
        require(contents(self._package) is None, f"{variant}: a driver that was killed has published")
        finished = {file.stat().st_ino for file in (self._package.parent / ".package.stage").rglob("measurements*")}
        with self._running(variant) as another:
            self._wait(variant, another)
        kept = finished & {file.stat().st_ino for file in self._package.iterdir()}
        # The last group of files may have been there, and not yet in the journal.
        return "kept what was finished" if kept else "began anew"

    def _require_nothing_left(self, variant: str, expected: Undisturbed) -> None:
        found = contents(self._package) or {}
        different = [name for name in sorted({*found, *expected.files}) if found.get(name) != expected.files.get(name)]
        require(not different, f"{variant}: {', '.join(different)} differ from those of one machine")
        beside = sorted(path.name for path in self._package.parent.iterdir())
        require(beside == ["package"], f"{variant}: {', '.join(beside)} lie where the package alone should")
        end = time.monotonic() + _GONE_SECONDS
        while (left := self._cluster.left()) and time.monotonic() < end:
            time.sleep(_PAUSE)
        require(not left, f"{variant}: still running: {left}")


def compare_files(cluster: SparkStandalone) -> bool:
    """Run the tests that compare files, on a cluster that runs."""
    words = ["-q", "-n0", "-p", "no:cacheprovider", *TESTS]
    environment = {**os.environ, "PIPELINE_MASTER": cluster.url}
    pytest = Path(sys.executable).parent / "pytest"
    program = [str(pytest)] if pytest.exists() else [sys.executable, "-P", "-m", "pytest"]
    with subprocess.Popen([*program, *words], cwd=_ROOT, env=environment) as tests:
        while tests.poll() is None:
            time.sleep(1)
            cluster.end_idle_python()  # Spark keeps one of each job on each executor, 37 MB
    return tests.returncode == 0


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many of each kind (default: %(default)s)")
    parser.add_argument("--of", choices=KILLED, action="append", help="what is killed; all by default")
    parser.add_argument("--no-files", action="store_true", help="leave out the comparison of files")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311 - repeatable on purpose
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="spark-") as name, SparkStandalone(Path(name) / "cluster") as cluster:
        print(f"the cluster is up after {time.monotonic() - started:.0f} s", flush=True)
        if not options.no_files and not compare_files(cluster):
            return 1
        exports = Exports(Path(name), cluster)
        kinds = options.of or KILLED
        seen: Counter[tuple[str, str]] = Counter()
        for at in range(options.kills):
            variant = list(VARIANTS)[at % len(VARIANTS)]
            seen.update((killed, f"{variant}: {exports.kill(variant, killed, draw)}") for killed in kinds)
            print(f"{at + 1} of {options.kills} kills of each kind, the same files, nothing left", flush=True)
        for (killed, outcome), number in sorted(seen.items()):
            print(f"{killed:10} {outcome:50} {number:3}")
        print(
            f"done in {time.monotonic() - started:.0f} s; the largest Python process now holds "
            f"{cluster.peak_megabytes(cluster.python_pids())} MB at most"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
