"""When a session started: what the file says, else the option, else the earliest sample, else the file's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.importers.connection import WholeFileError
from pipeline.model.session_record import SessionRecord
from pipeline.model.timestamps import TICKS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import tzinfo
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit

_EARLIEST = "the earliest sample"
_MODIFIED = "the file's modification time"


class Start:
    """The start of one session, and what says it.

    Attributes:
        ticks: the start, None as long as only the rows can say it.
        source: what says it.
    """

    def __init__(self, path: Path, unit: TimestampUnit, zone: tzinfo | None, given: str | None) -> None:
        """Set where it may come from.

        Args:
            path: the file.
            unit: in which it is counted.
            zone: of times that name none.
            given: what `--started-at` says.
        """
        self.ticks: int | None = None
        self.source = ""
        self._path = path
        self._unit: TimestampUnit = unit
        self._zone = zone
        self._given = given
        self._earliest: int | None = None
        self._is_earliest_known = False

    def find(self, record: SessionRecord, time_columns: Collection[str]) -> None:
        """Find the start before rows are read.

        Args:
            record: what the file, or the record beside it, says of the session.
            time_columns: those that the importer gives.

        Raises:
            WholeFileError: a time in the record cannot be read.
        """
        try:
            said = record.ticks("started_at", self._unit, self._zone)
        except SourceError as error:
            raise WholeFileError(str(error)) from error
        given = SessionRecord(started_at=self._given).ticks("started_at", self._unit, self._zone)
        if said is not None:
            self.ticks, self.source = said, "the file"
        elif given is not None:
            self.ticks, self.source = given, "--started-at"
        elif self._is_earliest_known or not {"timestamp", "epoch_ns"} & set(time_columns):
            self._settle(self._earliest)
        else:
            self.ticks = None

    def note_earliest(self, ticks: int | None) -> None:
        """Note the earliest time of a row, None where none has a time; `find` takes it then."""
        self._earliest, self._is_earliest_known = ticks, True

    def suppose_none(self) -> int:
        """Give the start while rows are read, none of which has a time as far as is known."""
        return self._settle(None)

    def settled(self, first: int | None) -> int:
        """Give the start after rows were read, of which `first` is the earliest time."""
        return self._settle(first) if self.ticks is None else self.ticks

    @property
    def warnings(self) -> list[str]:
        """What a reader should know of it."""
        if self.source != _MODIFIED:
            return []
        return ["nothing says when it started, so its modification time is taken; --started-at says it"]

    def _settle(self, earliest: int | None) -> int:
        if earliest is not None:
            self.ticks, self.source = earliest, _EARLIEST
            return earliest
        modified = self._path.stat().st_mtime_ns * TICKS_PER_SECOND[self._unit] // 1_000_000_000
        self.ticks, self.source = modified, _MODIFIED
        return modified
