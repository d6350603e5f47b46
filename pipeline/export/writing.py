"""One file of an export: its writer, its compression, and the thread that writes behind."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.model.columns import plain_schema
from pipeline.package.written_file import WrittenFile
from pipeline.runtime.threads import WrittenBehind
from pipeline.writers.compression import compressing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from pipeline.disk.files import CountingFile
    from pipeline.disk.sink import Sink
    from pipeline.export.options import Form
    from pipeline.publish.stage import Stage
    from pipeline.tables.table_file import TableFile


class TableWriter:
    """Writes the files of tables, each in the form of its table."""

    def __init__(
        self, form_of: Callable[[str], Form], *, source: Mapping[str, str], timestamp_unit: str, threads: int | None
    ) -> None:
        """Say how.

        Args:
            form_of: gives the form of a table by its name.
            source: name and fingerprint of the source, for the metadata inside files.
            timestamp_unit: us or ns, for the same.
            threads: how many may be used, None for one per core.
        """
        self._form_of = form_of
        self._source = source
        self._timestamp_unit = timestamp_unit
        self._threads = threads or _cores()
        self._ahead = threads != 1

    def into(self, stage: Stage, file: TableFile) -> WrittenFile:
        """Write one file of a stage under a provisional name, unless it is finished already."""
        name = file.provisional_name
        if name in stage.finished:
            return self._written(file, stage.finished[name]["bytes"], stage.finished[name]["sha256"])
        with stage.create(name) as out:
            written = self.rows(file, out)
        if file.table != "sessions":
            stage.finish(name, {"bytes": out.bytes, "sha256": out.sha256, "content": file.content.record()})
        return written

    def rows(self, file: TableFile, out: CountingFile) -> WrittenFile:
        """Write the rows of one file.

        Raises:
            UsageError: the format cannot hold them so that readers see them all.
        """
        form = self._form_of(file.table)
        _check_one_column(form, file.reader.schema)
        outside = form.compression if form.format.is_text else "none"
        with (
            compressing(out, outside, threads=self._threads) as compressed,
            self._behind(form, compressed, out) as sink,
        ):
            form.format.load()(
                file.reader,
                sink,
                table=file.table,
                metadata=self._metadata(file, form),
                compression=form.compression,
                spreadsheet=form.spreadsheet,
                ahead=self._ahead,
            )
        return self._written(file, out.bytes, out.sha256)

    def _written(self, file: TableFile, size: int, sha256: str | None) -> WrittenFile:
        form = self._form_of(file.table)
        return WrittenFile(file, plain_schema(file.reader.schema), form.format, form.compression, size, sha256)

    def _metadata(self, file: TableFile, form: Form) -> dict[str, Any]:
        """What describes a file's rows inside the file; it depends on the content alone, never on a clock."""
        return {
            "table": file.table,
            "scope": form.scope,
            "timestamp_unit": self._timestamp_unit,
            "source": self._source,
            "sessions": [session.describe() for session in file.sessions],
        }

    def _behind(self, form: Form, sink: Sink, out: CountingFile) -> AbstractContextManager[Sink]:
        """Write text in a thread of its own; other formats' writers hand over bytes that they may change."""
        if not form.format.is_text or not self._ahead:
            return nullcontext(sink)
        return WrittenBehind(*(out.split() if sink is out else [sink]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_one_column(form: Form, schema: pa.Schema) -> None:
    if form.format.name == "csv" and len(schema) == 1 and schema.field(0).nullable:
        raise UsageError(
            f"a CSV of the column {schema.names[0]!r} alone shows nulls as empty lines, which readers skip; "
            "add a column, or choose another --format"
        )
