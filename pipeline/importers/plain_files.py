"""Files of measurements that are imported: read and checked as a whole, then written, a session at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model.columns import UNTYPED, measurements_schema
from pipeline.rows.batches import Peekable, counted, of_session
from pipeline.sources.plain import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.importers.staged_sessions import StagedSessions
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan
    from pipeline.sources.options import PlainOptions
    from pipeline.store.writer import StoreWriter


@dataclass(frozen=True)
class PlainFiles:
    """Files of measurements that were read and checked.

    Attributes:
        scan: their rows, None where there are no files.
        imported: the sessions that are wanted.
        unchanged: ids of sessions that the store has already.
        skipped: rows that are left out.
    """

    scan: Scan | None = None
    imported: Sequence[Session] = ()
    unchanged: Sequence[str] = ()
    skipped: int = 0


def open_plain_files(
    paths: Sequence[Path], directory: Path, options: PlainOptions, staged: StagedSessions
) -> PlainFiles:
    """Read and check files of measurements, and whether their sessions fit the store and the other files."""
    if not paths:
        return PlainFiles()
    opened = open_plain(paths, directory, options)
    wanted, unchanged = staged.choose(opened.scan.sessions)
    return PlainFiles(opened.scan, wanted, unchanged, opened.skipped)


def import_plain_files(store: StoreWriter, plain: PlainFiles, on_progress: Callable[[int, int], None] | None) -> None:
    """Write and publish the sessions one after the other."""
    if plain.scan is None:
        return
    total = sum(session.measurement_count for session in plain.imported)
    batches = Peekable(counted(plain.scan.batches(plain.imported), total, on_progress))
    for session in plain.imported:
        # An attribute without a type yet is left to be filled with nulls: other engines would take its type for
        # one that contradicts other sessions'.
        typed = {name: kind for name, kind in session.columns.items() if kind != UNTYPED}
        schema = measurements_schema(store.timestamp_unit, typed)
        rows = of_session(batches, session.session_id)
        store.add(session, _narrowed(rows, schema), schema)


def _narrowed(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Cut batches down to the columns of one session."""
    for batch in batches:
        yield batch.select(schema.names).cast(schema)
