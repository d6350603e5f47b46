"""Plain files that are read where they lie: told by their bytes, and planned so that their rows are read once."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.disk.hashing import file_sha256
from pipeline.errors import SourceError
from pipeline.model.arrays import integers
from pipeline.rows.rules import first_out_of_order
from pipeline.rows.runs import session_runs
from pipeline.rows.summary import SessionSummary
from pipeline.runtime.threads import Aside
from pipeline.scan.data_file import DataFile
from pipeline.scan.parquet import open_parquet, read_parquet
from pipeline.scan.passing import PassingSessions
from pipeline.scan.reading import Reading, reading_errors
from pipeline.sources.formats import file_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.disk.held import HeldFiles
    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.model.session_record import SessionRecord
    from pipeline.sources.options import PlainOptions
    from pipeline.sources.sessions import RecordedSessions

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Planned:
    """Sessions of which only their rows tell the times, metrics and further figures.

    Attributes:
        sessions: in the order in which their rows come.
        passing: learns the rest from the rows.
    """

    sessions: tuple[Session, ...]
    passing: PassingSessions


class StayingFiles:
    """Files of rows of the model.

    Attributes:
        files: in the order of their first rows.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        records: Mapping[Path, Sequence[SessionRecord]],
        options: PlainOptions,
        unit: TimestampUnit,
        held: HeldFiles | None,
    ) -> None:
        """Begin to hash the files.

        Raises:
            SourceError: one cannot be read.
        """
        self._records = records
        self._options = options
        self.files: list[DataFile] = []
        self._states: list[tuple[int, ...]] = []
        self._recorded = []
        for path in paths:
            with reading_errors(path):
                file = _data_file(path, None if held is None else held.hold(path))
                self._states.append(_state(file))
                self._recorded.append([_recorded(record, options, unit) for record in records[path]])
            self.files.append(file)
        self._hashing = Aside(self._hash, name="hash")  # while the files are looked at

    def _hash(self) -> list[str]:
        found = []
        for file in self.files:
            with reading_errors(file.path):
                found.append(file_sha256(file.opened_as))
        self.require_unchanged()  # the rows may have been read before
        return found

    def sha256(self) -> str:
        """Wait for the SHA-256 of their bytes, and of what is recorded beside them.

        Configurations and attributes, which may be redacted, are left out.

        Raises:
            SourceError: one cannot be read, or was changed meanwhile.
        """
        told = [list(one) for one in zip(self._hashing.result(), self._recorded, strict=True)]
        return hashlib.sha256(json.dumps(sorted(told), sort_keys=True).encode()).hexdigest()

    def require_unchanged(self) -> None:
        """Check that the files are those that were hashed.

        Raises:
            SourceError: one is not, or cannot be looked at.
        """
        for file, before in zip(self.files, self._states, strict=True):
            with reading_errors(file.path):
                if _state(file) != before:
                    raise SourceError("was changed while it was read; run it again")

    def plan(self, sessions: RecordedSessions, attributes: Mapping[str, str]) -> Planned | None:
        """Plan to read the rows once; None where they must be read through before.

        Args:
            sessions: what is recorded.
            attributes: type name by attribute column.

        Raises:
            SourceError: a record says another number of rows.
        """
        found = self._look()
        if found is None or any(r.session_id not in found for of_file in self._records.values() for r in of_file):
            return None
        if self._options.knows_order and not sessions.in_order(found):
            return None

        def unite(session_id: str, rows: SessionSummary) -> Session:
            return sessions.unite_one(session_id, rows, 0, attributes)

        planned = tuple(sessions.unite(found, {}, attributes))
        return Planned(planned, PassingSessions(planned, unite, self.require_unchanged))

    def _look(self) -> dict[str, SessionSummary] | None:
        """Find which sessions come, and how many rows of each.

        Returns:
            by id, in their order, figures that hold the rows alone; None where something is wrong or in disorder, which
            is told by who reads the rows through.
        """
        columns = ["session_id", *(["sequence", "timestamp"] if self._options.knows_order else [])]
        look = _Look(knows_order=self._options.knows_order)
        try:
            for file in self.files:
                read = file.read or read_parquet
                for batch in read(file.opened_as, Reading(_BATCH_ROWS), columns, ["session_id"]):
                    if not look.add(batch):
                        return None
        except (SourceError, pa.ArrowException, OSError, UnicodeDecodeError):
            return None
        return look.found


