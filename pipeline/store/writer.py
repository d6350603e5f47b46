"""Writes a store: sessions are built in `staging/` and renamed into place, each as a whole."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from pipeline.disk.directories import (
    make_directories,
    recover_exchanged,
    rename_new,
    sync_directory,
    sync_file_system,
)
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import BusyError, DestinationError
from pipeline.model.compact_sessions import ids_of
from pipeline.rows.attributes import AttributesOfSessions
from pipeline.runtime.signals import uninterrupted
from pipeline.store.building import build_session, write_file
from pipeline.store.directories import SessionDirectories
from pipeline.store.directory import RECORD_FILE
from pipeline.store.indexing import keep_index, make_index
from pipeline.store.inventory import take_stock
from pipeline.store.own_files import (
    COMPACTED,
    OF_RECORDING,
    OF_SESSION,
    clear_compacted,
    clear_moved,
    clear_staging,
    remove_own,
)
from pipeline.store.pack import PACK_RECORDS
from pipeline.store.reading import is_store, require_place_for_store
from pipeline.store.record import FORMAT_VERSION, dump
from pipeline.store.store_file import STORE_FILE, StoreFile, read_store_file

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

_PAUSE_SECONDS = 0.05


class StoreWriter:
    """Adds sessions to a store, which is created where there is none; use it in a `with` statement.

    It holds the store meanwhile. What an import that was killed left in `staging/` is removed first; what an
    exchange of directories had put aside is put back.

    Attributes:
        published: ids of the sessions that it has published, in order.
        inventory: what was there, None where there was no store.
        directories: where the sessions lie.
        overlapping_packs: how many packs at most overlap in time, known when it is closed and something was changed.
    """

    def __init__(
        self,
        path: Path,
        unit: TimestampUnit | None,
        *,
        wait_seconds: float = 0,
        published: list[str] | None = None,
    ) -> None:
        """Open or create the store.

        Args:
            path: its directory.
            unit: timestamp unit of a new store, us by default; an existing one must have it where it is given.
            wait_seconds: how long to wait for another that holds the store.
            published: the list that becomes its `published`, for who tells of it when the store has been let go.

        Raises:
            BusyError: another holds the store, and does not let it go in that time.
            DestinationError: the directory holds something else, or cannot be written.
            SourceError: the store is of another version, or has another unit.
        """
        self.path = path
        self._staging = path / "staging"
        self._is_begun = self._keeps_index = False
        self._stages = self.overlapping_packs = 0
        self.published = [] if published is None else published
        require_place_for_store(path)
        self._was_there = path.exists()
        with self.errors():
            self._lock = self._hold_within(wait_seconds)
            try:
                recover_exchanged(self._staging, path / "sessions", holding=[RECORD_FILE, PACK_RECORDS])
                clear_compacted(self._staging / COMPACTED, path / "sessions")
                clear_moved(path / "sessions", self._staging)
                clear_staging(self._staging)
                self._read(unit)
            except BaseException:
                self.close()
                raise

    def _hold_within(self, wait_seconds: float) -> DirectoryLock:
        deadline = time.monotonic() + wait_seconds
        while True:
            make_directories(self.path, sync=True)
            try:
                return self._hold()
            except FileNotFoundError as error:
                busy = BusyError(f"{self.path}: another run has just removed it; try again")
                busy.__cause__ = error
            except BusyError as error:
                busy = error
            if time.monotonic() >= deadline:
                raise busy
            time.sleep(_PAUSE_SECONDS)

    def _hold(self) -> DirectoryLock:
        try:
            return DirectoryLock(self._staging, held_as=self.path)
        except BaseException:
            if not self._was_there:
                with suppress(OSError):  # another run has begun to write it
                    self.path.rmdir()
            raise

    def _read(self, unit: TimestampUnit | None) -> None:
        path = self.path
        if is_store(path):
            self._file = read_store_file(path)
            if unit is not None and unit != self._file.unit:
                raise DestinationError(f"{path}: counts time in {self._file.unit}, not {unit}; a store has one unit")
            existing = take_stock(path)
        else:
            self._file = StoreFile(FORMAT_VERSION, unit or "us")
            existing = None
        self.inventory = existing
        self.timestamp_unit = self._file.unit
        self.directories = SessionDirectories(
            path / "sessions", self._file.unit, existing.places if existing else (), self._file.next_file_number
        )
        self._keeps_index = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Make the index true, and let others hold the store; nothing stays of one that got no session."""
        try:
            with suppress(OSError):  # the next one that holds the store tries again
                clear_staging(self._staging)
                if self._is_begun and not self.published:
                    (self.path / STORE_FILE).unlink()
            self._keep_index()
        finally:
            self._lock.remove(with_directory=not is_store(self.path))
        if not is_store(self.path):
            for directory in (self.path / "sessions", *([] if self._was_there else [self.path])):
                with suppress(OSError):  # it is not there, or not empty
                    directory.rmdir()

    def _keep_index(self) -> None:
        if self._keeps_index and self._file.version == FORMAT_VERSION and is_store(self.path):
            records = keep_index(self.path, self._staging, self.timestamp_unit, self.inventory, self.directories)
            self.overlapping_packs = 0 if records is None else records.most_overlapping

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say that the store cannot be written."""
        try:
            yield
        except OSError as error:
            raise DestinationError(f"{self.path}: cannot be written ({error.strerror or error})") from error

    @property
    def attributes(self) -> dict[str, str]:
        """Type name by attribute column of all sessions that were there."""
        return self.attributes_of_sessions().united()

    def attributes_of_sessions(self) -> AttributesOfSessions:
        """The attributes of the sessions that were there, of which some may be left out."""
        there = self.inventory
        held = () if there is None else zip(there.session_ids, there.records.columns, strict=True)
        return AttributesOfSessions(held, where=str(self.path))

    def __contains__(self, session_id: str) -> bool:
        return session_id in self.directories

    def add(self, session: Session, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Write one session and publish it as a whole; one of the same id is replaced.

        Args:
            session: its record.
            batches: its rows in order.
            schema: schema of the rows.
        """
        self.publish(self.stage(lambda: session, batches, schema), [session])

    def stage(
        self,
        describe: Callable[[], Session],
        batches: Iterable[pa.RecordBatch],
        schema: pa.Schema,
        *,
        sync: bool = True,
    ) -> Path:
        """Write one session without publishing it.

        Args:
            describe: gives its record when its rows have been written.
            batches: its rows in order.
            schema: schema of the rows.
            sync: make it durable; else `publish` is to do so.

        Returns:
            the directory of the session, for `publish`.

        Raises:
            DestinationError: it cannot be written.
        """
        with self.building() as stage:
            build_session(
                stage, lambda one: self.directories.free_name(one.session_id), describe, batches, schema, sync=sync
            )
        return stage

    @contextmanager
    def building(self) -> Iterator[Path]:
        """Give an empty directory to build in, for `publish`; it is gone where that fails.

        Raises:
            DestinationError: it cannot be written.
        """
        with self.errors():
            self._create()
            stage = self._new_stage()
            stage.mkdir()
            try:
                yield stage
            except BaseException:
                remove_own(stage, OF_SESSION)
                raise

    def _new_stage(self) -> Path:
        # The store is held, so a number is enough that is not there.
        while True:
            self._stages += 1
            stage = self._staging / f"{self._stages:04}"
            if not os.path.lexists(stage):
                return stage

    def unstage(self, stage: Path) -> None:
        """Remove what `stage` wrote and nobody published."""
        remove_own(stage, OF_SESSION)

    def discard(self, directory: Path) -> None:
        """Remove a recording; whoever looks sees all of it or nothing. What else lay beside it stays there.

        Raises:
            DestinationError: it cannot be removed.
        """
        self._take_away(directory, OF_RECORDING)

    def remove(self, sessions: Sequence[Session]) -> None:
        """Remove all sessions of a directory; whoever looks sees all of them or none.

        Args:
            sessions: of one directory, all that it holds.

        Raises:
            DestinationError: they cannot be removed.
        """
        directory = self.directories.of(sessions[0].session_id)
        self.retire(directory)
        with uninterrupted():
            self._take_away(directory, OF_SESSION)
            self.directories.forget(sessions)
        with self.errors():
            sync_directory(directory.parent)

    def _take_away(self, directory: Path, own: re.Pattern[str]) -> None:
        with self.errors():
            aside = self._new_stage()
            directory.rename(aside)
        if remove_own(aside, own):
            with suppress(OSError):  # something has its name, and it is kept where it is
                rename_new(aside, directory)

    def sync_staged(self) -> None:
        """Make durable whatever was staged without being synced.

        Raises:
            DestinationError: something could not be written.
        """
        with self.errors():
            sync_file_system(self._staging)

    def publish(
        self,
        stage: Path,
        sessions: Sequence[Session],
        *,
        told: Sequence[Session] | None = None,
        without: Sequence[Session] = (),
    ) -> None:
        """Publish a directory that is durable, as a whole; what others put beside what it replaces stays.

        Args:
            stage: the directory, which is no longer there then.
            sessions: in it, in order; where the store has one of them, those of its directory are among them.
            told: those of them that `published` tells of, all by default.
            without: sessions of the directory that it replaces, which are gone then.

        Raises:
            DestinationError: the store cannot be written.
        """
        with self.errors():
            try:
                if without:
                    self.retire(self.directories.of(without[0].session_id))
                self._publish(stage, sessions, sessions if told is None else told)
                self.directories.forget(without)
                sync_directory(self.path / "sessions")
            finally:
                remove_own(stage, OF_SESSION)

    def create(self) -> None:
        """Create the store where it is not there; it stays, though it may get no session.

        Raises:
            DestinationError: it cannot be written.
        """
        with self.errors():
            self._create()
        self._is_begun = False

    def upgrade(self) -> None:
        """Make the store one of this version: a program that reads no later record must not read it.

        Raises:
            DestinationError: it cannot be written.
        """
        if self._file.version < FORMAT_VERSION:
            self._write_store_file(self._file._replace(version=FORMAT_VERSION))

    def retire(self, directory: Path, *, is_deleted: bool = True) -> None:
        """Give no new file the name of one that goes: it would lead who knew that to other rows.

        Args:
            directory: of the sessions whose files go.
            is_deleted: else they lie elsewhere from now on, and only names that are not the first one are retired.

        Raises:
            DestinationError: the store cannot be written.
        """
        with self.errors():
            number = self.directories.next_number_in(directory)
        if number > self._file.next_file_number and (is_deleted or number > 1):
            self._write_store_file(self._file._replace(next_file_number=number))

    def rebuild_index(self) -> None:
        """Make the index anew, of all records, whatever it says.

        Raises:
            DestinationError: it cannot be written.
            SourceError: a directory of sessions is damaged.
        """
        self.upgrade()
        with self.errors():
            make_index(self.path, self._staging, self.timestamp_unit)
        self._keeps_index = False  # nothing is left to be written

    def _create(self) -> None:
        (self.path / "sessions").mkdir(exist_ok=True)
        if not is_store(self.path):
            self._write_store_file(self._file)
            self._is_begun = True

    def _write_store_file(self, file: StoreFile) -> None:
        with self.errors():
            temporary = self._staging / STORE_FILE
            write_file(temporary, dump(file.describe()).encode())
            temporary.rename(self.path / STORE_FILE)
            sync_directory(self.path)
        self._file = file
        self.directories.next_file_number = file.next_file_number

    def _publish(self, stage: Path, sessions: Sequence[Session], told: Sequence[Session]) -> None:
        self.upgrade()
        with uninterrupted():  # what an interruption tells is what was published
            self.directories.place(stage, sessions)
            self.published += ids_of(told)
