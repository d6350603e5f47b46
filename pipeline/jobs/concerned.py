"""Which periods sessions concern, by their records: the time range that a record says meets them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.disk.safe_names import safe_name
from pipeline.jobs.periods import ALL, Period
from pipeline.model.arrays import from_integers, integers
from pipeline.model.sessions_table import sessions_table
from pipeline.model.timestamps import TICKS_PER_SECOND
from pipeline.package.job_note import MadeOf, made_of
from pipeline.selection.redaction import redact
from pipeline.selection.touched import find_touched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.jobs.job import Job, JobExport
    from pipeline.jobs.periods import Calendar
    from pipeline.scan.inventory import Inventory
    from pipeline.selection.options import Selection

MANY_PERIODS = 400
"""A session whose time range meets more is read once for the periods in which it has rows."""
_SESSIONS_AT_ONCE = 1_000


@dataclass
class Concerned:
    """What an export is to be made of.

    Attributes:
        periods: by name, those that sessions concern.
        sessions: by name of the period, of what it is made, by session.
        warnings: what its reader should know, a sentence each.
        long: sessions in more than `MANY_PERIODS` periods: first and last time in nanoseconds, and what each is.
    """

    periods: dict[str, Period] = field(default_factory=dict)
    sessions: dict[str, dict[str, MadeOf]] = field(default_factory=lambda: defaultdict(dict))
    warnings: list[str] = field(default_factory=list)
    long: dict[str, tuple[int, int, MadeOf]] = field(default_factory=dict)

    def add(self, period: Period, session_id: str, of: MadeOf) -> None:
        """Add a session to a period."""
        self.periods[period.name] = period
        self.sessions[period.name][session_id] = of

    def add_long_sessions(self, periods: Iterable[Period]) -> None:
        """Add them to periods that are there because of others, or were published: they are in those packages, too."""
        for period in periods:
            for session_id, (first, last, of) in self.long.items():
                if _is_within(period, first, last + 1):
                    self.sessions[period.name][session_id] = of


def find_concerned(job: Job, export: JobExport, inventory: Inventory, selection: Selection) -> Concerned:
    """Find the periods that the sessions of a store concern; no file of rows is opened but for `MANY_PERIODS`.

    Args:
        job: the job.
        export: of the job.
        inventory: what the store holds.
        selection: of the export, without a period.

    Raises:
        SourceError: the store is damaged, or lacks what the selection names.
        UsageError: the selection cannot be read.
    """
    found = Concerned()
    _, places = find_touched(inventory, selection, may_be_missing=True)
    touched = np.asarray(places, np.int64)
    known = dict(_made_of(inventory, touched, selection))
    for session_id, period in _concerning(job, export, inventory, touched, known, found):
        found.add(period, session_id, known[session_id])
    return found


def _made_of(inventory: Inventory, touched: NDArray[np.int64], selection: Selection) -> Iterator[tuple[str, MadeOf]]:
    """Say of what packages are made, of each session that is touched."""
    if not selection.redact:
        yield from made_of(inventory.table().take(from_integers(touched.tolist(), pa.int64())))
        return
    for begin in range(0, len(touched), _SESSIONS_AT_ONCE):
        sessions, _ = redact(inventory.sessions(touched[begin : begin + _SESSIONS_AT_ONCE].tolist()), selection.redact)
        yield from made_of(sessions_table(sessions, inventory.timestamp_unit, for_sql=True))


def _concerning(
    job: Job,
    export: JobExport,
    inventory: Inventory,
    touched: NDArray[np.int64],
    known: Mapping[str, MadeOf],
    found: Concerned,
) -> Iterator[tuple[str, Period]]:
    ids, times = inventory.session_ids, inventory.times
    if export.period == "all":
        yield from ((ids[place], ALL) for place in touched.tolist())
        return
    ticks_per_second = TICKS_PER_SECOND[inventory.timestamp_unit]
    scale = TICKS_PER_SECOND["ns"] // ticks_per_second
    touched = touched[~times.is_empty[touched]]
    first, last = times.first[touched], times.last[touched]
    calendar = job.calendar(export)
    if calendar is None:
        for place, low, high in zip(touched.tolist(), first.tolist(), last.tolist(), strict=True):
            yield ids[place], Period(safe_name(ids[place]), low * scale, high * scale + 1, ids[place])
        return
    since, until = job.bounds(export)
    from_numbers, to_numbers = (calendar.numbers(one, ticks_per_second).tolist() for one in (first, last))
    for place, low, high in zip(touched.tolist(), from_numbers, to_numbers, strict=True):
        if high - low < MANY_PERIODS:
            periods = [calendar.period(number) for number in range(low, high + 1)]
        else:
            of = known[ids[place]]
            found.long[ids[place]] = (int(times.first[place]) * scale, int(times.last[place]) * scale, of)
            found.warnings.append(
                f"session {ids[place]!r} lies in more than {MANY_PERIODS} periods of {export.period}; "
                "it was read for those in which it has rows"
            )
            periods = periods_of_rows(calendar, inventory, place)
        for period in periods:
            # A day that the zone skips has no moment.
            if period.since != period.until and _is_within(period, since, until):
                yield ids[place], period


def _is_within(period: Period, low: int | None, high: int | None) -> bool:
    """Whether a period has a moment between the bounds of an export."""
    return (low is None or period.until is None or period.until > low) and (
        high is None or period.since is None or period.since < high
    )


def periods_of_rows(calendar: Calendar, inventory: Inventory, place: int) -> list[Period]:
    """Read the times of a session, and give the periods in which it has rows, in order.

    Raises:
        SourceError: it cannot be read.
    """
    scale = TICKS_PER_SECOND["ns"] // TICKS_PER_SECOND[inventory.timestamp_unit]
    scan = inventory.open([place])
    found: dict[int, Period] = {}
    for batch in scan.batches(scan.sessions, ["timestamp"]):
        ticks = np.unique(integers(batch.column("timestamp")))
        at = 0
        while at < len(ticks):
            number = calendar.number(int(ticks[at]) * scale)
            period = found.setdefault(number, calendar.period(number))
            at = len(ticks) if period.until is None else int(np.searchsorted(ticks, -(-period.until // scale)))
    return [found[number] for number in sorted(found)]


def made_of_all(sessions: Mapping[str, MadeOf]) -> Sequence[tuple[str, str | None, str]]:
    """Give of what a period is to be made, as JSON values, in an order that depends on nothing else."""
    return sorted((name, one.content_digest, one.record_sha256) for name, one in sessions.items())
