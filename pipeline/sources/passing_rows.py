"""The summary of rows on their way into a spool, which saves another pass over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.model.columns import REPEATED_TEXT, with_repeated
from pipeline.rows.normalise import conform_to
from pipeline.rows.summaries import SummaryOfSessions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.rows.summary import SessionSummary


class PassingRows:
    """Rows that pass; their summary holds as long as all have the attributes of the first."""

    def __init__(self) -> None:
        self._summary: SummaryOfSessions | None = None
        self._attributes: dict[str, str] | None = None

    def add(self, batch: pa.RecordBatch, schema: pa.Schema, attributes: Mapping[str, str]) -> None:
        """Add the batch that comes next; it has been checked.

        Args:
            batch: rows of the data model.
            schema: of all rows so far.
            attributes: type name by attribute column of all rows so far.
        """
        if self._attributes is None:
            self._summary, self._attributes = SummaryOfSessions(), dict(attributes)
        if self._attributes != attributes:
            self._summary = None
        if self._summary is not None and self._summary.disorder is None:
            repeated = [field.name for field in batch.schema if field.type == REPEATED_TEXT]
            self._summary.add(conform_to(batch, with_repeated(schema, repeated)), self._attributes)

    @property
    def is_disordered(self) -> bool:
        """Whether the rows are known to be out of order."""
        return self._summary is not None and self._summary.disorder is not None

    def ordered(
        self, sessions: Mapping[Path, Collection[str]], start_of: Callable[[str, SessionSummary], int]
    ) -> list[Path] | None:
        """Order files by the start of their first sessions, without a look at them; None where that is not known.

        Args:
            sessions: by file, in the order in which they were written, those of its rows.
            start_of: gives the start of a session, of its id and the summary of its rows.
        """
        if self._summary is None or self.is_disordered:
            return None
        found = self._summary.by_session
        places = {session_id: at for at, session_id in enumerate(found)}
        first = {path: min(held, key=places.__getitem__) for path, held in sessions.items()}
        return sorted(first, key=lambda path: (start_of(first[path], found[first[path]]), first[path]))

    def summary(
        self, files: Sequence[Path], sessions: Mapping[Path, Collection[str]], attributes: Mapping[str, str]
    ) -> SummaryOfSessions | None:
        """Give the summary of all rows, None where they must be read again.

        Args:
            files: where they lie now; several may have another order than the rows had.
            sessions: by file, in the order in which they were written, those of its rows.
            attributes: type name by attribute column of all rows.
        """
        found = self._summary
        if found is None or self._attributes != attributes:
            return None
        if found.disorder is not None:
            return found if list(files) == list(sessions) else None  # another order may be the right one
        places = {session_id: at for at, session_id in enumerate(found.by_session)}
        order = [one for path in files for one in sorted(sessions.get(path, ()), key=places.__getitem__)]
        order = [one for one, before in zip(order, [None, *order], strict=False) if one != before]
        if len(order) != len(found.by_session):
            return None  # a session lies apart now
        if order != list(found.by_session):
            found.by_session = {session_id: found.by_session[session_id] for session_id in order}
        return found
