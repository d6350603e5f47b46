"""Exports: the data path from a source to a published package."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.disk.files import standard_output
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import DestinationError
from pipeline.export.options import STANDARD_OUTPUT
from pipeline.export.result import make_result, report_existing, report_written
from pipeline.export.sizes import parse_size
from pipeline.export.writing import TableWriter
from pipeline.package.added_metadata import read_added_metadata
from pipeline.package.descriptor import describe_package, versions
from pipeline.package.layout import DESCRIPTOR, MANIFEST, manifest
from pipeline.package.names import name_files
from pipeline.publish.existing import inspect_destination
from pipeline.publish.leftovers import remove_published
from pipeline.publish.stage import Stage
from pipeline.rows.content import Content, package_range
from pipeline.runtime.signals import noting
from pipeline.selection.selected import select
from pipeline.sources.open import open_source
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.store.reading import require_outside_stores
from pipeline.tables.measurements import measurement_files
from pipeline.tables.sessions import sessions_file
from pipeline.tables.statistics import statistics_files
from pipeline.verify.verification import require_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import pyarrow as pa

    from pipeline.disk.files import CountingFile
    from pipeline.export.options import ExportOptions
    from pipeline.export.result import ExportResult
    from pipeline.package.written_file import WrittenFile
    from pipeline.publish.existing import Existing
    from pipeline.selection.selected import Selected
    from pipeline.tables.table_file import Observer, TableFile

    OnProgress = Callable[[int, int, int], None]


def run(options: ExportOptions, on_progress: OnProgress | None = None) -> ExportResult:
    """Run an export: scan, select, write each table, publish.

    Args:
        options: what to do.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.

    Raises:
        PipelineError: see its subclasses; nothing is published then.
    """
    started = time.monotonic()
    result = partial(make_result, options.to, started=started, fail_if_empty=options.fail_if_empty)
    added = read_added_metadata(options.package_metadata)
    target = None if options.to_standard_output else Path(options.to)
    if target is not None:
        require_outside_stores(target)
    existing = inspect_destination(target) if target else None
    published: list[str] = []
    with (
        noting(published),
        open_source(
            options.source,
            timezone=options.selection.timezone,
            memory_limit=options.memory_limit,
            threads=options.threads,
            hold=True,
        ) as scan,
        temporary_directory() as spill,
    ):
        selected = select(scan, options.selection, batch_size=options.batch_size)
        source = {"name": scan.name, "fingerprint": selected.fingerprint}
        writer = TableWriter(options.form, source=source, timestamp_unit=scan.timestamp_unit, threads=options.threads)
        tables = partial(_table_files, options, selected, spill, on_progress)
        if target is None or existing is None:
            with standard_output() as out, closing(tables(out, {})) as files:
                return result(report_written({STANDARD_OUTPUT: writer.rows(next(files), out)}), selected)

        package = {"source": source, "options": options.shaping_options(), "added": added}
        if _is_there(target, existing, package, overwrite=options.overwrite):
            remove_published(target)
            return result(report_existing(existing.descriptor or {}), selected, is_unchanged=True)
        identity = {**package, **versions()}
        with Stage(target, identity, sync=options.sync, hashed=options.hashed, discard=options.discard_stage) as stage:
            existing = inspect_destination(target)  # which no other run can change from now on
            if _is_there(target, existing, package, overwrite=options.overwrite):
                return result(report_existing(existing.descriptor or {}), selected, is_unchanged=True)
            with closing(tables(stage, stage.finished)) as files:
                written = [writer.into(stage, file) for file in files]
            times = package_range([one.file.content for one in written], Content(digested=False))
            written.append(writer.into(stage, sessions_file(selected, digested=options.digested, times=times)))
            named = _name(stage, written, scan.timestamp_unit)
            descriptor = describe_package(
                named, **package, timestamp_unit=scan.timestamp_unit, is_verified=options.verify
            )
            _write_descriptor(stage, descriptor, named, hashed=options.hashed)
            done = result(report_written(named), selected)
            if options.verify:
                require_verified(stage.package, called=target)
            stage.publish(existing)
        published.append("the package is published")
    return replace(done, seconds=time.monotonic() - started)


def _is_there(target: Path, existing: Existing, package: dict[str, Any], *, overwrite: bool) -> bool:
    """Whether the destination is what would be written.

    Raises:
        DestinationError: it is something else, and is not to be replaced.
    """
    if existing.descriptor is None or overwrite:
        return False
    if not existing.is_same(**package):
        raise DestinationError(
            f"{target}: holds a package of another source or other options; "
            "--overwrite replaces it, or choose another --to"
        )
    if existing.damage:
        raise DestinationError(
            f"{target}: holds this package, but damaged: {existing.damage}; --overwrite writes it again"
        )
    return True


def _table_files(
    options: ExportOptions,
    selected: Selected,
    spill: Path,
    on_progress: OnProgress | None,
    target: Stage | CountingFile,
    records: Mapping[str, Any],
) -> Generator[TableFile, None, None]:
    """Give the files of the chosen tables, one after the other; those with a record are finished already."""
    finished = {name: Content.restored(record["content"]) for name, record in records.items()}
    on_batch = _counting(selected.row_count * len(options.tables), target, on_progress)
    ahead = options.threads != 1
    if "measurements" in options.tables:
        yield from measurement_files(
            selected,
            per_session=options.scope == "per-session",
            rows_per_file=options.rows_of_a_part,
            digested=options.digested,
            ahead=ahead,
            finished=finished,
            on_batch=on_batch,
        )
    if "statistics" in options.tables:
        yield from statistics_files(
            selected,
            options.statistics,
            rows_per_file=options.rows_of_a_part,
            digested=options.digested,
            choose_columns="measurements" not in options.tables,
            temporary_directory=spill,
            budget_bytes=DEFAULT_BUDGET_BYTES if options.memory_limit is None else parse_size(options.memory_limit),
            ahead=ahead,
            finished=finished,
            on_batch=on_batch,
        )


def _counting(total: int, target: Stage | CountingFile, on_progress: OnProgress | None) -> Observer | None:
    """Make what tells of the progress after each batch; each table reads the rows once."""
    if on_progress is None:
        return None
    done = 0

    def add(batch: pa.RecordBatch) -> None:
        nonlocal done
        done += batch.num_rows
        on_progress(done, total, target.bytes)

    return add


def _name(stage: Stage, written: list[WrittenFile], unit: str) -> dict[str, WrittenFile]:
    """Give the files of a stage their names, which depend on their content."""
    names = name_files(written, unit)
    stage.rename({one.file.provisional_name: name for one, name in zip(written, names, strict=True)})
    return dict(zip(names, written, strict=True))


def _write_descriptor(stage: Stage, descriptor: dict[str, Any], named: dict[str, WrittenFile], *, hashed: bool) -> None:
    with stage.create(DESCRIPTOR) as out:
        out.write((json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n").encode())
    if hashed:
        sums = {name: one.sha256 or "" for name, one in named.items()}
        sums[DESCRIPTOR] = out.sha256 or ""
        with stage.create(MANIFEST) as sums_file:
            sums_file.write(manifest(sums).encode())
