"""What a source holds, as its records say, before rows are read: of a store, before its files are looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from pipeline.errors import ReplacedError
from pipeline.model.columns import UNTYPED
from pipeline.model.sessions_table import sessions_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan

ATTEMPTS = 20
"""How often a source is looked at where a session was replaced meanwhile."""

T = TypeVar("T")


class TimeRanges(NamedTuple):
    """First and last time of the rows of each session, in ticks.

    Attributes:
        first: anything where there are no rows.
        last: the same.
        is_empty: there are no rows.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    is_empty: NDArray[np.bool_]


class Inventory(ABC):
    """The sessions of a source, in order, each at a place from 0 on.

    Attributes:
        name: what the source is called in packages.
        timestamp_unit: unit of all timestamps.
        warnings: what its reader should know, a sentence each.
    """

    name: str
    timestamp_unit: TimestampUnit
    warnings: tuple[str, ...] = ()

    @property
    @abstractmethod
    def session_ids(self) -> Sequence[str]:
        """Id of each session."""

    @property
    @abstractmethod
    def metrics(self) -> Sequence[Collection[str]]:
        """Names of the metrics of each session."""

    @property
    @abstractmethod
    def times(self) -> TimeRanges:
        """Time range of the rows of each session."""

    @property
    @abstractmethod
    def attributes(self) -> Mapping[str, str]:
        """Type name by attribute column of all sessions together."""

    @property
    def typed_columns(self) -> Collection[str]:
        """Names of the attributes that have a type in a session: what is null in all rows may stand in no file."""
        return [name for name, kind in self.attributes.items() if kind != UNTYPED]

    @abstractmethod
    def sessions(self, places: Sequence[int]) -> list[Session]:
        """The records of some sessions."""

    @abstractmethod
    def table(self) -> pa.Table:
        """The table of all sessions, with the columns that SQL has."""

    def table_reader(self) -> pa.RecordBatchReader:
        """The same table, batch by batch."""
        return self.table().to_reader()

    def _with_named(self, attributes: Mapping[str, str], columns: Collection[str]) -> dict[str, str]:
        """Add attributes of the source that are named, behind those that are there."""
        named = {name: self.attributes[name] for name in columns if name in self.attributes}
        return {**attributes, **{name: kind for name, kind in named.items() if name not in attributes}}

    @abstractmethod
    def open(self, places: Sequence[int] | None = None, *, columns: Collection[str] = ()) -> Scan:
        """Open sessions for reading; of a store, no file of another is touched.

        Args:
            places: of the sessions, rising; all by default.
            columns: attributes of the source that are there although none of these sessions has them.

        Raises:
            ReplacedError: what is to be opened is another by now; `anew` gives what there is.
            SourceError: it is damaged, or cannot be read.
        """

    def require_sound(self, places: Sequence[int]) -> None:  # noqa: B027 - files have nothing to compare
        """Make sure that the time ranges and metrics of sessions that are left out by them are right.

        Raises:
            SourceError: one is not.
        """

    @abstractmethod
    def anew(self) -> Inventory:
        """Look at the source again."""


def use_what_is_there(inventory: Inventory, use: Callable[[Inventory], T]) -> T:
    """Use an inventory, or where what it tells of is another by now, one that is taken anew.

    Args:
        inventory: what to begin with.
        use: what is done with it; it may be done again.

    Raises:
        ReplacedError: it is replaced again and again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return use(inventory)
        except ReplacedError:
            inventory = inventory.anew()
    return use(inventory)


class OpenedInventory(Inventory):
    """Of a source that is open as a whole, as files are."""

    def __init__(self, scan: Scan, warnings: Sequence[str] = ()) -> None:
        """Take the source, and what its reader should know."""
        self.warnings = tuple(warnings)
        self._scan = scan
        self.name = scan.name
        self.timestamp_unit = scan.timestamp_unit

    @property
    def session_ids(self) -> Sequence[str]:
        """Id of each session."""
        return [session.session_id for session in self._scan.sessions]

    @property
    def metrics(self) -> Sequence[Collection[str]]:
        """Names of the metrics of each session."""
        return [session.metrics for session in self._scan.sessions]

    @property
    def times(self) -> TimeRanges:
        """Time range of the rows of each session."""
        found = [(session.first_timestamp, session.last_timestamp) for session in self._scan.sessions]
        return TimeRanges(
            np.array([first or 0 for first, _ in found], np.int64),
            np.array([last or 0 for _, last in found], np.int64),
            np.array([first is None for first, _ in found], np.bool_),
        )

    @property
    def attributes(self) -> Mapping[str, str]:
        """Type name by attribute column of all sessions together."""
        return self._scan.attributes

    @property
    def typed_columns(self) -> Collection[str]:
        """Names of the attributes that have a type in a session: what is null in all rows may stand in no file."""
        return {name for one in self._scan.sessions for name, kind in one.columns.items() if kind != UNTYPED}

    def sessions(self, places: Sequence[int]) -> list[Session]:
        """The records of some sessions."""
        return [self._scan.sessions[place] for place in places]

    def table(self) -> pa.Table:
        """The table of all sessions, with the columns that SQL has."""
        return sessions_table(self._scan.sessions, self.timestamp_unit, for_sql=True)

    def open(self, places: Sequence[int] | None = None, *, columns: Collection[str] = ()) -> Scan:  # noqa: ARG002
        """Give the source with these sessions alone; its columns are those of all, for nobody knows which have them."""
        return self._scan if places is None else replace(self._scan, sessions=tuple(self.sessions(places)))

    def anew(self) -> Inventory:
        """Give it as it is: what is open stays what it was."""
        return self
