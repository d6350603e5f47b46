"""A year of nightly jobs over a store that grows, is changed and packed; runs are killed, skipped, doubled.

    just nights --nights 365

Two jobs run each night, in two zones. Sessions come late, out of order and over midnight, are replaced and deleted;
some nights the clock is set back, or the disk is full. In the end the packages hold each row once, and there is nothing
more to do.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from injection import SmallDisk, require
from night_judging import judge_names, judge_packages, judge_rows, packages_of
from night_store import FIRST_DAY, JOBS, Nights
from period_rules import microseconds
from promises import judge_package
from starter import Starter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from night_store import NightlyJob

    from pipeline import JobResult

MODES = {"run": 64, "skipped": 8, "killed": 14, "doubled": 6, "clock set back": 4, "full disk": 4}
"""How often each kind of night comes."""
_RUN_AT = timedelta(hours=27, minutes=30)  # of the next day, in UTC
_LAST = timedelta(days=80)
_SMALL_BYTES = 1_500
_DISK_KILOBYTES = 1 << 20
_SAMPLED = 6
_DRY_RUN_EACH = 7


def prepare() -> None:
    """Load what a job needs, in the process from which runs that are killed are forked."""
    import starter  # noqa: PLC0415

    starter.prepare()
    import pipeline.jobs.run  # noqa: F401, PLC0415


def run_night(job: str, at: str, wait: float, max_bytes: int) -> int:
    """Run a job in a process of its own; files may not grow beyond `max_bytes` where that is not 0."""
    from pipeline.cli import main  # noqa: PLC0415 - after the environment is set

    if max_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    return main(["run", job, "--at", at, "--wait", str(wait), "--quiet"])


@dataclass
class Year:
    """Nights of jobs, one after the other.

    Attributes:
        nights: the store and what comes to it.
        draw: decides when a kill comes, and the like.
        starter: of processes that are killed.
        disk: on which packages lie; None where no small disk can be mounted, and large files are refused instead.
        jobs: what runs each night.
        modes: how many nights were of which kind.
        periods: how many periods had which outcome and reason, of the runs that told.
        kills: what became of kills, of two at once and of full disks.
        checks: how many nights were checked for what was published and that nothing more was to do.
        seconds: what a run took of late.
    """

    nights: Nights
    draw: random.Random
    starter: Starter
    disk: SmallDisk | None
    jobs: Sequence[NightlyJob]
    modes: Counter[str] = field(default_factory=Counter)
    periods: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    seconds: float = 0.5
    _is_troubled: bool = False

    def pass_night(self, night: int, mode: str) -> None:
        """Let a day and a night pass."""
        self.nights.change(night)
        self.modes[mode] += 1
        at = FIRST_DAY + timedelta(night) + _RUN_AT
        if mode == "clock set back":
            at -= timedelta(days=self.draw.randint(1, 5), hours=self.draw.randint(0, 23))
        elif mode == "skipped":
            return
        # A machine that goes down does so in one of the jobs; the others do not run that night.
        for job in [self.draw.choice(self.jobs)] if mode == "killed" else self.jobs:
            self._run(job, mode, at.isoformat())
        if mode in {"run", "doubled", "clock set back"}:
            self.nights.has_run()
            self._judge_night(microseconds(at), again=self._is_troubled or night % _DRY_RUN_EACH == 0)
            self._is_troubled = False
        else:
            self._judge_packages()
            self._is_troubled = True

    def _run(self, job: NightlyJob, mode: str, at: str) -> None:
        path = self.nights.directory / f"{job.name}.toml"
        if mode == "killed":
            self._kill(path, at)
        elif mode == "full disk":
            self._run_on_full_disk(path, at)
        elif mode == "doubled":
            self._run_twice(path, at)
        else:
            started = time.monotonic()
            result = self._in_process(path, at)
            if mode == "run":
                self.seconds = 0.8 * self.seconds + 0.2 * (time.monotonic() - started)
            require(result.exit_status == 0, f"{path.name} at {at}: {result}")

    def _in_process(self, path: Path, at: str, **more: Any) -> JobResult:  # noqa: ANN401 - arguments of run_job
        from pipeline import run_job  # noqa: PLC0415 - after the environment is set

        result = run_job(path, at=at, **more)
        if not result.is_dry_run:
            self.periods.update(f"{one.outcome}, {one.reason}" for one in result.periods)
        return result

    def _kill(self, path: Path, at: str) -> None:
        process = self.starter.start("nightly_jobs:run_night", [str(path), at, 0, 0], traced=False)
        time.sleep(self.draw.random() * self.seconds * 1.2)
        os.kill(process, 9)
        status, said, _ = self.starter.wait()
        require(status in {0, -9}, f"{path.name} at {at}: killed, but ended with {status}: {said}")
        self.kills["hit" if status else "came too late"] += 1

    def _run_on_full_disk(self, path: Path, at: str) -> None:
        if self.disk is None:
            self.starter.start("nightly_jobs:run_night", [str(path), at, 0, _SMALL_BYTES], traced=False)
        else:
            space = os.statvfs(self.disk.directory)
            used = (space.f_blocks - space.f_bfree) * space.f_frsize // 1024
            self.disk.grow(used + self.draw.choice((4, 12, 24, 48)))
            self.starter.start("nightly_jobs:run_night", [str(path), at, 0, 0], traced=False)
        status, said, _ = self.starter.wait()
        if self.disk is not None:
            self.disk.grow(_DISK_KILOBYTES)
        require(status in {0, 4}, f"{path.name} at {at}: on a full disk status {status}: {said}")
        lines = said.splitlines()
        require("fault of the program" not in said and "Traceback" not in said, f"{path.name} at {at}: {said}")
        require(bool(status) == bool(lines), f"{path.name} at {at}: status {status}, and says {said!r}")
        self.kills["full disk told" if status else "full disk unnoticed"] += 1

    def _run_twice(self, path: Path, at: str) -> None:
        """Run it in two processes at once; each does it, or tells that the other does."""
        from pipeline import BusyError  # noqa: PLC0415 - after the environment is set

        wait = self.draw.choice((0, 60))
        self.starter.start("nightly_jobs:run_night", [str(path), at, wait, 0], traced=False)
        time.sleep(self.draw.random() * 0.05)
        try:
            ours = self._in_process(path, at, wait_seconds=wait).exit_status
        except BusyError:
            ours = 7
        status, said, _ = self.starter.wait()
        require(
            {status, ours} <= ({0} if wait else {0, 7}) and 0 in {status, ours},
            f"{path.name} at {at}: two at once end with {status} and {ours}: {said}",
        )
        self.kills["one was refused" if {status, ours} == {0, 7} else "one waited or came later"] += 1

    def _judge_night(self, at: int, *, again: bool) -> None:
        """Check that each period that has ended is published, and that a run again would do nothing."""
        from pipeline.model.timestamps import format_timestamp  # noqa: PLC0415 - after the environment is set

        for job in self.jobs:
            for table in job.tables:
                judge_names(self.nights, job, table, at)
                if again and (table.keep_days or table.keep_count):  # in the end little of it is left
                    judge_packages(self.nights, job, table, at)
            if not again:
                continue
            path = self.nights.directory / f"{job.name}.toml"
            again = self._in_process(path, format_timestamp(at, "us"), dry_run=True)
            more = [one for one in again.periods if one.reason != "open"]
            require(not more and not again.problems, f"{job.name} at {at}: is not done: {more}")
        self.checks += 1

    def _judge_packages(self) -> None:
        """Check that some packages are what their sums say: a kill and a full disk leave none half made."""
        for job in self.jobs:
            for table in job.tables:
                found = list(packages_of(self.nights, table).values())
                for package in self.draw.sample(found, min(_SAMPLED, len(found))):
                    require(not (wrong := list(judge_package(package.directory))), f"{package.directory}: {wrong}")

    def end(self, night: int) -> dict[str, tuple[int, int]]:
        """Let all come that is to come and all periods end; check everything, and give packages and rows by export."""
        self.nights.change(night, last=True)
        at = FIRST_DAY + timedelta(night) + _LAST
        for job in self.jobs:
            self._run(job, "run", at.isoformat())
        self.nights.has_run()
        self._judge_night(microseconds(at), again=True)
        found = {}
        for job in self.jobs:
            for table in job.tables:
                whole = self.nights.directory / "whole" / job.name
                found[f"{job.name}.{table.name}"] = judge_rows(self.nights, job, table, microseconds(at), whole)
                for package in packages_of(self.nights, table).values():
                    require(not (wrong := list(judge_package(package.directory))), f"{package.directory}: {wrong}")
                self._judge_leftovers(job, table.name)
        return found

    def _judge_leftovers(self, job: NightlyJob, name: str) -> None:
        root = self.nights.directory / "published" / name
        hidden = {path.name for path in root.iterdir() if path.name.startswith(".")}
        require(hidden == {f".{job.name}.{name}.job"}, f"{root}: {hidden} are left")


def run_nights(
    directory: Path,
    *,
    nights: int,
    seed: int,
    small_disk: bool,
    jobs: Sequence[NightlyJob] = JOBS,
    busy: float = 1.0,
    say: bool = False,
) -> tuple[Year, Any]:
    """Let nights pass, then check everything.

    Args:
        directory: an empty one, in which all happens.
        nights: how many.
        seed: the same seed draws the same changes and nights; what a kill hits is up to the machine.
        small_disk: packages lie on a disk of their own, which can be full; only root can mount it.
        jobs: what runs each night.
        busy: sessions a day, in the mean.
        say: print a line now and then.

    Returns:
        what happened, and by export the number of packages and of rows.

    Raises:
        WrongOutcomeError: something is wrong.
    """
    disk = None
    if small_disk:
        disk = SmallDisk(directory / "published")
        disk.resize(_DISK_KILOBYTES)
    try:
        world = Nights(directory, random.Random(f"{seed} changes"), busy)  # noqa: S311 - repeatable on purpose
        world.begin()
        for job in jobs:
            job.write(directory)
        with Starter(directory / "run" / "errors", prepare="nightly_jobs:prepare") as starter:
            draw = random.Random(f"{seed} nights")  # noqa: S311 - repeatable on purpose
            modes = draw.choices(list(MODES), list(MODES.values()), k=nights)
            year = Year(world, draw, starter, disk, jobs)
            for night, mode in enumerate(modes):
                year.pass_night(night, mode)
                if say and night % 30 == 29:
                    print(f"night {night + 1}: {len(world.sessions)} sessions, {year.seconds:.2f} s a run", flush=True)
            return year, year.end(nights)
    finally:
        if disk is not None:
            disk.close()


def main() -> int:
    """Run the campaign, and print what happened."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-small-disk", action="store_true", help="refuse large files instead; needs no root")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nights-") as directory:
        place = Path(directory) / "year"
        place.mkdir()
        small_disk = os.geteuid() == 0 and not options.no_small_disk
        year, found = run_nights(place, nights=options.nights, seed=options.seed, small_disk=small_disk, say=True)
    for name, (packages, rows) in found.items():
        print(f"{name:<24} {packages:>6,} packages {rows:>8,} rows")
    for title, counts in (
        ("changes", year.nights.done),
        ("nights", year.modes),
        ("kills and the like", year.kills),
        ("periods", year.periods),
    ):
        print(f"{title}: {', '.join(f'{count:,} {name}' for name, count in sorted(counts.items()))}")
    print(f"seed {options.seed}, {options.nights} nights, {time.monotonic() - started:.0f} s, nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
