"""The directories of the sessions of a store: which session lies where, and a staged one that takes its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.disk.directories import exchange, rename_new
from pipeline.errors import DestinationError
from pipeline.model.compact_sessions import ids_of
from pipeline.store.directory import read_directory
from pipeline.store.index_table import compressed
from pipeline.store.names import pack_directory_name, session_directory_name
from pipeline.store.own_files import OF_SESSION, strangers_in
from pipeline.store.pack import PACK_RECORDS
from pipeline.store.record import data_file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.store.building import BuiltPack


class SessionDirectories:
    """Where the sessions of a store lie, whose holder alone may use it.

    Attributes:
        changed: names of the directories that were placed or are gone; None where it may be any.
        described: what an index says of some of those that were placed, by name, compressed.
        next_file_number: number of the file of rows in a directory that is new.
    """

    def __init__(
        self, path: Path, unit: TimestampUnit, places: Iterable[tuple[str, str, bool]], next_file_number: int
    ) -> None:
        """Take what is there.

        Args:
            path: the directory of all of them.
            unit: timestamp unit of the store.
            places: id, name of the directory, and whether that is a pack, of each session.
            next_file_number: see there.
        """
        self.next_file_number = next_file_number
        self._path = path
        self._unit = unit
        self.changed: set[str] | None = set()
        self.described: dict[str, pa.Buffer] = {}
        self._of: dict[str, Path] = {}
        self._packs: set[Path] = set()
        directories: dict[str, Path] = {}
        for session_id, name, is_pack in places:
            directory = directories.get(name) or directories.setdefault(name, path / name)
            self._of[session_id] = directory
            if is_pack:
                self._packs.add(directory)
        self._taken: set[str] | None = None

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._of

    def of(self, session_id: str) -> Path:
        """The directory that a session lies in."""
        return self._of[session_id]

    def pack_of(self, session_id: str) -> Path | None:
        """The directory of the pack that a session lies in; None where it has one of its own, or is not there."""
        directory = self._of.get(session_id)
        return directory if directory in self._packs else None

    def describe(self, sessions: Sequence[Session], pack: BuiltPack) -> None:
        """Take note of what a pack that was placed holds, so that its records need not be read again for the index."""
        name = self._of[sessions[0].session_id].name
        self.described[name] = compressed(pack.describe(sessions, name, self._unit))

    def forget(self, sessions: Iterable[Session]) -> None:
        """Know of sessions no longer, for they are gone."""
        for session in sessions:
            self._note(self._of.pop(session.session_id))

    def _note(self, directory: Path) -> None:
        if self.changed is not None:
            self.changed.add(directory.name)

    def free_name(self, session_id: str) -> str:
        """Name the file of rows: a path never changes its content, so what replaces another has another name.

        Raises:
            SourceError: what is to be replaced holds a file of rows that no record names, and that may be somebody's.
        """
        replaced = self._of.get(session_id)
        if replaced is None:
            return self.new_name
        read_directory(replaced, self._unit)
        return data_file_name(self.next_number_in(replaced))

    @property
    def new_name(self) -> str:
        """Name of the file of rows in a directory that is new."""
        return data_file_name(self.next_file_number)

    @staticmethod
    def next_number_in(directory: Path) -> int:
        """Give a number that is more than that of any file of rows in a directory.

        Raises:
            OSError: it cannot be read.
        """
        names = [entry.name for entry in directory.iterdir()]
        numbers = [int(match[1]) for name in names if (match := re.fullmatch(r"measurements-(\d+)\.parquet", name))]
        return max(numbers, default=-1) + 1

    def place(self, stage: Path, sessions: Sequence[Session]) -> None:
        """Rename a directory into its place, or exchange it for the one whose sessions it holds anew.

        Args:
            stage: the directory; what it replaces is there afterwards, less what others had put there.
            sessions: in it, in order.

        Raises:
            OSError, DestinationError: it cannot be renamed.
        """
        is_pack = (stage / PACK_RECORDS).exists()
        target = self._of.get(sessions[0].session_id)
        if target is None:
            target = self._rename_new(stage, sessions, is_pack=is_pack)
        else:
            exchange(stage, target)
            _carry_over(stage, target)
        self._note(target)
        self._of.update(dict.fromkeys(ids_of(sessions), target))
        if is_pack:
            self._packs.add(target)

    def _rename_new(self, stage: Path, sessions: Sequence[Session], *, is_pack: bool) -> Path:
        if self._taken is None:
            self._taken = self._names()
        while True:
            if is_pack:
                name = pack_directory_name(sessions, self._taken)
            else:
                name = session_directory_name(sessions[0].session_id, self._taken)
            target = self._path / name
            try:
                rename_new(stage, target)
            except FileExistsError:
                now = self._names()
                if now <= self._taken:
                    raise
                self._taken |= now  # a stranger has come meanwhile
            else:
                self._taken.add(name.lower())
                return target

    def _names(self) -> set[str]:
        return {entry.name.lower() for entry in self._path.iterdir()}


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
