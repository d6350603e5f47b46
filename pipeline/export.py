"""Exports: the data path from a source to a published package."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.compression import compressing
from pipeline.content import Content
from pipeline.destination import CountingFile, Stage, standard_output
from pipeline.errors import DestinationError, EmptyExportError, UsageError, suggest
from pipeline.model import plain_schema
from pipeline.overlap import WrittenBehind
from pipeline.package import (
    DESCRIPTOR,
    MANIFEST,
    WrittenFile,
    describe_package,
    inspect_destination,
    manifest,
    name_files,
    package_range,
    read_added_metadata,
)
from pipeline.scan import DEFAULT_BATCH_SIZE
from pipeline.selection import Selected, Selection, select
from pipeline.sizes import parse_size
from pipeline.source import Source, open_source
from pipeline.statistics import DEFAULT_BUDGET_BYTES, StatisticsOptions
from pipeline.tables import TableFile, measurement_files, sessions_file, statistics_files
from pipeline.writers import FORMATS, Format

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from pipeline.compression import Sink

Scope = Literal["per-session", "cross-session"]
SCOPES = ("per-session", "cross-session")
STANDARD_OUTPUT = "-"
MAX_SPREADSHEET_ROWS = 1_048_575
"""Rows of a worksheet, less the header."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One export, with all its options.

    Attributes:
        source: a store, files, globs or a DuckDB file.
        to: the directory to publish, or `-` for standard output.
        tables: the tables to write, of `measurements` and `statistics`.
        scope: one file or row per session, or over all.
        format: name of the format of the tables.
        compression: its compression, the format's default where None.
        selection: what to take.
        statistics: what to aggregate.
        overwrite: replace a package that an export wrote.
        rows_per_file: split files after so many rows.
        spreadsheet: write CSV for spreadsheet programs.
        package_metadata: JSON file whose members the descriptor gets.
        fail_if_empty: no row is an error.
        sync: make the package durable.
        hashed: compute SHA-256 and digests.
        threads: of the engine.
        batch_size: rows of a batch.
        memory_limit: of sorting and of statistics, such as `128MB`.
    """

    source: Source
    to: str | Path
    tables: tuple[str, ...]
    scope: Scope
    format: str
    compression: str | None = None
    selection: Selection = field(default_factory=Selection)
    statistics: StatisticsOptions = field(default_factory=StatisticsOptions)
    overwrite: bool = False
    rows_per_file: int | None = None
    spreadsheet: bool = False
    package_metadata: str | Path | None = None
    fail_if_empty: bool = False
    sync: bool = True
    hashed: bool = True
    threads: int | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    memory_limit: str | None = None

    def __post_init__(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            UsageError: they do, or a choice does not exist.
        """
        _require_choice("--scope", self.scope, SCOPES)
        _require_choice("--format", self.format, tuple(FORMATS))
        if self.compression is not None and self.compression not in self.output_format.compressions:
            choices = ", ".join(self.output_format.compressions)
            raise UsageError(f"--compression {self.compression}: {self.format} can have {choices}")
        for option, number in (
            ("--rows-per-file", self.rows_per_file),
            ("--batch-size", self.batch_size),
            ("--threads", self.threads),
        ):
            if number is not None and number < 1:
                raise UsageError(f"{option} {number}: must be 1 or more")
        if self.memory_limit is not None:
            parse_size(self.memory_limit)
        if self.spreadsheet and self.format != "csv":
            raise UsageError(f"--spreadsheet is a variant of csv; with --format {self.format} there is none")
        if self.to_standard_output:
            self._check_standard_output()
        elif Path(self.to).name in {"", ".."}:
            raise UsageError(f"--to {self.to}: name a directory that the export can create")
        elif (
            Path(self.to).suffix.lstrip(".") in {*FORMATS, "gz", "zst", "xlsx", "jsonl"} and not Path(self.to).is_dir()
        ):
            raise UsageError(
                f"--to {self.to}: names a directory, in which the files get their names; "
                f"for one file, write --to - > {self.to}"
            )

    def _check_standard_output(self) -> None:
        if "measurements" in self.tables and self.scope == "per-session":
            raise UsageError("--to - writes one file; --scope per-session makes several")
        for option, given in (
            ("--with-statistics", len(self.tables) > 1),
            ("--rows-per-file", self.rows_per_file is not None),
            ("--overwrite", self.overwrite),
            ("--package-metadata", self.package_metadata is not None),
        ):
            if given:
                raise UsageError(f"--to - writes one file and no package; leave {option} out")

    @property
    def to_standard_output(self) -> bool:
        """Whether the export is one file to standard output."""
        return str(self.to) == STANDARD_OUTPUT

    @property
    def output_format(self) -> Format:
        """The format of the tables."""
        return FORMATS[self.format]

    @property
    def chosen_compression(self) -> str:
        """The compression, the format's default where none was chosen."""
        return self.compression or self.output_format.compressions[0]

    def shaping_options(self) -> dict[str, Any]:
        """The options that shape what is published, as JSON values."""
        options: dict[str, Any] = {
            "tables": list(self.tables),
            "scope": self.scope,
            "format": self.format,
            "compression": self.chosen_compression,
            "selection": asdict(self.selection) | self.selection.resolved_times(),
            "rows_per_file": self.rows_per_file,
            "spreadsheet": self.spreadsheet,
            "hashed": self.hashed,
        }
        if "statistics" in self.tables:
            statistics = asdict(self.statistics)
            statistics.pop("parsed_window")
            options["statistics"] = statistics
        return options


