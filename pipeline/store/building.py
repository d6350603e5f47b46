"""Builds directories of sessions in the staging directory of a store: one session each, or a pack of many."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.disk.directories import sync_directory
from pipeline.model.columns import UNTYPED, measurements_schema
from pipeline.rows.batches import Peekable, of_session, text_bound
from pipeline.rows.normalise import conform_as_held
from pipeline.scan.parts import hash_with_parts
from pipeline.store.directory import RECORD_FILE
from pipeline.store.pack import PACK_RECORDS, dump_pack, dump_record
from pipeline.store.record import data_file_name, describe_file, dump, make_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.parts import FileHashes

_MAX_ROWS = 1 << 20
_MAX_SESSIONS = 1 << 14
_MAX_BYTES = 60 << 20  # of rows before they are compressed, and of records


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
) -> int:
    """Write the files of a pack: of as many of the sessions as make one of a sound size.

    Args:
        stage: an empty directory.
        name: of the file of their rows.
        sessions: in order, one at least.
        batches: the rows of all of them in order, of one session each.
        unit: timestamp unit of the store.
        may_be_cut: else all of them, however large it becomes.

    Returns:
        how many sessions it holds.
    """
    schema = measurements_schema(unit, typed_columns(sessions))
    records: list[bytes] = []
    rows_held = bytes_held = 0
    is_full = False

    def rows() -> Iterator[pa.RecordBatch]:
        nonlocal rows_held, bytes_held, is_full
        for session in sessions:
            rows_held += session.measurement_count
            is_full = rows_held > _MAX_ROWS or bytes_held > _MAX_BYTES or len(records) == _MAX_SESSIONS
            if records and may_be_cut and is_full:
                return
            records.append(dump_record(session))
            bytes_held += len(records[-1])
            for batch in of_session(batches, session.session_id):
                bytes_held += batch.num_rows * 8 * batch.num_columns + text_bound(batch)
                yield conform_as_held(batch, schema)

    hashes = write_data_file(stage / name, rows(), schema, sync=True)
    write_file(stage / PACK_RECORDS, dump_pack(records, describe_file(name, hashes), is_full=is_full), sync=True)
    sync_directory(stage)
    return len(records)


def typed_columns(sessions: Iterable[Session]) -> dict[str, str]:
    """Type name by attribute column of sessions that fit each other; a column without a type is in no file.

    Other engines would take its type for one that contradicts other sessions'.
    """
    return {name: kind for session in sessions for name, kind in session.columns.items() if kind != UNTYPED}


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
