"""What an importer leaves of a file: found when its rows were read, or beside that where it takes long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from pipeline.importers.ignored import Ignored, in_columns, in_documents, in_formed_lines, in_lines
from pipeline.importers.plain_text import read_head

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Future
    from pathlib import Path

    import duckdb

    from pipeline.importers.csv_rows import PlainCsv
    from pipeline.importers.csv_shape import CsvShape
    from pipeline.importers.decoded import Told
    from pipeline.importers.definition import Definition
    from pipeline.importers.fields import UnreadKeys
    from pipeline.importers.samples import CutDocument

_LARGE_BYTES = 1 << 20


class Unused:
    """Finds what an importer did not use, as far as it says what it does; its thread ends with the `with` statement."""

    def __init__(
        self,
        definition: Definition,
        plain: Path,
        shape: CsvShape | None,
        cut: CutDocument | None,
        unread: UnreadKeys,
        rows: PlainCsv | None,
    ) -> None:
        """Begin to count the names of a large document, or lines, of JSON.

        Args:
            definition: the importer.
            plain: the file.
            shape: of a CSV file.
            cut: a document whose samples were cut out.
            unread: what lines hold beside their fields, once they were read to the end.
            rows: of a plain CSV file, which count what its columns hold that are left.

        Raises:
            SourceError: the file cannot be read.
        """
        self._definition = definition
        self._plain = plain
        self._shape = shape
        self._cut = cut
        self._unread = unread
        self._rows = rows
        self._is_wanted = True
        self._pool: ThreadPoolExecutor | None = None
        self._found: Future[Ignored] | None = None
        is_found_later = (
            definition.reader or definition.fields or shape or (definition.forms and definition.format == "ndjson")
        )
        if definition.reads is not None and not is_found_later and plain.stat().st_size > _LARGE_BYTES:
            self._pool = ThreadPoolExecutor(1, "names")
            self._found = self._pool.submit(self._in_documents, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_wanted = False
        if self._pool is not None:
            self._pool.shutdown()

    def find(self, connection: duckdb.DuckDBPyConnection, given: Collection[str], told: Told) -> Ignored:
        """Count it, once the rows were read.

        Args:
            connection: where the file can be read.
            given: what the importer's SELECT calls its columns, in small letters.
            told: what its reader tells.

        Raises:
            SourceError: it is no JSON; the message names the line.
        """
        definition = self._definition
        if definition.fields or told.unread:
            return in_lines([*self._unread.found, *told.unread], definition.reads)
        if definition.reads is None:
            return Ignored({})
        if self._found is not None:
            return self._found.result()
        if self._shape is not None:
            known = {*map(str.lower, definition.columns), *given}
            counted = (self._rows and self._rows.held) or {}
            return in_columns(connection, self._shape.names, known, definition.reads, counted)
        if definition.forms and definition.format == "ndjson":
            return in_formed_lines(connection, self._plain, definition.forms, definition.reads)
        return self._in_documents(told.whole_bytes)

    def _in_documents(self, whole_bytes: int | None) -> Ignored:
        if self._definition.reads is None:
            return Ignored({})
        reads = self._definition.reads.of_file(lambda: read_head(self._plain).value)
        if self._cut is None or reads.lead_into(self._definition.samples):
            return in_documents(self._plain, reads, (), whole_bytes, lambda: self._is_wanted)
        return in_documents(self._cut.path, reads, self._definition.samples, is_wanted=lambda: self._is_wanted)
