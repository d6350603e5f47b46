"""A scan: what a source holds, planned without reading rows, and its rows in order, batch by batch."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceError
from pipeline.model.columns import KEY_COLUMNS, UNTYPED, TimestampUnit, measurements_schema, with_repeated
from pipeline.rows.batches import select_columns
from pipeline.rows.normalise import conform_to
from pipeline.rows.rules import RowChecker, bad_row, require_short_rows
from pipeline.rows.runs import session_runs
from pipeline.scan.data_file import DataFile, check_hash, follow, row_groups
from pipeline.scan.order import Order, OrderCheck, SessionRows, in_order, in_turns
from pipeline.scan.parquet import read_parquet, read_stored, repeated_by_footer, repeated_texts
from pipeline.scan.reading import Reading, reading_errors
from pipeline.scan.stored import open_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pipeline.model.session import Session
    from pipeline.native import RowFacts
    from pipeline.scan.passing import PassingSessions
    from pipeline.scan.reading import InThread, TimeBounds

    Cut = Callable[[DataFile, pa.RecordBatch, RowFacts], Iterator["Rows"]]

Rows = TypeVar("Rows")
DEFAULT_BATCH_SIZE = 32_768
TOUCHED = "touched-sha256:"
"""Begins the fingerprint of the sessions of a source that a selection touches."""
FILES = "files-sha256:"
"""Begins the fingerprint of plain files that are told by their bytes."""


class _Reading(NamedTuple):
    """What is read of the files.

    Attributes:
        how: how they are read.
        names: the columns.
        repeated: those of them that are read as dictionaries.
        schema: of the columns.
        wanted: the sessions, by id, in order.
        times: the range of time that rows are wanted of.
        left_out: gets, by session, how many rows are passed over as they lie outside of that.
    """

    how: Reading
    names: Sequence[str]
    repeated: Sequence[str]
    schema: pa.Schema
    wanted: Mapping[str, Session]
    times: TimeBounds
    left_out: Counter[str]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A source, ready to be read.

    Attributes:
        name: what the source is called in packages: its last path component.
        timestamp_unit: unit of all timestamps.
        sessions: in order.
        files: in the order of their rows.
        attributes: type name by attribute column of all sessions together.
        all_attributes: the same of all sessions of the source, of which these are some; None where they are all.
        files_sha256: of plain files that are read where they lie: waits for the SHA-256 of their bytes and of what is
            recorded beside them, but for what may be redacted; else None.
        passing: where what only rows say of the sessions is not known before all have passed: what gathers it; None
            where all is known.
        is_as_it_lies: an engine that reads the files, and nothing else, reads these rows.
        dictionaries: string columns that are read as dictionaries, where these are some files of many, of all of which
            the first tells; else None.
    """

    name: str
    timestamp_unit: TimestampUnit
    sessions: Sequence[Session]
    files: tuple[DataFile, ...]
    attributes: Mapping[str, str]
    all_attributes: Mapping[str, str] | None = None
    files_sha256: Callable[[], str] | None = None
    passing: PassingSessions | None = None
    is_as_it_lies: bool = True
    dictionaries: frozenset[str] | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of the measurements of all sessions together."""
        return measurements_schema(self.timestamp_unit, self.attributes)

    @property
    def unheld(self) -> dict[str, str]:
        """Type name by attribute column that sessions of the source have, and none of these."""
        return {name: kind for name, kind in (self.all_attributes or {}).items() if name not in self.attributes}

    @cached_property
    def repeated(self) -> AbstractSet[str]:
        """String columns that are read as dictionaries; what holds for the first file is taken for all."""
        if self.dictionaries is not None:
            return self.dictionaries
        for file in self.files[:1]:
            if file.read is not None:
                return set(file.repeated)
            _, texts = follow(file, _repeated_texts)
            return texts & set(self.schema.names)
        return set()

    @cached_property
    def _checked(self) -> set[DataFile]:
        """The files that were compared with their records as a whole, before they are read."""
        return set()

    @property
    def is_in_turns(self) -> bool:
        """Whether its files, one behind the other, are not in the order of the model: their sessions alternate."""
        return in_turns(self.files, {session.session_id: session for session in self.sessions})

    def physical_schema(self, columns: Sequence[str]) -> pa.Schema:
        """Schema of columns as `batches` gives them: strings that repeat are dictionaries."""
        return with_repeated(pa.schema([self.schema.field(name) for name in columns]), self.repeated)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the columns, and of what the sessions' records say, the digests of their rows included.

        Of files that are told by their bytes it is that of these, and of what is recorded of the sessions; it is known
        when they have been hashed, which takes about as long as to read their rows.

        Raises:
            SourceError: a file cannot be read.
        """
        digest = hashlib.sha256(self.timestamp_unit.encode())
        if self.files_sha256 is not None:
            recorded = [[one.session_id, dict(one.configuration), dict(one.attributes)] for one in self.sessions]
            recorded.sort(key=lambda one: str(one[0]))
            digest.update(json.dumps([self.files_sha256(), recorded], sort_keys=True).encode())
            return f"{FILES}{digest.hexdigest()}"
        digest.update(json.dumps(list(self.attributes.items())).encode())
        _add_records(digest, self.sessions)
        return f"{TOUCHED}{digest.hexdigest()}"

    def completed(self, *, digested: bool = True) -> Scan:
        """Give it with all that is known of its sessions; where the rows have not passed, they are read for that.

        Args:
            digested: make digests of rows that are read for that.

        Raises:
            DisorderError: the rows are out of order.
            SourceError: as `batches`.
        """
        if self.passing is None:
            return self
        if not self.passing.is_complete:
            gathering = self.passing.gather(digested=digested)
            reading = self._reading(self.passing.planned, self.schema.names, Reading(DEFAULT_BATCH_SIZE))
            for _ in self._batches(reading, gathering):
                pass
        return replace(self, sessions=self.passing.complete(self.sessions), passing=None)

    def batches(
        self,
        sessions: Sequence[Session] | None = None,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        times: TimeBounds = (None, None),
        ahead: InThread | None = None,
        beside: InThread | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read rows in the order of the model, checked on the way.

        Args:
            sessions: the sessions to read, all by default.
            columns: the columns to read besides session_id and sequence, all by default.
            batch_size: rows of a batch, at most.
            times: rows outside of this range are not wanted; some of them may come.
            ahead: reads row groups in a thread, one ahead of the one that is decoded.
            beside: decodes half of the columns in a thread.

        Yields:
            batches of rows of one session each, their columns in the order of `schema`.

        Raises:
            DisorderError: rows whose sessions were planned before they were read are out of order.
            ReplacedError: a session was replaced by other rows since the source was opened.
            SourceError: a file cannot be read, or does not hold what its session's record says.
        """
        chosen = self.sessions if sessions is None else sessions
        names = [n for n in self.schema.names if columns is None or n in columns or n in KEY_COLUMNS]
        if any(file.rows is not None for file in self.files):
            ahead = beside = None  # of packs that are read in turns one row group each is in memory, and no more
        how = Reading(batch_size, ahead=ahead, beside=beside)
        if self.passing is None or self.passing.is_complete:
            left_out: Counter[str] = Counter()
            order = OrderCheck(chosen, left_out)
            reading = self._reading(chosen, names, how, times, left_out)
            yield from self._batches(reading, order)
            return
        # All sessions pass, for what is wrong with those that are not wanted is wrong with their files.
        wanted = {session.session_id for session in chosen}
        needed = [name for name in self.schema.names if name in names or name in self.passing.columns]
        reading = self._reading(self.passing.planned, needed, how)
        for batch in self._batches(reading, self.passing.gather(digested=False)):
            if batch.column("session_id")[0].as_py() in wanted:
                yield select_columns(batch, names)

    def batches_together(self, sessions: Sequence[Session]) -> Iterator[pa.RecordBatch]:
        """Read rows as `batches` does, all columns; where there are files of many sessions, a batch may have several.

        Args:
            sessions: the sessions to read.
        """
        if self.passing is not None or any(file.is_stored for file in self.files):
            yield from self.batches(sessions)
            return
        if not sessions:
            return
        asked = sessions if len(sessions) < len(self.sessions) else ()
        reading = self._reading(asked, self.schema.names, Reading(DEFAULT_BATCH_SIZE))
        order = OrderCheck(sessions, reading.left_out)
        for file in self.files:
            yield from self._read(reading, file, partial(order.check_together, wanted=reading.wanted or None))
        order.finish()

    def _reading(
        self,
        sessions: Sequence[Session],
        names: Sequence[str],
        how: Reading,
        times: TimeBounds = (None, None),
        left_out: Counter[str] | None = None,
    ) -> _Reading:
        return _Reading(
            how=how,
            names=names,
            repeated=[name for name in names if name in self.repeated],
            schema=self.physical_schema(names),
            wanted={session.session_id: session for session in sessions},
            times=times,
            left_out=Counter() if left_out is None else left_out,
        )

    def _batches(self, reading: _Reading, order: Order) -> Iterator[pa.RecordBatch]:
        cut = partial(_by_session, reading)
        for rows in in_order(self.files, reading.wanted, partial(self._read, reading, cut=cut)):
            with reading_errors(rows.file.path):
                order.check(rows)
            yield rows.batch
        order.finish()

    def _read(self, reading: _Reading, found: DataFile, cut: Cut[Rows]) -> Iterator[Rows]:
        """Read the rows of a file, checked, and cut each batch."""
        check = RowChecker(reading.schema)
        file, (first, batches, left_out) = follow(found, partial(self._open, reading))
        reading.left_out.update(left_out)
        with closing(batches), reading_errors(file.path):
            _check_columns(first.schema, file, reading)
            for raw in itertools.chain([first], batches):
                if not (file.is_stored or file.is_temporary):
                    require_short_rows(raw)
                batch = conform_to(raw, reading.schema)
                yield from cut(file, batch, check(batch))

    def _open(
        self, reading: _Reading, file: DataFile
    ) -> tuple[pa.RecordBatch, Generator[pa.RecordBatch, None, None], Mapping[str, int]]:
        """Compare what is read of a file with its record, and open it; from then on it is read, whatever has its name.

        Returns:
            a batch of its schema, its rows, and how many of them are left out, by session.
        """
        left_out: Mapping[str, int] = {}
        if file.read is not None:
            batches = file.read(file.opened_as, reading.how, reading.names, reading.repeated)
        elif (stored := open_stored(file.opened_as, file.sha256, file.parts)) is not None:
            groups, left_out = row_groups(file, reading.wanted, stored.footer, reading.times)
            batches = read_stored(stored, reading.how, reading.names, reading.repeated, groups)
        else:
            if file not in self._checked:
                check_hash(file)
                self._checked.add(file)
            groups, left_out = row_groups(file, reading.wanted)
            batches = read_parquet(file.opened_as, reading.how, reading.names, reading.repeated, groups)
        return next(batches), batches, left_out


def _by_session(reading: _Reading, file: DataFile, batch: pa.RecordBatch, facts: RowFacts) -> Iterator[SessionRows]:
    """Cut a batch into the rows of the wanted sessions."""
    for session_id, start, stop in session_runs(batch, one=facts.constant):
        rows = batch.slice(start, stop - start)
        if file.is_stored and session_id not in file.session_ids:
            raise bad_row(rows, 0, "session_id", "is in the file of another session")
        if session_id in reading.wanted and session_id not in file.without:
            yield SessionRows(file, session_id, rows, facts.increasing)


def _repeated_texts(file: DataFile) -> set[str]:
    if file.is_temporary:
        return repeated_by_footer(pq.read_metadata(file.opened_as))
    stored = None if file.parts is None else open_stored(file.opened_as, file.sha256, file.parts)
    if stored is None:
        return repeated_texts(file.opened_as)
    stored.close()
    return repeated_by_footer(stored.footer)


def _check_columns(schema: pa.Schema, file: DataFile, reading: _Reading) -> None:
    """Refuse a file that lacks a column of its sessions: nulls in its place would pass for values."""
    held = set(schema.names)
    for session_id in file.session_ids:
        session = reading.wanted.get(session_id)
        for name, kind in session.columns.items() if session is not None else ():
            if kind != UNTYPED and name in reading.names and name not in held:
                raise SourceError(f"has no column {name!r}, which its session's record says it has; it is damaged")


def fingerprint_of_all(sessions: Iterable[Session], unit: TimestampUnit) -> str:
    """Fingerprint of all sessions of a source, as packages of early versions have it."""
    digest = hashlib.sha256(unit.encode())
    _add_records(digest, sessions)
    return f"sha256:{digest.hexdigest()}"


def _add_records(digest: hashlib._Hash, sessions: Iterable[Session]) -> None:
    for session in sessions:
        digest.update(json.dumps(session.describe(), sort_keys=True).encode())
