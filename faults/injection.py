"""Injects faults into exports with strace, and judges what they leave.

A fault counts only where strace's log shows that it was injected.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CALLS = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,close"
COMMAND = [sys.executable, "-m", "pipeline"]
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
VARIANTS = {
    "ndjson": ["--format", "ndjson"],
    "ndjson.gz": ["--format", "ndjson", "--compression", "gzip"],
    "ndjson.zst": ["--format", "ndjson", "--compression", "zstd"],
    "json": ["--format", "json"],
    "csv": ["--format", "csv"],
    "parquet": ["--format", "parquet"],
    "arrow": ["--format", "arrow"],
}
STAGE = ".package.stage"


class WrongOutcomeError(AssertionError):
    """A fault left what it must not leave."""


def require(holds: object, message: object) -> None:
    """Say what is wrong where something does not hold."""
    if not holds:
        raise WrongOutcomeError(str(message))


def contents(directory: Path) -> dict[str, bytes] | None:
    """Names and bytes of a package, None where there is none; what is no regular file is wrong."""
    if not directory.exists():
        return None
    require(directory.is_dir() and not directory.is_symlink(), f"{directory} is no directory")
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@dataclass
class Scenario:
    """An export of a store to a destination, new or existing, in one variant.

    Attributes:
        store: what is exported.
        directory: a directory of its own, in which everything is written.
        variant: name of one of `VARIANTS`.
        existing: whether a package is there, which is replaced.
    """

    store: Path
    directory: Path
    variant: str
    existing: bool

    def __post_init__(self) -> None:
        self.out = self.directory / "out"
        self.package = self.out / "package"
        self.old = None
        options = ["--scope", "per-session", *VARIANTS[self.variant], "--threads", "1", "--quiet"]
        self.arguments = [*COMMAND, "export", self.store, "--to", self.package, *options]
        if self.existing:
            self.arguments.append("--overwrite")
            self.export("--exclude", "value")
            shutil.copytree(self.package, self.directory / "old")
            self.old = contents(self.package)
        shutil.rmtree(self.out, ignore_errors=True)
        self.prepare()
        self.calls, self.paths = self._count()
        self.new = contents(self.package)
        require(self.new and self.new != self.old, "the export wrote nothing new")

    @property
    def name(self) -> str:
        """What it is called in a table."""
        return f"{self.variant}, {'replacing' if self.existing else 'new'}"

    def prepare(self) -> None:
        """Make the destination as it was."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        if self.existing:
            shutil.copytree(self.directory / "old", self.package)

    def export(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run it undisturbed, in this process: starting another takes longer than the work."""
        os.environ["SOURCE_DATE_EPOCH"] = "0"
        from pipeline.cli import main  # noqa: PLC0415 - after the environment is set

        words = [*map(str, self.arguments[len(COMMAND) :]), *options]
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = main(words)
        return subprocess.CompletedProcess(words, status, "", said.getvalue())

    def trace(self, *options: object, paths: list[str] | None = None) -> tuple[subprocess.CompletedProcess[str], str]:
        """Run it under strace; give what it did, and the log."""
        log = self.directory / "strace.log"
        filters = [word for path in (self.paths if paths is None else paths) for word in ("-P", path)]
        done = subprocess.run(
            ["strace", "-f", "-o", log, *map(str, options), *filters, *map(str, self.arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        return done, log.read_text(encoding="utf-8", errors="replace")

    def _count(self) -> tuple[dict[str, int], list[str]]:
        """Count the calls on files of the destination, by name of the call."""
        _, log = self.trace("-y", "-e", f"trace={CALLS}", paths=[])
        found = re.findall(rf'[<"]({re.escape(str(self.out))}[^>"]*)[>"]', log)
        paths = sorted({path for path in found if not path.endswith("(deleted)")})
        self.prepare()
        _, log = self.trace("-e", f"trace={CALLS}", paths=paths)
        counts: dict[str, int] = {}
        for call in re.findall(r"^\d+ +(\w+)\(", log, re.MULTILINE):
            counts[call] = counts.get(call, 0) + 1
        return counts, paths

    def kill(self, call: str, at: int) -> str:
        """Kill it at the n-th call; give `before` or `new` for what it left, after checking that it is whole.

        Raises:
            WrongOutcomeError: a package is not whole, the kill was none, or the same command does not complete it.
        """
        self.prepare()
        _, log = self.trace("-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={at}")
        where = f"{self.name}: killed at {call} {at}"
        require("+++ killed by SIGKILL +++" in log, f"{where}: was not killed")
        return self._judge(where)

    def fail(self, call: str, at: int, error: str) -> str:
        """Let the n-th call fail; give `before`, `new` or `done` (status 0), after checking what it left."""
        self.prepare()
        done, log = self.trace("-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={at}")
        where = f"{self.name}: {error} from {call} {at}"
        require("(INJECTED)" in log, f"{where}: was not injected")
        require(done.returncode in {0, 4}, f"{where}: status {done.returncode}: {done.stderr}")
        if done.returncode == 0:
            require(contents(self.package) == self.new, f"{where}: status 0, but the package is another")
            return "done"
        require(len(done.stderr.splitlines()) == 1, f"{where}: says {done.stderr}")
        return self._judge(where)

    def _judge(self, where: str) -> str:
        found = contents(self.package)
        require(found in (self.old, self.new), f"{where}: left {found and sorted(found)}")
        again = self.export()
        require(again.returncode == 0, f"{where}: the same command says {again.stderr}")
        require(contents(self.package) == self.new, f"{where}: the same command gives another package")
        names = sorted(path.name for path in self.out.iterdir())
        require(names == ["package"], f"{where}: leaves {names}")
        return "new" if found == self.new else "before"


class SmallDisk:
    """A tmpfs whose size is set; only root can mount one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self._mounted = False

    def resize(self, kilobytes: int) -> None:
        """Make it empty, of this size."""
        self.close()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", self.directory], check=True)
        self._mounted = True

    def grow(self, kilobytes: int) -> None:
        """Give it more room."""
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", self.directory], check=True)

    def close(self) -> None:
        """Unmount it."""
        if self._mounted:
            subprocess.run(["umount", self.directory], check=True)
            self._mounted = False


def fill(scenario: Scenario, disk: SmallDisk, kilobytes: int) -> str:
    """Export to a disk that is too small or just not; give `before` or `done`."""
    disk.resize(kilobytes)
    scenario.out = disk.directory
    scenario.package = disk.directory / "package"
    scenario.arguments[scenario.arguments.index("--to") + 1] = scenario.package
    done = scenario.export()
    where = f"{scenario.name}: a disk of {kilobytes} kB"
    if done.returncode == 0:
        require(contents(scenario.package) == scenario.new, f"{where}: status 0, but the package is another")
        return "done"
    require(done.returncode == 4, f"{where}: status {done.returncode}: {done.stderr}")
    require("No space left on device" in done.stderr, f"{where}: says {done.stderr}")
    require(len(done.stderr.splitlines()) == 1, f"{where}: says {done.stderr}")
    require(not list(disk.directory.iterdir()), f"{where}: leaves {list(disk.directory.iterdir())}")
    disk.grow(100_000)
    require(scenario.export().returncode == 0, f"{where}: with more room it fails")
    require(contents(scenario.package) == scenario.new, f"{where}: with more room it gives another package")
    return "before"