class _Look:
    """Finds sessions and the number of their rows."""

    def __init__(self, *, knows_order: bool) -> None:
        self.found: dict[str, SessionSummary] = {}
        self._knows_order = knows_order
        self._current: str | None = None
        self._last: int | None = None

    def add(self, batch: pa.RecordBatch) -> bool:
        """Add the rows that come next; False where they are in disorder, as far as that is looked at."""
        if any(column.null_count for column in batch.columns):
            return False
        for session_id, start, stop in session_runs(batch):
            if session_id != self._current:
                if session_id in self.found:
                    return False
                self.found[session_id] = SessionSummary(digested=False)
                first = integers(batch.column("timestamp"))[start] if self._knows_order else 0
                self.found[session_id].first_row_timestamp = int(first)
                self._current, self._last = session_id, None
            found = self.found[session_id]
            found.measurement_count += stop - start
            if self._knows_order:
                times = integers(batch.column("timestamp"))[start:stop]
                first, last = int(times.min()), int(times.max())
                found.first_timestamp = first if found.first_timestamp is None else min(first, found.first_timestamp)
                found.last_timestamp = last if found.last_timestamp is None else max(last, found.last_timestamp)
                sequence = integers(batch.column("sequence"))[start:stop]
                if first_out_of_order(sequence, self._last) is not None:
                    return False
                self._last = int(sequence[-1])
        return True


def _data_file(path: Path, held: Path | None) -> DataFile:
    if not _is_arrow(path):
        return DataFile(path, held=held)
    from pipeline.sources.arrow import read_arrow_rows, repeated_arrow_texts  # noqa: PLC0415 - needs pyarrow.ipc

    return DataFile(path, held=held, read=read_arrow_rows, repeated=repeated_arrow_texts(held or path))


def read_where_it_lies(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read columns of a file, after an empty batch; session_id as a dictionary where columns are named."""
    repeated = [] if columns is None else ["session_id"]
    if not _is_arrow(path):
        return read_parquet(path, Reading(_BATCH_ROWS), columns, repeated)
    from pipeline.sources.arrow import read_arrow, read_arrow_rows  # noqa: PLC0415 - needs pyarrow.ipc

    if columns is None:
        return read_arrow(path, Reading(_BATCH_ROWS))  # with the metadata of the schema
    return read_arrow_rows(path, Reading(_BATCH_ROWS), columns, repeated)


def rows_in(path: Path) -> int:
    """Rows of a Parquet file as it says; 0 where that cannot be read, which is an error to whoever reads it."""
    with suppress(OSError, pa.ArrowException, SourceError), open_parquet(path) as file:
        rows: int = file.metadata.num_rows
        return rows
    return 0


def ids_of(path: Path) -> list[str]:
    """List the sessions of a Parquet file."""
    ids: dict[str, None] = {}
    with reading_errors(path):
        for batch in read_where_it_lies(path, ["session_id"]):
            ids.update(dict.fromkeys(batch.column("session_id").unique().to_pylist()))
    return list(ids)


def _is_arrow(path: Path) -> bool:
    return file_format(path).name == "arrow"


def _state(file: DataFile) -> tuple[int, ...]:
    status = file.opened_as.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _recorded(record: SessionRecord, options: PlainOptions, unit: TimestampUnit) -> list[object]:
    """What a record says that cannot be redacted, as JSON values."""
    return [
        record.session_id,
        *(record.ticks(which, unit, options.zone) for which in ("started_at", "ended_at")),
        record.harness_name,
        record.harness_version,
        {name: facts.describe() for name, facts in record.metric_facts.items()},
        *([dict(record.origin), record.dropped_digit_count] if record.is_described else []),
    ]
