"""A job: what its file says, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.export.options import ExportOptions, export_options, statistics_options
from pipeline.jobs.periods import ALL, Calendar
from pipeline.model.timestamps import format_timestamp, parse_instant, parse_zone
from pipeline.statistics.options import StatisticsOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo
    from pathlib import Path

    from pipeline.jobs.destinations import Destination
    from pipeline.jobs.periods import Period, PeriodKind
    from pipeline.package.job_note import JobNote
    from pipeline.targets.target_file import Target

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "measurements": {"scope": "cross-session", "format": "ndjson"},
    "statistics": {"scope": "per-session", "format": "csv"},
}
_OF_STATISTICS = {
    "by": (),
    "window": None,
    "quantiles": (),
    "lost": "exclude",
    "window_origin": "epoch",
    "kinds": (),
}


@dataclass(frozen=True)
class Keep:
    """What is kept of the packages of an export.

    Attributes:
        nanoseconds: those whose period ended less than this before the instant of the run.
        count: so many, the newest.
    """

    nanoseconds: int | None = None
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class JobExport:
    """One export of a job.

    Attributes:
        name: of the export.
        kind: what it publishes.
        period: what a package is of.
        destination: where to.
        grace: nanoseconds that must have passed since a period has ended.
        keep: which packages stay; all where it is None.
        publishes_empty: a period without rows is published, too.
        options: those of the command, by the names that Python has for them.
        targets: what its rows are checked against.
    """

    name: str
    kind: Literal["measurements", "statistics"]
    period: PeriodKind
    destination: Destination
    grace: int = 0
    keep: Keep | None = None
    publishes_empty: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobImport:
    """What a job imports first.

    Attributes:
        files: paths and globs.
        settle_seconds: files that were changed since wait for the next run.
        options: those of the command, by the names that Python has for them.
    """

    files: tuple[str, ...]
    settle_seconds: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job.

    Attributes:
        path: its file.
        name: its name.
        source: the store.
        timezone: IANA name of the zone of periods, windows, and times that name none; UTC where it is None.
        metrics: file of metrics in Prometheus' text format, None where none is wanted.
        imports: what is imported first, None where nothing is.
        exports: in the order of the file.
    """

    path: Path
    name: str
    source: Path
    timezone: str | None = None
    metrics: Path | None = None
    imports: JobImport | None = None
    exports: tuple[JobExport, ...] = ()
    _shaped: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def zone(self) -> tzinfo:
        """The zone."""
        return parse_zone(self.timezone or "UTC")

    def calendar(self, export: JobExport) -> Calendar | None:
        """The periods of an export, None where they are sessions, or all."""
        return None if export.period in {"session", "all"} else Calendar(export.period, self.zone)

    def bounds(self, export: JobExport) -> tuple[int | None, int | None]:
        """`since` and `until` of an export, in nanoseconds."""
        since, until = (
            None
            if export.options.get(name) is None
            else parse_instant(export.options[name], option=f"--{name}", zone=self.zone)
            for name in ("since", "until")
        )
        return since, until

    def export_options(
        self, export: JobExport, period: Period, note: JobNote | None = None, *, may_be_empty: bool = True
    ) -> ExportOptions:
        """Make the options that publish a period.

        Args:
            export: of this job.
            period: the period.
            note: what the package says of the job; None where no package of the job is meant.
            may_be_empty: publish a period that has no rows.

        Raises:
            UsageError: they exclude each other.
        """
        since, until = self._times(export, period)
        given = {
            **_DEFAULTS[export.kind],
            **export.options,
            "source": self.source,
            "to": export.destination.path(period.name),
            "timezone": self.timezone,
            "since": since,
            "until": until,
            "overwrite": note is not None,
            "fail_if_empty": not may_be_empty,
            "job": note,
            "targets": export.targets,
        }
        if period.session_id is not None:
            given["sessions"] = (period.session_id,)
        return export_options(given, self._tables(export), self._statistics(export, given))

    def shaping_options(self, export: JobExport, period: Period) -> dict[str, Any]:
        """The options that shape the package of a period, as `ExportOptions.shaping_options` gives them."""
        since, until = self._times(export, period)
        whole = self._shaping(export)
        selection = whole["selection"] | {"since": since, "until": until}
        if period.session_id is not None:
            selection["sessions"] = (period.session_id,)
        return whole | {"selection": selection}

    def _shaping(self, export: JobExport) -> dict[str, Any]:
        """Those of all periods, made once: there may be very many."""
        if export.name not in self._shaped:
            self._shaped[export.name] = self.export_options(export, ALL).shaping_options()
        return self._shaped[export.name]

    def _times(self, export: JobExport, period: Period) -> tuple[str | None, str | None]:
        """First moment of a period, and the one after it, within the bounds of the export, RFC 3339.

        A session is taken as a whole.
        """
        since, until = self.bounds(export)
        of_period = (None, None) if period.session_id is not None else (period.since, period.until)
        low = [time for time in (since, of_period[0]) if time is not None]
        high = [time for time in (until, of_period[1]) if time is not None]
        return format_timestamp(max(low), "ns") if low else None, format_timestamp(min(high), "ns") if high else None

    def _tables(self, export: JobExport) -> tuple[str, ...]:
        if export.kind == "statistics":
            return ("statistics",)
        return ("measurements", "statistics") if export.options.get("with_statistics") else ("measurements",)

    def _statistics(self, export: JobExport, given: Mapping[str, Any]) -> StatisticsOptions:
        if export.kind == "measurements":
            return StatisticsOptions(timezone=self.timezone or "UTC")
        own = {name: given.get(name, default) for name, default in _OF_STATISTICS.items()}
        return statistics_options(timezone=self.timezone, scope=given["scope"], **own)
