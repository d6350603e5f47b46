"""Injects faults into commands with strace, and judges what they leave.

A fault counts only where strace's log shows that it was injected.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from starter import Starter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALLS = "write,pwrite64,fsync,fdatasync,syncfs,rename,renameat,renameat2,close"
# Where a kill may leave something half made or half cleared away.
KILLED_CALLS = CALLS + ",mkdir,rmdir,unlink,unlinkat"


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


class Place(NamedTuple):
    """Where a fault is injected: at the n-th call of a name on a path, as strace counts, in each thread by itself."""

    path: str
    call: str
    at: int


class Scenario:
    """A command that writes, and what it may leave; use it in a `with` statement.

    Attributes:
        directory: a directory of its own, in which everything is written.
        name: what it is called in a table.
        out: what it writes lies in it.
        statuses: with which it may end after an error.
        function: what the command is, `module:name`.
        arguments: its arguments, JSON values.
    """

    # A store is a source too: an error from closing what was read is one of reading.
    statuses: ClassVar = {0, 3, 4}
    name: str
    out: Path
    function: str
    arguments: Sequence[Any]

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.starter = Starter(directory / "errors")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.starter.__exit__(*exc_info)

    def prepare(self) -> None:
        """Make everything as it was."""
        raise NotImplementedError

    def judge(self, where: str, place: Place) -> str:
        """Check what a command left that did not end well, and that it can be done again; give its name.

        Raises:
            WrongOutcomeError: it is not right.
        """
        raise NotImplementedError

    def judge_error(self, where: str, said: str) -> None:
        """Check that a command that told of an error tidied up, and said what is true.

        Raises:
            WrongOutcomeError: it did not.
        """
        raise NotImplementedError

    def judge_done(self, where: str) -> None:
        """Check what a command left that said it was done.

        Raises:
            WrongOutcomeError: it is not right.
        """
        raise NotImplementedError

    def trace(self, *options: str) -> tuple[int, str, str]:
        """Run it under strace; give its status, what it said, and the log."""
        log = self.directory / "strace.log"
        process = self.starter.start(self.function, self.arguments, traced=True)
        strace = subprocess.run(
            ["strace", "-f", "-o", log, "-p", str(process), *options], capture_output=True, text=True, check=False
        )
        status, said, _ = self.starter.wait()
        require(log.exists(), f"strace: {strace.stderr}")
        return status, said, log.read_text(encoding="utf-8", errors="replace")

    def find_places(self) -> list[Place]:
        """Find all calls on files in `out`, but for the ends of reading: which threads read, and how often, varies."""
        self.prepare()
        status, said, log = self.trace("-y", "-e", f"trace={KILLED_CALLS}")
        require(status == 0, f"{self.name}: undisturbed it says {said}")
        inside = re.compile(rf'[<"]({re.escape(str(self.out))}[^>"]*)[>"]')
        counts: dict[tuple[str, str, str], int] = {}
        written: set[str] = set()
        places: dict[Place, None] = {}
        for line in log.splitlines():
            call = re.match(r"(\d+) +(\w+)\(", line)
            paths = [path for path in inside.findall(line) if not path.endswith("(deleted)")] if call else []
            if not call or not paths:
                continue
            for path in dict.fromkeys(paths):
                key = (*call.groups(), path)
                counts[key] = counts.get(key, 0) + 1
            if call[2] in {"write", "pwrite64"}:
                written.add(paths[0])
            if call[2] == "close" and paths[0] not in written:
                continue
            if call[2] == "close":
                written.discard(paths[0])
            places[Place(paths[0], call[2], counts[(*call.groups(), paths[0])])] = None
        return list(places)

    def kill(self, place: Place) -> str:
        """Kill it at a call; give the name of what it left, after checking that it is whole.

        Raises:
            WrongOutcomeError: it is not whole, the kill was none, or the same command does not complete it.
        """
        return self.judge(self.kill_only(place), place)

    def kill_only(self, place: Place) -> str:
        """Kill it at a call; give what errors are to say of it.

        Raises:
            WrongOutcomeError: the kill was none.
        """
        self.prepare()
        inject = f"inject={place.call}:signal=SIGKILL:when={place.at}"
        _, _, log = self.trace("-P", place.path, "-e", f"trace={place.call}", "-e", inject)
        where = f"{self.name}: killed at {place}"
        require("+++ killed by SIGKILL +++" in log, f"{where}: was not killed")
        return where

    def fail(self, place: Place, error: str) -> str:
        """Let a call fail; give the name of what it left, `done` where it said so, after checking it."""
        self.prepare()
        inject = f"inject={place.call}:error={error}:when={place.at}"
        status, said, log = self.trace("-P", place.path, "-e", f"trace={place.call}", "-e", inject)
        where = f"{self.name}: {error} from {place}"
        require("(INJECTED)" in log, f"{where}: was not injected")
        require(status in self.statuses, f"{where}: status {status}: {said}")
        if status == 0:
            self.judge_done(where)
            return "done"
        require(len(said.splitlines()) == 1, f"{where}: says {said}")
        self.judge_error(where, said)
        return self.judge(where, place)


class SmallDisk:
    """A tmpfs whose size, and whose number of files, is set; only root can mount one."""

    def __init__(self, directory: Path, *, read_only: bool = False) -> None:
        self.directory = directory
        self._options = "ro," if read_only else ""
        directory.mkdir(parents=True)
        self._mounted = False

    def resize(self, kilobytes: int, *, inodes: int = 0) -> None:
        """Make it empty, of this size, with room for so many files and directories, its own included; 0 is any."""
        self.close()
        options = f"{self._options}size={kilobytes}k,nr_inodes={inodes}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.directory], check=True)
        self._mounted, self._inodes = True, inodes

    def grow(self, kilobytes: int) -> None:
        """Give it more room, for files too where that was limited."""
        options = f"remount,size={kilobytes}k" + (f",nr_inodes={self._inodes + 10_000}" if self._inodes else "")
        subprocess.run(["mount", "-o", options, self.directory], check=True)

    def close(self) -> None:
        """Unmount it."""
        if self._mounted:
            subprocess.run(["umount", self.directory], check=True)
            self._mounted = False


def empty(directory: Path) -> None:
    """Make a directory that holds nothing."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
