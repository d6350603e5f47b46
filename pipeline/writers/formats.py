"""The formats: what is known of each, and its writer, which is imported when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from pipeline.disk.sink import Sink


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
METADATA_KEY = b"pipeline:metadata"
"""Key of the metadata in the schema of Parquet and Arrow files."""
