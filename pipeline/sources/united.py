"""Several stores as one source: their sessions in the order of the model over all of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import SourceError
from pipeline.model.columns import TimestampUnit, measurements_schema
from pipeline.model.sessions_table import sessions_table
from pipeline.rows.attributes import unite_columns
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.normalise import conform_to
from pipeline.scan.inventory import Inventory, TimeRanges
from pipeline.scan.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.model.session import Session
    from pipeline.scan.data_file import DataFile
    from pipeline.store.inventory import StoreInventory

_NANOSECONDS = 1_000
_MOST_MICROSECONDS = (2**63 - 1) // _NANOSECONDS


class UnitedInventory(Inventory):
    """The sessions of several stores; one that lies in two of them, with equal records, counts once."""

    def __init__(self, stores: Sequence[StoreInventory], digests: dict[tuple[str, str], str] | None = None) -> None:
        """Put them in order.

        Args:
            stores: of different paths.
            digests: of rows whose times count nanoseconds, by session and digest of the rows as they lie in a store.

        Raises:
            SourceError: two stores have different sessions of one id, or nanoseconds cannot count a time.
        """
        self._stores = stores
        self._digests = {} if digests is None else digests
        units: set[TimestampUnit] = {store.timestamp_unit for store in stores}
        self.timestamp_unit = "ns" if "ns" in units else "us"
        first, *others = sorted(store.name for store in stores)
        self.name = f"{first} and {len(others)} more"
        self.warnings = tuple(warning for store in stores for warning in store.warnings)
        starts = [self._ticks(store, "started_at") for store in stores]
        keys = sorted(
            (start, session_id, store, row)
            for store, ticks in enumerate(starts)
            for row, (start, session_id) in enumerate(zip(ticks.tolist(), stores[store].session_ids, strict=True))
        )
        places: dict[str, tuple[int, int]] = {}
        again: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for _, session_id, store, row in keys:
            place = places.setdefault(session_id, (store, row))
            if place != (store, row):
                again.append((place, (store, row)))
        self._places = list(places.values())
        self._ids = list(places)
        self._left_out = [frozenset(self._require_equal(store, again)) for store in range(len(stores))]

    def _ticks(self, store: StoreInventory, name: str) -> NDArray[np.int64]:
        """Give times of all sessions of a store, in the unit of all stores."""
        ticks, is_null = store.records.ticks(name)
        if store.timestamp_unit == self.timestamp_unit:
            return ticks
        ticks = np.where(is_null, 0, ticks)
        beyond = np.abs(ticks) > _MOST_MICROSECONDS
        if beyond.any():
            session_id = store.session_ids[int(np.flatnonzero(beyond)[0])]
            raise SourceError(
                f"{store.path}: session {session_id!r} has times that nanoseconds cannot count, as another of the "
                "stores does; name it without those"
            )
        return ticks * _NANOSECONDS

    def _require_equal(self, store: int, again: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> list[str]:
        """Compare the sessions of a store that another has, too; gives their ids."""
        pairs = [(kept, row) for kept, (other, row) in again if other == store]
        here = dict(zip(*self._read(store, [row for _, row in pairs]), strict=True))
        there: dict[tuple[int, int], Session] = {}
        for other in {kept[0] for kept, _ in pairs}:
            rows, sessions = self._read(other, [kept[1] for kept, _ in pairs if kept[0] == other])
            there |= {(other, row): session for row, session in zip(rows, sessions, strict=True)}
        for kept, row in pairs:
            if there[kept] != here[row]:
                raise SourceError(
                    f"{self._stores[kept[0]].path} and {self._stores[store].path}: hold different sessions "
                    f"{here[row].session_id!r}; name one of the two, or delete it in one"
                )
        return [session.session_id for session in here.values()]

    def _read(self, store: int, rows: Sequence[int]) -> tuple[list[int], list[Session]]:
        """Read records of a store, their times in the unit of all stores."""
        chosen = sorted(set(rows))
        there = self._stores[store]
        sessions = there.sessions(chosen)
        if there.timestamp_unit != self.timestamp_unit:
            sessions = [self._converted(there, row, one) for row, one in zip(chosen, sessions, strict=True)]
        return chosen, sessions

    def _converted(self, store: StoreInventory, row: int, session: Session) -> Session:
        """Give a session with its times in nanoseconds; its rows are read for their digest, once."""
        key = (session.session_id, session.content_digest or "")
        if key not in self._digests:
            digest = Digest()
            schema = measurements_schema(self.timestamp_unit, session.columns)
            for batch in store.open([row]).batches():
                digest.add(digest_rows(conform_to(batch, schema)))
            self._digests[key] = digest.text
        return session.in_unit(self.timestamp_unit, content_digest=self._digests[key])

    @property
    def session_ids(self) -> Sequence[str]:
        """Id of each session."""
        return self._ids

    @cached_property
    def metrics(self) -> Sequence[Collection[str]]:
        """Names of the metrics of each session."""
        held = [store.metrics for store in self._stores]
        return [held[store][row] for store, row in self._places]

    @property
    def times(self) -> TimeRanges:
        """Time range of the rows of each session."""
        first, last = (
            [self._ticks(store, f"{which}_timestamp") for store in self._stores] for which in ("first", "last")
        )
        empty = [store.records.ticks("first_timestamp")[1] for store in self._stores]
        return TimeRanges(
            np.array([first[store][row] for store, row in self._places], np.int64),
            np.array([last[store][row] for store, row in self._places], np.int64),
            np.array([empty[store][row] for store, row in self._places], np.bool_),
        )

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Type name by attribute column of all sessions together."""
        return self._attributes_of(range(len(self._places)))

    def _attributes_of(self, places: Sequence[int]) -> dict[str, str]:
        found = [self._places[place] for place in places]

        def where(at: int) -> Path:
            store, row = found[at]
            return self._stores[store].path / "sessions" / self._stores[store].records.texts_at("directory", row)

        return unite_columns((self._stores[store].records.columns[row] for store, row in found), where)

    def _by_store(self, places: Sequence[int]) -> dict[int, list[int]]:
        """Give the rows of sessions by their stores; they rise, for a store has the order of all."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for place in places:
            store, row = self._places[place]
            found[store].append(row)
        return found

    def sessions(self, places: Sequence[int]) -> list[Session]:
        """The records of some sessions."""
        read = {
            (store, row): session
            for store, rows in self._by_store(places).items()
            for row, session in zip(*self._read(store, rows), strict=True)
        }
        return [read[self._places[place]] for place in places]

    def table(self) -> pa.Table:
        """The table of all sessions, with the columns that SQL has."""
        return sessions_table(self.sessions(range(len(self._places))), self.timestamp_unit, for_sql=True)

    def open(self, places: Sequence[int] | None = None, *, columns: Collection[str] = ()) -> Scan:
        """Open the directories of sessions, and none of others.

        Args:
            places: of the sessions, rising; all by default.
            columns: attributes of the stores that are there although none of these sessions has them.

        Raises:
            ReplacedError: one is another by now.
            SourceError: one is damaged.
        """
        chosen = range(len(self._places)) if places is None else places
        by_store = self._by_store(chosen)
        rank = {self._ids[place]: at for at, place in enumerate(chosen)}
        files = [
            _without(file, self._left_out[store].intersection(file.session_ids))
            for store, rows in by_store.items()
            for file in self._stores[store].open(rows).files
        ]
        files.sort(
            key=lambda file: min(rank[one] for one in file.session_ids if one in rank and one not in file.without)
        )
        return Scan(
            name=self.name,
            timestamp_unit=self.timestamp_unit,
            sessions=tuple(self.sessions(chosen)),
            files=tuple(files),
            attributes=self._with_named(self._attributes_of(chosen), columns),
            all_attributes=self.attributes,
            is_as_it_lies=not any(file.without for file in files)
            and {self._stores[store].timestamp_unit for store in by_store} <= {self.timestamp_unit},
        )

    def require_sound(self, places: Sequence[int]) -> None:
        """Compare records that have no checksum with the footers of their files, before they are left out by them.

        Raises:
            SourceError: one does not fit.
        """
        for store, rows in self._by_store(places).items():
            self._stores[store].require_sound(rows)

    def anew(self) -> UnitedInventory:
        """Look at the stores again, and at each of their records."""
        return UnitedInventory([store.anew() for store in self._stores], self._digests)


def _without(file: DataFile, session_ids: frozenset[str]) -> DataFile:
    """Pass over sessions of a file, which are read from another store."""
    if not session_ids:
        return file
    look_again = None if file.look_again is None else partial(_look_again, file, session_ids)
    return replace(file, without=session_ids, look_again=look_again)


def _look_again(file: DataFile, session_ids: frozenset[str]) -> DataFile:
    return _without(file if file.look_again is None else file.look_again(), session_ids)
