"""A recording: a session that is being recorded, in a file that grows by whole, checked batches.

    STORE/recordings/<id>/recording.json    what is known of the session when it starts
    STORE/recordings/<id>/batches           frames: length and CRC-32 of a batch, then the batch as an Arrow IPC stream
    STORE/recordings/<id>/lock              locked as long as the recorder runs

After a crash the file ends in a frame that is cut off or does not match its checksum; all before it are kept.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import time
import zlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.directories import make_directories, sync_directory
from pipeline.disk.files import writing_errors
from pipeline.disk.locks import DirectoryLock
from pipeline.disk.regular import open_regular
from pipeline.errors import BusyError, SourceError
from pipeline.runtime.progress import Position, reading
from pipeline.store.own_files import OF_RECORDING, RECORDING_BATCHES, RECORDING_BEGUN, RECORDING_RECORD, remove_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECTORY = "recordings"
_FRAME = struct.Struct("<QI")
RECORD, BATCHES = RECORDING_RECORD, RECORDING_BATCHES
PATIENCE_SECONDS = 60.0
"""How long a recorder waits for what others hold for a moment."""


class RecordingFile:
    """The files of a recording that is being written."""

    def __init__(self, directory: Path, record: dict[str, Any]) -> None:
        """Create the recording; it is durable when this returns.

        Args:
            directory: is created.
            record: what is known of the session.

        Raises:
            FileExistsError: there is a recording.
            OSError: it cannot be written.
        """
        make_directories(directory.parent, sync=True)
        self.directory = directory
        self._lock = _lock_new(directory)
        try:
            self._file = (directory / BATCHES).open("ab", buffering=0)
            # Its record comes last: a recording that has one is whole.
            begun = directory / RECORDING_BEGUN
            with begun.open("w", encoding="utf-8") as file:
                json.dump(record, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            begun.rename(directory / RECORD)
            sync_directory(directory)
            sync_directory(directory.parent)
        except BaseException:
            remove_own(directory, OF_RECORDING)
            self._lock.release()
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
        self._lock.release()


def _lock_new(directory: Path) -> DirectoryLock:
    """Make the directory of a recording, and hold it.

    Raises:
        FileExistsError: it is that of another one.
        OSError: it cannot be made.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            lock = DirectoryLock(directory, held_as=directory)
        except BusyError:
            # Without a record it is one that begins, or one that recovery holds for a moment, to remove it.
            if (directory / RECORD).exists() or time.monotonic() > deadline:
                raise FileExistsError(errno.EEXIST, "another run holds it") from None
            continue
        if not (directory / RECORD).exists():
            return lock
        lock.release()
        raise FileExistsError(errno.EEXIST, "is a recording")


def lock_recording(directory: Path) -> DirectoryLock | None:
    """Hold a recording against others; None where another process has it, or has just removed it.

    Raises:
        DestinationError: it cannot be held.
    """
    try:
        with writing_errors(directory):
            return DirectoryLock(directory, held_as=directory, existing=True)
    except BusyError:
        return None


def read_batches(directory: Path) -> Iterator[pa.RecordBatch]:
    """Read the batches that were written whole.

    Raises:
        SourceError: they cannot be read.
    """
    path = directory / BATCHES
    try:
        with open_regular(path) as file, reading(Position(file), keeps=True):
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
    except pa.ArrowException as error:
        raise SourceError(f"{path}: holds a batch that cannot be read ({error})") from error
