"""Imports files of harnesses and of measurements into a store, a session at a time, each whole or not at all."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from pipeline.arguments import check_arguments, time_text
from pipeline.disk.local_path import local_path
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.importers.carried import CarriedSessions, part_sources
from pipeline.importers.connection import Engines
from pipeline.importers.documents import documents_of
from pipeline.importers.harness_file import HarnessFile
from pipeline.importers.options import IfExists, ImportOptions
from pipeline.importers.plain_files import import_plain_files, open_plain_files
from pipeline.importers.plain_text import open_plain_text
from pipeline.importers.recognition import sort_out
from pipeline.importers.result import ImportResult
from pipeline.importers.staged_sessions import StagedSessions
from pipeline.model.compact_sessions import counts_of, dropped_digits_of, ids_of
from pipeline.runtime.signals import telling
from pipeline.sources.files import find_files
from pipeline.sources.open import Source, source_paths
from pipeline.store.adding import FEWEST_PACKED
from pipeline.store.early_files import EarlyFiles
from pipeline.store.reading import is_store
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit

_MOST_OVERLAPPING = 8


def import_sessions(
    files: Source,
    to: str | Path,
    *,
    session_id: str | None = None,
    configuration: str | Path | dict[str, Any] | None = None,
    if_exists: IfExists = "error",
    timezone: str | None = None,
    started_at: str | date | datetime | None = None,
    timestamp_unit: TimestampUnit | None = None,
    skip_bad: bool = False,
    allow_empty: bool = False,
    skip_unknown: bool = False,
    importer: str | None = None,
    mapping: Sequence[str] = (),
    header: str | Sequence[str] | None = None,
    assume: Sequence[str] = (),
    wait_seconds: float = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportResult:
    """Import result files of harnesses, files of measurements, stores and packages of measurements.

    What wrote a file is recognised by its content. A harness file becomes one session. Files of measurements are CSV,
    NDJSON, Parquet, Arrow IPC or DuckDB. Sessions of stores and packages come with all that is recorded of them, after
    their rows were compared with the records; such a one that lies in several of them, all equal, is imported once.

    Args:
        files: paths or globs of files, directories, stores and packages. `X.session.json` beside `X.ndjson` is the
            record of its session, or an array of them.
        to: the store, which is created where it is not there.
        session_id: id of rows that have no such column.
        configuration: of sessions without a record: a JSON file, or the object itself.
        if_exists: what to do with a session that the store has: `error`, `skip` or `replace`.
        timezone: IANA name of the zone of times that name none.
        started_at: start of sessions whose record says none, a datetime, or RFC 3339 as text; else a session starts
            at its first row.
        timestamp_unit: `us` or `ns`, of a new store; by default `us`, and of stores and packages what loses nothing.
        skip_bad: leave out rows that cannot be read or break a rule, and count them.
        allow_empty: take a harness file that has no samples as a session of 0 rows; else it is an error.
        skip_unknown: import the files that are known, and tell of the others; else one that is not is an error.
        importer: name of the harness, or path of an SQL file, instead of recognising it.
        mapping: `ROLE=COLUMN:UNIT` for CSV and NDJSON files of any columns, see `pipeline.importers.mapping`.
        header: names of the columns of CSV files without a header line, as a list or with commas between them.
        assume: `NAME=VALUE` for what the files do not say and their importer asks for, such as `unit=us`.
        wait_seconds: how long to wait for another that holds the store.
        on_progress: is called with the rows written and the rows there are, 0 where nobody knows.

    Raises:
        SourceError: a file cannot be read, or holds bad data; nothing is imported then.
        BusyError: another import holds the store.
        DestinationError: the store cannot be written; the message says how many sessions had been imported by then.
        UsageError: an option has a wrong type or cannot be read.
    """
    check_arguments(locals())
    started = time.monotonic()
    store_path = local_path(to)
    options = ImportOptions.read(
        if_exists=if_exists,
        timezone=timezone,
        session_id=session_id,
        configuration=configuration,
        started_at=time_text(started_at, needs_clock=True),
        skip_bad=skip_bad,
        allow_empty=allow_empty,
        header=header,
        assume=assume,
    )
    unknown: list[str] = []
    carried_sources, named = part_sources(source_paths(files))
    carried_sources.require_fitting(
        store_path,
        {"--session-id": session_id, "--from": importer, "--map": mapping, "--header": header, "--assume": assume},
    )
    if carried_sources and timestamp_unit is None and not is_store(store_path):
        timestamp_unit = carried_sources.unit
    engines = Engines()
    plain_paths, harness_paths = sort_out(
        find_files(named, walks=True),
        importer,
        mapping,
        options.header,
        engines=engines,
        unknown=unknown if skip_unknown else None,
    )
    options.require_fitting(harness_paths, plain_paths)
    if session_id is not None and len(harness_paths) > 1:
        raise UsageError(f"--session-id names one session, and {len(harness_paths)} harness files are one each")
    rest = "the same command" + (" with --if-exists skip" if if_exists == "error" else "") + " imports the others"
    published: list[str] = []
    with (
        engines,
        telling(published, verb="imported", rest=rest),  # also while the store is let go
        StoreWriter(store_path, timestamp_unit, wait_seconds=wait_seconds, published=published) as store,
        temporary_directory() as directory,
        StagedSessions(store, if_exists, many=len(harness_paths) >= FEWEST_PACKED) as staged,
        EarlyFiles(store, replaces=if_exists == "replace") as early,
        ExitStack() as resources,
    ):
        carried = CarriedSessions(store, staged)
        carried.open(carried_sources, directory, resources)
        for path, definition in harness_paths.items():
            scratch = directory / "scratch"
            scratch.mkdir()
            content = open_plain_text(path, scratch, definition.extract, is_binary=definition.format == "binary")
            with closing(content.hashing):
                is_new = not staged.may_have(content.size)
                for document in documents_of(content, definition, scratch, will_be_read=is_new):
                    part = scratch / "part"
                    part.mkdir()
                    file = HarnessFile(content, document, definition, part, options, store.timestamp_unit, engines)
                    staged.add(file, on_progress)
                    shutil.rmtree(part)
            shutil.rmtree(scratch)
        plain = open_plain_files(
            plain_paths, directory, options.of_plain_files(store.timestamp_unit, store.attributes), staged, early
        )
        # All files have been read and checked: from here on nothing but the disk can fail.
        staged.publish()
        import_plain_files(store, plain, on_progress)
        carried.publish(on_progress)
    imported = [staged.done, plain.imported, carried.imported]
    ids = tuple(session_id for sessions in imported for session_id in ids_of(sessions))
    counts = [count for sessions in imported for count in counts_of(sessions)]
    return ImportResult(
        to=str(to),
        imported=ids,
        empty=tuple(session_id for session_id, count in zip(ids, counts, strict=True) if not count),
        unchanged=(*staged.unchanged, *plain.unchanged, *carried.unchanged),
        rows=sum(counts),
        skipped_rows=staged.skipped + plain.skipped,
        dropped_digits=carried.dropped_digits + dropped_digits_of(staged.done) + dropped_digits_of(plain.imported),
        seconds=time.monotonic() - started,
        warnings=(*staged.warnings, *plain.warnings, *carried.warnings, *_overlap(store)),
        files=tuple(staged.files),
        unknown=tuple(unknown),
        ignored={file.file: file.ignored for file in staged.files if file.ignored is not None},
    )


def _overlap(store: StoreWriter) -> list[str]:
    """Warn where many packs overlap in time: a row group of each is in memory when they are read."""
    if store.overlapping_packs <= _MOST_OVERLAPPING:
        return []
    told = f"{store.path}: {store.overlapping_packs} packs overlap in time, which makes reading slow"
    return [f"{told}; `pipeline compact {store.path}` puts their sessions in order"]
