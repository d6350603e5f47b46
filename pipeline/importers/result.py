"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.display import html_table, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class IgnoredNames:
    """Names in a file that its importer did not use.

    Attributes:
        names: how many values each had, by name; at most 100, sorted.
        more: how many other names there were.
    """

    names: Mapping[str, int]
    more: int = 0

    @property
    def count(self) -> int:
        """How many names there were."""
        return len(self.names) + self.more

    def __str__(self) -> str:
        """Say how many there were, and where they stand."""
        return f"{quantity(self.count, 'name')} not used (origin.ignored of its session has them)"


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did.

    Attributes:
        to: the store.
        imported: ids of the sessions that were written, in order.
        unchanged: ids of the sessions that were in the store already and were skipped.
        empty: ids of those of the imported that have no rows.
        rows: rows written.
        skipped_rows: bad rows that were left out.
        dropped_digits: rows whose time had digits below the store's unit.
        seconds: how long it took.
        warnings: what the reader of the measurements should know, each with its file.
        ignored: by file, the names in it that were not used: keys and columns; a file of which all was has none.
    """

    to: str
    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    empty: tuple[str, ...]
    rows: int
    skipped_rows: int
    dropped_digits: int
    seconds: float
    warnings: tuple[str, ...] = ()
    ignored: Mapping[str, IgnoredNames] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        notes = [f"{quantity(self.skipped_rows, 'bad row')} left out"] if self.skipped_rows else []
        if self.empty:
            notes.append(f"{quantity(len(self.empty), 'session')} without rows")
        if self.dropped_digits:
            notes.append(f"digits of {quantity(self.dropped_digits, 'time')} dropped")
        notes += self.warnings
        notes += [f"{path}: {names}" for path, names in self.ignored.items()]
        return html_table(
            f"{self.to}: {quantity(len(self.imported), 'session')}, {quantity(self.rows, 'row')} imported in "
            f"{self.seconds:.2f} s",
            ("session_id", "is"),
            [*((one, "imported") for one in self.imported), *((one, "unchanged") for one in self.unchanged)],
            notes,
        )
