"""A spool for imports: the rows of large sessions go into files as the store will have them, and are written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.model.columns import CORE_COLUMNS, measurements_schema
from pipeline.rows.attributes import attributes_of
from pipeline.rows.batches import BATCH_BYTES
from pipeline.rows.normalise import conform_as_held
from pipeline.rows.runs import session_runs
from pipeline.sources.spool import Spool
from pipeline.store.adding import SMALL_ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.early_files import EarlyFile, EarlyFiles


class EarlySpool(Spool):
    """Sorts out sessions as their rows come; what it takes for large and whole may still turn out to be neither."""

    def __init__(self, directory: Path, early: EarlyFiles) -> None:
        super().__init__(directory)
        self._early = early
        self._file: EarlyFile | None = None
        self._finishing: EarlyFile | None = None
        self._session_id = ""
        self._ended: set[str] = set()
        self._held: list[pa.RecordBatch] = []  # first rows of a session that may become large
        self._is_spooled = False  # the rest of the session goes where its first rows went
        self._is_mixed = False  # sessions alternate: all rows will have to be sorted

    def __exit__(self, *exc_info: object) -> None:
        if exc_info[0] is None:
            self._end_session()
            self._finish()
        else:
            self._early.discard()
        super().__exit__(*exc_info)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows, as `Spool` does."""
        if self._is_mixed:
            super().write(batch)
            return
        # Sessions that begin and end in a batch are small: they stay together.
        small = 0
        for session_id, start, stop in session_runs(batch):
            if session_id != self._session_id and not self._begin_session(session_id):
                super().write(batch.slice(small))
                return
            ends_here = stop < batch.num_rows and stop - start < SMALL_ROWS
            if ends_here and self._file is None and not self._held and not self._is_spooled:
                continue
            super().write(batch.slice(small, start - small))
            self._add(batch.slice(start, stop - start))
            small = stop
        super().write(batch.slice(small))

    def _begin_session(self, session_id: str) -> bool:
        """Begin a session; False where it had ended, and rows are in no order."""
        self._end_session()
        self._is_mixed = session_id in self._ended
        self._session_id = session_id
        self._ended.add(session_id)
        return not self._is_mixed

    def _end_session(self) -> None:
        self._spool_held()
        self._is_spooled = False
        if self._file is not None:
            self._end_file(is_whole=True)

    def _add(self, rows: pa.RecordBatch) -> None:
        if self._is_spooled:
            super().write(rows)
        elif self._file is not None:
            self._write_early(self._file, rows)
        else:
            self._held.append(rows)
            is_large = sum(one.num_rows for one in self._held) >= SMALL_ROWS
            if is_large and self._early.wants(self._session_id):
                self._begin_file()
            elif is_large or sum(one.nbytes for one in self._held) > BATCH_BYTES:
                self._is_spooled = True
                self._spool_held()

    def _begin_file(self) -> None:
        held, self._held = self._held, []
        typed = {name: kind for one in held for name, kind in attributes_of(_with_values(one)).items()}
        unit = held[0].schema.field("timestamp").type.unit
        self._finish()  # no more than one is finished while another is written
        self._seal()
        self._file = self._early.begin(self._session_id, measurements_schema(unit, typed))
        self.files.append(self._file.path)
        self.sessions[self._file.path] = {self._session_id}
        for rows in held:
            self._add(rows)

    def _write_early(self, file: EarlyFile, rows: pa.RecordBatch) -> None:
        if _fits(rows, file.schema):
            file.add(conform_as_held(rows, file.schema))
        else:
            self._end_file(is_whole=False)
            self._is_spooled = True
            super().write(rows)

    def _end_file(self, *, is_whole: bool) -> None:
        if self._file is not None:
            self._file.end(is_whole=is_whole)
            self._finishing, self._file = self._file, None

    def _finish(self) -> None:
        if self._finishing is not None:
            self._finishing.hashes()
            self._finishing = None

    def _spool_held(self) -> None:
        for rows in self._held:
            super().write(rows)
        self._held = []


def _with_values(batch: pa.RecordBatch) -> pa.Schema:
    """Give the schema without the attributes that are null in all rows."""
    return pa.schema(
        [
            field
            for field, column in zip(batch.schema, batch.columns, strict=True)
            if field.name in CORE_COLUMNS or column.null_count < batch.num_rows
        ]
    )


def _fits(rows: pa.RecordBatch, schema: pa.Schema) -> bool:
    """Whether a file of a schema can have rows: it has their types, and a column for each of their values."""
    there = {field.name: field.type for field in schema}
    for field, column in zip(rows.schema, rows.columns, strict=True):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if column.null_count < rows.num_rows and there.get(field.name) != kind:
            return False
    return True
