"""Rows in partitions by their group, in files, so that groups can be aggregated apart from each other."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import from_numbers, from_places, integers, is_null, places
from pipeline.statistics.numbering import number_rows
from pipeline.statistics.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers
    from pipeline.statistics.options import StatisticsOptions

WAITING_BYTES = 16_000_000
_ROWS = 65_536  # of a batch in a file: what its reader holds
_STEPS = (1, 2)  # places of columns that are written as steps from row to row, which take a third less room
_NUMBERS = ["timestamp", "sequence", "value"]


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Write all of `data`."""


class PartitionedRows:
    """Writes what the aggregation of rows needs, all rows of a group into the same partition.

    A partition is chosen by a hash of the group's key, which is the same on all machines. Rows of counters are together
    with those of their series, whatever the window, since a rate is of two rows. Where more waits than memory is given,
    all of it is written, a range for each partition; the last bytes say where the ranges end.

    Attributes:
        columns: those that rows must have.
        rows: how many came, by partition.
    """

    def __init__(
        self,
        file: Sink,
        measurements: pa.Schema,
        options: StatisticsOptions,
        *,
        partitions: int,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """Start without rows.

        Args:
            file: an empty binary file.
            measurements: schema of the rows.
            options: what to aggregate, over all sessions.
            partitions: how many, from 1 to 65,536.
            waiting_bytes: memory for rows that are not yet written.
        """
        self._file = file
        self._names = options.group_columns(measurements)
        self._partitions = partitions
        self._counters = options.counters
        self._of_sessions = options.is_from_start
        self._windows = windows_of(options, measurements)
        self._limit = waiting_bytes
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in range(partitions)]
        self._bytes = 0  # of what waits
        self._end = 0  # of what is written
        self._ends: list[list[int]] = []
        self.columns = [*_NUMBERS, *self._names]
        self.rows = np.zeros(partitions, np.int64)

    def add(self, batch: pa.RecordBatch, *, session: int, start: int = 0) -> None:
        """Add rows of one session, all of a session before those of the next.

        Args:
            batch: the rows, in their order.
            session: number of the session in the order of all sessions.
            start: when it starts, for windows that begin there.

        Raises:
            SourceError: a window reaches beyond the times that can be counted.
            OSError: the file cannot be written.
        """
        keys = [_encoded(batch.column(name)) for name in self._names]
        numbers = [from_numbers(np.full(batch.num_rows, session, np.int64), pa.int64())]
        numbers += [batch.column(name) for name in _NUMBERS]
        held = pa.RecordBatch.from_arrays([*numbers, *keys], names=["", *_NUMBERS, *self._names])
        found = self._partitions_of(keys, integers(batch.column("timestamp")) - (start if self._of_sessions else 0))
        counts = np.bincount(found, minlength=self._partitions)
        if np.count_nonzero(counts) > 1:
            held = held.take(pa.array(np.argsort(found, kind="stable")))
        at = 0
        for partition in np.flatnonzero(counts).tolist():
            self._waiting[partition].append(held.slice(at, counts[partition]))
            at += int(counts[partition])
        self.rows += counts
        self._bytes += held.nbytes
        if self._bytes >= self._limit:
            self._write()

    def finish(self) -> None:
        """Write the rest, and where all ranges end; nothing is added any more.

        Raises:
            OSError: the file cannot be written.
        """
        self._write()
        ends = np.array(self._ends, "<i8")
        self._file.write(ends.tobytes() + np.array(ends.shape, "<i8").tobytes())

    def _partitions_of(self, keys: Sequence[pa.Array], times: Integers) -> NDArray[np.uint16]:
        starts = None if self._windows is None else self._windows.starts(times)
        codes, known = number_rows(keys)
        hashes = np.array([_hash(key) for key in known], np.uint64)[codes]
        if starts is not None:
            is_counter = np.array([key[0] in self._counters for key in known])[codes]
            hashes = hashes + np.where(is_counter, np.uint64(0), _mixed(starts.view(np.uint64)))
        return (hashes % np.uint64(self._partitions)).astype(np.uint16)

    def _write(self) -> None:
        ends = [self._end]
        for waiting in self._waiting:
            if waiting:
                written = _as_stream(waiting)
                self._file.write(memoryview(written))
                self._end += written.size
                waiting.clear()
            ends.append(self._end)
        self._ends.append(ends)
        self._bytes = 0


