"""A scan: what a source holds, planned without reading rows, and its rows in order, batch by batch."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import integers
from pipeline.model.columns import KEY_COLUMNS, UNTYPED, TimestampUnit, measurements_schema, with_repeated
from pipeline.rows.batches import session_runs
from pipeline.rows.normalise import conform_to
from pipeline.rows.rules import RowChecker, bad_row, first_out_of_order
from pipeline.scan.data_file import DataFile, check_hash, follow
from pipeline.scan.parquet import read_parquet, repeated_texts
from pipeline.scan.reading import Reading, reading_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model.session import Session

DEFAULT_BATCH_SIZE = 32_768


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A source, ready to be read.

    Attributes:
        name: what the source is called in packages: its last path component.
        timestamp_unit: unit of all timestamps.
        sessions: in order.
        files: in the order of their rows.
        attributes: type name by attribute column of all sessions together.
    """

    name: str
    timestamp_unit: TimestampUnit
    sessions: tuple[Session, ...]
    files: tuple[DataFile, ...]
    attributes: Mapping[str, str]

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of the measurements of all sessions together."""
        return measurements_schema(self.timestamp_unit, self.attributes)

    @cached_property
    def _repeated(self) -> set[str]:
        """String columns that are read as dictionaries; what holds for the first file is taken for all."""
        for file in self.files[:1]:
            _, texts = follow(file, lambda found: repeated_texts(found.opened_as))
            return texts & set(self.schema.names)
        return set()

    @cached_property
    def _checked(self) -> set[DataFile]:
        """Files whose hash has been compared."""
        return set()

    def physical_schema(self, columns: Sequence[str]) -> pa.Schema:
        """Schema of columns as `batches` gives them: strings that repeat are dictionaries."""
        return with_repeated(pa.schema([self.schema.field(name) for name in columns]), self._repeated)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the sessions' records say, the digests of their rows included."""
        digest = hashlib.sha256(self.timestamp_unit.encode())
        for session in self.sessions:
            digest.update(json.dumps(session.describe(), sort_keys=True).encode())
        return f"sha256:{digest.hexdigest()}"

    def batches(
        self,
        sessions: Sequence[Session] | None = None,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> Iterator[pa.RecordBatch]:
        """Read rows in the order of the model, checked on the way.

        Args:
            sessions: the sessions to read, all by default.
            columns: the columns to read besides session_id and sequence, all by default.
            batch_size: rows of a batch, at most.

        Yields:
            batches of rows of one session each, their columns in the order of `schema`.

        Raises:
            ReplacedError: a session was replaced by other rows since the source was opened.
            SourceError: a file cannot be read, or does not hold what its session's record says.
        """
        wanted = self.sessions if sessions is None else sessions
        names = [n for n in self.schema.names if columns is None or n in columns or n in KEY_COLUMNS]
        reading = Reading(batch_size)
        order = _OrderCheck(wanted)
        ids = {session.session_id: session for session in wanted}
        schema = self.physical_schema(names)
        check = RowChecker(schema)
        repeated = [name for name in names if name in self._repeated]
        for found in self.files:
            if found.session_id is not None and found.session_id not in ids:
                continue
            file, batches = follow(found, partial(self._open, reading=reading, names=names, repeated=repeated))
            with reading_errors(file.path):
                for at, raw in enumerate(batches):
                    if at == 0 and file.session_id is not None:
                        _check_columns(raw.schema, ids[file.session_id], names)
                    batch = conform_to(raw, schema)
                    facts = check(batch)
                    for session_id, start, stop in session_runs(batch, one=facts.constant):
                        rows = batch.slice(start, stop - start)
                        if file.session_id is not None and session_id != file.session_id:
                            raise bad_row(rows, 0, "session_id", "is in the file of another session")
                        if session_id in ids:
                            order.check(session_id, rows, increasing=facts.increasing)
                            yield rows
        order.finish()

    def _open(
        self, file: DataFile, *, reading: Reading, names: Sequence[str], repeated: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Compare a file with its record, and open it; from then on it is read, whatever becomes of its name."""
        if file not in self._checked:
            check_hash(file)
            self._checked.add(file)
        batches = read_parquet(file.opened_as, reading, names, repeated)
        return itertools.chain([next(batches)], batches)


def _check_columns(schema: pa.Schema, session: Session, names: Sequence[str]) -> None:
    """Refuse a file that lacks a column of its session: nulls in its place would pass for values."""
    held = set(schema.names)
    for name, kind in session.columns.items():
        if kind != UNTYPED and name in names and name not in held:
            raise SourceError(f"has no column {name!r}, which its session's record says it has; it is damaged")


class _OrderCheck:
    """Checks that the rows of the sessions come in their order, and all of them."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        self._at = 0
        self._count = 0
        self._last: int | None = None

    def check(self, session_id: str, rows: pa.RecordBatch, *, increasing: bool) -> None:
        while self._at < len(self._sessions) and self._sessions[self._at].session_id != session_id:
            self._next_session()
        if self._at == len(self._sessions):
            raise bad_row(rows, 0, "session_id", "is out of order; the source changed while it was read")
        sequence = integers(rows.column("sequence"))
        row = first_out_of_order(sequence[:1] if increasing else sequence, self._last)
        if row is not None:
            raise bad_row(rows, row, "sequence", "does not increase")
        self._last = int(sequence[-1])
        self._count += len(sequence)

    def _next_session(self) -> None:
        session = self._sessions[self._at]
        if self._count != session.measurement_count:
            raise SourceError(
                f"session {session.session_id!r}: its record says {session.measurement_count} rows, "
                f"its data holds {self._count}; the source is damaged or changed while it was read"
            )
        self._at += 1
        self._count = 0
        self._last = None

    def finish(self) -> None:
        while self._at < len(self._sessions):
            self._next_session()
