"""Exports: the data path from a source to a published package."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.disk.files import CountingFile, standard_output
from pipeline.errors import DestinationError
from pipeline.export.options import STANDARD_OUTPUT, ExportOptions
from pipeline.export.result import ExportResult, make_result, report_existing, report_written
from pipeline.export.sizes import parse_size
from pipeline.export.writing import _for_table, _write, _write_rows
from pipeline.package.added_metadata import read_added_metadata
from pipeline.package.descriptor import describe_package, versions
from pipeline.package.layout import DESCRIPTOR, MANIFEST, manifest
from pipeline.package.names import name_files
from pipeline.publish.existing import Existing, inspect_destination
from pipeline.publish.leftovers import remove_published
from pipeline.publish.stage import Stage
from pipeline.rows.content import Content, package_range
from pipeline.selection.selected import Selected, select
from pipeline.sources.open import open_source
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.tables.measurements import measurement_files
from pipeline.tables.sessions import sessions_file
from pipeline.tables.statistics import statistics_files
from pipeline.verify.verification import require_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import pyarrow as pa

    from pipeline.package.written_file import WrittenFile
    from pipeline.tables.table_file import TableFile

MAX_SPREADSHEET_ROWS = 1_048_575
"""Rows of a worksheet, less the header."""


def run(job: ExportOptions, on_progress: Callable[[int, int, int], None] | None = None) -> ExportResult:
    """Run an export: scan, select, write each table, publish.

    Args:
        job: what to do.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.

    Raises:
        PipelineError: see its subclasses; nothing is published then.
    """
    started = time.monotonic()
    added = read_added_metadata(Path(job.package_metadata) if job.package_metadata else None)
    existing = None if job.to_standard_output else inspect_destination(Path(job.to))
    with (
        open_source(
            job.source,
            timezone=job.selection.timezone,
            memory_limit=job.memory_limit,
            threads=job.threads,
        ) as scan,
        tempfile.TemporaryDirectory(prefix="pipeline-") as spill,
    ):
        selected = select(scan, job.selection, batch_size=job.batch_size)
        source = {"name": scan.name, "fingerprint": selected.fingerprint}
        if existing is None:
            return _stream(job, selected, Path(spill), source, started, on_progress)
        package = {"source": source, "options": job.shaping_options(), "added": added}
        if _is_there(job, existing, package):
            remove_published(Path(job.to))
            return make_result(job, report_existing(existing.descriptor or {}), selected, started, is_unchanged=True)
        with Stage(
            Path(job.to), {**package, **versions()}, sync=job.sync, hashed=job.hashed, discard=job.discard_stage
        ) as stage:
            existing = inspect_destination(Path(job.to))  # which no other run can change from now on
            if _is_there(job, existing, package):
                there = report_existing(existing.descriptor or {})
                return make_result(job, there, selected, started, is_unchanged=True)
            files = _files(job, selected, Path(spill), _Counter(selected, job, stage, on_progress), stage.finished)
            with closing(files):
                written = [_write(stage, file, _for_table(job, file.table), selected, source) for file in files]
            times = package_range([one.file.content for one in written], Content(digested=False))
            sessions = sessions_file(selected, digested=job.digested, times=times)
            written.append(_write(stage, sessions, _for_table(job, sessions.table), selected, source))
            named = _name(stage, written, scan.timestamp_unit)
            descriptor = describe_package(named, **package, timestamp_unit=scan.timestamp_unit, is_verified=job.verify)
            _write_descriptor(stage, descriptor, named, hashed=job.hashed)
            report = make_result(job, report_written(named), selected, started)
            if job.verify:
                require_verified(stage.package, called=Path(job.to))
            stage.publish(replace=existing.descriptor is not None)
    return replace(report, seconds=time.monotonic() - started)


def _is_there(job: ExportOptions, existing: Existing, package: dict[str, Any]) -> bool:
    """Whether the destination is what would be written.

    Raises:
        DestinationError: it is something else, and is not to be replaced.
    """
    if existing.descriptor is None or job.overwrite:
        return False
    if not existing.is_same(**package):
        raise DestinationError(
            f"{job.to}: holds a package of another source or other options; "
            "--overwrite replaces it, or choose another --to"
        )
    if existing.damage:
        raise DestinationError(
            f"{job.to}: holds this package, but damaged: {existing.damage}; --overwrite writes it again"
        )
    return True


def _files(
    job: ExportOptions, selected: Selected, spill: Path, counter: _Counter, records: Mapping[str, Any]
) -> Generator[TableFile, None, None]:
    finished = {name: Content.restored(record["content"]) for name, record in records.items()}
    rows_per_file = job.rows_per_file
    if job.spreadsheet or job.format == "xlsx":
        rows_per_file = min(rows_per_file or MAX_SPREADSHEET_ROWS, MAX_SPREADSHEET_ROWS)
    if job.to_standard_output:
        rows_per_file = None
    if "measurements" in job.tables:
        yield from measurement_files(
            selected,
            per_session=job.scope == "per-session",
            rows_per_file=rows_per_file,
            digested=job.digested,
            ahead=job.threads != 1,
            finished=finished,
            on_batch=counter.add,
        )
    if "statistics" in job.tables:
        yield from statistics_files(
            selected,
            job.statistics,
            rows_per_file=rows_per_file,
            digested=job.digested,
            choose_columns="measurements" not in job.tables,
            temporary_directory=spill,
            budget_bytes=DEFAULT_BUDGET_BYTES if job.memory_limit is None else parse_size(job.memory_limit),
            ahead=job.threads != 1,
            finished=finished,
            on_batch=counter.add,
        )


class _Counter:
    """Counts rows for progress; each table reads them once."""

    def __init__(
        self,
        selected: Selected,
        job: ExportOptions,
        target: Stage | CountingFile,
        on_progress: Callable[[int, int, int], None] | None,
    ) -> None:
        self._total = len(job.tables) * sum(session.measurement_count for session in selected.sessions)
        self._done = 0
        self._target = target
        self._on_progress = on_progress

    def add(self, batch: pa.RecordBatch) -> None:
        self._done += batch.num_rows
        if self._on_progress is not None:
            self._on_progress(self._done, self._total, self._target.bytes)


def _name(stage: Stage, written: list[WrittenFile], unit: str) -> dict[str, WrittenFile]:
    """Give the files of a stage their names, which depend on their content."""
    names = name_files(written, unit)
    stage.rename({one.file.provisional_name: name for one, name in zip(written, names, strict=True)})
    return dict(zip(names, written, strict=True))


def _write_descriptor(stage: Stage, descriptor: dict[str, Any], named: dict[str, WrittenFile], *, hashed: bool) -> None:
    import json  # noqa: PLC0415 - a small part of an export

    with stage.create(DESCRIPTOR) as out:
        out.write((json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode())
    if hashed:
        sums = {name: one.sha256 or "" for name, one in named.items()}
        sums[DESCRIPTOR] = out.sha256 or ""
        with stage.create(MANIFEST) as sums_file:
            sums_file.write(manifest(sums).encode())


def _stream(
    job: ExportOptions,
    selected: Selected,
    spill: Path,
    source: dict[str, str],
    started: float,
    on_progress: Callable[[int, int, int], None] | None,
) -> ExportResult:
    """Write the one file to standard output."""
    with (
        standard_output() as out,
        closing(_files(job, selected, spill, _Counter(selected, job, out, on_progress), {})) as files,
    ):
        written = _write_rows(next(files), out, job, selected, source)
    return make_result(job, report_written({STANDARD_OUTPUT: written}), selected, started)
