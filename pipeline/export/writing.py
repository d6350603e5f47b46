"""One file of an export: its writer, its compression, and the thread that writes behind."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.model.columns import plain_schema
from pipeline.package.written_file import WrittenFile
from pipeline.rows.content import digests_of_sessions
from pipeline.runtime.threads import WrittenBehind, cores
from pipeline.writers.compression import compressing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pipeline.disk.files import CountingFile
    from pipeline.disk.sink import Sink
    from pipeline.export.options import Form
    from pipeline.model.session import Session
    from pipeline.publish.stage import Stage
    from pipeline.tables.table_file import TableFile
    from pipeline.writers.formats import Format


class TableWriter:
    """Writes the files of tables, each in the form of its table."""

    def __init__(
        self,
        form_of: Callable[[str], Form],
        described: Callable[[Sequence[Session], Mapping[str, str]], Sequence[Session]],
        *,
        source: Callable[[], Mapping[str, str]],
        timestamp_unit: str,
        threads: int | None,
        continues: bool = False,
    ) -> None:
        """Say how.

        Args:
            form_of: gives the form of a table by its name.
            described: gives sessions with what their rows, written by then, say of them, and their digests by id.
            source: gives name and fingerprint of the source, for the metadata inside files.
            timestamp_unit: us or ns, for the same.
            threads: how many may be used, None for one per core.
            continues: what is written will stand behind a file of the same table.
        """
        self._form_of = form_of
        self._described = described
        self._source = source
        self._timestamp_unit = timestamp_unit
        self._threads = threads or cores()
        self._ahead = threads != 1
        self._continues = continues
        self._rows = 0
        self._read: pa.Schema | None = None
        self._plain: pa.Schema | None = None

    def into(self, stage: Stage, file: TableFile) -> WrittenFile:
        """Write one file of a stage under a provisional name, unless it is finished already."""
        name = file.provisional_name
        if name in stage.finished:
            self._rows += file.content.rows
            return self._written(file, stage.finished[name]["bytes"], stage.finished[name]["sha256"])
        is_recorded = file.table != "sessions"
        with stage.create(name, is_finished_later=is_recorded) as out:
            written = self.rows(file, out)
        if is_recorded:
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
            nullcontext(out) if outside == "none" else compressing(out, outside, threads=self._threads) as compressed,
            self._behind(form, compressed, out) as sink,
        ):
            form.format.load()(
                self._counted(file, form),
                sink,
                table=file.table,
                metadata=partial(self._metadata, file, form),
                compression=form.compression,
                spreadsheet=form.spreadsheet,
                timezone=form.timezone,
                ahead=self._ahead,
                is_continued=self._continues,
            )
        return self._written(file, out.bytes, out.sha256)

    def _counted(self, file: TableFile, form: Form) -> pa.RecordBatchReader:
        """Count rows where the format has a limit."""
        if form.format.max_rows is None:
            return file.reader

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in file.reader:
                self._rows += batch.num_rows
                require_fewer_rows(form.format, self._rows)
                yield batch

        return pa.RecordBatchReader.from_batches(file.reader.schema, batches())

    def _written(self, file: TableFile, size: int, sha256: str | None) -> WrittenFile:
        form, read = self._form_of(file.table), file.reader.schema
        if self._read is None or not read.equals(self._read):  # else that of the file before: there may be very many
            self._read, self._plain = read, plain_schema(read)
        return WrittenFile(file.facts(), self._plain, form.format, form.compression, size, sha256, form.spreadsheet)

    def _metadata(self, file: TableFile, form: Form) -> dict[str, Any]:
        """What describes a file's rows inside the file; it depends on the content alone, never on a clock."""
        digests = digests_of_sessions([file.content]) if file.is_whole else {}
        return {
            "table": file.table,
            "scope": form.scope,
            "timestamp_unit": self._timestamp_unit,
            "source": self._source(),
            "sessions": [session.describe() for session in self._described(file.sessions, digests)],
        }

    def _behind(self, form: Form, sink: Sink, out: CountingFile) -> AbstractContextManager[Sink]:
        """Write text in a thread of its own; other formats' writers hand over bytes that they may change."""
        if not form.format.is_text or not self._ahead:
            return nullcontext(sink)
        return WrittenBehind(*(out.split() if sink is out else [sink]))


def whole_scopes(stage: Stage, *, is_split: bool) -> set[str]:
    """Find the scopes of measurements of which a stage holds all files.

    They are those of which workers wrote all parts, and any other where there is one file each; parts that workers
    wrote of others are removed from the stage.

    Args:
        stage: of the package.
        is_split: files end after some rows.
    """
    parts: dict[str, list[str]] = {}
    whole: set[str] = set()
    for name, record in stage.finished.items():
        table, _, rest = name.partition("-")
        scope = rest.rpartition("-")[0]
        if "parts" in record:
            parts.setdefault(scope, []).append(name)
        elif table == "measurements" and not is_split:
            whole.add(scope)
    partial = {scope for scope, found in parts.items() if len(found) < stage.finished[found[0]]["parts"]}
    stage.forget([name for scope in partial for name in parts[scope]])
    return whole | (parts.keys() - partial)


def require_fewer_rows(format: Format, rows: int) -> None:  # noqa: A002 - of the option
    """Refuse more rows than a package may have in a format.

    Raises:
        UsageError: they are more.
    """
    if format.max_rows is not None and rows > format.max_rows:
        raise UsageError(
            f"--format {format.name}: a package has at most {format.max_rows:,} rows; "
            "select fewer, or choose --format csv, which has no limit"
        )


def _check_one_column(form: Form, schema: pa.Schema) -> None:
    if form.format.name == "csv" and len(schema) == 1 and schema.field(0).nullable:
        raise UsageError(
            f"a CSV of the column {schema.names[0]!r} alone shows nulls as empty lines, which readers skip; "
            "add a column, or choose another --format"
        )
