"""The order of rows: files are read so that their sessions come in it, and it is checked."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.errors import SourceError
from pipeline.model.arrays import integers
from pipeline.model.compact_sessions import counts_of, ids_of
from pipeline.rows.rules import bad_row, first_out_of_order
from pipeline.rows.runs import disordered, runs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.native import RowFacts
    from pipeline.scan.data_file import DataFile


class SessionRows(NamedTuple):
    """Rows that come next, all of one session.

    Attributes:
        file: where they lie.
        session_id: their session.
        batch: the rows, one at least.
        increasing: their sequence is known to increase.
    """

    file: DataFile
    session_id: str
    batch: pa.RecordBatch
    increasing: bool


def in_order(
    files: Sequence[DataFile], wanted: Mapping[str, Session], read: Callable[[DataFile], Iterator[SessionRows]]
) -> Iterator[SessionRows]:
    """Read files one after the other, but those of packs whose sessions lie between others' in turns.

    Of each file that is read in turns no more than a batch and what its reader keeps are in memory.

    Args:
        files: in the order of their first rows.
        wanted: the sessions to read, by id, in order.
        read: gives the rows of the wanted sessions in a file.
    """
    if all(file.rows is None for file in files):
        for file in files:
            if file.session_id is None or file.session_id in wanted:
                yield from read(file)
        return
    turns = _turns(files, wanted)
    left = Counter(at for at, _ in turns)
    begun: dict[int, _Rows] = {}
    for at, session_ids in turns:
        rows = begun.pop(at, None) or _Rows(read(files[at]))
        left[at] -= 1
        if left[at]:
            begun[at] = rows
            yield from rows.take_while(session_ids)
        else:
            yield from rows


def in_turns(files: Sequence[DataFile], sessions: Mapping[str, Session]) -> bool:
    """Whether the sessions of a file lie between those of others, so that one behind the other is not in order."""
    if all(file.rows is None for file in files):
        return False
    places = [at for at, _ in _turns(files, sessions)]
    return places != sorted(set(places))


def _turns(files: Sequence[DataFile], wanted: Mapping[str, Session]) -> list[tuple[int, set[str]]]:
    """Say in which turns files are to be read, and up to which sessions each time."""
    return [
        (at, {session_id for session_id, _ in places})
        for at, places in groupby(_places(files, wanted), key=lambda place: place[1])
    ]


def _places(files: Sequence[DataFile], wanted: Mapping[str, Session]) -> Iterator[tuple[str, int]]:
    """Say of each session, in order, in which of the files it lies; of one in several, once for each."""
    places: dict[str, list[int]] = {}
    for at, file in enumerate(files):
        for session_id in file.session_ids:
            if session_id in file.without:
                continue
            places.setdefault(session_id, []).append(at)
    for session_id in wanted:
        for at in places.get(session_id, ()):
            yield session_id, at


class _Rows:
    """What a file gives, with a look at what comes next."""

    def __init__(self, rows: Iterator[SessionRows]) -> None:
        self._rows = rows
        self._waiting: SessionRows | None = None

    def __iter__(self) -> Iterator[SessionRows]:
        return self

    def __next__(self) -> SessionRows:
        if self._waiting is None:
            return next(self._rows)
        waiting, self._waiting = self._waiting, None
        return waiting

    def take_while(self, session_ids: set[str]) -> Iterator[SessionRows]:
        """Take what comes next of these sessions."""
        for rows in self:
            if rows.session_id not in session_ids:
                self._waiting = rows
                return
            yield rows


class Order(Protocol):
    """What watches rows pass."""

    def check(self, rows: SessionRows) -> None:
        """See the rows that come next."""

    def finish(self) -> None:
        """See that there are no more."""


class OrderCheck:
    """Checks that the rows of the sessions come in their order, and all of them."""

    def __init__(self, sessions: Sequence[Session], left_out: Mapping[str, int]) -> None:
        """Begin.

        Args:
            sessions: those whose rows come, in order.
            left_out: by session, how many of its rows do not come; that is known when rows of the next one come.
        """
        self._ids, self._counts = ids_of(sessions), counts_of(sessions)
        self._left_out = left_out
        self._at = 0
        self._count = 0
        self._last: int | None = None

    def check(self, rows: SessionRows) -> None:
        """Check the rows that come next.

        Raises:
            SourceError: they are not those that come next.
        """
        batch = rows.batch
        self._arrive(rows.session_id, batch)
        sequence = integers(batch.column("sequence"))
        row = first_out_of_order(sequence[:1] if rows.increasing else sequence, self._last)
        if row is not None:
            raise bad_row(batch, row, "sequence", "does not increase")
        self._last = int(sequence[-1])
        self._count += len(sequence)

    def check_together(
        self, file: DataFile, batch: pa.RecordBatch, facts: RowFacts, *, wanted: Container[str] | None
    ) -> Iterator[pa.RecordBatch]:
        """Check the rows of a batch, and give those of wanted sessions, all that stand together at once.

        Args:
            file: where they lie.
            batch: rows of any sessions.
            facts: what is known of them.
            wanted: ids of the sessions whose rows are to come, None for all.

        Raises:
            SourceError: they are not those that come next.
        """
        if not batch.num_rows:
            return
        runs = runs_of(batch)
        increasing = facts.increasing or not disordered(batch, runs)
        sequence = integers(batch.column("sequence"))
        ends = zip(sequence[runs.starts].tolist(), sequence[runs.ends - 1].tolist(), strict=True)
        begin = end = 0
        for session_id, stop, count, (first, last) in zip(
            runs.session_ids, runs.ends.tolist(), runs.counts.tolist(), ends, strict=True
        ):
            if wanted is not None and session_id not in wanted:
                if end > begin:
                    yield batch.slice(begin, end - begin)
                begin = end = stop
                continue
            self._arrive(session_id, batch)
            if not increasing or (self._last is not None and first <= self._last):
                self.check(SessionRows(file, session_id, batch.slice(stop - count, count), increasing=False))
            else:
                self._last = last
                self._count += count
            end = stop
        if end > begin:
            yield batch.slice(begin, end - begin)

    def _arrive(self, session_id: str, batch: pa.RecordBatch) -> None:
        """Come to a session, past those before it."""
        while self._at < len(self._ids) and self._ids[self._at] != session_id:
            self._next_session()
        if self._at == len(self._ids):
            raise bad_row(batch, 0, "session_id", "is out of order; the source changed while it was read")

    def _next_session(self) -> None:
        session_id, expected = self._ids[self._at], self._counts[self._at]
        count = self._count + self._left_out.get(session_id, 0)
        if count != expected:
            raise SourceError(
                f"session {session_id!r}: its record says {expected} rows, "
                f"its data holds {count}; the source is damaged or changed while it was read"
            )
        self._at += 1
        self._count = 0
        self._last = None

    def finish(self) -> None:
        """Check that nothing is missing when all rows have come."""
        while self._at < len(self._ids):
            self._next_session()
