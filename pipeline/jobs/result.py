"""What a run of a job did."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.display import html_table, quantity
from pipeline.errors import BusyError, DestinationError, PipelineError, ReplacedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.jobs.plan import Reason

Outcome = Literal["published", "taken over", "unchanged", "empty", "removed", "failed", "planned", "open"]
UNCHANGED = 8
MISSED = 6
"""A target was missed, or nobody can tell."""
_WORST_FIRST = (4, 3, 5, 1, 2, 7, 6)
_UNEXPECTED = 1
_TO_BE_MENDED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
}
"""What is not allowed, or lies in the way: no disk that was full, no share that was gone."""


class JobError(PipelineError):
    """Something of a job failed; all else was done.

    Its exit status is that of the run.
    """

    def __init__(self, message: str, exit_status: int) -> None:
        self.exit_status = exit_status
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class PeriodResult:
    """What became of a period.

    Attributes:
        run: id of the run.
        export: name of the export.
        period: name of the period.
        reason: why something was to be done, a word.
        outcome: what was done.
        to: where the package lies.
        sessions: how many the period concerns.
        rows: of the published tables.
        bytes: of their files.
        seconds: how long it took.
        peak_memory_bytes: most memory of the process so far.
        status: exit status that this period alone would have.
        error: what failed, None where nothing did.
        retry: whether the same might work later though nothing is mended.
        warnings: what a reader of the package should know.
        verdict: on its targets: `pass`, `fail`, `no-data` or `cannot-tell`; None without targets.
    """

    run: str
    export: str
    period: str
    reason: Reason
    outcome: Outcome
    to: str
    sessions: int
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    status: int = 0
    error: str | None = None
    retry: bool = False
    warnings: tuple[str, ...] = ()
    verdict: str | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What failed beside periods: a file that cannot be imported, an export that cannot be planned.

    Attributes:
        where: `import`, the name of an export, or `metrics`.
        error: what failed.
        status: exit status that it alone would have.
        retry: whether the same might work later though nothing is mended.
    """

    where: str
    error: str
    status: int
    retry: bool

    @classmethod
    def of(cls, where: str, error: BaseException) -> Problem:
        """Tell of an error."""
        status, told = status_of(error)
        return cls(where=where, error=told, status=status, retry=may_heal(error))


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a run of a job did, or would do.

    Attributes:
        job: name of the job.
        run_id: of the run.
        at: its instant, RFC 3339.
        is_dry_run: nothing was done.
        periods: what became of each that was stale, in order; of a dry run also those that are open.
        imported: files, sessions and rows that were imported; `pending`: files that would be; `waiting`: too young.
        problems: what failed beside periods.
        warnings: what its reader should know, a sentence each.
        seconds: how long it took.
        reports_unchanged: a run with nothing to do ends with 8.
    """

    job: str
    run_id: str
    at: str
    is_dry_run: bool
    periods: tuple[PeriodResult, ...]
    imported: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    reports_unchanged: bool = False

    @property
    def exit_status(self) -> int:
        """That of the worst period or problem, else 0, or 8 where that is asked for and nothing was to do."""
        found = {one.status for one in self.periods} | {one.status for one in self.problems}
        found -= {0}
        if found:
            return next((status for status in _WORST_FIRST if status in found), max(found))
        done = [one for one in self.periods if one.outcome != "open"]
        has_news = bool(done) or bool(self.imported.get("sessions")) or bool(self.imported.get("pending"))
        return UNCHANGED if self.reports_unchanged and not has_news else 0

    def require_success(self) -> None:
        """Raise an error if anything failed, for schedulers that ask for one.

        Raises:
            JobError: something did; it names what, the first of it.
        """
        status = self.exit_status
        if status not in {0, UNCHANGED}:
            failed = [f"{one.export} {one.period}: {one.error}" for one in self.periods if one.error]
            failed += [f"{one.where}: {one.error}" for one in self.problems]
            failed += [f"{p.export} {p.period}: targets: {p.verdict}" for p in self.periods if p.status == MISSED]
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            raise JobError(f"job {self.job}: {failed[0]}{more}", status)

    def describe(self) -> dict[str, Any]:
        """Give the sums as JSON values."""
        outcomes: dict[str, int] = {}
        for one in self.periods:
            outcomes[one.outcome] = outcomes.get(one.outcome, 0) + 1
        return {
            "job": self.job,
            "run": self.run_id,
            "at": self.at,
            "dry_run": self.is_dry_run,
            "periods": outcomes,
            "imported": dict(self.imported),
            "rows": sum(one.rows for one in self.periods),
            "bytes": sum(one.bytes for one in self.periods),
            "problems": len(self.problems),
            "seconds": round(self.seconds, 3),
            "status": self.exit_status,
        }

    def _repr_html_(self) -> str:
        return html_table(
            f"{self.job}: {quantity(len(self.periods), 'period')} at {self.at}",
            ("export", "period", "reason", "outcome", "sessions", "rows", "to"),
            [(p.export, p.period, p.reason, p.outcome, p.sessions, p.rows, p.to) for p in self.periods],
            [f"{one.where}: {one.error}" for one in self.problems] + list(self.warnings),
        )


def status_of(error: BaseException) -> tuple[int, str]:
    """Give the exit status of an error, and what it says in one line."""
    if isinstance(error, PipelineError):
        return error.exit_status, str(error)
    if isinstance(error, OSError) and error.strerror:
        return DestinationError.exit_status, f"{error.filename or 'the system'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return _UNEXPECTED, "no memory: the machine or a limit gives no more"
    told = " ".join(f"unexpected {type(error).__name__}: {error}".split())
    return _UNEXPECTED, f"{told}; this is a fault of the program, --debug shows where"


def may_heal(error: BaseException) -> bool:
    """Whether the same might work later though nobody mends anything: a disk that was full, a run that held it."""
    if isinstance(error, BusyError | ReplacedError | MemoryError):
        return True
    cause = error.__cause__ if isinstance(error, DestinationError) else error
    return isinstance(cause, OSError) and cause.errno not in _TO_BE_MENDED
