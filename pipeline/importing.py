"""Imports files of measurements into a store, a session at a time, each whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pipeline.disk.strict_json import read_json
from pipeline.display import html_table, quantity
from pipeline.errors import SourceError, UsageError, suggest
from pipeline.importers.converting import ConvertOptions, HarnessFile
from pipeline.importers.recognition import sort_out
from pipeline.importers.staging import Staging
from pipeline.model.columns import UNTYPED, TimestampUnit, measurements_schema
from pipeline.model.timestamps import parse_timestamp, parse_zone
from pipeline.rows.batches import Peekable, counted, of_session
from pipeline.runtime.signals import telling
from pipeline.sources.files import find_files
from pipeline.sources.open import Source, source_paths
from pipeline.sources.options import PlainOptions
from pipeline.sources.plain import open_plain
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan

IfExists = Literal["error", "skip", "replace"]


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        to: the store.
        imported: ids of the sessions that were written, in order.
        unchanged: ids of the sessions that were in the store already and were skipped.
        rows: rows written.
        skipped_rows: bad rows that were left out.
        dropped_digits: rows whose time had digits below the store's unit.
        seconds: how long it took.
    """

    to: str
    imported: tuple[str, ...]
    unchanged: tuple[str, ...]
    rows: int
    skipped_rows: int
    dropped_digits: int
    seconds: float

    def _repr_html_(self) -> str:
        notes = [f"{quantity(self.skipped_rows, 'bad row')} left out"] if self.skipped_rows else []
        if self.dropped_digits:
            notes.append(f"digits of {quantity(self.dropped_digits, 'time')} dropped")
        return html_table(
            f"{self.to}: {quantity(len(self.imported), 'session')}, {quantity(self.rows, 'row')} imported in "
            f"{self.seconds:.2f} s",
            ("session_id", "is"),
            [*((one, "imported") for one in self.imported), *((one, "unchanged") for one in self.unchanged)],
            notes,
        )


