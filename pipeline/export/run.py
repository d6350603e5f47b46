"""Exports: the data path from a source to a published package."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.disk.files import standard_output
from pipeline.disk.temporary import temporary_directory
from pipeline.export.attaching import attach_files, told_verdict
from pipeline.export.identity import PackageIdentity
from pipeline.export.options import STANDARD_OUTPUT
from pipeline.export.result import make_result, report_existing, report_written
from pipeline.export.writing import TableWriter, require_fewer_rows, whole_scopes
from pipeline.package.added_metadata import read_added_metadata
from pipeline.package.descriptor import descriptor_text
from pipeline.package.layout import DESCRIPTOR, MANIFEST, manifest
from pipeline.package.names import name_files
from pipeline.publish.existing import inspect_destination
from pipeline.publish.leftovers import remove_published
from pipeline.publish.stage import Stage
from pipeline.rows.content import Content, digests_of_sessions, package_range
from pipeline.runtime.progress import expect, phase
from pipeline.runtime.signals import noting
from pipeline.scan.passing import DisorderError
from pipeline.selection.selected import select
from pipeline.sources.open import open_source
from pipeline.store.reading import require_outside_stores
from pipeline.tables.measurements import measurement_files
from pipeline.tables.sessions import sessions_file
from pipeline.tables.statistics import aggregated_rows, statistics_files

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from pipeline.disk.files import CountingFile
    from pipeline.export.on_cluster import Cluster
    from pipeline.export.options import ExportOptions
    from pipeline.export.result import ExportResult, ReportedFile
    from pipeline.package.written_file import WrittenFile
    from pipeline.publish.existing import Existing
    from pipeline.runtime.progress import Phase
    from pipeline.selection.selected import Selected
    from pipeline.tables.table_file import Observer, TableFile

    OnProgress = Callable[[int, int, int], None]

_WEIGHTS = {"xlsx": 5.0, "gzip": 1.3}
"""How much longer than others these take to be written."""
_WRITTEN_TOGETHER = 64
"""Files that the descriptor describes, whose descriptions are handed over at a time."""


def run(options: ExportOptions, on_progress: OnProgress | None = None) -> ExportResult:
    """Run an export: scan, select, write each table, publish.

    Plain files in the order and of the types of the model are read once; where they turn out to be in another order,
    it begins again with rows that are sorted.

    Args:
        options: what to do.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.

    Raises:
        PipelineError: see its subclasses; nothing is published then.
    """
    started = time.monotonic()
    warnings = [*options.warnings()]
    if options.engine == "spark":
        from pipeline.export.on_cluster import require_cluster  # noqa: PLC0415 - few exports need it

        require_cluster(options)
    try:
        return _run(options, on_progress, started, warnings, reads_once=not _is_described_first(options))
    except DisorderError:
        return _run(options, on_progress, started, warnings, reads_once=False)


def _is_described_first(options: ExportOptions) -> bool:
    """Whether something needs to know of sessions what only their rows say before these are written."""
    measurements = options.form("measurements").format if "measurements" in options.tables else None
    return options.selection.asks_of_rows or (
        measurements is not None
        # A part of a Parquet file describes sessions whose rows are in the next one.
        and (measurements.is_described_first or (measurements.name == "parquet" and bool(options.rows_per_file)))
    )


def _run(
    options: ExportOptions, on_progress: OnProgress | None, started: float, warnings: list[str], *, reads_once: bool
) -> ExportResult:
    result = partial(make_result, options.to, started=started, fail_if_empty=options.fail_if_empty, warnings=warnings)
    added = read_added_metadata(options.package_metadata)
    _expect(options)
    target = None if options.to_standard_output else Path(options.to)
    existing = _look_at(target)
    published: list[str] = []
    with (
        noting(published),
        open_source(
            options.source,
            timezone=options.selection.timezone,
            memory_limit=options.memory_limit,
            threads=options.threads,
            hold=options.engine == "local",  # else nothing is read here
            told_by="bytes",
            reads_once=reads_once,
            # What is printed cannot be begun again; and in files without records sessions start at their first rows.
            knows_order=options.to_standard_output or options.statistics.is_from_start,
        ) as inventory,
        temporary_directory() as spill,
    ):
        columns = options.statistics.by if "statistics" in options.tables else ()
        selected = select(
            inventory,
            options.selection,
            batch_size=options.batch_size,
            columns=columns,
            may_be_missing=options.job is not None,
            threads=options.threads,
        )
        scan = selected.scan
        if "measurements" in options.tables and selected.takes_all_rows:
            require_fewer_rows(options.output_format, selected.row_count)
        identity = PackageIdentity(options, added, selected)
        writer = TableWriter(
            options.form,
            selected.described,
            source=lambda: identity.source,
            timestamp_unit=scan.timestamp_unit,
            threads=options.threads,
        )
        tables = partial(_table_files, options, spill, on_progress)
        if target is None or existing is None:
            with standard_output() as out, closing(tables(selected, out, {})) as files:
                return result(report_written({STANDARD_OUTPUT: writer.rows(next(files), out)}), selected)

        def unchanged(there: Existing, selected: Selected) -> ExportResult:
            known = result(report_existing(there.descriptor or {}), selected, is_unchanged=True)
            return replace(known, verdict=told_verdict(target))

        if identity.is_there(target, existing):
            remove_published(target)
            return unchanged(existing, selected)
        with (
            Stage(target, lambda: identity.of_stage, **options.of_stage()) as stage,
            _cluster(options, stage, on_progress) as cluster,
        ):
            warnings += [stage.dropped] if stage.dropped else []
            existing = inspect_destination(target)  # which no other run can change from now on
            if identity.is_there(target, existing):
                return unchanged(existing, selected)
            if stage.finished:
                # Not all rows pass again, and what is written is what an undisturbed run writes.
                has_digests = "measurements" in options.tables and options.digested
                selected = selected.completed(digested=has_digests and selected.takes_whole_sessions)
            if cluster is not None and "measurements" in options.tables:
                cluster.write_measurements(selected, identity.source)
            with closing(tables(selected, stage, stage.finished, cluster)) as files:
                written = [writer.into(stage, file) for file in files]
            selected = selected.completed(digests_of_sessions(one.file.content for one in written if one.file.is_whole))
            times = package_range([one.file.content for one in written], Content(digested=False))
            written.append(writer.into(stage, sessions_file(selected, digested=options.digested, times=times)))
            named = name_written(stage, written, scan.timestamp_unit)
            attached, verdict = attach_files(options, selected, stage, times, named, spill)
            descriptor = descriptor_text(
                named,
                attached=attached,
                **identity.package,
                timestamp_unit=scan.timestamp_unit,
                is_verified=options.verify,
                job=_described_job(options, selected, written),
            )
            reported = report_written(named, attached)
            write_descriptor(stage, descriptor, reported, hashed=options.hashed)
            done = replace(result(reported, selected), verdict=verdict)
            if options.verify:
                from pipeline.verify.verification import require_verified  # noqa: PLC0415 - only where it is asked for

                require_verified(stage.package, called=target)
            stage.publish(existing)
        published.append("the package is published")
    return replace(done, seconds=time.monotonic() - started)


def _look_at(target: Path | None) -> Existing | None:
    if target is None:
        return None
    require_outside_stores(target)
    return inspect_destination(target)


def _cluster(
    options: ExportOptions, stage: Stage, on_progress: OnProgress | None
) -> AbstractContextManager[Cluster | None]:
    """Connect to the cluster of an export, to none where it runs here."""
    if options.engine == "local":
        return nullcontext()
    from pipeline.export.on_cluster import on_cluster  # noqa: PLC0415 - few exports need it

    return on_cluster(options, stage, on_progress)


def _table_files(
    options: ExportOptions,
    spill: Path,
    on_progress: OnProgress | None,
    selected: Selected,
    target: Stage | CountingFile,
    records: Mapping[str, Any],
    cluster: Cluster | None = None,
) -> Generator[TableFile, None, None]:
    """Give the files of the chosen tables, one after the other; those with a record are finished already."""
    # Before the records are taken, of which some may be of parts that are written again.
    whole = whole_scopes(target, is_split=options.rows_of_a_part is not None) if isinstance(target, Stage) else set()
    finished = {name: Content.restored(record["content"]) for name, record in records.items()}
    on_batch = _counting(selected.row_count * len(options.tables), target, on_progress)
    ahead = options.threads != 1
    if "measurements" in options.tables:
        with phase("writing", selected.row_count) as writing:
            yield from measurement_files(
                selected,
                per_session=options.scope == "per-session",
                rows_per_file=options.rows_of_a_part,
                digested=options.digested,
                ahead=ahead,
                finished=finished,
                whole=whole,
                on_batch=on_batch(writing),
                # In the thread that scans, else there is nothing to gain.
                on_file=target.make if ahead and isinstance(target, Stage) else None,
            )
    if "statistics" in options.tables:
        with nullcontext() if cluster else phase("aggregating", selected.row_count) as aggregating:
            here = partial(
                aggregated_rows,
                selected,
                temporary_directory=spill,
                budget_bytes=options.budget_bytes,
                ahead=ahead,
                on_batch=on_batch(aggregating) if aggregating else None,
            )
            yield from statistics_files(
                selected,
                options.statistics,
                partial(cluster.aggregate, selected) if cluster else here,
                rows_per_file=options.rows_of_a_part,
                digested=options.digested,
                choose_columns="measurements" not in options.tables,
                ahead=ahead,
                finished=finished,
            )


def _described_job(
    options: ExportOptions, selected: Selected, written: Iterable[WrittenFile]
) -> Mapping[str, Any] | None:
    if options.job is None:
        return None
    return options.job.describe(selected.sessions, selected.scan.timestamp_unit, _rows_by_session(written))


def _rows_by_session(written: Iterable[WrittenFile]) -> Mapping[str, int]:
    """Count the measurements of each session that a package holds, or that its statistics were made of."""
    counts: Counter[str] = Counter()
    aggregated: Mapping[str, int] = {}
    for one in written:
        if one.file.table == "measurements":
            counts.update(one.file.content.rows_by_session)
        elif one.file.aggregated is not None:
            aggregated = one.file.aggregated.rows_by_session
    return counts or aggregated


def _expect(options: ExportOptions) -> None:
    """Tell which phases every export of these options has."""
    if "measurements" in options.tables:
        weight = _WEIGHTS.get(options.format, 1.0) * _WEIGHTS.get(options.chosen_compression, 1.0)
        expect("writing", weight=weight)
    if "statistics" in options.tables:
        expect("aggregating")
    if options.report:
        expect("reading")
    if options.verify:
        expect("hashing", "reading back")


def _counting(total: int, target: Stage | CountingFile, on_progress: OnProgress | None) -> Callable[[Phase], Observer]:
    """Make what tells of the progress of a phase after each batch; each table reads the rows once."""
    done = 0

    def of(current: Phase) -> Observer:
        def add(batch: pa.RecordBatch) -> None:
            nonlocal done
            done += batch.num_rows
            current.add(batch.num_rows)
            if on_progress is not None:
                on_progress(done, total, target.bytes)

        return add

    return of


def name_written(stage: Stage, written: list[WrittenFile], unit: str) -> dict[str, WrittenFile]:
    """Give the files of a stage their names, which depend on their content."""
    names = name_files(written, unit)
    stage.rename({one.file.provisional_name: name for one, name in zip(written, names, strict=True)})
    return dict(zip(names, written, strict=True))


def write_descriptor(stage: Stage, descriptor: Iterable[str], files: Iterable[ReportedFile], *, hashed: bool) -> None:
    """Write the descriptor, and the manifest of all files where they are hashed."""
    texts = iter(descriptor)
    with stage.create(DESCRIPTOR) as out:
        while some := "".join(islice(texts, _WRITTEN_TOGETHER)):
            out.write(some.encode())
    if hashed:
        sums = {one.name: one.sha256 or "" for one in files}
        sums[DESCRIPTOR] = out.sha256 or ""
        with stage.create(MANIFEST) as sums_file:
            sums_file.write(manifest(sums).encode())
