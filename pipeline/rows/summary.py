"""What planning knows of sessions without reading their rows again, gathered in one pass over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.model.arrays import distinct_texts_of, integers
from pipeline.model.columns import UNTYPED
from pipeline.rows.batches import session_runs
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.rules import bad_row, first_out_of_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from pipeline.errors import BadRowError


class SessionSummary:
    """Figures of one session's rows, which arrive in sequence order."""

    # There may be 100,000 of them.
    __slots__ = (
        "_is_digested",
        "_last_row_timestamp",
        "_last_sequence",
        "_metrics",
        "backward_timestamp_count",
        "columns",
        "digest",
        "first_row_timestamp",
        "first_timestamp",
        "last_timestamp",
        "measurement_count",
        "null_count",
    )

    def __init__(self, *, digested: bool = True) -> None:
        self.measurement_count = 0
        self.null_count = 0
        self.backward_timestamp_count = 0
        self.first_row_timestamp: int | None = None
        self.first_timestamp: int | None = None
        self.last_timestamp: int | None = None
        self.columns: Mapping[str, str] = {}
        self.digest = Digest()
        self._is_digested = digested
        self._metrics: frozenset[str] = frozenset()
        self._last_sequence: int | None = None
        self._last_row_timestamp: int | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, sorted."""
        return tuple(sorted(self._metrics))

    def figures(self) -> dict[str, Any]:
        """What the rows say of a `Session`, by its fields."""
        return {
            "measurement_count": self.measurement_count,
            "metrics": self.metrics,
            "first_timestamp": self.first_timestamp,
            "last_timestamp": self.last_timestamp,
            "null_count": self.null_count,
            "backward_timestamp_count": self.backward_timestamp_count,
            "content_digest": self.digest.text if self._is_digested else None,
        }

    def end_after(self, start: int) -> int:
        """End of a session that begins at `start` and does not say when it ended: its last row, if that is later."""
        return start if self.last_timestamp is None else max(self.last_timestamp, start)

    def add(self, rows: pa.RecordBatch, kinds: Mapping[str, str], *, increasing: bool = False) -> BadRowError | None:
        """Add the rows that come next.

        Args:
            rows: one or more rows of this session.
            kinds: type name by attribute column.
            increasing: their sequence is known to increase.

        Returns:
            what is wrong with their order, None where it holds.
        """
        sequence = integers(rows.column("sequence"))
        times = integers(rows.column("timestamp"))
        problem = _order_problem(rows, self._last_sequence, increasing=increasing)
        self._last_sequence = int(sequence[-1])
        self.measurement_count += rows.num_rows
        self.null_count += rows.column("value").null_count
        self.backward_timestamp_count += int((times[1:] < times[:-1]).sum())
        if self._last_row_timestamp is None:
            self.first_row_timestamp = int(times[0])
        else:
            self.backward_timestamp_count += int(times[0]) < self._last_row_timestamp
        self._last_row_timestamp = int(times[-1])
        low, high = int(times.min()), int(times.max())
        self.first_timestamp = low if self.first_timestamp is None else min(low, self.first_timestamp)
        self.last_timestamp = high if self.last_timestamp is None else max(high, self.last_timestamp)
        metrics = distinct_texts_of(rows.column("metric"))
        if not self._metrics.issuperset(metrics):
            self._metrics = self._metrics.union(metrics)
        unknown = [name for name in kinds if self.columns.get(name, UNTYPED) == UNTYPED]
        if unknown:
            found = {n: UNTYPED if rows.column(n).null_count == rows.num_rows else kinds[n] for n in unknown}
            self.columns = {name: found.get(name) or self.columns[name] for name in kinds}
        if self._is_digested:
            self.digest.add(digest_rows(rows))
        return problem

    def share(self, shared: dict[object, Any]) -> None:
        """Let equal sets of metrics and of columns be one, of all sessions."""
        self._metrics = shared.setdefault(self._metrics, self._metrics)
        self.columns = shared.setdefault(tuple(self.columns.items()), self.columns)


class SummaryOfSessions:
    """Figures of all sessions of a stream of rows, and whether the rows came in order.

    Attributes:
        by_session: the summaries, by session id, as the sessions appeared.
        disorder: the first row that is out of order, None as long as there is none; nothing is added behind it. A
            session's rows are in order where they stand together and their sequence increases.
    """

    def __init__(self) -> None:
        self.by_session: dict[str, SessionSummary] = {}
        self.disorder: BadRowError | None = None
        self._current: str | None = None
        self._shared: dict[object, Any] = {}

    def add(self, batch: pa.RecordBatch, kinds: Mapping[str, str]) -> None:
        """Add the batch that comes next; it has been checked.

        Args:
            batch: rows of the data model.
            kinds: type name by attribute column.
        """
        for session_id, start, stop in session_runs(batch):
            rows = batch.slice(start, stop - start)
            if session_id != self._current and session_id in self.by_session:
                self.disorder = self.disorder or bad_row(rows, 0, "session_id", "is apart from its session")
            if session_id != self._current and self._current is not None:
                self.by_session[self._current].share(self._shared)
            self._current = session_id
            summary = self.by_session.setdefault(session_id, SessionSummary())
            problem = summary.add(rows, kinds)
            self.disorder = self.disorder or problem
            if self.disorder:
                return


def _order_problem(rows: pa.RecordBatch, last: int | None, *, increasing: bool) -> BadRowError | None:
    sequence = integers(rows.column("sequence"))
    row = first_out_of_order(sequence[:1] if increasing else sequence, last)
    if row is None:
        return None
    repeated = int(sequence[row]) == (int(sequence[row - 1]) if row else last)
    return bad_row(rows, row, "sequence", "occurs twice" if repeated else "is out of order")
