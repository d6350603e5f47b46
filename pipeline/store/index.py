"""What the records of a store's sessions say, as a table: `index.parquet`, and the same in memory.

The index is derived from the records. It notes when the directory of sessions was last changed, and holds the SHA-256
of itself and of each file of records, so that what it says is known to be right, or known to be old.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.disk.regular import open_regular
from pipeline.errors import SourceError
from pipeline.model.arrays import integers, is_null
from pipeline.model.metric_facts import parse_metric_facts
from pipeline.model.session import Session
from pipeline.model.sessions_table import SQL_SESSION_DESCRIPTIONS
from pipeline.store.index_table import CODED, REPEATED, Place, written_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from pipeline.model.columns import TimestampUnit

INDEX_FILE = "index.parquet"
INDEX_VERSION = 1
_ROWS_OF_A_GROUP = 4_096
_SEAL = b"sha256-of-this-file:"
_UNSEALED = _SEAL + b"0" * 64
_MAX_BYTES = 1 << 30
_COARSE_SECONDS = 0.02
"""Clocks of file systems are not finer than this; two changes within it may have the same time."""
_SECOND_NS = 1_000_000_000


class Noted(NamedTuple):
    """When the directory of sessions was last changed, and how many entries it has.

    Attributes:
        mtime_ns: None where that says nothing.
        entries: how many.
    """

    mtime_ns: int | None
    entries: int


class SessionRecords:
    """The records of sessions as columns, in order; of an index, read when they are asked for."""

    def __init__(
        self, source: pa.Table | pq.ParquetFile, unit: TimestampUnit, coded: pq.ParquetFile | None = None
    ) -> None:
        """Take a table of `make_table`, or an index.

        Args:
            source: the table or the index.
            unit: timestamp unit of the store.
            coded: the index with texts that repeat as dictionaries.
        """
        self._source = source
        self._coded = coded
        self._unit = unit
        self._columns: dict[str, pa.Array] = {}

    def __len__(self) -> int:
        """How many sessions there are."""
        return int(self._source.num_rows if isinstance(self._source, pa.Table) else self._source.metadata.num_rows)

    def table(self, names: Iterable[str] | None = None) -> pa.Table:
        """Give columns, all by default."""
        if isinstance(self._source, pa.Table):
            return written_out(self._source if names is None else self._source.select(list(names)))
        return self._source.read(columns=None if names is None else list(names), use_threads=False)

    def coded_table(self, names: Iterable[str] | None = None) -> pa.Table:
        """Give columns, those of `CODED` as dictionaries where they are at hand as such."""
        if isinstance(self._source, pa.Table):
            return self._source if names is None else self._source.select(list(names))
        source = self._coded or self._source
        return source.read(columns=None if names is None else list(names), use_threads=False)

    def table_reader(self, names: Iterable[str]) -> pa.RecordBatchReader:
        """Give columns batch by batch."""
        chosen = list(names)
        if isinstance(self._source, pa.Table):
            return self.table(chosen).to_reader()
        schema = pa.schema([self._source.schema_arrow.field(name) for name in chosen])
        return pa.RecordBatchReader.from_batches(
            schema, self._source.iter_batches(_ROWS_OF_A_GROUP, columns=chosen, use_threads=False)
        )

    def _column(self, name: str) -> pa.Array:
        if name not in self._columns:
            column = self.coded_table([name]).column(0)
            self._columns[name] = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        return self._columns[name]

    def texts(self, name: str) -> list[str]:
        """Give the values of a column of texts."""
        column = self._column(name)
        if pa.types.is_dictionary(column.type):
            values: list[str] = column.dictionary.to_pylist()
            return [values[at] for at in column.indices.to_pylist()]
        found: list[str] = column.to_pylist()
        return found

    def holds_once(self, name: str) -> bool:
        """Whether no value of a column is there twice."""
        if len(self) < _ROWS_OF_A_GROUP:  # without Arrow's functions, which take a while to load
            return len(set(self.texts(name))) == len(self)
        column = self.coded_table([name]).column(0)
        return len(column.unique()) == len(column)

    def flags(self, name: str) -> list[bool]:
        """Give the values of a column of booleans."""
        found: list[bool] = self._column(name).to_pylist()
        return found

    def ticks(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Give the values of a column of counts or times, and which are null."""
        return integers(self._column(name)), is_null(self._column(name))

    @cached_property
    def columns(self) -> list[dict[str, str]]:
        """Type name by attribute column of each session; equal ones are one."""
        parse = _cached(json.loads)
        return [parse(text) for text in self.texts("columns")]

    @cached_property
    def places_of(self) -> dict[str, tuple[int, ...]]:
        """Which rows are those of each directory, by its name."""
        found: dict[str, list[int]] = {}
        for at, directory in enumerate(self.texts("directory")):
            found.setdefault(directory, []).append(at)
        return {directory: tuple(rows) for directory, rows in found.items()}

    @property
    def most_overlapping(self) -> int:
        """How many packs at most have sessions on both sides of one: so many are read in turns."""
        _, is_alone = self.ticks("first_row")
        ends = [(rows[0], rows[-1]) for rows in self.places_of.values() if not is_alone[rows[0]]]
        steps = sorted([(first, 1) for first, _ in ends] + [(last + 1, -1) for _, last in ends])
        return max(accumulate(step for _, step in steps), default=0)

    @cached_property
    def _first_rows(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return self.ticks("first_row")

    def place(self, row: int) -> Place:
        """Say where a session lies."""
        files = json.loads(self.texts_at("files", row))
        first, absent = self._first_rows
        return Place(
            self.texts_at("directory", row),
            self.texts_at("record_sha256", row),
            files,
            None if absent[row] else int(first[row]),
            bool(self._column("is_sealed")[row].as_py()),
        )

    def texts_at(self, name: str, row: int) -> str:
        """Give one value of a column of texts."""
        return str(self._column(name)[row].as_py())

    def sessions(self, rows: Sequence[int]) -> list[Session]:
        """Give sessions as their records tell of them.

        Args:
            rows: rising.
        """
        names = [*SQL_SESSION_DESCRIPTIONS, "columns"]
        found: list[Session] = []
        parse = _Parser(self._unit)
        for table, at in self._parts(names, rows):
            columns = [_values(table.column(name), at) for name in names]
            found += [parse(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]
        return found

    def _parts(self, names: Sequence[str], rows: Sequence[int]) -> Iterator[tuple[pa.Table, Sequence[int]]]:
        """Give what rows need, and where in that they are."""
        if isinstance(self._source, pa.Table):
            yield self._source.select(names), rows
            return
        counts = [self._source.metadata.row_group(group).num_rows for group in range(self._source.num_row_groups)]
        starts = np.cumsum([0, *counts])
        wanted = np.asarray(rows, np.int64)
        for group in range(len(counts)):
            low, high = np.searchsorted(wanted, [starts[group], starts[group + 1]])
            if low < high:
                table = self._source.read_row_group(group, columns=names, use_threads=False)
                yield table, (wanted[low:high] - starts[group]).tolist()


def _values(column: pa.ChunkedArray, rows: Sequence[int]) -> list[Any]:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    if len(rows) == len(array):
        everything: list[Any] = array.to_pylist()
        return everything
    return [array[row].as_py() for row in rows]


def _cached(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Make a parser that reads equal texts once; what it gives is not to be changed."""
    known: dict[str, Any] = {}

    def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
        if text not in known:
            known[text] = parse(text)
        return known[text]

    return parsed


class _Parser:
    """Makes sessions of rows of the table."""

    def __init__(self, unit: TimestampUnit) -> None:
        self._unit = unit
        self._json = _cached(json.loads)
        self._metrics = _cached(lambda text: tuple(json.loads(text)))
        self._facts = _cached(lambda text: parse_metric_facts(json.loads(text)))

    def __call__(self, row: dict[str, Any]) -> Session:
        whole = {name: self._json(row[name]) for name in ("configuration", "attributes", "origin", "columns")}
        return Session(
            **row
            | whole
            | {"metrics": self._metrics(row["metrics"]), "metric_facts": self._facts(row["metric_facts"])},
            timestamp_unit=self._unit,
        )


def note(sessions: Path) -> Noted:
    """Note when the directory of sessions was last changed.

    Raises:
        OSError: it cannot be read.
    """
    mtime_ns = sessions.stat().st_mtime_ns
    # A file system that counts whole seconds may have changed since.
    return Noted(None if mtime_ns % _SECOND_NS == 0 else mtime_ns, len(os.listdir(sessions)))  # noqa: PTH208 - names


def note_apart(sessions: Path) -> Noted:
    """Note it so that no change after this has the same time: that of a change just now is set back a little.

    Where it may not be, which is so for who does not own the directory, this waits for as long.

    Raises:
        OSError: it cannot be read.
    """
    found = sessions.stat()
    if _seconds_since(found.st_mtime_ns) < _COARSE_SECONDS:
        with suppress(OSError):
            os.utime(sessions, ns=(found.st_atime_ns, found.st_mtime_ns - int(2 * _COARSE_SECONDS * _SECOND_NS)))
    noted = note(sessions)
    if noted.mtime_ns is not None and 0 <= _seconds_since(noted.mtime_ns) < _COARSE_SECONDS:
        time.sleep(_COARSE_SECONDS)
    return noted


def _seconds_since(time_ns: int) -> float:
    return time.time() - time_ns / _SECOND_NS


def write_index(file: Path, table: pa.Table, noted: Noted) -> None:
    """Write an index, durably.

    Args:
        file: what to write.
        table: of `make_table`.
        noted: of `note_apart`.

    Raises:
        OSError: it cannot be written.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to load, and a small store is read without it

    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        written_out(table.slice(0, 0)).schema,
        compression="zstd",
        write_statistics=False,  # they would be believed, and nobody asks for them
        use_dictionary=CODED,
        store_schema=False,
    ) as writer:
        for start in range(0, max(table.num_rows, 1), _ROWS_OF_A_GROUP):
            # Written out, a table takes several times as much.
            group = written_out(table.slice(start, _ROWS_OF_A_GROUP)).combine_chunks()
            writer.write_table(group, row_group_size=_ROWS_OF_A_GROUP)
        facts = {"version": INDEX_VERSION, "sessions_mtime_ns": noted.mtime_ns, "sessions_entries": noted.entries}
        writer.add_key_value_metadata({"pipeline:index": json.dumps(facts), "pipeline:seal": _UNSEALED.decode()})
    data = sink.getvalue().to_pybytes()
    at = data.rindex(_UNSEALED)
    sealed = data[:at] + _SEAL + hashlib.sha256(data).hexdigest().encode() + data[at + len(_UNSEALED) :]
    with file.open("wb") as out:
        out.write(sealed)
        out.flush()
        os.fsync(out.fileno())


def read_index(file: Path, unit: TimestampUnit) -> tuple[SessionRecords, Noted] | None:
    """Read an index.

    Returns:
        None where there is none.

    Raises:
        SourceError: it is damaged, or cannot be read.
    """
    try:
        with open_regular(file) as opened:
            data = opened.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror or error})") from error
    if not _is_sealed(data):
        raise SourceError(f"{file}: is damaged, its SHA-256 is not that which it names")
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to load, and a small store is read without it

    # What is of this hash was written here.
    opened = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    coded = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False, read_dictionary=REPEATED)
    facts = json.loads(opened.metadata.metadata[b"pipeline:index"])
    if facts["version"] != INDEX_VERSION:
        return None
    return SessionRecords(opened, unit, coded), Noted(facts["sessions_mtime_ns"], facts["sessions_entries"])


def _is_sealed(data: bytes) -> bool:
    at = data.rfind(_SEAL)
    if at < 0:
        return False
    start, end = at + len(_SEAL), at + len(_UNSEALED)
    digest = hashlib.sha256(data[:start])
    digest.update(b"0" * 64)
    digest.update(data[end:])
    return data[start:end] == digest.hexdigest().encode()
