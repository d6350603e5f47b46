"""A file of a package, complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.writers.compression import EXTENSIONS

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.tables.table_file import FileOfTable
    from pipeline.writers.formats import Format
    from pipeline.writers.locales import Locale


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a package, complete.

    Attributes:
        file: what was written.
        schema: the columns.
        format: its format.
        compression: around or inside it.
        bytes: its size.
        sha256: its hash, None where it was not computed.
        spreadsheet: the locale of the spreadsheet programs that it is for, None where it is for others.
    """

    file: FileOfTable
    schema: pa.Schema
    format: Format
    compression: str
    bytes: int
    sha256: str | None
    spreadsheet: Locale | None = None

    @property
    def extension(self) -> str:
        """End of its name, compression included."""
        return self.format.extension + (EXTENSIONS[self.compression] if self.format.is_text else "")
