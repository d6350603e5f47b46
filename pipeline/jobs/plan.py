"""What is stale, decided by content: what packages say they were made of, compared with the records of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import DestinationError, PipelineError
from pipeline.jobs.concerned import find_concerned
from pipeline.jobs.emptiness import KnownEmpty, state_of
from pipeline.jobs.periods import ALL, Period
from pipeline.model.timestamps import parse_timestamp
from pipeline.package.added_metadata import read_added_metadata
from pipeline.package.job_note import RESULTS_VERSION, MadeOf, noted_job
from pipeline.publish.existing import inspect_destination

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pipeline.jobs.job import Job, JobExport
    from pipeline.package.job_note import NotedJob
    from pipeline.publish.existing import Existing
    from pipeline.scan.inventory import Inventory

Reason = Literal[
    "missing", "late", "replaced", "removed", "options", "program", "damaged", "open", "refresh", "expired"
]


@dataclass(frozen=True, kw_only=True)
class PlannedPeriod:
    """A period that is to be published, or is not yet, or whose package is to be removed.

    Attributes:
        export: name of the export.
        period: the period.
        to: where its package lies or will.
        reason: a word: `missing`: nothing is there; `late`, `replaced`, `removed`: sessions came, are others, went;
            `options`: the export's are others; `program`: equal input gives other values now; `damaged`: the package
            is; `refresh`: it was asked for; `open`: it has not ended; `expired`: it is older than what is kept.
        sessions: how many it concerns.
        state: of what it would be made, and by which options, as a hash.
        noted: what the package that is there says of its job.
        replaces: the descriptor of that.
        problem: why it cannot be published, None where nothing is known to stand in the way.
    """

    export: JobExport
    period: Period
    to: Path
    reason: Reason
    sessions: int
    state: str = ""
    noted: NotedJob | None = None
    replaces: Mapping[str, Any] = field(default_factory=dict)
    problem: PipelineError | None = None


@dataclass
class ExportPlan:
    """What is to be done for an export.

    Attributes:
        stale: periods to publish, in order of time.
        open: periods that have not ended.
        expired: packages to remove.
        places: where the packages of all periods that are known lie or would.
        warnings: what its reader should know, a sentence each.
    """

    stale: list[PlannedPeriod] = field(default_factory=list)
    open: list[PlannedPeriod] = field(default_factory=list)
    expired: list[PlannedPeriod] = field(default_factory=list)
    places: Sequence[Path] = ()
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Range:
    """The periods that a run is about: those that meet a range of time, all by default.

    Attributes:
        since: nanoseconds since the epoch.
        until: the same.
        refresh: publish them anew.
    """

    since: int | None = None
    until: int | None = None
    refresh: bool = False

    def meets(self, period: Period) -> bool:
        """Whether it is about a period."""
        return (self.since is None or period.until is None or period.until > self.since) and (
            self.until is None or period.since is None or period.since < self.until
        )


def plan_export(
    job: Job, export: JobExport, inventory: Inventory, *, at: int, about: Range, known_empty: KnownEmpty
) -> ExportPlan:
    """Find the periods of an export that are stale; only descriptors of packages and the store's records are read.

    Args:
        job: the job.
        export: of the job.
        inventory: what the store holds.
        at: the instant of the run, in nanoseconds.
        about: which periods.
        known_empty: what is known of periods without rows.

    Raises:
        SourceError: the store is damaged, or lacks what the export names.
        UsageError: a condition cannot be read.
        DestinationError: the directory of the packages cannot be read.
    """
    added = read_added_metadata(export.options.get("package_metadata"))
    selection = job.export_options(export, ALL).selection
    concerned = find_concerned(job, export, inventory, selection)
    looked = {name: _look(job, export, name, path) for name, path in export.destination.published()}
    periods = dict(concerned.periods)
    for name, found in looked.items():
        if found.noted is not None and name not in periods:
            periods[name] = _noted_period(job, export, name, found)
    concerned.add_long_sessions(periods.values())
    places = [
        _Place(job, export, period, looked.get(period.name, _NOTHING), concerned.sessions.get(period.name, {}), added)
        for period in sorted(periods.values(), key=_order)
    ]
    kept = _kept(export, periods, at)
    plan = ExportPlan(
        warnings=concerned.warnings,
        expired=_expired(places, kept, at),
        places=[export.destination.path(name) for name in periods],
    )
    for place in places:
        period = place.period
        if period.name not in kept or not about.meets(period):
            continue
        if export.period != "all" and (period.until is None or period.until + export.grace > at):
            if place.found.noted is None:
                plan.open.append(place.planned("open"))
            continue
        reason = "refresh" if about.refresh else place.reason()
        if reason is None:
            continue
        one = place.planned(reason)
        is_asked = place.found.noted is not None or about.refresh or export.publishes_empty
        if is_asked or not known_empty.has(export, period.name, one.state):
            plan.stale.append(one)
    return plan


def _order(period: Period) -> tuple[int, str]:
    return period.since or 0, period.name


def _nanoseconds(text: str) -> int:
    try:
        return parse_timestamp(text, "ns")[0]
    except ValueError:  # in years that nanoseconds do not count, stores count microseconds
        return parse_timestamp(text, "us")[0] * 1000


@dataclass(frozen=True)
class _Looked:
    """What lies in the place of a package: of this export, or in its way."""

    existing: Existing | None = None
    noted: NotedJob | None = None
    problem: PipelineError | None = None
    is_foreign: bool = False


def _look(job: Job, export: JobExport, name: str, path: Path) -> _Looked:
    try:
        existing = inspect_destination(path)
    except DestinationError as error:
        told = DestinationError(str(error).replace("--to", "`to`"))
        told.__cause__ = error.__cause__
        return _Looked(problem=told, is_foreign=True)
    if existing.descriptor is None:
        return _Looked()
    noted = noted_job(existing.descriptor)
    if noted is None:
        return _Looked(existing=existing, is_foreign=True)  # by hand: the same may be taken over
    if (noted.identity["name"], noted.identity["export"]) != (job.name, export.name):
        whose = "export {export!r} of job {name!r}".format(**noted.identity)
        problem = DestinationError(f"{path}: is a package of {whose}, and is left alone; choose another `to`")
        return _Looked(existing=existing, problem=problem, is_foreign=True)
    if noted.identity["period"] != name:  # a copy, which holds other rows than its name says
        problem = DestinationError(
            f"{path}: is the package of period {noted.identity['period']!r}, and is left alone; move it away"
        )
        return _Looked(existing=existing, problem=problem, is_foreign=True)
    return _Looked(existing=existing, noted=noted)


_NOTHING = _Looked()


def _noted_period(job: Job, export: JobExport, name: str, found: _Looked) -> Period:
    """The period of a package that no session of the store concerns."""
    if export.period == "all":
        return ALL
    calendar = job.calendar(export)
    if calendar is not None:
        return calendar.named(name) or Period(name, None, None)
    noted = found.noted
    times = () if noted is None else (noted.since, noted.until)
    since, until = (None if text is None else _nanoseconds(text) for text in times)
    descriptor = {} if found.existing is None else found.existing.descriptor or {}
    try:
        session_id = str(descriptor["pipeline:options"]["selection"]["sessions"][0])
    except (LookupError, TypeError):
        session_id = name
    return Period(name, since, until, session_id)


@dataclass(frozen=True)
class _Place:
    """A period, what lies in the place of its package, and what should."""

    job: Job
    export: JobExport
    period: Period
    found: _Looked
    sessions: Mapping[str, MadeOf]
    added: Mapping[str, Any]

    def planned(self, reason: Reason) -> PlannedPeriod:
        existing = self.found.existing
        return PlannedPeriod(
            export=self.export,
            period=self.period,
            to=self.export.destination.path(self.period.name),
            reason=reason,
            sessions=len(self.sessions),
            state=state_of(self.job.shaping_options(self.export, self.period), self.sessions),
            noted=self.found.noted,
            replaces={} if existing is None or existing.descriptor is None else existing.descriptor,
            problem=self.found.problem,
        )

    def reason(self) -> Reason | None:
        """Say why the period is to be published, None where its package is what it should be."""
        noted, existing = self.found.noted, self.found.existing
        if noted is None or existing is None:
            return "missing" if self.sessions else None
        if existing.damage:
            return "damaged"
        if not existing.is_of(self.job.shaping_options(self.export, self.period), self.added):
            return "options"
        if noted.results_version != RESULTS_VERSION:
            return "program"
        return _difference(noted.made_of, self.sessions)


def _difference(before: Mapping[str, MadeOf], now: Mapping[str, MadeOf]) -> Reason | None:
    if before.keys() - now.keys():
        return "removed"
    if any(now[name] != one for name, one in before.items()):
        return "replaced"
    return "late" if now.keys() - before.keys() else None


def _kept(export: JobExport, periods: Mapping[str, Period], at: int) -> set[str]:
    """Names of the periods that are not older than what is kept."""
    keep = export.keep
    if keep is None:
        return set(periods)
    if keep.count is not None:
        newest = sorted(periods.values(), key=lambda one: _age(one, at), reverse=True)
        return {one.name for one in newest[: keep.count]}
    limit = at - (keep.nanoseconds or 0)
    return {name for name, one in periods.items() if one.until is None or one.until > limit}


def _age(period: Period, at: int) -> tuple[int, str]:
    """By which one period is newer than another: when it ended."""
    return period.until or at, period.name


def _expired(places: Sequence[_Place], kept: Collection[str], at: int) -> list[PlannedPeriod]:
    """Find the packages to remove: of this export, undamaged, not kept, and never the newest."""
    published = [
        one
        for one in sorted(places, key=lambda one: _age(one.period, at))
        if one.found.noted is not None and one.found.existing is not None and not one.found.existing.damage
    ]
    return [one.planned("expired") for one in published[:-1] if one.period.name not in kept]
