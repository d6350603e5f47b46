"""The finished files of a stage: made durable, and recorded in its journal, a group at a time."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.disk.directories import sync_file_system
from pipeline.disk.durable import BLOCK_BYTES
from pipeline.disk.files import writing_errors
from pipeline.disk.journal import append_records, replace_records
from pipeline.runtime.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_PART = 4
MAX_FILES = 512
MAX_BYTES = 16 << 20


class FinishedFiles:
    """Records files that are finished, so that a later run need not write them again.

    A group holds a quarter as many files as are recorded, one at least: so the first are recorded one by one, and of
    ten thousand a few dozen groups are made. A run that is killed loses the files of one group. Those of a group of
    several are made durable by one call for their file system.

    Attributes:
        names: of the files that are recorded.
    """

    def __init__(self, package: Path, journal: Path, *, called: Path, sync: bool, recorded: bool) -> None:
        """Say how.

        Args:
            package: the directory in which the files lie.
            journal: where they are recorded.
            called: what the package is called in errors.
            sync: make them durable before that.
            recorded: whether they are recorded at all.
        """
        self.names: set[str] = set()
        self._package = package
        self._journal = journal
        self._called = called
        self._sync = sync
        self._is_recorded = recorded
        self._group: list[Mapping[str, Any]] = []
        self._group_bytes = 0
        self._count = 0
        self._directory = -1

    def begin(self) -> None:
        """Begin, in the directory that is there now.

        Raises:
            OSError: it cannot be opened.
        """
        if self._sync:
            # Open from now on: the system tells whoever has it open of an error that comes meanwhile.
            self._directory = os.open(self._package, os.O_RDONLY)

    def close(self) -> None:
        """Let go of the directory."""
        directory, self._directory = self._directory, -1
        if directory >= 0:
            with suppress(OSError):  # nothing was written through it
                os.close(directory)

    def restore(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        """Record alone files that are there already, by name.

        Raises:
            OSError: they cannot be recorded.
        """
        replace_records(self._journal, files.values(), sync=self._sync)
        self.names.update(files)
        self._count = len(files)

    @property
    def is_grouped(self) -> bool:
        """Whether the next file becomes durable with others, unless it is large and does so by itself."""
        return self._limit > 1

    @property
    def _limit(self) -> int:
        return max(1, min(MAX_FILES, self._count // _PART))

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a file that is closed, and end the group where it is full.

        Args:
            record: JSON values that say all that is known of it, its `name`, `bytes` and `sha256` among them.

        Raises:
            DestinationError: the group cannot be synced or recorded.
        """
        self._group.append(record)
        self._group_bytes += int(record["bytes"])
        if len(self._group) >= self._limit or self._group_bytes >= MAX_BYTES:
            self.end_group()

    def record(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Record files that are durable already, at once.

        Args:
            records: as `add` takes them.

        Raises:
            DestinationError: they cannot be recorded.
        """
        self.end_group()
        self._count += len(records)
        if self._is_recorded:
            with writing_errors(self._called):
                append_records(self._journal, records, sync=self._sync)
            self.names.update(str(record["name"]) for record in records)

    def forget(self, names: Collection[str]) -> None:
        """Take files for unfinished again."""
        self.names.difference_update(names)

    def end_group(self) -> None:
        """Make the files of the group durable, then record them.

        Raises:
            DestinationError: that cannot be done.
        """
        if not self._group:
            return
        with uninterrupted():
            group, self._group, self._group_bytes = self._group, [], 0
            with writing_errors(self._called):
                if self._sync and self.is_grouped and any(int(file["bytes"]) < BLOCK_BYTES for file in group):
                    sync_file_system(self._directory)
                self._count += len(group)
                if self._is_recorded:
                    append_records(self._journal, group, sync=self._sync)
                    self.names.update(record["name"] for record in group)
