"""One writer per format. Each consumes a reader into an open binary file, schema first, and nothing wider."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.disk.durable import PAGE_BYTES
from pipeline.runtime.threads import REUSED_BUFFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from pipeline.disk.sink import Sink
    from pipeline.native import TextBuffer


class Write(Protocol):
    """Write all rows of a reader to a file; a reader without rows gives a valid file of none."""

    def __call__(
        self,
        reader: pa.RecordBatchReader,
        file: Sink,
        *,
        table: str,
        metadata: Mapping[str, Any],
        compression: str,
        spreadsheet: bool,
        ahead: bool,
    ) -> None:
        """Write.

        Args:
            reader: the rows.
            file: where to; it stays open.
            table: `measurements` or `statistics`.
            metadata: what describes the rows, JSON values.
            compression: inside the file, for formats that have one.
            spreadsheet: write the variant for spreadsheet programs.
            ahead: work in threads of its own where that helps.
        """


@dataclass(frozen=True)
class Format:
    """What is known of a format.

    Attributes:
        name: as it is chosen.
        extension: end of a file's name, with its dot.
        mediatype: media type, IANA's where it has one.
        is_text: whether it can be compressed from outside, and is UTF-8.
        compressions: what may be chosen, the default first.
        is_exact: whether it holds every value as it is, so that a digest of the rows can be compared.
    """

    name: str
    extension: str
    mediatype: str
    is_text: bool
    compressions: tuple[str, ...]
    is_exact: bool = True

    def load(self) -> Write:
        """Import the writer."""
        from importlib import import_module  # noqa: PLC0415 - only the chosen one is loaded

        writer: Write = getattr(import_module(f"pipeline.writers.{self.name}"), f"write_{self.name}")
        return writer


_TEXT = ("none", "gzip", "zstd")
FORMATS = {
    one.name: one
    for one in (
        Format("ndjson", ".ndjson", "application/x-ndjson", True, _TEXT),
        Format("json", ".json", "application/json", True, _TEXT),
        Format("csv", ".csv", "text/csv", True, _TEXT),
        Format("parquet", ".parquet", "application/vnd.apache.parquet", False, ("zstd", "none", "gzip")),
        Format("arrow", ".arrow", "application/vnd.apache.arrow.file", False, ("none", "zstd")),
        # It leaves empty texts out.
        Format("influx", ".lp", "text/plain", True, _TEXT, is_exact=False),
        # It rounds numbers and times.
        Format(
            "xlsx",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            False,
            ("none",),
            is_exact=False,
        ),
    )
}
_FIRST_ROWS = 4_096
_CACHED_BYTES = 1_700_000
METADATA_KEY = b"pipeline:metadata"
"""Key of the metadata in the schema of Parquet and Arrow files."""


def encoded(
    batches: Iterable[pa.RecordBatch],
    encode: Callable[[TextBuffer, pa.RecordBatch], memoryview],
    *,
    begin: bytes = b"",
    separators: Iterator[bytes] | None = None,
) -> Iterator[memoryview]:
    """Encode batches in pieces whose text stays in the processor's cache until it is hashed and written.

    A piece ends where a page of the file does, so that it can be written as it lies in memory; what is left over is
    carried into the next one.

    Args:
        batches: the rows.
        encode: adds the text of rows to a buffer, and gives all that it holds. Buffers take turns: what is written
            behind must stay as it is.
        begin: what stands before the first rows.
        separators: what stands before the first rows and between those that are encoded at a time; nothing by default.
    """
    from pipeline.native import TextBuffer  # noqa: PLC0415 - the table of formats is needed without it

    buffers = cycle([TextBuffer() for _ in range(REUSED_BUFFERS)])
    buffer = next(buffers)
    rows = _FIRST_ROWS
    carried = begin
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            piece = batch.slice(at, rows)
            before = carried + (next(separators) if separators else b"")
            buffer.start(before)
            text = encode(buffer, piece)
            whole = len(text) - len(text) % PAGE_BYTES
            carried = bytes(text[whole:])
            if whole:
                yield text[:whole]
                buffer = next(buffers)  # not before: each write has a buffer of its own
            at += piece.num_rows
            rows = max(_CACHED_BYTES * piece.num_rows // max(len(text) - len(before), 1), 1)
    yield memoryview(carried)