def rows_of_partition(path: Path, partition: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Read the rows of a partition as they were added.

    Args:
        path: a file that `PartitionedRows` wrote.
        partition: its number.

    Yields:
        the number of a session, and some of its rows.

    Raises:
        SourceError: the file is not as it was written.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            for begin, end in _ranges(file, partition):
                file.seek(begin)
                if begin == end:
                    continue
                for batch in pa.ipc.open_stream(pa.py_buffer(file.read(end - begin))):
                    yield from _of_sessions(_changed(batch, np.cumsum))
        except (pa.ArrowInvalid, ValueError) as error:
            raise SourceError(f"{path}: is not as it was written ({error}); run the command again") from error


def windows_of(options: StatisticsOptions, measurements: pa.Schema) -> Windows | None:
    """Give what finds the windows of rows, None where there are none."""
    if options.parsed_window is None:
        return None
    unit = measurements.field("timestamp").type.unit
    return Windows(options.parsed_window, options.timezone, unit, of_sessions=options.is_from_start)


def _ranges(file: Any, partition: int) -> list[tuple[int, int]]:  # noqa: ANN401 - a binary file
    before_shape = file.seek(0, 2) - 16
    file.seek(max(0, before_shape))
    ranges, width = np.frombuffer(file.read(), "<i8").tolist()
    size = ranges * width * 8
    if not 0 <= size <= before_shape:
        raise ValueError("it does not say where its ranges end")
    file.seek(before_shape - size)
    ends = np.frombuffer(file.read(size), "<i8").reshape(ranges, width)
    return [(int(of[partition]), int(of[partition + 1])) for of in ends]


def _of_sessions(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    sessions = integers(batch.column(0))
    rows = pa.RecordBatch.from_arrays(batch.columns[1:], names=batch.schema.names[1:])
    cuts = [0, *(np.flatnonzero(np.diff(sessions)) + 1).tolist(), len(sessions)]
    for begin, end in pairwise(cuts):
        yield int(sessions[begin]), rows.slice(begin, end - begin)


def _as_stream(batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
    rows = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    columns = [
        _with_its_texts(column.combine_chunks()) if pa.types.is_dictionary(column.type) else column
        for column in rows.columns
    ]
    rows = pa.table(columns, names=rows.column_names)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
        for batch in rows.to_batches(max_chunksize=_ROWS):
            stream.write_batch(_changed(batch, lambda numbers: np.diff(numbers, prepend=np.int64(0))))
    return sink.getvalue()


def _changed(batch: pa.RecordBatch, change: Callable[[Integers], Integers]) -> pa.RecordBatch:
    columns = [
        from_numbers(change(integers(column)), column.type) if at in _STEPS else column
        for at, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _encoded(column: pa.Array) -> pa.Array:
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _with_its_texts(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Leave out texts that no row has: those of the rows of other partitions."""
    absent = is_null(column.indices)
    codes = places(column)
    used = np.flatnonzero(np.bincount(codes[~absent], minlength=1))
    ranks = np.zeros(len(column.dictionary) + 1, np.int32)
    ranks[used] = np.arange(len(used), dtype=np.int32)
    kept = column.dictionary.take(pa.array(used[: len(column.dictionary)]))
    return from_places(ranks[np.where(absent, len(column.dictionary), codes)], kept, absent)


def _hash(key: tuple[Any, ...]) -> int:
    return int.from_bytes(hashlib.blake2b(json.dumps(key).encode(), digest_size=8).digest(), "little")


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers that are close together; the steps are those of SplitMix64 (Steele, Lea and Flood, 2014)."""
    mixed = (numbers ^ numbers >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)