@dataclass(frozen=True, kw_only=True)
class ReportedFile:
    """A file that an export wrote: its name, table, rows and bytes, its hash where it was computed."""

    name: str
    table: str
    rows: int
    bytes: int
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an export did.

    Attributes:
        to: where it was written to.
        files: the files of tables, in the order of the package.
        sessions: how many sessions it describes.
        seconds: how long it took.
        is_unchanged: the package was there already, complete, so nothing was written.
        warnings: what its reader should know, a sentence each.
    """

    to: str
    files: tuple[ReportedFile, ...]
    sessions: int
    seconds: float
    is_unchanged: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the exported tables; the sessions that describe them do not count."""
        return sum(file.rows for file in self.files if file.table != "sessions")

    @property
    def bytes(self) -> int:
        """Bytes of all files of tables."""
        return sum(file.bytes for file in self.files)


def run(job: Job, on_progress: Callable[[int, int, int], None] | None = None) -> Report:
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
        options = job.shaping_options()
        if existing is None:
            return _stream(job, selected, Path(spill), source, started, on_progress)
        if existing.descriptor is not None and not job.overwrite:
            if existing.is_same(source=source, options=options, added=added):
                if existing.damage:
                    raise DestinationError(
                        f"{job.to}: holds this package, but damaged: {existing.damage}; --overwrite writes it again"
                    )
                return _unchanged(job, existing.descriptor, selected, started)
            raise DestinationError(
                f"{job.to}: holds a package of another source or other options; "
                "--overwrite replaces it, or choose another --to"
            )
        with (
            Stage(Path(job.to), sync=job.sync, hashed=job.hashed) as stage,
            closing(_files(job, selected, Path(spill), _Counter(selected, job, stage, on_progress))) as files,
        ):
            written = [_write(stage, file, _for_table(job, file.table), selected, source) for file in files]
            times = package_range([one.file.content for one in written], Content(digested=False))
            sessions = sessions_file(selected, digested=job.hashed, times=times)
            written.append(_write(stage, sessions, _for_table(job, sessions.table), selected, source))
            named = _name(stage, written, scan.timestamp_unit)
            descriptor = describe_package(
                named, source=source, options=options, timestamp_unit=scan.timestamp_unit, added=added
            )
            _write_descriptor(stage, descriptor, named, hashed=job.hashed)
            report = _report(job, _reported(named), selected, started)
            stage.publish(replace=existing.descriptor is not None)
    return replace(report, seconds=time.monotonic() - started)


def _files(job: Job, selected: Selected, spill: Path, counter: _Counter) -> Generator[TableFile, None, None]:
    rows_per_file = job.rows_per_file
    if job.spreadsheet:
        rows_per_file = min(rows_per_file or MAX_SPREADSHEET_ROWS, MAX_SPREADSHEET_ROWS)
    if job.to_standard_output:
        rows_per_file = None
    if "measurements" in job.tables:
        yield from measurement_files(
            selected,
            per_session=job.scope == "per-session",
            rows_per_file=rows_per_file,
            digested=job.hashed,
            ahead=job.threads != 1,
            on_batch=counter.add,
        )
    if "statistics" in job.tables:
        yield from statistics_files(
            selected,
            job.statistics,
            rows_per_file=rows_per_file,
            digested=job.hashed,
            choose_columns="measurements" not in job.tables,
            temporary_directory=spill,
            budget_bytes=DEFAULT_BUDGET_BYTES if job.memory_limit is None else parse_size(job.memory_limit),
            ahead=job.threads != 1,
            on_batch=counter.add,
        )


