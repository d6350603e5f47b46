"""The formats: what is known of each, and its writer, which is imported when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from pipeline.disk.sink import Sink
    from pipeline.writers.locales import Locale


class Write(Protocol):
    """Write all rows of a reader to a file; a reader without rows gives a valid file of none."""

    def __call__(
        self,
        reader: pa.RecordBatchReader,
        file: Sink,
        *,
        table: str,
        metadata: Callable[[], Mapping[str, Any]],
        compression: str,
        spreadsheet: Locale | None,
        timezone: str | None,
        ahead: bool,
        is_continued: bool = False,
    ) -> None:
        """Write.

        Args:
            reader: the rows.
            file: where to; it stays open.
            table: `measurements` or `statistics`.
            metadata: gives what describes the rows, JSON values; it is asked before the rows where they stand behind it
                (`is_described_first`), else after them.
            compression: inside the file, for formats that have one.
            spreadsheet: write the variant for spreadsheet programs of this locale.
            timezone: IANA name of the zone of dates that name none, UTC where it is None.
            ahead: work in threads of its own where that helps.
            is_continued: the file will stand behind another of the same table, for formats that are joined so.
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
        is_described_first: whether what describes the rows stands before them.
        max_rows: rows that a package may have in this format, None where there is no limit.
        is_joined: whether files of it, one behind the other, are one file, where those behind the first know it.
    """

    name: str
    extension: str
    mediatype: str
    is_text: bool
    compressions: tuple[str, ...]
    is_exact: bool = True
    is_described_first: bool = False
    max_rows: int | None = None
    is_joined: bool = False

    def load(self) -> Write:
        """Import the writer."""
        from importlib import import_module  # noqa: PLC0415 - only the chosen one is loaded

        writer: Write = getattr(import_module(f"pipeline.writers.{self.name}"), f"write_{self.name}")
        return writer


_TEXT = ("none", "gzip", "zstd")
FORMATS = {
    one.name: one
    for one in (
        Format("ndjson", ".ndjson", "application/x-ndjson", True, _TEXT, is_joined=True),
        Format("json", ".json", "application/json", True, _TEXT, is_described_first=True),
        Format("csv", ".csv", "text/csv", True, _TEXT, is_joined=True),
        Format("parquet", ".parquet", "application/vnd.apache.parquet", False, ("zstd", "none", "gzip")),
        Format(
            "arrow",
            ".arrow",
            "application/vnd.apache.arrow.file",
            False,
            ("none", "zstd"),
            is_described_first=True,
        ),
        # It leaves empty texts out.
        Format("influx", ".lp", "text/plain", True, _TEXT, is_exact=False, is_joined=True),
        # Numbers, dates and text share its cells.
        Format(
            "xlsx",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            False,
            ("none",),
            is_exact=False,
            is_described_first=True,
            max_rows=10_000_000,  # more is opened by nobody
        ),
    )
}
MAX_SHEET_ROWS = 1_048_575
"""Rows of a worksheet, less the header."""