def import_sessions(
    files: Source,
    to: str | Path,
    *,
    session_id: str | None = None,
    configuration: str | Path | dict[str, Any] | None = None,
    if_exists: IfExists = "error",
    timezone: str | None = None,
    started_at: str | None = None,
    timestamp_unit: TimestampUnit | None = None,
    skip_bad: bool = False,
    importer: str | None = None,
    mapping: Sequence[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import result files of harnesses, and CSV, NDJSON, Parquet, Arrow IPC or DuckDB files of measurements.

    What wrote a file is recognised by its content. A harness file becomes one session.

    Args:
        files: paths or globs. `X.session.json` beside `X.ndjson` is the record of its session, or an array of them.
        to: the store, which is created where it is not there.
        session_id: id of rows that have no such column.
        configuration: of sessions without a record: a JSON file, or the object itself.
        if_exists: what to do with a session that the store has: `error`, `skip` or `replace`.
        timezone: IANA name of the zone of times that name none.
        started_at: RFC 3339 time of sessions whose record says none; else a session starts at its first row.
        timestamp_unit: `us` or `ns`, of a new store.
        skip_bad: leave out rows that cannot be read or break a rule, and count them.
        importer: name of the harness, or path of an SQL file, instead of recognising it.
        mapping: `ROLE=COLUMN:UNIT` for CSV and NDJSON files of any columns, see `pipeline.importers.mapping`.
        on_progress: is called with the rows written and the rows there are, 0 where nobody knows.

    Raises:
        SourceError: a file cannot be read, or holds bad data; nothing is imported then.
        BusyError: another import holds the store.
        DestinationError: the store cannot be written; the message says how many sessions had been imported by then.
        UsageError: an option cannot be read.
    """
    started = time.monotonic()
    if if_exists not in get_args(IfExists):
        raise UsageError(f"--if-exists {if_exists!r}: {suggest(if_exists, get_args(IfExists), noun='choices')}")
    zone = parse_zone(timezone) if timezone else None
    if started_at is not None:
        try:
            parse_timestamp(started_at, "us", zone)
        except ValueError as error:
            raise UsageError(f"--started-at: {error}") from error
    if importer is not None and mapping:
        raise UsageError("--from and --map exclude each other: both say what the columns are")
    paths = find_files(source_paths(files))
    configured = _read_configuration(configuration)
    plain_paths, harness_paths = sort_out(paths, importer, mapping)
    if session_id is not None and len(harness_paths) > 1:
        raise UsageError(f"--session-id names one session, and {len(harness_paths)} harness files are one each")
    rest = "the same command" + (" with --if-exists skip" if if_exists == "error" else "") + " imports the others"
    with (
        StoreWriter(Path(to), timestamp_unit) as store,
        telling(store.published, verb="imported", rest=rest),
        tempfile.TemporaryDirectory(prefix="pipeline-") as directory,
        Staging(store, if_exists) as staging,
    ):
        options = PlainOptions(
            timestamp_unit=store.timestamp_unit,
            zone=zone,
            session_id=session_id,
            configuration=configured,
            started_at=started_at,
            skip_bad=skip_bad,
            attributes=store.attributes,
            # Whether a session that is replaced had other types does not matter; it is known when the rows are.
            kept_attributes={} if if_exists == "replace" else store.attributes,
        )
        convert = ConvertOptions(
            unit=store.timestamp_unit,
            zone=zone,
            session_id=session_id,
            configuration=configured,
            started_at=started_at,
            skip_bad=skip_bad,
        )
        for number, (path, definition) in enumerate(harness_paths.items()):
            scratch = Path(directory) / f"harness-{number}"
            scratch.mkdir()
            staging.add(HarnessFile(path, definition, scratch, convert), on_progress)
            shutil.rmtree(scratch)
        plain = _open_plain(store, plain_paths, Path(directory), options, if_exists, staging)
        # All files have been read and checked: from here on nothing but the disk can fail.
        staging.publish()
        _import_plain(store, plain, on_progress)
    imported = [*staging.done, *plain.imported]
    return ImportReport(
        to=str(to),
        imported=tuple(session.session_id for session in imported),
        unchanged=(*staging.unchanged, *plain.unchanged),
        rows=sum(session.measurement_count for session in imported),
        skipped_rows=staging.skipped + plain.skipped,
        dropped_digits=sum(session.dropped_digit_count for session in imported),
        seconds=time.monotonic() - started,
    )


@dataclass(frozen=True)
class _PlainFiles:
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


def _open_plain(
    store: StoreWriter,
    paths: Sequence[Path],
    directory: Path,
    options: PlainOptions,
    if_exists: IfExists,
    staging: Staging,
) -> _PlainFiles:
    """Read and check files of measurements, and whether their sessions fit the store and the other files."""
    if not paths:
        return _PlainFiles()
    opened = open_plain(paths, directory, options)
    sessions = opened.scan.sessions
    present = [session.session_id for session in sessions if session.session_id in store]
    if present and if_exists == "error":
        raise SourceError(
            f"{store.path}: has session {present[0]!r} already; --if-exists skip or replace says what to do"
        )
    wanted = [session for session in sessions if if_exists == "replace" or session.session_id not in store]
    for session in wanted:
        staging.claim(session.session_id)
    for session in wanted:
        staging.unite(session.session_id, session.columns, where=f"session {session.session_id!r}")
    return _PlainFiles(opened.scan, wanted, present if if_exists == "skip" else (), opened.skipped)


def _import_plain(store: StoreWriter, plain: _PlainFiles, on_progress: Callable[[int, int], None] | None) -> None:
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


def _read_configuration(configuration: str | Path | dict[str, Any] | None) -> dict[str, Any] | None:
    value: Any = configuration
    if isinstance(configuration, str | Path):
        value = read_json(Path(configuration))
    if value is not None and not isinstance(value, dict):
        raise SourceError(f"--configuration {configuration}: must hold a JSON object")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise SourceError(f"configuration: is no JSON object ({error})") from error
    return None if value is None else dict(json.loads(text))
