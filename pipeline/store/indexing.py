"""Keeps the index of a store true after its sessions have changed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.disk.directories import sync_directory
from pipeline.errors import SourceError
from pipeline.store.index import INDEX_FILE, make_table, note, write_index
from pipeline.store.planning import compare_records, describe_directory, unite_records

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.store.index import SessionRecords
    from pipeline.store.inventory import StoreInventory


def keep_index(
    path: Path, staging: Path, unit: TimestampUnit, before: StoreInventory | None, changed: Collection[str] | None
) -> SessionRecords | None:
    """Write the index anew where it is not true any more. Where it cannot be written, readers find it old.

    Returns:
        what the records say, None where nothing was written.
    """
    if before is not None and before.is_indexed and changed is not None and not changed:
        return None
    with suppress(OSError, SourceError):
        return make_index(path, staging, unit, before, changed)
    return None


def make_index(
    path: Path,
    staging: Path,
    unit: TimestampUnit,
    before: StoreInventory | None = None,
    changed: Collection[str] | None = None,
) -> SessionRecords:
    """Write the index; gives what it says.

    Args:
        path: the store, which nobody else changes meanwhile.
        staging: where to write.
        unit: its timestamp unit.
        before: what was there before it was changed; None where that is not known.
        changed: names of the directories of sessions that are new, others or gone; None where any may be.

    Raises:
        OSError: it cannot be written.
        SourceError: a directory of sessions is damaged.
    """
    noted = note(path / "sessions")  # before they are looked at: what changes then makes the index old
    records = _records(path, unit, before, changed)
    temporary = staging / INDEX_FILE
    try:
        write_index(temporary, records.table(), noted)
        temporary.rename(path / INDEX_FILE)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path)
    return records


def _records(
    path: Path, unit: TimestampUnit, before: StoreInventory | None, changed: Collection[str] | None
) -> SessionRecords:
    if before is None or changed is None:
        return compare_records(path, unit, None if before is None else before.records)[0]
    kept = [row for name, rows in before.records.places_of.items() if name not in changed for row in rows]
    found = [one for name in sorted(changed) for one in describe_directory(path / "sessions" / name, unit)]
    return unite_records(before.records, sorted(kept), [make_table(found, unit)], unit)
