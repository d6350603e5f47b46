"""A recording: a session that is being recorded, in a file that grows by whole, checked batches.

    STORE/recordings/<id>/recording.json    what is known of the session when it starts
    STORE/recordings/<id>/batches           frames: length and CRC-32 of a batch, then the batch as an Arrow IPC stream
    STORE/recordings/<id>/lock              locked as long as the recorder runs

After a crash the file ends in a frame that is cut off or does not match its checksum; all before it are kept.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.directories import sync_directory
from pipeline.disk.files import writing_errors
from pipeline.disk.strict_json import read_json
from pipeline.errors import DestinationError, SourceError
from pipeline.model.columns import measurements_schema
from pipeline.model.session import Session
from pipeline.rows.attributes import attributes_of, merge_attributes
from pipeline.rows.normalise import conform_to
from pipeline.rows.rules import check_rows
from pipeline.rows.summary import SessionSummary
from pipeline.runtime.signals import telling
from pipeline.store.reading import is_store
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY = "recordings"
_FRAME = struct.Struct("<QI")
_RECORD, _BATCHES, _LOCK = "recording.json", "batches", "lock"
_BEGUN = _RECORD + ".new"


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
        try:
            self._lock = _require_lock(directory)
            self._file = (directory / _BATCHES).open("ab", buffering=0)
            # Its record comes last: a recording that has one is whole.
            begun = directory / _BEGUN
            with begun.open("w", encoding="utf-8") as file:
                json.dump(record, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            begun.rename(directory / _RECORD)
            sync_directory(directory)
            sync_directory(directory.parent)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they are durable when this returns."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        payload = sink.getvalue()
        frame = memoryview(_FRAME.pack(payload.size, zlib.crc32(payload)) + payload.to_pybytes())
        while frame.nbytes:  # a disk may take only a part
            frame = frame[self._file.write(frame) :]
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the files; the recording stays.

        Raises:
            DestinationError: what was written may be lost.
        """
        with writing_errors(self.directory):
            self._file.close()

    def unlock(self) -> None:
        """Let others take the recording."""
        with suppress(OSError):  # nothing was written through it
            self._lock.close()


def _require_lock(directory: Path) -> IO[bytes]:
    lock = lock_recording(directory)
    if lock is None:  # whoever looks for what can be recovered was quicker, and removes it
        raise BlockingIOError(errno.EWOULDBLOCK, "another run holds it")
    return lock


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
    """Read the batches that were written whole.

    Raises:
        SourceError: they cannot be read.
    """
    path = directory / _BATCHES
    try:
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
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error})") from error


def finish_recording(
    store: StoreWriter, directory: Path, *, ended_at: int | None, reason: str | None
) -> Session | None:
    """Make a recording a session of the store, and remove it.

    Args:
        store: the store that it lies in.
        directory: the recording.
        ended_at: when the session ended; its last measurement where nobody knows.
        reason: why it is incomplete; None where it is complete.

    Returns:
        the session; None where it was one already, and whoever had made it one did not come to remove the recording.

    Raises:
        SourceError: it is no recording, or cannot be read.
        DestinationError: the store cannot be written, or has another session of this id; the recording stays then.
    """
    record = read_json(directory / _RECORD)
    try:
        session_id, start = str(record["session_id"]), int(record["started_at"])
        harness = record["harness"]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{directory / _RECORD}: is no record of a recording ({error!r})") from error
    if session_id in store:
        _require_recorded(store, session_id, start, directory)
        store.discard(directory)
        return None
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
    store.discard(directory)
    return describe()


def _require_recorded(store: StoreWriter, session_id: str, start: int, directory: Path) -> None:
    """Refuse to replace a session that was not made of the recording."""
    for session in store.sessions:
        if session.session_id == session_id and ("recorder" not in session.origin or session.started_at != start):
            raise DestinationError(
                f"{store.path}: has session {session_id!r} already, which does not come from the recording in "
                f"{directory}; move the session away, then pipeline recover"
            )


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
    recovered: list[str] = []
    with telling(recovered, verb="recovered", rest="the same command recovers the others"):
        for directory in sorted((path / DIRECTORY).glob("*/")):
            session = _recover(path, directory)
            if session is not None:
                recovered.append(session.session_id)
    return recovered


def _recover(path: Path, directory: Path) -> Session | None:
    """Make a session of a recording, unless its recorder runs, or it is one already, or it ended before it began."""
    with writing_errors(directory):
        lock = lock_recording(directory)
    if lock is None:
        return None
    try:
        with StoreWriter(path, None) as store:
            if not (directory / _RECORD).exists():
                store.discard(directory)
                return None
            return finish_recording(store, directory, ended_at=None, reason="its recorder ended early")
    finally:
        with suppress(OSError):  # nothing was written through it
            lock.close()
