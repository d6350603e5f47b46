"""What only the rows of plain files say of their sessions, gathered while they pass, so that they are read once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.rows.summary import SessionSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.model.session import Session
    from pipeline.scan.order import SessionRows


class DisorderError(Exception):
    """Rows turn out to be in another order than planned: who reads them has to begin again, with sorted rows."""


class PassingSessions:
    """The sessions of files whose rows have not been read yet.

    Attributes:
        planned: all of them, in the order of their rows, without what only rows say.
        columns: what must be read of the rows that pass.
        is_complete: all rows have passed.
    """

    columns = ("session_id", "sequence", "timestamp", "metric", "value")

    def __init__(
        self,
        planned: Sequence[Session],
        unite: Callable[[str, SessionSummary], Session],
        require_unchanged: Callable[[], None],
    ) -> None:
        """Begin before the first row.

        Args:
            planned: all sessions of the files, with the number of their rows.
            unite: makes a session of its id, what is recorded of it, and the figures of its rows.
            require_unchanged: raises SourceError where a file is another than when it was planned.
        """
        self.planned = planned
        self._unite = unite
        self._require_unchanged = require_unchanged
        self._passed: dict[str, Session] = {}
        self.is_complete = False

    def gather(self, *, digested: bool) -> Gathering:
        """Begin to watch the rows of all sessions from the first on.

        Args:
            digested: make digests of them, all columns of which must pass then.
        """
        self._passed = {}
        return Gathering(self, digested=digested)

    def complete(self, planned: Sequence[Session]) -> tuple[Session, ...]:
        """Add to sessions what their rows say; those rows must have passed.

        Args:
            planned: the sessions, of which configuration and attributes stay.
        """
        return tuple(
            replace(
                self._passed[session.session_id], configuration=session.configuration, attributes=session.attributes
            )
            for session in planned
        )

    def pass_session(self, session_id: str, rows: SessionSummary) -> None:
        """Take note of a session whose rows have all passed.

        Raises:
            DisorderError: it starts before the one that passed last.
        """
        session = self._unite(session_id, rows)
        last = next(reversed(self._passed.values()), None)
        if session_id in self._passed or (last is not None and session.sort_key < last.sort_key):
            raise DisorderError
        self._passed[session_id] = session

    def finish(self) -> None:
        """Take note that all rows have passed.

        Raises:
            SourceError: a file was changed meanwhile.
        """
        self._require_unchanged()
        rows, planned = (
            {session.session_id: session.measurement_count for session in sessions}
            for sessions in (self._passed.values(), self.planned)
        )
        if rows != planned:
            raise SourceError("its rows are not those that it had at first; the source changed while it was read")
        self.is_complete = True


class Gathering:
    """Watches rows pass, once."""

    def __init__(self, sessions: PassingSessions, *, digested: bool) -> None:
        self._sessions = sessions
        self._is_digested = digested
        self._current: str | None = None
        self._summary = SessionSummary(digested=digested)

    def check(self, rows: SessionRows) -> None:
        """Add the rows that come next.

        Raises:
            DisorderError: they are out of order.
        """
        if rows.session_id != self._current:
            self._end_session()
            self._current, self._summary = rows.session_id, SessionSummary(digested=self._is_digested)
        if self._summary.add(rows.batch, {}, increasing=rows.increasing) is not None:
            raise DisorderError

    def finish(self) -> None:
        """Take note that there are no more.

        Raises:
            DisorderError: the last session is out of order.
            SourceError: a file was changed meanwhile.
        """
        self._end_session()
        self._sessions.finish()

    def _end_session(self) -> None:
        if self._current is not None:
            self._sessions.pass_session(self._current, self._summary)
