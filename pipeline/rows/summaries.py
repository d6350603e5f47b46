"""What planning knows of many sessions, gathered in one pass over their rows, all that stand in a batch at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import integers, is_null, places
from pipeline.model.columns import UNTYPED
from pipeline.rows.digest import digest_runs
from pipeline.rows.rules import bad_row
from pipeline.rows.runs import disordered, runs_of
from pipeline.rows.summary import SessionSummary, order_problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.errors import BadRowError
    from pipeline.rows.runs import Runs

_COUNT, _NULLS, _BACKWARD, _FIRST_ROW, _FIRST, _LAST = range(6)
_ROOM = 1_024
_MANY_CELLS = 8


class SummaryOfSessions:
    """Figures of all sessions of a stream of rows, and whether the rows came in order.

    Attributes:
        by_session: the summaries, by session id, as the sessions appeared.
        disorder: the first row that is out of order, None as long as there is none; nothing is added behind it. A
            session's rows are in order where they stand together and their sequence increases.
    """

    def __init__(self) -> None:
        self._found = _Summaries()
        self.by_session: Mapping[str, SessionSummary] = self._found
        self.disorder: BadRowError | None = None
        self._current: str | None = None
        self._last_sequence = self._last_time = 0

    def add(self, batch: pa.RecordBatch, kinds: Mapping[str, str]) -> None:
        """Add the batch that comes next; it has been checked.

        Args:
            batch: rows of the data model.
            kinds: type name by attribute column.
        """
        if not batch.num_rows:
            return
        runs = runs_of(batch)
        self.disorder = self._find_disorder(batch, runs)
        if self.disorder:
            return
        last = self._last_time if runs.session_ids[0] == self._current else None
        self._found.add(batch, runs, kinds, last)
        self._current = runs.session_ids[-1]
        self._last_sequence = int(integers(batch.column("sequence"))[-1])
        self._last_time = int(integers(batch.column("timestamp"))[-1])

    def _find_disorder(self, batch: pa.RecordBatch, runs: Runs) -> BadRowError | None:
        ids = set(runs.session_ids)
        goes_on = runs.session_ids[0] == self._current
        is_sound = (
            len(ids) == len(runs.session_ids)
            and self._found.places.keys().isdisjoint(ids - {self._current} if goes_on else ids)
            and not disordered(batch, runs)
            and not (goes_on and int(integers(batch.column("sequence"))[0]) <= self._last_sequence)
        )
        if is_sound:
            return None
        passed = set(self._found.places)
        for at, session_id in enumerate(runs.session_ids):
            rows = batch.slice(int(runs.starts[at]), int(runs.counts[at]))
            is_current = at == 0 and goes_on
            if session_id in passed and not is_current:
                return bad_row(rows, 0, "session_id", "is apart from its session")
            passed.add(session_id)
            problem = order_problem(rows, self._last_sequence if is_current else None, increasing=False)
            if problem is not None:
                return problem
        return None


class _Summaries(Mapping[str, SessionSummary]):
    """Summaries of sessions as columns: there may be 100,000 of them.

    Attributes:
        places: by session id, which of them it is.
    """

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self._figures = np.empty((_ROOM, 6), np.int64)
        self._digests = np.empty((_ROOM, 2), np.uint64)
        self._metrics: list[frozenset[str]] = []
        self._columns: list[Mapping[str, str]] = []
        self._shared: dict[object, Any] = {}

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __contains__(self, session_id: object) -> bool:
        return session_id in self.places

    def __getitem__(self, session_id: str) -> SessionSummary:
        at = self.places[session_id]
        return SessionSummary.of(
            self._figures[at].tolist(), self._digests[at].tolist(), self._metrics[at], self._columns[at]
        )

    def add(self, batch: pa.RecordBatch, runs: Runs, kinds: Mapping[str, str], last: int | None) -> None:
        """Add the runs that come next.

        Args:
            batch: the rows.
            runs: where they are.
            kinds: type name by attribute column.
            last: time of the row before them, where the first run goes on with the session that came last; else None.
        """
        figures, digests = _figures(batch, runs), digest_runs(batch, runs)
        metrics, columns = self._metrics_of(batch.column("metric"), runs), self._columns_of(batch, runs, kinds)
        begun = 0
        if last is not None:
            begun = 1
            figures[0, _BACKWARD] += int(integers(batch.column("timestamp"))[0]) < last
            self._go_on(figures[0], digests[0], metrics[0], columns[0])
        at = len(self.places)
        self.places.update(zip(runs.session_ids[begun:], range(at, at + len(figures) - begun), strict=True))
        self._figures = _put(self._figures, at, figures[begun:])
        self._digests = _put(self._digests, at, digests[begun:])
        self._metrics += metrics[begun:]
        self._columns += columns[begun:]

    def _go_on(
        self,
        figures: NDArray[np.int64],
        digest: NDArray[np.uint64],
        metrics: frozenset[str],
        columns: Mapping[str, str],
    ) -> None:
        at = len(self.places) - 1
        known = self._figures[at]
        known[: _BACKWARD + 1] += figures[: _BACKWARD + 1]
        known[_FIRST] = min(known[_FIRST], figures[_FIRST])
        known[_LAST] = max(known[_LAST], figures[_LAST])
        self._digests[at] += digest
        self._metrics[at] = self._share(self._metrics[at] | metrics)
        before = self._columns[at]
        self._columns[at] = self._share_columns(
            {name: kind if before.get(name, UNTYPED) == UNTYPED else before[name] for name, kind in columns.items()}
        )

    def _metrics_of(self, column: pa.Array, runs: Runs) -> list[frozenset[str]]:
        """Give the names of the metrics of each run; equal sets are one, of all sessions."""
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        texts = encoded.dictionary
        codes = places(encoded).astype(np.int64)
        cells = np.repeat(np.arange(len(runs.starts)) * len(texts), runs.counts) + codes
        if len(runs.starts) * len(texts) <= _MANY_CELLS * len(cells):
            found = np.flatnonzero(np.bincount(cells))
        else:
            found = np.unique(cells)
        of_run, codes = np.divmod(found, len(texts))
        ends = np.searchsorted(of_run, np.arange(len(runs.starts)), side="right").tolist()
        known: dict[tuple[int, ...], frozenset[str]] = {}
        metrics: list[frozenset[str]] = []
        listed = codes.tolist()
        for start, stop in pairwise([0, *ends]):
            key = tuple(listed[start:stop])
            if key not in known:
                known[key] = self._share(frozenset(texts[code].as_py() for code in key))
            metrics.append(known[key])
        return metrics

    def _columns_of(self, batch: pa.RecordBatch, runs: Runs, kinds: Mapping[str, str]) -> list[Mapping[str, str]]:
        """Give the types of the attributes of each run, none of those that are null in all of its rows."""
        some_null = [name for name in kinds if batch.column(name).null_count]
        if not some_null:
            return [self._share_columns(kinds)] * len(runs.starts)
        empty = np.array([runs.how_many(is_null(batch.column(name))) == runs.counts for name in some_null])
        known: dict[tuple[bool, ...], Mapping[str, str]] = {}
        columns: list[Mapping[str, str]] = []
        for flags in map(tuple, empty.T.tolist()):
            if flags not in known:
                untyped = {name: UNTYPED for name, is_empty in zip(some_null, flags, strict=True) if is_empty}
                known[flags] = self._share_columns({name: untyped.get(name, kind) for name, kind in kinds.items()})
            columns.append(known[flags])
        return columns

    def _share(self, metrics: frozenset[str]) -> frozenset[str]:
        shared: frozenset[str] = self._shared.setdefault(metrics, metrics)
        return shared

    def _share_columns(self, columns: Mapping[str, str]) -> Mapping[str, str]:
        key = tuple(columns.items())
        if key not in self._shared:
            self._shared[key] = dict(columns)
        shared: Mapping[str, str] = self._shared[key]
        return shared


def _figures(batch: pa.RecordBatch, runs: Runs) -> NDArray[np.int64]:
    """Find the figures of each run: a row for each."""
    times = integers(batch.column("timestamp"))
    figures = np.empty((len(runs.starts), 6), np.int64)
    figures[:, _COUNT] = runs.counts
    figures[:, _NULLS] = runs.how_many(is_null(batch.column("value")))
    figures[:, _BACKWARD] = runs.how_many(np.append(False, runs.within(times[1:] < times[:-1])))
    figures[:, _FIRST_ROW] = times[runs.starts]
    figures[:, _FIRST] = np.minimum.reduceat(times, runs.starts)
    figures[:, _LAST] = np.maximum.reduceat(times, runs.starts)
    return figures


def _put(rows: NDArray[Any], at: int, more: NDArray[Any]) -> NDArray[Any]:
    """Put rows at a place of an array, or of a larger one where they have no room."""
    if at + len(more) > len(rows):
        larger = np.empty((max(2 * len(rows), at + len(more)), rows.shape[1]), rows.dtype)
        larger[:at] = rows[:at]
        rows = larger
    rows[at : at + len(more)] = more
    return rows
