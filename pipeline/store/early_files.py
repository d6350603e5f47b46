"""Files of sessions that are written while their rows are still being read: most become those of the store."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from pipeline.runtime.threads import FedBehind
from pipeline.store.building import record_session, write_data_file
from pipeline.store.record import data_file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.scan.parts import FileHashes
    from pipeline.store.writer import StoreWriter


class EarlyFile:
    """The file of a session, as the store will have it if its rows and columns turn out to be these.

    Attributes:
        stage: the directory that holds it, and nothing else.
        session_id: of all its rows.
        schema: of its rows, strings as strings.
        rows: how many there are.
        is_whole: all rows of the session are in it.
    """

    def __init__(self, store: StoreWriter, stage: Path, session_id: str, schema: pa.Schema) -> None:
        self.stage = stage
        self.session_id = session_id
        self.schema = schema
        self.rows = 0
        self.is_whole = False
        self._store = store
        self._writing: FedBehind[pa.RecordBatch, FileHashes] = FedBehind(self._write)

    @property
    def path(self) -> Path:
        """The file."""
        return self.stage / data_file_name(0)

    def add(self, batch: pa.RecordBatch) -> None:
        """Hand on the rows that come next; texts may be held as dictionaries.

        Raises:
            DestinationError: the store cannot be written.
        """
        self._writing.put(batch)
        self.rows += batch.num_rows

    def end(self, *, is_whole: bool) -> None:
        """Say that no more rows come."""
        self.is_whole = is_whole
        self._writing.end()

    def hashes(self) -> FileHashes:
        """Wait until the file is written, after `end`, and give its hashes.

        Raises:
            DestinationError: the store cannot be written.
        """
        return self._writing.result()

    def stop(self) -> None:
        """Write no more, wherever it is."""
        self._writing.stop()

    def _write(self, batches: Iterator[pa.RecordBatch]) -> FileHashes:
        with self._store.errors():
            return write_data_file(self.path, batches, self.schema, sync=False, ahead=False)


class EarlyFiles:
    """Such files of one import; use it in a `with` statement, at whose end those are gone that were not published."""

    def __init__(self, store: StoreWriter, *, replaces: bool) -> None:
        """Begin without a file.

        Args:
            store: where to.
            replaces: sessions that the store has are replaced; else they are left, or an error.
        """
        self._store = store
        self._replaces = replaces
        self._files: dict[str, EarlyFile] = {}
        self._paths: dict[Path, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def wants(self, session_id: str) -> bool:
        """Whether the store may take the file of a session: not if it keeps the one it has, or has it in a pack."""
        if session_id not in self._store:
            return True
        return self._replaces and self._store.directories.pack_of(session_id) is None

    def begin(self, session_id: str, schema: pa.Schema) -> EarlyFile:
        """Begin the file of a session that has none yet.

        Raises:
            DestinationError: the store cannot be written.
        """
        with self._store.building() as stage:
            file = self._files[session_id] = EarlyFile(self._store, stage, session_id, schema)
            self._paths[file.path] = session_id
        return file

    def distrust(self) -> None:
        """Let no file become one of the store: their rows are out of order. They stay until the end, to be sorted."""
        for file in self._files.values():
            file.is_whole = False

    def matches(self, session: Session, schema: pa.Schema) -> bool:
        """Whether there is a file that holds a session as the store shall.

        Args:
            session: its record.
            schema: of its rows.
        """
        file = self._files.get(session.session_id)
        return (
            file is not None and file.is_whole and file.rows == session.measurement_count and file.schema.equals(schema)
        )

    def paths_without(self, sessions: Iterable[Session]) -> set[Path]:
        """The files that there are or were, but for those of some sessions."""
        wanted = {session.session_id for session in sessions}
        return {path for path, session_id in self._paths.items() if session_id not in wanted}

    def publish(self, session: Session) -> None:
        """Make the file of a session durable, and publish it with its record.

        Raises:
            DestinationError: the store cannot be written.
        """
        file = self._files.pop(session.session_id)
        name = self._store.directories.free_name(session.session_id)
        with self._store.errors():
            try:
                hashes = file.hashes()
                with file.path.open("rb") as written:
                    os.fsync(written.fileno())
                record_session(file.stage, name, session, hashes, sync=True)
            except BaseException:
                self._store.unstage(file.stage)
                raise
        self._store.publish(file.stage, [session])

    def discard(self) -> None:
        """Remove all files that were not published."""
        while self._files:
            _, file = self._files.popitem()
            file.stop()
            with suppress(OSError):  # the next one that holds the store tries again
                self._store.unstage(file.stage)
