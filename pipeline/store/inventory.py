"""What a store holds: planned from its index, or where that is missing or old, from the records of its sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.disk.safe_names import in_unicode
from pipeline.errors import SourceError
from pipeline.model.sessions_table import SQL_SESSION_DESCRIPTIONS
from pipeline.rows.attributes import unite_columns
from pipeline.scan.data_file import replaced
from pipeline.scan.inventory import Inventory, TimeRanges
from pipeline.scan.scan import Scan
from pipeline.store.directory import DirectoryRecords, FoundDirectory, read_directory
from pipeline.store.early_records import require_footers
from pipeline.store.index import INDEX_FILE, Noted, SessionRecords, note, read_index
from pipeline.store.planning import compare_records, record_file
from pipeline.store.store_file import read_store_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.disk.held import HeldFiles
    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session


def take_stock(path: Path, held: HeldFiles | None = None, *, trusting: bool = True) -> StoreInventory:
    """Find out which sessions a store holds.

    Args:
        path: its directory.
        held: what holds files open that are opened, until they have been read; they go by their names where it is
            None.
        trusting: an index that is as old as the directory of sessions is right; else each record is compared.

    Raises:
        SourceError: the store is of another version or damaged.
    """
    unit = read_store_file(path).unit
    warning = None
    try:
        index = read_index(path / INDEX_FILE, unit)
    except SourceError as error:
        index = None
        warning = f"{error}; the records were read instead, `pipeline compact STORE --rebuild-index` mends it"
    noted = _note(path)
    if index is not None and trusting and noted == index[1] and noted.mtime_ns is not None:
        return StoreInventory(path, unit, index[0], held, is_indexed=True)
    records, is_same = compare_records(path, unit, None if index is None else index[0])
    if index is not None and not is_same:
        warning = (
            f"{path / INDEX_FILE}: is older than the sessions, whose records were read instead; the next import or "
            "`pipeline compact STORE --rebuild-index` makes it anew"
        )
    return StoreInventory(path, unit, records, held, warning=warning)


def _note(path: Path) -> Noted:
    try:
        return note(path / "sessions")
    except FileNotFoundError:
        return Noted(None, 0)
    except OSError as error:
        raise SourceError(f"{path / 'sessions'}: cannot be read ({error.strerror})") from error


class StoreInventory(Inventory):
    """The sessions of a store.

    Attributes:
        path: its directory.
        records: what is known of them.
        is_indexed: it was taken from an index that is right.
    """

    def __init__(
        self,
        path: Path,
        unit: TimestampUnit,
        records: SessionRecords,
        held: HeldFiles | None,
        *,
        warning: str | None = None,
        is_indexed: bool = False,
    ) -> None:
        """Take what `take_stock` found."""
        self.path = path
        self._held = held
        self.name = in_unicode(path.resolve().name)
        self.timestamp_unit = unit
        self.records = records
        self.warnings = () if warning is None else (warning,)
        self.is_indexed = is_indexed

    @property
    def places(self) -> Iterator[tuple[str, str, bool]]:
        """Id, name of the directory, and whether that is a pack, of each session."""
        _, is_alone = self.records.ticks("first_row")
        return zip(self.session_ids, self.records.texts("directory"), (~is_alone).tolist(), strict=True)

    @property
    def session_ids(self) -> Sequence[str]:
        """Id of each session."""
        return self.records.texts("session_id")

    @cached_property
    def _parsed_metrics(self) -> list[frozenset[str]]:
        texts = self.records.texts("metrics")
        parsed = {text: frozenset(json.loads(text)) for text in set(texts)}
        return [parsed[text] for text in texts]

    @property
    def metrics(self) -> Sequence[Collection[str]]:
        """Names of the metrics of each session."""
        return self._parsed_metrics

    @property
    def times(self) -> TimeRanges:
        """Time range of the rows of each session."""
        first, is_empty = self.records.ticks("first_timestamp")
        return TimeRanges(first, self.records.ticks("last_timestamp")[0], is_empty)

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Type name by attribute column of all sessions together."""
        return self._attributes_of(range(len(self.records)))

    def _attributes_of(self, rows: Sequence[int]) -> dict[str, str]:
        def where(at: int) -> Path:
            return self.path / "sessions" / self.records.texts_at("directory", rows[at])

        return unite_columns((self.records.columns[row] for row in rows), where)

    def sessions(self, places: Sequence[int]) -> list[Session]:
        """The records of some sessions."""
        return self.records.sessions(places)

    def find(self, session_id: str) -> Session | None:
        """The record of a session, None where it is not there."""
        place = self._place_of.get(session_id)
        return None if place is None else self.records.sessions([place])[0]

    @cached_property
    def _place_of(self) -> dict[str, int]:
        return {session_id: place for place, session_id in enumerate(self.session_ids)}

    def imported_from(self, size: int) -> list[Session]:
        """The sessions that came from harness files of a size in bytes, and perhaps some others."""
        text = f'"bytes": {size}'
        return self.records.sessions([at for at, origin in enumerate(self.records.texts("origin")) if text in origin])

    def table(self) -> pa.Table:
        """The table of all sessions, with the columns that SQL has."""
        return self.records.table(SQL_SESSION_DESCRIPTIONS)

    def table_reader(self) -> pa.RecordBatchReader:
        """The same table, batch by batch."""
        return self.records.table_reader(SQL_SESSION_DESCRIPTIONS)

    def open(self, places: Sequence[int] | None = None, *, columns: Collection[str] = ()) -> Scan:
        """Open the directories of sessions, and none of others.

        Args:
            places: of the sessions, rising; all by default.
            columns: attributes of the store that are there although none of these sessions has them.

        Raises:
            ReplacedError: one is another by now.
            SourceError: one is damaged.
        """
        rows = range(len(self.records)) if places is None else places
        attributes = self.attributes
        if places is not None and len(rows) < len(self.records):
            # In the order that they have without the others, so that what comes to the store changes nothing.
            attributes = self._with_named(self._attributes_of(rows), columns)
        sessions = _LateSessions(self.records, rows)
        by_directory: dict[str, list[int]] = {}
        directories = self.records.texts("directory")
        for at, row in enumerate(rows):
            by_directory.setdefault(directories[row], []).append(at)
        found: list[FoundDirectory] = []
        for name, members in by_directory.items():
            directory = self.path / "sessions" / name
            known = self._known(rows[members[0]], _Members(sessions, members))
            one = read_directory(directory, self.timestamp_unit, self._held, known)
            if one is None:
                raise replaced(directory)
            found.append(one)
        return Scan(
            name=self.name,
            timestamp_unit=self.timestamp_unit,
            sessions=sessions,
            files=tuple(file for one in found for file in one.files),
            attributes=attributes,
            all_attributes=self.attributes,
        )

    def _known(self, row: int, members: Sequence[Session]) -> DirectoryRecords:
        place = self.records.place(row)
        session_id: str | None = self.records.texts_at("session_id", row)
        ranges: Mapping[str, range] | None = None
        if place.first_row is not None:
            session_id = None
            ranges = _LateRanges(self.records, place.directory)
        return DirectoryRecords(
            record_file(place), place.record_sha256, members, session_id, place.files, ranges, is_sealed=place.is_sealed
        )

    def require_sound(self, places: Sequence[int]) -> None:
        """Compare records that have no checksum with the footers of their files, before they are left out by them.

        Raises:
            SourceError: one does not fit.
        """
        sealed = self.records.flags("is_sealed")
        rows = [row for row in places if not sealed[row]]
        for row, session in zip(rows, self.records.sessions(rows), strict=True):
            directory = self.path / "sessions" / self.records.texts_at("directory", row)
            found = read_directory(directory, self.timestamp_unit)
            if found is None or found.sessions[0] != session:
                raise replaced(directory)
            require_footers(session, found.files)

    def anew(self) -> StoreInventory:
        """Look at the store again, and at each of its records."""
        return take_stock(self.path, self._held, trusting=False)


