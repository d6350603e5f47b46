"""Builds directories of sessions in the staging directory of a store: one session each, or a pack of many."""

from __future__ import annotations

import hashlib
import os
from itertools import accumulate, islice
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.disk.directories import sync_directory
from pipeline.model.columns import UNTYPED, measurements_schema
from pipeline.model.compact_sessions import counts_of, shapes_of
from pipeline.rows.normalise import conform_as_held
from pipeline.rows.runs import PassedRows
from pipeline.scan.parts import hash_with_parts
from pipeline.store.directory import RECORD_FILE
from pipeline.store.index_table import Place, coded, make_table
from pipeline.store.pack import PACK_RECORDS, dump_pack, dump_record
from pipeline.store.record import data_file_name, describe_file, dump, make_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.rows.batches import Peekable
    from pipeline.scan.parts import FileHashes

_MAX_ROWS = 1 << 20
_MAX_SESSIONS = 1 << 14
_SESSIONS_AT_ONCE = 1_024
_MAX_BYTES = 60 << 20  # of rows before they are compressed, and of records


class BuiltPack(NamedTuple):
    """What was built.

    Attributes:
        session_count: how many sessions it holds.
        records_sha256: of the file of their records.
        files: SHA-256 by name of that of their rows.
    """

    session_count: int
    records_sha256: str
    files: dict[str, str | None]

    def describe(self, sessions: Sequence[Session], directory: str, unit: TimestampUnit) -> pa.Table:
        """Give what an index says of it, as its records would be read.

        Args:
            sessions: in it, in order.
            directory: name of the directory that it lies in.
            unit: timestamp unit of the store.
        """
        starts = accumulate(counts_of(sessions), initial=0)
        places = (Place(directory, self.records_sha256, self.files, start, is_sealed=True) for start in starts)
        parts = (sessions[at : at + _SESSIONS_AT_ONCE] for at in range(0, len(sessions), _SESSIONS_AT_ONCE))
        return pa.concat_tables(
            [coded(make_table(list(zip(part, islice(places, len(part)), strict=True)), unit)) for part in parts]
        )


def build_session(
    stage: Path,
    name: Callable[[Session], str],
    describe: Callable[[], Session],
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    sync: bool,
) -> None:
    """Write the files of one session.

    Args:
        stage: an empty directory.
        name: gives the name of the file of its rows.
        describe: gives its record when its rows have been written.
        batches: its rows in order.
        schema: schema of the rows.
        sync: make them durable; else the caller does.
    """
    hashes = write_data_file(stage / data_file_name(0), batches, schema, sync=sync)
    session = describe()
    record_session(stage, name(session), session, hashes, sync=sync)


def record_session(stage: Path, name: str, session: Session, hashes: FileHashes, *, sync: bool) -> None:
    """Write the record of a session whose rows have been written.

    Args:
        stage: the directory, which holds the file of its rows under the first name of such files.
        name: the name that it gets.
        session: the record.
        hashes: of the file.
        sync: make it durable, which the file is already; else the caller does.
    """
    path = (stage / data_file_name(0)).rename(stage / name)
    write_file(stage / RECORD_FILE, dump(make_record(session, path.name, hashes)).encode(), sync=sync)
    if sync:
        sync_directory(stage)


def build_pack(
    stage: Path,
    name: str,
    sessions: Sequence[Session],
    batches: Peekable,
    unit: TimestampUnit,
    *,
    may_be_cut: bool = True,
) -> BuiltPack:
    """Write the files of a pack: of as many of the sessions as make one of a sound size.

    Args:
        stage: an empty directory.
        name: of the file of their rows.
        sessions: in order, one at least.
        batches: the rows of all of them in order.
        unit: timestamp unit of the store.
        may_be_cut: else all of them, however large it becomes.

    """
    schema = measurements_schema(unit, typed_columns(sessions))
    records: list[bytes] = []
    rows_held = record_bytes = 0
    is_full = False

    def rows() -> Iterator[pa.RecordBatch]:
        nonlocal rows_held, record_bytes, is_full
        taken = PassedRows(batches)
        for session in sessions:
            rows_held += session.measurement_count
            bytes_held = record_bytes + taken.bytes
            is_full = rows_held > _MAX_ROWS or bytes_held > _MAX_BYTES or len(records) == _MAX_SESSIONS
            if records and may_be_cut and is_full:
                break
            records.append(dump_record(session))
            record_bytes += len(records[-1])
            yield from taken.pass_session(session.session_id)
        yield from taken.passed()

    conformed = (conform_as_held(batch, schema) for batch in rows())
    hashes = write_data_file(stage / name, conformed, schema, sync=True)
    written = dump_pack(records, describe_file(name, hashes), is_full=is_full)
    write_file(stage / PACK_RECORDS, written, sync=True)
    sync_directory(stage)
    return BuiltPack(len(records), hashlib.sha256(written).hexdigest(), {name: hashes.sha256})


def typed_columns(sessions: Sequence[Session]) -> dict[str, str]:
    """Type name by attribute column of sessions that fit each other; a column without a type is in no file.

    Other engines would take its type for one that contradicts other sessions'.
    """
    return {name: kind for _, columns in shapes_of(sessions) for name, kind in columns.items() if kind != UNTYPED}


def write_data_file(
    path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, sync: bool, ahead: bool = True
) -> FileHashes:
    """Write a file of rows, and hash it while the system has it in memory.

    Args:
        path: the file.
        batches: the rows in order.
        schema: of the rows.
        sync: make it durable; else the caller does.
        ahead: prepare the next row group in a thread of its own.
    """
    from pipeline.writers.parquet import write_rows  # noqa: PLC0415 - reading a store needs no writer

    with path.open("wb") as file:
        write_rows(batches, schema, file, compression="zstd", ahead=ahead)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    return hash_with_parts(path)


def write_file(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write a file, durably where that is wanted."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())
