"""Writes a store: sessions are built in `staging/` and renamed into place, each as a whole."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from pipeline.disk.directories import exchange, make_directories, recover_exchanged, rename_new, sync_directory
from pipeline.disk.hashing import file_sha256
from pipeline.disk.locks import DirectoryLock
from pipeline.disk.safe_names import safe_name
from pipeline.errors import BusyError, DestinationError
from pipeline.rows.attributes import merge_attributes
from pipeline.runtime.signals import uninterrupted
from pipeline.store.own_files import OF_RECORDING, OF_SESSION, clear_staging, remove_own, strangers_in
from pipeline.store.reading import (
    RECORD_FILE,
    STORE_FILE,
    is_store,
    names_in_sessions,
    open_store,
    read_store_file,
    require_outside_stores,
)
from pipeline.store.record import FORMAT_VERSION, data_file_name, dump, make_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session


class StoreWriter:
    """Adds sessions to a store, which is created where there is none; use it in a `with` statement.

    It holds the store meanwhile. What an import that was killed left in `staging/` is removed first; what an
    exchange of directories had put aside is put back.

    Attributes:
        published: ids of the sessions that it has published, in order.
    """

    def __init__(self, path: Path, unit: TimestampUnit | None) -> None:
        """Open or create the store.

        Args:
            path: its directory.
            unit: timestamp unit of a new store, us by default; an existing one must have it where it is given.

        Raises:
            BusyError: another import holds the store.
            DestinationError: the directory holds something else, or cannot be written.
            SourceError: the store is of another version, or has another unit.
        """
        self.path = path
        self._staging = path / "staging"
        self._stages = 0
        self._is_begun = False
        self.published: list[str] = []
        self._check_is_free()
        self._was_there = path.exists()
        with self._errors():
            make_directories(path, sync=True)
            try:
                self._lock = self._hold()
            except FileNotFoundError as error:
                raise BusyError(f"{path}: another run has just removed it; try again") from error
            try:
                recover_exchanged(self._staging, path / "sessions", holding=RECORD_FILE)
                clear_staging(self._staging)
                self._read(unit)
            except BaseException:
                self.close()
                raise

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
            self._version, self.timestamp_unit = read_store_file(path)
            if unit is not None and unit != self.timestamp_unit:
                raise DestinationError(
                    f"{path}: counts time in {self.timestamp_unit}, not {unit}; a store has one unit"
                )
            existing = open_store(path)
        else:
            self._version, self.timestamp_unit = FORMAT_VERSION, unit or "us"
            existing = None
        self._sessions = existing.sessions if existing else ()
        self._directories = (
            {file.session_id: file.path.parent for file in existing.files if file.session_id} if existing else {}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others hold the store; nothing stays of one that got no session."""
        with suppress(OSError):  # the next one that holds the store tries again
            clear_staging(self._staging)
            if self._is_begun and not self.published:
                (self.path / STORE_FILE).unlink()
        self._lock.remove(with_directory=not is_store(self.path))
        if not is_store(self.path):
            for directory in (self.path / "sessions", *([] if self._was_there else [self.path])):
                with suppress(OSError):  # it is not there, or not empty
                    directory.rmdir()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DestinationError(f"{self.path}: cannot be written ({error.strerror or error})") from error

    @property
    def attributes(self) -> dict[str, str]:
        """Type name by attribute column of all sessions that were there."""
        return self.attributes_without(())

    def attributes_without(self, session_ids: Collection[str]) -> dict[str, str]:
        """Type name by attribute column of the sessions that were there, some excepted."""
        attributes: dict[str, str] = {}
        for session in self._sessions:
            if session.session_id not in session_ids:
                attributes = merge_attributes(attributes, session.columns, where=str(self.path))
        return attributes

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions that were there."""
        return self._sessions

    def _check_is_free(self) -> None:
        if is_store(self.path):
            return
        require_outside_stores(self.path, to="store", may_be_store=True)
        try:
            names = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
            # An import that was killed may have left these; one that runs may just have made a store of them.
            begun = names <= {"sessions", "staging"} and not names_in_sessions(self.path)
            if self.path.exists() and not (self.path.is_dir() and begun) and not is_store(self.path):
                raise DestinationError(f"{self.path}: is not a store and not empty; name a new directory")
        except OSError as error:
            raise DestinationError(f"{self.path}: cannot be read ({error.strerror})") from error

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._directories

    def add(self, session: Session, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Write one session and publish it as a whole; one of the same id is replaced.

        Args:
            session: its record.
            batches: its rows in order.
            schema: schema of the rows.
        """
        stage = self.stage(lambda: session, batches, schema)
        self.publish(stage, session.session_id)

    def stage(self, describe: Callable[[], Session], batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Path:
        """Write one session without publishing it.

        Args:
            describe: gives its record when its rows have been written.
            batches: its rows in order.
            schema: schema of the rows.

        Returns:
            the directory of the session, for `publish`.
        """
        with self._errors():
            self._create()
            stage = self._new_stage()
            stage.mkdir()
            try:
                self._write(stage, describe, batches, schema)
            except BaseException:
                remove_own(stage, OF_SESSION)
                raise
        return stage

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
        with self._errors():
            aside = self._new_stage()
            directory.rename(aside)
        if remove_own(aside, OF_RECORDING):
            with suppress(OSError):  # something has its name, and it is kept where it is
                rename_new(aside, directory)

    def publish(self, stage: Path, session_id: str) -> None:
        """Publish what `stage` wrote; a session of the same id is replaced, and what others put beside it stays."""
        with self._errors():
            try:
                self._publish(stage, session_id)
            finally:
                remove_own(stage, OF_SESSION)

    def create(self) -> None:
        """Create the store where it is not there; it stays, though it may get no session.

        Raises:
            DestinationError: it cannot be written.
        """
        with self._errors():
            self._create()
        self._is_begun = False

    def _create(self) -> None:
        (self.path / "sessions").mkdir(exist_ok=True)
        if not is_store(self.path):
            self._write_store_file()
            self._is_begun = True

    def _write_store_file(self) -> None:
        temporary = self._staging / STORE_FILE
        _write_synced(temporary, dump({"format_version": FORMAT_VERSION, "timestamp_unit": self.timestamp_unit}))
        temporary.rename(self.path / STORE_FILE)
        self._version = FORMAT_VERSION
        sync_directory(self.path)

    def _write(
        self, stage: Path, describe: Callable[[], Session], batches: Iterable[pa.RecordBatch], schema: pa.Schema
    ) -> None:
        from pipeline.writers.parquet import write_rows  # noqa: PLC0415 - reading a store needs no writer

        data = stage / data_file_name(0)
        with data.open("wb") as file:
            write_rows(batches, schema, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        session = describe()
        data = data.rename(stage / self._free_name(session.session_id))
        record = make_record(session, data.name, data.stat().st_size, file_sha256(data))
        _write_synced(stage / RECORD_FILE, dump(record))
        sync_directory(stage)

    def _free_name(self, session_id: str) -> str:
        """Name the file of a session: a path never changes its content, so one that is replaced has another name."""
        replaced = self._directories.get(session_id)
        names = {entry.name for entry in replaced.iterdir()} if replaced else set()
        numbers = [int(match[1]) for name in names if (match := re.fullmatch(r"measurements-(\d+)\.parquet", name))]
        return data_file_name(max(numbers, default=-1) + 1)

    def _publish(self, stage: Path, session_id: str) -> None:
        if self._version < FORMAT_VERSION:  # a program that reads no later record must not read the store
            self._write_store_file()
        target = self._directories.get(session_id)
        if target is None:
            taken = {name.lower() for name in names_in_sessions(self.path)}
            target = self.path / "sessions" / safe_name(session_id, taken)
        with uninterrupted():  # what an interruption tells is what was published
            if session_id in self._directories:
                exchange(stage, target)
                _carry_over(stage, target)
            else:
                rename_new(stage, target)
            self._directories[session_id] = target
            self.published.append(session_id)
        sync_directory(target.parent)


def _carry_over(replaced: Path, session: Path) -> None:
    """Put what others had put beside the files of a session that was replaced beside those of the new one.

    Raises:
        DestinationError: something cannot be renamed, as a mount point; the session is the old one again then.
    """
    carried: list[str] = []
    for name in [] if replaced.is_symlink() else strangers_in(replaced, OF_SESSION):
        try:
            rename_new(replaced / name, session / name)
        except OSError as error:
            for one in carried:
                rename_new(session / one, replaced / one)
            exchange(replaced, session)
            raise DestinationError(
                f"{session}: holds {name!r}, which no import wrote and which cannot be put beside another session "
                f"({error.strerror}); it was not replaced; move that away first"
            ) from error
        carried.append(name)


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
