"""What the records in the directories of a store say, as one table; what is known of some is not read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.disk.hashing import file_sha256
from pipeline.errors import SourceError
from pipeline.model.arrays import from_integers
from pipeline.store.directory import RECORD_FILE, read_directory
from pipeline.store.index import SessionRecords
from pipeline.store.index_table import Place, coded, decompressed, make_table
from pipeline.store.pack import PACK_RECORDS
from pipeline.store.reading import directories_of_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

_SESSIONS_OF_A_TABLE = 4_096


def compare_records(
    path: Path, unit: TimestampUnit, known: SessionRecords | None, described: Mapping[str, pa.Buffer] | None = None
) -> tuple[SessionRecords, bool]:
    """Compare what is known with the records, and read those that are others.

    Args:
        path: the store.
        unit: its timestamp unit.
        known: what is known of its sessions.
        described: the same of directories of them, by name, compressed.

    Returns:
        what the records say, and whether that was known.
    """
    kept: list[int] = []
    others: list[Path] = []
    for directory in directories_of_sessions(path):
        rows = None if known is None else known.places_of.get(directory.name)
        if known is not None and rows and _is_still(directory, known.place(rows[0])):
            kept += rows
        else:
            others.append(directory)
    tables = list(tables_of(others, unit, described or {}))
    if known is not None and not tables and len(kept) == len(known):
        return known, True
    records = unite_records(known, sorted(kept), tables, unit)
    _require_once(path, records)
    return records, False


def tables_of(
    directories: Iterable[Path], unit: TimestampUnit, described: Mapping[str, pa.Buffer]
) -> Iterator[pa.Table]:
    """Read the records in directories of sessions, and give what they say, many sessions at a time.

    Args:
        directories: which; what holds no session is passed over.
        unit: timestamp unit of the store.
        described: what is known of some of them, by name, compressed; where their records are others, they are read.

    Raises:
        SourceError: one is damaged.
    """
    found: list[tuple[Session, Place]] = []
    for directory in directories:
        held = described.get(directory.name)
        table = None if held is None else decompressed(held)
        if table is not None and _is_still(directory, SessionRecords(table, unit).place(0)):
            yield table
            continue
        found += describe_directory(directory, unit)
        if len(found) >= _SESSIONS_OF_A_TABLE:  # a table takes a fraction of what its sessions take
            yield coded(make_table(found, unit))
            found = []
    if found:
        found.sort(key=lambda one: one[0].sort_key)
        yield make_table(found, unit)


def _is_still(directory: Path, place: Place) -> bool:
    """Whether the records in a directory are those of a place."""
    try:
        return file_sha256(directory / record_file(place)) == place.record_sha256
    except OSError:
        return False


def record_file(place: Place) -> str:
    """Name of the file of the record of a session that lies in a place."""
    return RECORD_FILE if place.first_row is None else PACK_RECORDS


def describe_directory(directory: Path, unit: TimestampUnit) -> list[tuple[Session, Place]]:
    """Read the records in a directory of sessions, none where it holds none.

    Raises:
        SourceError: it is damaged.
    """
    found = read_directory(directory, unit)
    if found is None:
        return []
    records = found.records
    files = None if records.files is None else dict(records.files)
    return [
        (
            session,
            Place(
                directory.name,
                records.sha256,
                files,
                None if records.rows is None else records.rows[session.session_id].start,
                records.is_sealed,
            ),
        )
        for session in records.sessions
    ]


def unite_records(
    known: SessionRecords | None, rows: Sequence[int], added: Sequence[pa.Table], unit: TimestampUnit
) -> SessionRecords:
    """Put what is still right of an index and what was read anew in order.

    Args:
        known: what was known.
        rows: those of it that are still right, rising.
        added: what was read anew.
        unit: timestamp unit of the store.
    """
    import pyarrow as pa  # noqa: PLC0415 - only here

    kept = [] if known is None else [known.coded_table().take(from_integers(rows, pa.int64()))]
    tables = [*kept, *added]
    if len(tables) > 1:
        tables = [coded(one) for one in tables]
    table = pa.concat_tables(tables) if tables else make_table([], unit)
    together = SessionRecords(table, unit)
    starts = together.ticks("started_at")[0]
    if bool((starts[1:] > starts[:-1]).all()):  # as those of a harness that runs one after the other
        return together
    keys = list(zip(starts.tolist(), together.texts("session_id"), strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    if order == list(range(len(keys))):
        return together
    return SessionRecords(table.take(from_integers(order, pa.int64())), unit)


def _require_once(path: Path, records: SessionRecords) -> None:
    if records.holds_once("session_id"):
        return
    ids = records.texts("session_id")
    places: dict[str, str] = {}
    for session_id, directory in zip(ids, records.texts("directory"), strict=True):
        before = places.setdefault(session_id, directory)
        if before != directory:
            there = path / "sessions"
            raise SourceError(f"{there / directory}: holds session {session_id!r}, and so does {there / before}")
