"""What happens to a store in a year of nights, and what it should hold then, in plain Python."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from period_rules import microseconds, moment

if TYPE_CHECKING:
    import random
    from pathlib import Path

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
FIRST_DAY = datetime(2026, 2, 20, tzinfo=UTC)
"""Both nights of the clock change of Berlin lie in the year that begins then, one in the first 60 days."""
_HOUR = 3_600_000_000
_METRICS = ("control_rtt", "jitter")
SLOW = 60.0
"""Rows above it are in one of the exports."""


class Row(NamedTuple):
    """A measurement; its time in microseconds since the epoch."""

    sequence: int
    time: int
    metric: str
    value: float | None


class Table(NamedTuple):
    """An export of a job.

    Attributes:
        name: of the export.
        kind: of it.
        period: of it.
        more: further keys of the job file.
        slow: only rows above a value.
        keep_days: age of what is kept, 0 for ever.
        keep_count: number of periods that are kept, 0 for all.
    """

    name: str
    kind: str
    period: str
    more: str = ""
    slow: bool = False
    keep_days: int = 0
    keep_count: int = 0

    @property
    def text(self) -> str:
        """The export in a job file."""
        lines = [
            "[[export]]",
            f'name = "{self.name}"',
            f'kind = "{self.kind}"',
            f'period = "{self.period}"',
            f'to = "published/{self.name}/{{period}}"',
            "no_sync = true",
            *([] if self.period == "all" else ['grace = "2h"']),
            *([f'where = "value > {SLOW}"'] if self.slow else []),
            *([f'keep = "{self.keep_days}d"'] if self.keep_days else []),
            *([f"keep = {self.keep_count}"] if self.keep_count else []),
            self.more,
        ]
        return "\n".join(lines) + "\n\n"

    def takes(self, row: Row) -> bool:
        """Whether a row is in it."""
        return not self.slow or (row.value is not None and row.value > SLOW)


class NightlyJob(NamedTuple):
    """A job: its name, its zone, its exports, and whether it imports what came."""

    name: str
    zone: ZoneInfo
    tables: tuple[Table, ...]
    imports: bool

    def write(self, directory: Path) -> Path:
        """Write its file."""
        imports = '[import]\nfiles = ["incoming/*.ndjson"]\nif_exists = "replace"\n\n' if self.imports else ""
        head = f'source = "store"\ntimezone = "{self.zone.key}"\n\n'
        path = directory / f"{self.name}.toml"
        path.write_text(head + imports + "".join(table.text for table in self.tables), encoding="utf-8")
        return path


JOBS = (
    NightlyJob(
        "berlin",
        BERLIN,
        (
            Table("hourly", "statistics", "day", 'window = "1h"'),
            Table("daily", "measurements", "day", 'format = "parquet"'),
            Table("slow", "measurements", "day", 'format = "csv"', slow=True),
            Table("weekly", "statistics", "week", 'format = "parquet"'),
            Table("monthly", "measurements", "month", 'compression = "gzip"'),
            Table("each", "measurements", "session", 'format = "json"'),
            Table("quarters", "measurements", "6h", 'format = "arrow"', keep_days=40),
            Table("newest", "measurements", "week", keep_count=3),
        ),
        imports=True,
    ),
    NightlyJob(
        "kathmandu",
        KATHMANDU,
        (
            Table("days", "measurements", "day"),
            Table("windows", "statistics", "day", 'window = "15m"'),
            Table("everything", "statistics", "all", 'scope = "cross-session"'),
        ),
        imports=False,
    ),
)


@dataclass
class _Came:
    """A session: what it holds, and when it comes."""

    session_id: str
    rows: tuple[Row, ...]
    night: int


@dataclass
class Nights:
    """A store and what comes to it, night by night.

    Attributes:
        directory: in which all lies: `store`, `incoming`, `published`.
        draw: decides.
        busy: sessions a day, in the mean.
        sessions: what the store should hold after a run, by id.
        done: how often each kind of change was made.
    """

    directory: Path
    draw: random.Random
    busy: float = 1.0
    sessions: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    _coming: list[_Came] = field(default_factory=list)
    _pending: set[str] = field(default_factory=set)
    _count: int = 0

    @property
    def store(self) -> Path:
        """The store."""
        return self.directory / "store"

    def _note(self, kind: str) -> None:
        self.done[kind] = self.done.get(kind, 0) + 1

    def _file(self, session_id: str) -> Path:
        """The file by which a session comes through the job, if it does."""
        return self.directory / "incoming" / f"{session_id}.ndjson"

    def begin(self) -> None:
        """Make the directories and a first session."""
        (self.directory / "incoming").mkdir(parents=True)
        (self.directory / "published").mkdir(exist_ok=True)
        self._arrive(_Came("first", self._rows(microseconds(FIRST_DAY), 1), 0), through_job=False)

    def has_run(self) -> None:
        """Note that a run has imported all files, and remembers it."""
        self._pending.clear()

    def change(self, night: int, *, last: bool = False) -> None:
        """Do what happens on the day before a night.

        Args:
            night: its number.
            last: all that is still to come comes.
        """
        for _ in range(2):
            if self.draw.random() < self.busy / 2:
                self._record(night)
        due = [one for one in self._coming if last or one.night <= night]
        self.draw.shuffle(due)  # in whatever order
        for one in due:
            self._coming.remove(one)
            self._arrive(one, through_job=self.draw.random() < 0.7)
        for share, act in ((0.15, self._replace), (0.1, self._touch), (0.06, self._compact)):
            if self.draw.random() < share:
                act()
        if self.draw.random() < 0.05:
            self._delete()

    def _record(self, night: int) -> None:
        """Let a session begin on the day before a night; it comes when it has ended, or later."""
        (hours,) = self.draw.choices((0.3, 3.0, 20.0, 120.0), (50, 35, 12, 3))
        start = microseconds(FIRST_DAY + timedelta(night)) + int(self.draw.random() * 24 * _HOUR)
        length = hours * self.draw.uniform(0.2, 1.5)
        (late,) = self.draw.choices((0, self.draw.randint(1, 5), self.draw.randint(6, 30)), (70, 22, 8))
        self._count += 1
        session_id = f"s{self._count:04}"
        ended = night + 1 + int(length / 24)
        self._coming.append(_Came(session_id, self._rows(start, length), ended + late))
        if late:
            self._note("late")

    def _rows(self, start: int, hours: float) -> tuple[Row, ...]:
        count = self.draw.randint(4, 24)
        times = sorted(start + int(self.draw.random() * hours * _HOUR) for _ in range(count))
        # Now and then a sample is at the very border of a day, by either zone.
        if self.draw.random() < 0.2:
            zone = self.draw.choice((BERLIN, KATHMANDU))
            local = moment(times[-1]).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
            border = microseconds(local.astimezone(UTC)) - self.draw.choice((0, 1))
            if border >= start:
                times[0] = border
        if moment(times[0]).astimezone(BERLIN).date() != moment(times[-1]).astimezone(BERLIN).date():
            self._note("over midnight")
        return tuple(
            Row(
                at,
                time,
                self.draw.choice(_METRICS),
                self.draw.choice((None, self.draw.lognormvariate(3, 1), float(at))),
            )
            for at, time in enumerate(times)
        )

    def write_rows(self, path: Path, session_id: str, rows: tuple[Row, ...]) -> Path:
        """Write a session as NDJSON, as a whole."""
        lines = [
            {
                "session_id": session_id,
                "sequence": row.sequence,
                "timestamp": moment(row.time).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "metric": row.metric,
                "value": row.value,
                "unit": "ms",
            }
            for row in rows
        ]
        new = path.with_suffix(".new")
        new.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        new.replace(path)
        return path

    def _import(self, session_id: str, rows: tuple[Row, ...]) -> None:
        from pipeline import import_sessions  # noqa: PLC0415 - after the environment is set

        path = self.write_rows(self.directory / f"{session_id}.ndjson", session_id, rows)
        import_sessions(path, self.store, if_exists="replace")
        path.unlink()

    def _leave(self, session_id: str, rows: tuple[Row, ...]) -> None:
        """Leave a session for the next run."""
        self._pending.add(session_id)
        self.write_rows(self._file(session_id), session_id, rows)

    def _arrive(self, came: _Came, *, through_job: bool) -> None:
        self._note("came" if through_job else "imported")
        self.sessions[came.session_id] = came.rows
        if through_job:
            self._leave(came.session_id, came.rows)
        else:
            self._import(came.session_id, came.rows)

    def _any(self) -> str:
        return self.draw.choice(sorted(self.sessions))

    def _replace(self) -> None:
        """Give a session other rows, on other days now and then."""
        session_id = self._any()
        start = self.sessions[session_id][0].time + self.draw.choice((0, 0, -24, 24)) * _HOUR
        self.sessions[session_id] = rows = self._rows(start, self.draw.choice((0.5, 5.0, 30.0)))
        if self._file(session_id).exists():
            self._leave(session_id, rows)
        else:
            self._import(session_id, rows)
        self._note("replaced")

    def _touch(self) -> None:
        """Do again what was done: nothing changes."""
        session_id = self._any()
        if self._file(session_id).exists():
            os.utime(self._file(session_id))
        else:
            self._import(session_id, self.sessions[session_id])
        self._note("touched")

    def _compact(self) -> None:
        from pipeline import compact_store  # noqa: PLC0415 - after the environment is set

        compact_store(self.store)
        self._note("compacted")

    def _delete(self) -> None:
        from pipeline import delete_sessions, list_sessions  # noqa: PLC0415 - after the environment is set

        there = {one["session_id"] for one in list_sessions(self.store)} & set(self.sessions)
        if len(there) < 2:
            return
        session_id = self.draw.choice(sorted(there))
        delete_sessions(self.store, sessions=[session_id])
        del self.sessions[session_id]
        if session_id in self._pending:  # else the job remembers the file, which may stay
            self._pending.remove(session_id)
            self._file(session_id).unlink(missing_ok=True)
        self._note("deleted")
