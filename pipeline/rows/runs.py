"""Runs: rows of a batch that stand behind each other and are of one session, and what is asked of all at once.

Sessions may be short and many: what is found for each run by itself costs more than its rows do.
"""

from __future__ import annotations

from itertools import compress, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import integers, is_text, places, text_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers
    from pipeline.rows.batches import Peekable

_TEXTS_OF_A_RUN = 4


class Runs(NamedTuple):
    """The runs of a batch, one behind the other.

    Attributes:
        session_ids: of each; neighbours differ.
        starts: first row of each.
        ends: the row behind each.
    """

    session_ids: list[str]
    starts: Integers
    ends: Integers

    @property
    def counts(self) -> Integers:
        """Rows of each."""
        return self.ends - self.starts

    def within(self, of_neighbours: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Take what holds for each row but the first and the one before it, and leave out where a run begins."""
        found = of_neighbours.copy()
        found[self.starts[1:] - 1] = False
        return found

    def how_many(self, rows: NDArray[np.bool_]) -> Integers:
        """Count the rows of each run for which something holds."""
        found: Integers = np.add.reduceat(rows, self.starts, dtype=np.int64)
        return found


def runs_of(batch: pa.RecordBatch) -> Runs:
    """Find the runs of a batch that has rows."""
    encoded = batch.column("session_id")
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    codes = places(encoded)
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1]).astype(np.int64)
    of_runs = codes[starts].tolist()
    texts = encoded.dictionary
    if len(texts) <= _TEXTS_OF_A_RUN * len(of_runs):
        texts = texts.to_pylist()
        session_ids = [texts[code] for code in of_runs]
    else:
        session_ids = [texts[code].as_py() for code in of_runs]
    is_new = [True, *(before != after for before, after in pairwise(session_ids))]
    if not all(is_new):  # a dictionary may hold a text twice
        session_ids, starts = list(compress(session_ids, is_new)), starts[is_new]
    return Runs(session_ids, starts, np.append(starts[1:], batch.num_rows))


def session_runs(batch: pa.RecordBatch, *, one: bool = False) -> Iterator[tuple[str, int, int]]:
    """Cut a batch where its session changes.

    Args:
        batch: the rows.
        one: it is known that there is one session.

    Yields:
        session id, first row, and the row after the last.
    """
    if not batch.num_rows:
        return
    if one:
        yield batch.column("session_id")[0].as_py(), 0, batch.num_rows
        return
    runs = runs_of(batch)
    yield from zip(runs.session_ids, runs.starts.tolist(), runs.ends.tolist(), strict=True)


def each_session(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches so that each is of one session."""
    for batch in batches:
        for _, start, stop in session_runs(batch):
            yield batch.slice(start, stop - start)


def disordered(batch: pa.RecordBatch, runs: Runs) -> bool:
    """Whether the sequence of a run does not increase."""
    sequence = integers(batch.column("sequence"))
    return bool(runs.within(sequence[1:] <= sequence[:-1]).any())


def row_bytes(batch: pa.RecordBatch, runs: Runs) -> Integers:
    """Bound the bytes that the rows of each run take, as `text_bound` does those of texts, and 8 of each value."""
    sizes: Integers = runs.counts * 8 * batch.num_columns
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            if is_text(column.type.value_type) and len(column.dictionary):
                sizes += runs.counts * int(text_lengths(column.dictionary).max())
        elif is_text(column.type):
            sizes += np.add.reduceat(text_lengths(column), runs.starts)
    return sizes


class PassedRows:
    """Takes rows session by session out of batches that may hold many, and gives them as they lay there.

    Attributes:
        bytes: bound of those of all rows that were passed, by `row_bytes`.
    """

    def __init__(self, batches: Peekable) -> None:
        """Begin before the next batch."""
        self.bytes = 0
        self._batches = batches
        self._rows: pa.RecordBatch | None = None
        self._ids: list[str] = []
        self._ends: list[int] = []
        self._sizes: list[int] = []
        self._at = 0

    def pass_session(self, session_id: str) -> Iterator[pa.RecordBatch]:
        """Pass the rows of the session that comes next, if there are any; gives the batches all of which has passed."""
        while True:
            if self._at < len(self._ids):
                if self._ids[self._at] != session_id:
                    return
                self.bytes += self._sizes[self._at]
                self._at += 1
                if self._at < len(self._ids):
                    return
            yield from self.passed()
            batch = self._batches.peek()
            if batch is None:
                return
            runs = runs_of(batch)
            if runs.session_ids[0] != session_id:
                return
            self._rows = batch
            self._ids, self._ends, self._at = runs.session_ids, runs.ends.tolist(), 0
            self._sizes = row_bytes(batch, runs).tolist()

    def passed(self) -> Iterator[pa.RecordBatch]:
        """Give the rows that have passed and were not given; what stands behind them comes next."""
        if self._rows is not None and self._at:
            yield self._batches.take(self._ends[self._at - 1])
        self._rows, self._ids, self._at = None, [], 0
