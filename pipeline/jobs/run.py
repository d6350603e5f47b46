"""Runs a job: imports what came, finds out what is stale, publishes that, removes what is old; says what it did."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.arguments import check_arguments, time_text
from pipeline.errors import DestinationError, EmptyExportError, PipelineError, SourceError, UsageError, suggest
from pipeline.export.run import run as run_export
from pipeline.jobs.emptiness import KnownEmpty
from pipeline.jobs.imports import JobImported, run_import
from pipeline.jobs.job_file import read_job
from pipeline.jobs.locks import directory_of, holding
from pipeline.jobs.metrics import write_metrics
from pipeline.jobs.plan import PlannedPeriod, Range, plan_export
from pipeline.jobs.result import MISSED, JobResult, PeriodResult, Problem, may_heal, status_of
from pipeline.model.timestamps import format_timestamp, parse_instant
from pipeline.package.job_note import JobNote
from pipeline.publish.removal import clear_place, clear_removed, remove_package
from pipeline.runtime.signals import is_interruption
from pipeline.sources.open import open_source
from pipeline.store.reading import is_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.export.options import ExportOptions
    from pipeline.jobs.job import Job, JobExport
    from pipeline.jobs.plan import ExportPlan
    from pipeline.jobs.result import Outcome

    OnPeriod = Callable[[PeriodResult], None]

_EXPIRED = "expired"


def run_job(
    job_file: str | Path,
    *,
    at: str | date | None = None,
    only: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    dry_run: bool = False,
    refresh: bool = False,
    since: str | date | None = None,
    until: str | date | None = None,
    report_unchanged: bool = False,
    wait_seconds: float = 0,
    on_period: OnPeriod | None = None,
) -> JobResult:
    """Run a job: publish each period that is new or changed, as a whole, and nothing else.

    What is stale is decided by content: what each package says it was made of is compared with the store.

    Args:
        job_file: the file of the job, TOML.
        at: the one instant of the run, by which periods have ended; by the clock where it is None.
        only: names of exports; all by default.
        settings: values in place of the file's, by key, such as `{"daily.keep": "30d"}`.
        dry_run: only say what would be done.
        refresh: publish the periods from `since` to `until` anew, whether they are stale or not.
        since: only periods that reach beyond this time.
        until: only periods that begin before this time.
        report_unchanged: the exit status of a run with nothing to do is 8.
        wait_seconds: how long to wait for another run of the job.
        on_period: is called with each period when it is done.

    Returns:
        what was done; what failed is in it, for one period that fails stops no other: see `require_success`.

    Raises:
        TomlError: the job file is wrong; it names the line.
        UsageError: an argument cannot be read, or names nothing.
        BusyError: another run of the job is at work.
    """
    check_arguments(locals())
    started = time.monotonic()
    now = time.time_ns()
    job = read_job(job_file, settings)
    instant = now if at is None else parse_instant(time_text(at) or "", option="--at", zone=job.zone, now=now)
    low, high = (
        None if time is None else parse_instant(time_text(time) or "", option=option, zone=job.zone, now=instant)
        for time, option in ((since, "--from"), (until, "--to"))
    )
    if low is not None and high is not None and low >= high:
        raise UsageError("--from is not before --to; no period lies between them")
    if refresh and low is None and high is None:
        raise UsageError("--refresh publishes a range anew; say which with --from and --to")
    run = _Run(
        job=job,
        exports=_chosen(job, only),
        at=instant,
        run_id=_run_id(now),
        about=Range(low, high, refresh),
        is_dry_run=dry_run,
        on_period=on_period or (lambda _: None),
    )
    try:
        if dry_run:
            run.plan_all()
        else:
            with holding(job, run.exports, wait_seconds=wait_seconds) as held:
                run.work(held)
    except BaseException as error:
        if is_interruption(error):
            done = sum(one.outcome == "published" for one in run.periods)
            error.__notes__ = []  # what the export of one period said of itself is no answer for the run
            error.add_note(f"{done} {'period was' if done == 1 else 'periods were'} published; the next run goes on")
            run.problems.append(Problem(where="run", error="was interrupted", status=1, retry=True))
            run.tell_metrics(run.result(started, reports_unchanged=False))
        raise
    result = run.result(started, reports_unchanged=report_unchanged)
    if not dry_run:
        before = len(run.problems)
        run.tell_metrics(result)
        if len(run.problems) > before:
            result = run.result(started, reports_unchanged=report_unchanged)
    return result


def _chosen(job: Job, only: Sequence[str]) -> tuple[JobExport, ...]:
    names = [export.name for export in job.exports]
    for name in only:
        if name not in names:
            raise UsageError(
                f"--only {name}: {job.path} has no export of this name; {suggest(name, names, noun='exports')}"
            )
    return tuple(export for export in job.exports if not only or export.name in only)


def _run_id(now: int) -> str:
    when = datetime.fromtimestamp(now // 10**9, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{when}-{os.urandom(4).hex()}"


def _peak_memory() -> int:
    """Most memory of this process so far, in bytes: on Linux `ru_maxrss` begins with that of who started it."""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@dataclass
class _Run:
    """One run of a job, and what it has done so far."""

    job: Job
    exports: tuple[JobExport, ...]
    at: int
    run_id: str
    about: Range
    is_dry_run: bool
    on_period: OnPeriod
    known_empty: KnownEmpty = field(default_factory=KnownEmpty)
    imported: JobImported | None = None
    periods: list[PeriodResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def plan_all(self) -> None:
        """Say what would be done."""
        self._import()
        for _, plan in self._plans({export.name: directory_of(self.job, export) for export in self.exports}):
            for one in (*plan.stale, *plan.open, *plan.expired):
                self._tell(self._result(one, "open" if one.reason == "open" else "planned", problem=one.problem))

    def work(self, held: Mapping[str, Path | DestinationError]) -> None:
        """Import, publish and remove.

        Args:
            held: by name of the export the directory that the run holds, or why it could not be made.
        """
        directories = {}
        for name, directory in held.items():
            if isinstance(directory, DestinationError):
                self.problems.append(Problem.of(name, directory))
            else:
                directories[name] = directory
                clear_removed(directory / _EXPIRED)
        self._import()
        for export, plan in self._plans(directories):
            try:
                for one in plan.stale:
                    self._tell(self._publish(one))
                for one in plan.expired:
                    self._tell(self._remove(one, directories[export.name] / _EXPIRED))
                for place in plan.places:
                    with self._noting_problems(export.name):
                        clear_place(place, export.destination.root)
            finally:
                with self._noting_problems(export.name):
                    self.known_empty.write(export, directories[export.name])

    def _import(self) -> None:
        if self.job.imports is not None:
            self.imported = run_import(self.job, self.job.imports, dry_run=self.is_dry_run)
            self.problems += [Problem.of("import", error) for error in self.imported.problems]
            self.warnings += self.imported.warnings

    def _plans(self, directories: Mapping[str, Path]) -> Iterator[tuple[JobExport, ExportPlan]]:
        """Plan one export after the other: what is published for one may take hours, and sessions come meanwhile."""
        found = False
        with self._noting_problems("source"):
            found = is_store(self.job.source)
            if not found and (self.job.imports is None or self.job.source.exists()):
                # An import of a dry run, or of a night on which nothing has come yet, makes none.
                raise SourceError(f"{self.job.source}: is no store; `source` names a directory with a store.json")
        if not found:
            return
        for export in self.exports:
            if export.name not in directories:
                continue
            self.known_empty.read(export, directories[export.name])
            plan = None
            with self._noting_problems(export.name), open_source(self.job.source) as inventory:
                self.warnings += [one for one in inventory.warnings if one not in self.warnings]
                plan = plan_export(
                    self.job, export, inventory, at=self.at, about=self.about, known_empty=self.known_empty
                )
            if plan is not None:
                self.warnings += [f"{export.name}: {one}" for one in plan.warnings]
                yield export, plan

    @contextmanager
    def _noting_problems(self, where: str) -> Iterator[None]:
        try:
            yield
        except (PipelineError, OSError) as error:
            if is_interruption(error):
                raise
            self.problems.append(Problem.of(where, error))

    def _publish(self, one: PlannedPeriod) -> PeriodResult:
        started = time.monotonic()
        if one.problem is not None:
            return self._result(one, "failed", problem=one.problem)
        try:
            outcome: Outcome = "published"
            if one.noted is None and one.replaces:
                _require_same(self.job.export_options(one.export, one.period))
                outcome = "taken over"
            may_be_empty = one.noted is not None or one.export.publishes_empty
            result = run_export(
                self.job.export_options(one.export, one.period, self._note(one), may_be_empty=may_be_empty)
            )
        except EmptyExportError:
            self.known_empty.add(one.export, one.period.name, one.state)
            return self._result(one, "empty", seconds=time.monotonic() - started)
        except Exception as error:  # whatever fails of a period, the others go on
            if is_interruption(error):
                raise
            return self._result(one, "failed", seconds=time.monotonic() - started, problem=error)
        self.known_empty.add(one.export, one.period.name, None)
        return self._result(
            one,
            "unchanged" if result.is_unchanged else outcome,
            seconds=time.monotonic() - started,
            rows=result.rows,
            bytes=result.bytes,
            warnings=result.warnings,
            verdict=result.verdict,
        )

    def _note(self, one: PlannedPeriod) -> JobNote:
        period, noted = one.period, one.noted
        replaced: tuple[Mapping[str, Any], ...] = () if noted is None else noted.replaced
        if one.replaces:
            source = one.replaces.get("pipeline:source", {})
            before = {
                "created": one.replaces.get("created"),
                "fingerprint": source.get("fingerprint") if isinstance(source, dict) else None,
                "runId": None if noted is None else noted.run_id,
                "at": None if noted is None else noted.at,
                "reason": None if noted is None else noted.reason,
                "rowCount": None if noted is None else sum(noted.rows.values()),
            }
            replaced = (*replaced, {**before, "replacedAt": format_timestamp(self.at, "ns"), "because": one.reason})
        return JobNote(
            job=self.job.name,
            export=one.export.name,
            period=period.name,
            since=None if period.since is None else format_timestamp(period.since, "ns"),
            until=None if period.until is None else format_timestamp(period.until, "ns"),
            run_id=self.run_id,
            at=format_timestamp(self.at, "ns"),
            reason=one.reason,
            replaced=replaced,
        )

    def _remove(self, one: PlannedPeriod, aside: Path) -> PeriodResult:
        started = time.monotonic()
        try:
            remove_package(one.to, one.replaces, aside)
        except (PipelineError, OSError) as error:
            return self._result(one, "failed", seconds=time.monotonic() - started, problem=error)
        return self._result(one, "removed", seconds=time.monotonic() - started)

    def _tell(self, result: PeriodResult) -> None:
        self.periods.append(result)
        self.on_period(result)

    def tell_metrics(self, result: JobResult) -> None:
        """Write the file of metrics, if one is wanted."""
        with self._noting_problems("metrics"):
            write_metrics(self.job, result, ended_at=time.time())

    def result(self, started: float, *, reports_unchanged: bool) -> JobResult:
        """Say what was done."""
        done = self.imported
        imported = {} if done is None else {"files": done.files, "sessions": len(done.sessions), "rows": done.rows}
        if done is not None:
            imported |= {"waiting": len(done.waiting), "pending": len(done.pending)}
        return JobResult(
            job=self.job.name,
            run_id=self.run_id,
            at=format_timestamp(self.at, "ns"),
            is_dry_run=self.is_dry_run,
            periods=tuple(self.periods),
            imported=imported,
            problems=tuple(self.problems),
            warnings=tuple(self.warnings),
            seconds=time.monotonic() - started,
            reports_unchanged=reports_unchanged,
        )

    def _result(
        self,
        one: PlannedPeriod,
        outcome: Outcome,
        *,
        problem: BaseException | None = None,
        **figures: Any,  # noqa: ANN401 - those of PeriodResult
    ) -> PeriodResult:
        status, told = (0, None) if problem is None else status_of(problem)
        if figures.get("verdict") not in {None, "pass"}:
            status = MISSED
        return PeriodResult(
            run=self.run_id,
            export=one.export.name,
            period=one.period.name,
            reason=one.reason,
            outcome=outcome,
            to=str(one.to),
            sessions=one.sessions,
            peak_memory_bytes=_peak_memory(),
            status=status,
            error=told,
            retry=problem is not None and may_heal(problem),
            **figures,
        )


def _require_same(options: ExportOptions) -> None:
    """Make sure that a package that was published by hand is the same, which is taken over; another is left alone."""
    try:
        run_export(options)
    except DestinationError as error:
        if isinstance(error.__cause__, OSError):
            raise
        raise DestinationError(
            f"{options.to}: holds a package of another source or other options, or a damaged one, that this job did "
            "not publish; it is left alone: move it away, or choose another `to`"
        ) from error
