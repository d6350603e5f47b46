"""What planning knows of a session without reading its rows again, gathered in one pass over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pipeline.model.arrays import distinct_texts_of, integers
from pipeline.model.columns import UNTYPED
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.rules import bad_row, first_out_of_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from pipeline.errors import BadRowError


class SessionSummary:
    """Figures of one session's rows, which arrive in sequence order."""

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

    @classmethod
    def of(
        cls, figures: Sequence[int], digest: Sequence[int], metrics: frozenset[str], columns: Mapping[str, str]
    ) -> Self:
        """Make one of what is known.

        Args:
            figures: number of rows, of nulls, of times that go back; time of the first row, the earliest, the latest.
            digest: sums of the rows, one per lane.
            metrics: names of the metrics.
            columns: type name by attribute column.
        """
        found = cls()
        found.measurement_count, found.null_count, found.backward_timestamp_count, first_row, first, last = figures
        found.first_row_timestamp = first_row
        found.first_timestamp = first_row if first == first_row else first  # one object for both
        found.last_timestamp = last
        found.digest.add(digest)
        found.columns = columns
        found._metrics = metrics
        return found

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
        problem = order_problem(rows, self._last_sequence, increasing=increasing)
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


def order_problem(rows: pa.RecordBatch, last: int | None, *, increasing: bool) -> BadRowError | None:
    """Find out what is wrong with the order of rows of a session; None where it holds.

    Args:
        rows: one at least.
        last: the sequence of the row before them, None where they are the first.
        increasing: theirs is known to increase.
    """
    sequence = integers(rows.column("sequence"))
    row = first_out_of_order(sequence[:1] if increasing else sequence, last)
    if row is None:
        return None
    repeated = int(sequence[row]) == (int(sequence[row - 1]) if row else last)
    return bad_row(rows, row, "sequence", "occurs twice" if repeated else "is out of order")
