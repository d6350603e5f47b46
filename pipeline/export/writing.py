"""One file of an export: its writer, its compression, and the thread that writes behind."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.model.columns import plain_schema
from pipeline.package.written_file import WrittenFile
from pipeline.runtime.threads import WrittenBehind
from pipeline.writers.compression import compressing

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from pipeline.disk.files import CountingFile
    from pipeline.disk.sink import Sink
    from pipeline.export.options import ExportOptions
    from pipeline.publish.stage import Stage
    from pipeline.selection.selected import Selected
    from pipeline.tables.table_file import TableFile


def _metadata(file: TableFile, job: ExportOptions, selected: Selected, source: dict[str, str]) -> dict[str, Any]:
    """What describes a file's rows inside the file; it depends on the content alone, never on a clock."""
    return {
        "table": file.table,
        "scope": job.scope,
        "timestamp_unit": selected.scan.timestamp_unit,
        "source": source,
        "sessions": [session.describe() for session in file.sessions],
    }


def _write(
    stage: Stage, file: TableFile, job: ExportOptions, selected: Selected, source: dict[str, str]
) -> WrittenFile:
    """Write one file of a stage under a provisional name, unless it is finished already."""
    name = file.provisional_name
    if name in stage.finished:
        return _written(file, job, stage.finished[name]["bytes"], stage.finished[name]["sha256"])
    with stage.create(name) as out:
        written = _write_rows(file, out, job, selected, source)
    if file.table != "sessions":
        stage.finish(name, {"bytes": out.bytes, "sha256": out.sha256, "content": file.content.record()})
    return written


def _written(file: TableFile, job: ExportOptions, size: int, sha256: str | None) -> WrittenFile:
    schema = plain_schema(file.reader.schema)
    return WrittenFile(file, schema, job.output_format, job.chosen_compression, size, sha256)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _written_behind(job: ExportOptions, sink: Sink, out: CountingFile) -> AbstractContextManager[Sink]:
    """Write text in a thread of its own; other formats' writers hand over bytes that they may change."""
    if not job.output_format.is_text or job.threads == 1:
        return nullcontext(sink)
    return WrittenBehind(*(out.split() if sink is out else [sink]))


def _check_one_column(job: ExportOptions, schema: pa.Schema) -> None:
    if job.format == "csv" and len(schema) == 1 and schema.field(0).nullable:
        raise UsageError(
            f"a CSV of the column {schema.names[0]!r} alone shows nulls as empty lines, which readers skip; "
            "add a column, or choose another --format"
        )


def _write_rows(
    file: TableFile, out: CountingFile, job: ExportOptions, selected: Selected, source: dict[str, str]
) -> WrittenFile:
    _check_one_column(job, file.reader.schema)
    outside = job.chosen_compression if job.output_format.is_text else "none"
    with (
        compressing(out, outside, threads=job.threads or _cores()) as compressed,
        _written_behind(job, compressed, out) as sink,
    ):
        job.output_format.load()(
            file.reader,
            sink,
            table=file.table,
            metadata=_metadata(file, job, selected, source),
            compression=job.chosen_compression,
            spreadsheet=job.spreadsheet,
            ahead=job.threads != 1,
        )
    return _written(file, job, out.bytes, out.sha256)


def _for_table(job: ExportOptions, table: str) -> ExportOptions:
    """Give the job for one table: the first one is as chosen, tables beside it are plain CSV, not pooled."""
    if table == job.tables[0]:
        return job
    return replace(job, format="csv", compression="none", scope="per-session")
