"""Exports of a table that is no source: whatever rows somebody has, as a package of one file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.local_path import local_path
from pipeline.errors import UsageError
from pipeline.export.identity import is_there
from pipeline.export.options import Form, require_directory
from pipeline.export.result import ExportResult, report_existing, report_written
from pipeline.export.run import name_written, write_descriptor
from pipeline.export.writing import TableWriter
from pipeline.package.added_metadata import read_added_metadata
from pipeline.package.descriptor import descriptor_text, versions
from pipeline.package.names import ANY_TABLE
from pipeline.publish.existing import inspect_destination
from pipeline.publish.leftovers import remove_published
from pipeline.publish.stage import Stage
from pipeline.rows.any_table import AnyTable
from pipeline.rows.content import Content, observed
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.store.reading import require_outside_stores
from pipeline.tables.table_file import TableFile
from pipeline.writers.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.export.result import ReportedFile


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How a table is exported.

    Attributes:
        to: the directory to publish.
        format: name of the format.
        compression: its compression, the format's default where None.
        package_metadata: JSON file whose members the descriptor gets.
        overwrite: replace a package that an export wrote.
        sync: make the package durable.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        discard_stage: remove what an interrupted run left, without a word.
        keep_stage: refuse where an interrupted run left something, instead of removing it.
    """

    to: str | Path
    format: str
    compression: str | None
    package_metadata: str | Path | None
    overwrite: bool
    sync: bool
    hashed: bool
    verify: bool
    discard_stage: bool
    keep_stage: bool

    def __post_init__(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            UsageError: they do.
        """
        if self.discard_stage and self.keep_stage:
            raise UsageError("discard_stage removes what keep_stage keeps; leave one of them out")
        compressions = FORMATS[self.format].compressions
        if self.compression is not None and self.compression not in compressions:
            raise UsageError(f"compression {self.compression!r}: {self.format} can have {', '.join(compressions)}")
        if self.verify and not self.hashed:
            raise UsageError("verify compares digests, and hashed=False computes none; leave one of them out")

    @property
    def form(self) -> Form:
        """How the file is written."""
        chosen = FORMATS[self.format]
        return Form(chosen, self.compression or chosen.compressions[0], None, spreadsheet=None, timezone=None)

    def shaping_options(self) -> dict[str, Any]:
        """The options that shape what is published, as JSON values."""
        return {
            "tables": [ANY_TABLE],
            "format": self.format,
            "compression": self.form.compression,
            "spreadsheet": False,
            "hashed": self.hashed,
        }


def _of_rows(content: Content) -> tuple[str, ...]:
    return () if content.rows else ("the table has no rows; the file is valid and holds none",)


def run_table(schema: pa.Schema, batches: Iterable[pa.RecordBatch], options: TableOptions) -> ExportResult:
    """Write the rows in a stage, which are then known; publish it unless they are there already.

    Raises:
        PipelineError: see its subclasses; nothing is published then.
    """
    started = time.monotonic()
    target = local_path(options.to)
    require_directory(target)
    require_outside_stores(target)
    added = read_added_metadata(options.package_metadata)
    inspect_destination(target)  # what is not replaced is found before anything is read
    table = AnyTable(schema)
    content = Content(digested=options.hashed)
    rows = observed(table.conform(batches, DEFAULT_BATCH_SIZE), schema.names, [content.add_plain])
    file = TableFile(
        table=ANY_TABLE,
        scope=None,
        sessions=(),
        reader=pa.RecordBatchReader.from_batches(table.schema, rows),
        content=content,
    )
    source = {"name": ANY_TABLE}
    package: dict[str, Any] = {"options": options.shaping_options(), "added": added}

    warnings: list[str] = []

    def result(files: list[ReportedFile], *, is_unchanged: bool = False) -> ExportResult:
        return ExportResult(
            to=str(options.to),
            files=tuple(files),
            sessions=0,
            seconds=time.monotonic() - started,
            is_unchanged=is_unchanged,
            warnings=(*warnings, *_of_rows(content)),
        )

    identity = {"source": source, **package, **versions()}
    with Stage(
        target,
        lambda: identity,
        sync=options.sync,
        hashed=options.hashed,
        discard=options.discard_stage,
        keep=options.keep_stage,
    ) as stage:
        warnings += [stage.dropped] if stage.dropped else []
        existing = inspect_destination(target)  # which no other run can change from now on
        writer = TableWriter(
            lambda _: options.form,
            lambda sessions, _: sessions,
            source=lambda: source,
            timestamp_unit=table.timestamp_unit,
            threads=None,
        )
        with stage.create(file.provisional_name) as out:
            written = writer.rows(file, out)
        source = {**source, "fingerprint": table.fingerprint}
        if is_there(target, existing, {"source": source, **package}, overwrite=options.overwrite):
            remove_published(target)
            return result(report_existing(existing.descriptor or {}), is_unchanged=True)
        named = name_written(stage, [written], table.timestamp_unit)
        descriptor = descriptor_text(
            named,
            source=source,
            options=package["options"],
            added=added,
            timestamp_unit=table.timestamp_unit,
            is_verified=options.verify,
        )
        reported = report_written(named)
        write_descriptor(stage, descriptor, reported, hashed=options.hashed)
        if options.verify:
            from pipeline.verify.verification import require_verified  # noqa: PLC0415 - only where it is asked for

            require_verified(stage.package, called=target)
        stage.publish(existing)
    return result(reported)
