"""Keeps the index of a store true after its sessions have changed."""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.disk.directories import sync_directory
from pipeline.errors import SourceError
from pipeline.store.index import INDEX_FILE, note_apart, write_index
from pipeline.store.planning import compare_records, tables_of, unite_records

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.store.directories import SessionDirectories
    from pipeline.store.index import SessionRecords
    from pipeline.store.inventory import StoreInventory


def keep_index(
    path: Path,
    staging: Path,
    unit: TimestampUnit,
    before: StoreInventory | None,
    directories: SessionDirectories,
) -> SessionRecords | None:
    """Write the index anew where it is not true any more. Where it cannot be written, readers find it old.

    Args:
        path: the store, which nobody else changes meanwhile.
        staging: where to write.
        unit: its timestamp unit.
        before: what was there before it was changed; None where that is not known.
        directories: know what was changed.

    Returns:
        what the records say, None where nothing was written.
    """
    changed = directories.changed
    if before is not None and before.is_indexed and changed is not None and not changed:
        return None
    with suppress(OSError, SourceError):
        return make_index(path, staging, unit, before, changed, directories.described)
    return None


def make_index(
    path: Path,
    staging: Path,
    unit: TimestampUnit,
    before: StoreInventory | None = None,
    changed: Collection[str] | None = None,
    described: Mapping[str, pa.Buffer] = MappingProxyType({}),
) -> SessionRecords:
    """Write the index; gives what it says.

    Args:
        path: the store, which nobody else changes meanwhile.
        staging: where to write.
        unit: its timestamp unit.
        before: what was there before it was changed; None where that is not known.
        changed: names of the directories of sessions that are new, others or gone; None where any may be.
        described: what is known of some of the directories, by name, compressed; it is used where their records are
            still those.

    Raises:
        OSError: it cannot be written.
        SourceError: a directory of sessions is damaged.
    """
    noted = note_apart(path / "sessions")  # before they are looked at: what changes then makes the index old
    records = _records(path, unit, before, changed, described)
    temporary = staging / INDEX_FILE
    try:
        write_index(temporary, records.coded_table(), noted)
        temporary.rename(path / INDEX_FILE)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path)
    return records


def _records(
    path: Path,
    unit: TimestampUnit,
    before: StoreInventory | None,
    changed: Collection[str] | None,
    described: Mapping[str, pa.Buffer],
) -> SessionRecords:
    if before is None or changed is None:
        return compare_records(path, unit, None if before is None else before.records, described)[0]
    kept = [row for name, rows in before.records.places_of.items() if name not in changed for row in rows]
    found = list(tables_of([path / "sessions" / name for name in sorted(changed)], unit, described))
    return unite_records(before.records, sorted(kept), found, unit)
