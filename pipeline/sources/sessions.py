"""The sessions of files: what their records say, united with what their rows hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.model.columns import UNTYPED
from pipeline.model.metric_facts import facts_of
from pipeline.model.session import Session
from pipeline.model.session_record import SessionRecord
from pipeline.rows.summary import SessionSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.metric_facts import MetricFacts
    from pipeline.rows.summary import SummaryOfSessions
    from pipeline.sources.options import PlainOptions


class RecordedSessions:
    """The records of the sessions of all files, and what becomes of them when the rows are known."""

    def __init__(self, options: PlainOptions, unit: TimestampUnit) -> None:
        """Begin without a record.

        Args:
            options: how the files are read.
            unit: timestamp unit to arrive at.
        """
        self._options = options
        self._unit = unit
        self._records: dict[str, SessionRecord] = {}
        self._facts: dict[tuple[tuple[str, MetricFacts], ...], dict[str, MetricFacts]] = {}

    def keep(self, path: Path, records: list[SessionRecord], ids: list[str] | None = None) -> None:
        """Keep the records that came with a file.

        Args:
            path: the file.
            records: what came with it.
            ids: the sessions of its rows, None where nobody needs to know.

        Raises:
            SourceError: they contradict each other or the rows.
        """
        if len(records) == 1 and records[0].session_id is None:
            if ids is not None and len(ids) == 1:
                records = [replace(records[0], session_id=ids[0])]
            else:
                raise SourceError(f"the session record beside {path.name} names no session_id")
        for record in records:
            if record.session_id is None:
                raise SourceError(f"a session record beside {path.name} names no session_id")
            for which in ("started_at", "ended_at"):
                record.ticks(which, self._unit, self._options.zone)
            before = self._records.setdefault(record.session_id, record)
            if before != record:
                raise SourceError(f"two different records of session {record.session_id!r}")
            if ids and len(records) == 1 and record.session_id not in ids:
                raise SourceError(f"its session record is of {record.session_id!r}, its rows are of {ids[0]!r}")

    @property
    def starts(self) -> dict[str, int]:
        """Start of each session whose record says it, or all where the options do."""
        starts = {session_id: self._recorded_start(record) for session_id, record in self._records.items()}
        return {session_id: start for session_id, start in starts.items() if start is not None}

    @property
    def default_start(self) -> int | None:
        """Start of sessions without a record, where the options say it."""
        given = SessionRecord(started_at=self._options.started_at)
        return given.ticks("started_at", self._unit, self._options.zone)

    def _recorded_start(self, record: SessionRecord) -> int | None:
        start = record.ticks("started_at", self._unit, self._options.zone)
        return self.default_start if start is None else start

    def start_of(self, session_id: str, rows: SessionSummary) -> int:
        """Say when a session started, by its record, by the options, or by its first row.

        Raises:
            SourceError: nobody says it.
        """
        start = self._recorded_start(self._records.get(session_id, SessionRecord()))
        if start is None:
            start = rows.first_row_timestamp
        if start is None:
            raise SourceError(f"session {session_id!r} has no rows and its record no started_at; give --started-at")
        return start

    def in_order(self, summary: SummaryOfSessions) -> bool:
        """Whether the sessions came in the order of the model: by start, then by id."""
        keys = [(self.start_of(id_, rows), id_) for id_, rows in summary.by_session.items()]
        return keys == sorted(keys)

    def unite(
        self, summary: SummaryOfSessions, dropped: Mapping[str, int], attributes: Mapping[str, str]
    ) -> Iterator[Session]:
        """Unite the records with the rows.

        Args:
            summary: of the rows of all sessions.
            dropped: by session, how many times had digits below the unit.
            attributes: type name by attribute column, of sessions without rows.

        Raises:
            SourceError: a record says another number of rows, or nobody says when a session started.
        """
        empty = SessionSummary()
        typed = {name for rows in summary.by_session.values() for name, kind in rows.columns.items() if kind != UNTYPED}
        # A format may say a type of what is null in all rows.
        found = {name: kind if name in typed else UNTYPED for name, kind in attributes.items()}
        for session_id in dict.fromkeys([*summary.by_session, *self._records]):
            # What is not needed any more takes no memory.
            rows = summary.by_session.pop(session_id, empty)
            record = self._records.get(session_id)
            if record and record.described_count and not rows.measurement_count and record.measurement_count is None:
                continue  # a package describes in each of its files sessions whose rows are in another, or nowhere
            yield self.unite_one(
                session_id, rows, dropped.get(session_id, 0), found if record and record.is_described else attributes
            )

    def unite_one(self, session_id: str, rows: SessionSummary, dropped: int, attributes: Mapping[str, str]) -> Session:
        """Unite the record of a session with its rows; arguments and errors are those of `unite`."""
        record = self._records.get(session_id, SessionRecord(session_id=session_id))
        expected = record.measurement_count
        if expected is not None and expected != rows.measurement_count and not self._options.skip_bad:
            raise SourceError(
                f"session {session_id!r}: its record says {expected} measurements, "
                f"its rows are {rows.measurement_count}; something is missing or doubled"
            )
        figures = rows.figures()
        _require_digest(session_id, record.content_digest, figures["content_digest"])
        start = self.start_of(session_id, rows)
        end = record.ticks("ended_at", self._unit, self._options.zone)
        if end is None:
            end = rows.end_after(start)
        facts = facts_of(rows.metrics, record.metric_facts)
        return Session(
            session_id=session_id,
            timestamp_unit=self._unit,
            started_at=start,
            ended_at=end,
            harness_name=record.harness_name,
            harness_version=record.harness_version,
            configuration=record.configuration or self._options.configuration or {},
            attributes=record.attributes,
            **figures,
            # Equal ones are one, of all sessions.
            metric_facts=self._facts.setdefault(tuple(facts.items()), facts),
            dropped_digit_count=record.dropped_digit_count + dropped,
            columns=rows.columns or dict(attributes),
            origin=record.origin,
        )


def _require_digest(session_id: str, recorded: str | None, found: str | None) -> None:
    if None not in {recorded, found} and recorded != found:
        raise SourceError(
            f"session {session_id!r}: its record says that the digest of its rows is {recorded}, it is {found}; "
            "they are damaged or were changed"
        )