class _Counter:
    """Counts rows for progress; each table reads them once."""

    def __init__(
        self,
        selected: Selected,
        job: Job,
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


def _metadata(file: TableFile, job: Job, selected: Selected, source: dict[str, str]) -> dict[str, Any]:
    """What describes a file's rows inside the file; it depends on the content alone, never on a clock."""
    return {
        "table": file.table,
        "scope": job.scope,
        "timestamp_unit": selected.scan.timestamp_unit,
        "source": source,
        "sessions": [session.describe() for session in file.sessions],
    }


def _write(stage: Stage, file: TableFile, job: Job, selected: Selected, source: dict[str, str]) -> WrittenFile:
    """Write one file of a stage under a provisional name."""
    with stage.create(file.provisional_name) as out:
        return _write_rows(file, out, job, selected, source)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _written_behind(job: Job, sink: Sink) -> AbstractContextManager[Sink]:
    """Write text in a thread of its own; other formats' writers hand over bytes that they may change."""
    return WrittenBehind(sink) if job.output_format.is_text and job.threads != 1 else nullcontext(sink)


def _check_one_column(job: Job, schema: pa.Schema) -> None:
    if job.format == "csv" and len(schema) == 1 and schema.field(0).nullable:
        raise UsageError(
            f"a CSV of the column {schema.names[0]!r} alone shows nulls as empty lines, which readers skip; "
            "add a column, or choose another --format"
        )


def _write_rows(
    file: TableFile, out: CountingFile, job: Job, selected: Selected, source: dict[str, str]
) -> WrittenFile:
    _check_one_column(job, file.reader.schema)
    outside = job.chosen_compression if job.output_format.is_text else "none"
    with (
        compressing(out, outside, threads=job.threads or _cores()) as compressed,
        _written_behind(job, compressed) as sink,
    ):
        job.output_format.load()(
            file.reader,
            sink,
            table=file.table,
            metadata=_metadata(file, job, selected, source),
            compression=job.chosen_compression,
            spreadsheet=job.spreadsheet,
        )
    schema = plain_schema(file.reader.schema)
    return WrittenFile(file, schema, job.output_format, job.chosen_compression, out.bytes, out.sha256)


def _for_table(job: Job, table: str) -> Job:
    """Give the job for one table: the first one is as chosen, tables beside it are plain CSV, not pooled."""
    if table == job.tables[0]:
        return job
    return replace(job, format="csv", compression="none", scope="per-session")


def _name(stage: Stage, written: list[WrittenFile], unit: str) -> dict[str, WrittenFile]:
    """Give the files of a stage their names, which depend on their content."""
    names = name_files(written, unit)
    for one, name in zip(written, names, strict=True):
        stage.rename(one.file.provisional_name, name)
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
    job: Job,
    selected: Selected,
    spill: Path,
    source: dict[str, str],
    started: float,
    on_progress: Callable[[int, int, int], None] | None,
) -> Report:
    """Write the one file to standard output."""
    with (
        standard_output() as out,
        closing(_files(job, selected, spill, _Counter(selected, job, out, on_progress))) as files,
    ):
        written = _write_rows(next(files), out, job, selected, source)
    return _report(job, _reported({STANDARD_OUTPUT: written}), selected, started)


def _unchanged(job: Job, descriptor: Any, selected: Selected, started: float) -> Report:  # noqa: ANN401 - decoded JSON
    files = tuple(
        ReportedFile(
            name=resource["path"],
            table=resource["pipeline:table"],
            rows=resource["pipeline:rowCount"],
            bytes=resource["bytes"],
            sha256=resource["hash"].removeprefix("sha256:") if "hash" in resource else None,
        )
        for resource in descriptor["resources"]
    )
    return _report(job, files, selected, started, is_unchanged=True)


def _report(
    job: Job, files: Sequence[ReportedFile], selected: Selected, started: float, *, is_unchanged: bool = False
) -> Report:
    report = Report(
        to=str(job.to),
        files=tuple(files),
        sessions=len(selected.sessions),
        seconds=time.monotonic() - started,
        is_unchanged=is_unchanged,
        warnings=selected.warnings,
    )
    if report.rows:
        return report
    if job.fail_if_empty:
        raise EmptyExportError("nothing matches the selection, and --fail-if-empty is given; nothing was published")
    warning = "nothing matches the selection; the files are valid and hold no rows"
    return replace(report, warnings=(*selected.warnings, warning))


def _reported(named: dict[str, WrittenFile]) -> list[ReportedFile]:
    return [
        ReportedFile(name=name, table=one.file.table, rows=one.file.content.rows, bytes=one.bytes, sha256=one.sha256)
        for name, one in named.items()
    ]


def _require_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value!r}: {suggest(value, choices, noun='choices')}")
