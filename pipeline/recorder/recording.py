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
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.directories import sync_directory
from pipeline.disk.files import writing_errors
from pipeline.disk.locks import open_lock
from pipeline.disk.regular import open_regular
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECTORY = "recordings"
_FRAME = struct.Struct("<QI")
RECORD, _BATCHES, _LOCK = "recording.json", "batches", "lock"
_BEGUN = RECORD + ".new"


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
            begun.rename(directory / RECORD)
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
    lock = os.fdopen(open_lock(directory / _LOCK, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")
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
        with open_regular(path) as file:
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