class _LateSessions(Sequence["Session"]):
    """Records of sessions that are read, all at once, when one is asked for: an engine asks for none."""

    def __init__(self, records: SessionRecords, rows: Sequence[int]) -> None:
        self._records = records
        self._rows = rows

    @cached_property
    def _sessions(self) -> list[Session]:
        return self._records.sessions(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401 - a place or a slice
        return self._sessions[at]


class _LateRanges(Mapping[str, range]):
    """Which rows of a pack are those of each of its sessions, found out when it is asked for."""

    def __init__(self, records: SessionRecords, directory: str) -> None:
        self._records = records
        self._directory = directory

    @cached_property
    def _ranges(self) -> dict[str, range]:
        starts, _ = self._records.ticks("first_row")
        counts, _ = self._records.ticks("measurement_count")
        return {
            self._records.texts_at("session_id", at): range(int(starts[at]), int(starts[at] + counts[at]))
            for at in self._records.places_of[self._directory]
        }

    def __getitem__(self, session_id: str) -> range:
        return self._ranges[session_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._records.places_of[self._directory])


class _Members(Sequence["Session"]):
    """Some of them."""

    def __init__(self, sessions: _LateSessions, at: Sequence[int]) -> None:
        self._sessions = sessions
        self._at = at

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401 - a place or a slice
        return self._sessions[self._at[at]]
