"""The sessions of files: what their records say, united with what their rows hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import chain, pairwise
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
    from pipeline.sources.options import PlainOptions


_NO_RECORD = SessionRecord()


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
        self._configuration = options.configuration or {}
        self._metrics: dict[tuple[str, ...], tuple[str, ...]] = {}
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

    @cached_property
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
        start = self._recorded_start(self._records.get(session_id, _NO_RECORD))
        if start is None:
            start = rows.first_row_timestamp
        if start is None:
            raise SourceError(f"session {session_id!r} has no rows and its record no started_at; give --started-at")
        return start

    def in_order(self, summaries: Mapping[str, SessionSummary]) -> bool:
        """Whether sessions came in the order of the model: by start, then by id.

        Args:
            summaries: of the rows of each, by id, as they came.
        """
        keys = ((self.start_of(session_id, rows), session_id) for session_id, rows in summaries.items())
        return all(before < after for before, after in pairwise(keys))

    def unite(
        self, summaries: Mapping[str, SessionSummary], dropped: Mapping[str, int], attributes: Mapping[str, str]
    ) -> Iterator[Session]:
        """Unite the records with the rows.

        Args:
            summaries: of the rows of all sessions, by id.
            dropped: by session, how many times had digits below the unit.
            attributes: type name by attribute column, of sessions without rows.

        Raises:
            SourceError: a record says another number of rows, or nobody says when a session started.
        """
        empty = SessionSummary()
        found = attributes
        if any(record.is_described for record in self._records.values()):
            shapes = {tuple(rows.columns.items()) for rows in summaries.values()}
            typed = {name for shape in shapes for name, kind in shape if kind != UNTYPED}
            # A format may say a type of what is null in all rows.
            found = {name: kind if name in typed else UNTYPED for name, kind in attributes.items()}
        without_rows = [session_id for session_id in self._records if session_id not in summaries]
        for session_id in chain(summaries, without_rows):
            rows = summaries.get(session_id, empty)
            record = self._records.get(session_id)
            if record and record.described_count and not rows.measurement_count and record.measurement_count is None:
                continue  # a package describes in each of its files sessions whose rows are in another, or nowhere
            yield self.unite_one(
                session_id, rows, dropped.get(session_id, 0), found if record and record.is_described else attributes
            )

    def unite_one(self, session_id: str, rows: SessionSummary, dropped: int, attributes: Mapping[str, str]) -> Session:
        """Unite the record of a session with its rows; arguments and errors are those of `unite`."""
        record = self._records.get(session_id, _NO_RECORD)
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
        # Equal ones are one, of all sessions.
        figures["metrics"] = metrics = self._metrics.setdefault(figures["metrics"], figures["metrics"])
        facts = facts_of(metrics, record.metric_facts)
        return Session(
            session_id=session_id,
            timestamp_unit=self._unit,
            started_at=start,
            ended_at=end,
            harness_name=record.harness_name,
            harness_version=record.harness_version,
            configuration=record.configuration or self._configuration,
            attributes=record.attributes,
            **figures,
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
