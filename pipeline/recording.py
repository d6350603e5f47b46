"""A recording: a session that is being recorded, in a file that grows by whole, checked batches.

    STORE/recordings/<id>/recording.json    what is known of the session when it starts
    STORE/recordings/<id>/batches           frames: length and CRC-32 of a batch, then the batch as an Arrow IPC stream
    STORE/recordings/<id>/lock              locked as long as the recorder runs

After a crash the file ends in a frame that is cut off or does not match its checksum; all before it are kept.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.checks import check_rows
from pipeline.destination import sync_directory
from pipeline.errors import SourceError
from pipeline.model import Session, measurements_schema
from pipeline.normalise import attributes_of, conform_to, merge_attributes
from pipeline.records import read_json
from pipeline.store import StoreWriter, is_store
from pipeline.summary import SessionSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY = "recordings"
_FRAME = struct.Struct("<QI")
_RECORD, _BATCHES, _LOCK = "recording.json", "batches", "lock"


class RecordingFile:
    """The files of a recording that is being written."""

    def __init__(self, directory: Path, record: dict[str, Any]) -> None:
        """Create the recording; it is durable when this returns.

        Args:
            directory: is created.
            record: what is known of the session.

        Raises:
            OSError: it cannot be written, or is there.
        """
        directory.mkdir(parents=True)
        self.directory = directory
        self._lock = lock_recording(directory)
        path = directory / _RECORD
        with path.open("w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        self._file = (directory / _BATCHES).open("ab")
        sync_directory(directory)
        sync_directory(directory.parent)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they are durable when this returns."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        payload = sink.getvalue()
        self._file.write(_FRAME.pack(payload.size, zlib.crc32(payload)))
        self._file.write(payload)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the files; the recording stays."""
        self._file.close()

    def unlock(self) -> None:
        """Let others take the recording."""
        if self._lock is not None:
            self._lock.close()


def lock_recording(directory: Path) -> IO[bytes] | None:
    """Lock a recording against others; None where another process has it."""
    lock = (directory / _LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def read_batches(directory: Path) -> Iterator[pa.RecordBatch]:
    """Read the batches that were written whole."""
    path = directory / _BATCHES
    if not path.exists():
        return
    with path.open("rb") as file:
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            size, checksum = _FRAME.unpack(head)
            if size > path.stat().st_size:
                return
            payload = file.read(size)
            if len(payload) != size or zlib.crc32(payload) != checksum:
                return
            with pa.ipc.open_stream(pa.py_buffer(payload)) as reader:
                yield from reader


def finish_recording(store: StoreWriter, directory: Path, *, ended_at: int | None, reason: str | None) -> Session:
    """Make a recording a session of the store, and remove it.

    Args:
        store: the store that it lies in.
        directory: the recording.
        ended_at: when the session ended; its last measurement where nobody knows.
        reason: why it is incomplete; None where it is complete.

    Raises:
        SourceError: it is no recording.
        DestinationError: the store cannot be written.
    """
    record = read_json(directory / _RECORD)
    try:
        session_id, start = str(record["session_id"]), int(record["started_at"])
        harness = record["harness"]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{directory / _RECORD}: is no record of a recording ({error!r})") from error
    attributes: dict[str, str] = {}
    for batch in read_batches(directory):
        attributes = merge_attributes(attributes, attributes_of(batch.schema), where=session_id, widen=True)
    merge_attributes(store.attributes_without({session_id}), attributes, where=f"session {session_id!r}")
    schema = measurements_schema(store.timestamp_unit, attributes)
    summary = SessionSummary()

    def rows() -> Iterator[pa.RecordBatch]:
        for raw in read_batches(directory):
            batch = conform_to(raw, schema)
            check_rows(batch)
            summary.add(batch, attributes)
            yield batch

    def describe() -> Session:
        return Session(
            session_id=session_id,
            timestamp_unit=store.timestamp_unit,
            started_at=start,
            ended_at=summary.end_after(start) if ended_at is None else max(start, ended_at),
            harness_name=harness["name"],
            harness_version=harness["version"],
            configuration=record["configuration"],
            attributes=record["attributes"],
            **summary.figures(),
            columns=dict(attributes),
            origin={"recorder": "pipeline", "is_complete": reason is None, "incomplete_because": reason},
        )

    stage = store.stage(describe, rows(), schema)
    store.publish(stage, session_id)
    shutil.rmtree(directory)
    return describe()


def recover_sessions(to: str | Path) -> list[str]:
    """Make sessions of the recordings whose recorder is gone, marked as incomplete.

    Args:
        to: the store.

    Returns:
        ids of the sessions.

    Raises:
        SourceError: it is no store.
        DestinationError: it cannot be written.
    """
    path = Path(to)
    if not is_store(path):
        raise SourceError(f"{path}: is no store, it has no store.json")
    recovered = []
    for directory in sorted((path / DIRECTORY).glob("*/")):
        lock = lock_recording(directory)
        if lock is None:
            continue  # its recorder runs
        with lock:
            if not (directory / _RECORD).exists() or not (directory / _RECORD).stat().st_size:
                shutil.rmtree(directory)  # it ended before it began
                continue
            with StoreWriter(path, None) as store:
                session = finish_recording(store, directory, ended_at=None, reason="its recorder ended early")
            recovered.append(session.session_id)
    return recovered
