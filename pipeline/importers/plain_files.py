"""Files of measurements that are imported: read and checked as a whole, then written, a session at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pipeline.model.compact_sessions import counts_of
from pipeline.rows.batches import counted
from pipeline.runtime.threads import ScannedAhead
from pipeline.store.adding import FEWEST_PACKED, READ_AHEAD, add_sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.importers.staged_sessions import StagedSessions
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan
    from pipeline.sources.options import PlainOptions
    from pipeline.store.early_files import EarlyFiles
    from pipeline.store.writer import StoreWriter


class PlainFiles(NamedTuple):
    """Files of measurements that were read and checked.

    Attributes:
        scan: their rows, None where there are no files.
        early: files of large sessions, as the store will have them.
        imported: the sessions that are wanted.
        unchanged: ids of sessions that the store has already.
        skipped: rows that are left out.
        warnings: what is lost.
    """

    scan: Scan | None = None
    early: EarlyFiles | None = None
    imported: Sequence[Session] = ()
    unchanged: Sequence[str] = ()
    skipped: int = 0
    warnings: Sequence[str] = ()


def open_plain_files(
    paths: Sequence[Path], directory: Path, options: PlainOptions, staged: StagedSessions, early: EarlyFiles
) -> PlainFiles:
    """Read and check files of measurements, and whether their sessions fit the store and the other files."""
    if not paths:
        return PlainFiles()
    from pipeline.sources.plain import open_plain  # noqa: PLC0415 - files of harnesses need none of it

    opened = open_plain(paths, directory, options, early=early)
    wanted, unchanged = staged.choose(opened.scan.sessions)
    return PlainFiles(opened.scan, early, wanted, unchanged, opened.skipped, opened.warnings)


def import_plain_files(store: StoreWriter, plain: PlainFiles, on_progress: Callable[[int, int], None] | None) -> None:
    """Write and publish the sessions, each as a whole."""
    if plain.scan is None:
        return
    scan = plain.scan
    total = sum(counts_of(plain.imported))
    done = 0

    def progress(rows: int, _: int) -> None:
        if on_progress is not None:
            on_progress(done + rows, total)

    def read(sessions: Sequence[Session]) -> Generator[pa.RecordBatch]:
        nonlocal done
        # What becomes a file of the store as it is, is not read.
        passed = set() if plain.early is None else plain.early.paths_without(sessions)
        files = tuple(file for file in scan.files if file.path not in passed)
        rest = replace(scan, files=files)
        # Of many sessions, which are small, a batch has several; of few, each is told of by itself.
        given = rest.batches_together(sessions) if len(sessions) >= FEWEST_PACKED else rest.batches(sessions)
        with ScannedAhead(given, ahead=READ_AHEAD) as batches:
            yield from counted(batches, total, progress)
        done += sum(counts_of(sessions))

    def pass_over(session: Session) -> None:
        nonlocal done
        done += session.measurement_count
        progress(0, 0)

    add_sessions(store, plain.imported, read, plain.early, pass_over)
