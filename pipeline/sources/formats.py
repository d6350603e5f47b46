"""The formats of files that can be read: the ends of their names, and their readers, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from pipeline.scan.reading import Reading

    Read = Callable[[Path, Reading], Iterator[pa.RecordBatch]]


class FileFormat(NamedTuple):
    """What is known of a format.

    Attributes:
        name: as it is called.
        suffixes: ends of the names of its files, in lower case.
        module: that of its reader, a function of the last word of it, `read_WORD`.
        is_text: whether it is text, which may be compressed as a whole and has no types.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    is_text: bool = False

    def load(self) -> Read:
        """Import the reader."""
        reader: Read = getattr(import_module(self.module), f"read_{self.module.rsplit('.', 1)[-1]}")
        return reader


FILE_FORMATS = {
    one.name: one
    for one in (
        FileFormat("parquet", (".parquet",), "pipeline.scan.parquet"),
        FileFormat("arrow", (".arrow", ".arrows", ".feather", ".ipc"), "pipeline.sources.arrow"),
        FileFormat("csv", (".csv",), "pipeline.sources.csv", is_text=True),
        FileFormat("ndjson", (".ndjson", ".jsonl"), "pipeline.sources.ndjson", is_text=True),
        FileFormat("duckdb", (".duckdb", ".db"), "pipeline.sources.database"),
    )
}
_BY_SUFFIX = {suffix: one for one in FILE_FORMATS.values() for suffix in one.suffixes}
COMPRESSED_SUFFIXES = {".gz", ".zst"}


def file_format(path: Path) -> FileFormat:
    """Tell the format of a file by the end of its name.

    Raises:
        SourceError: the name says no format that can be read.
    """
    found = format_by_name(path)
    if found is None:
        raise SourceError(f"{path}: what format is it? Its name must end in one of {', '.join(_BY_SUFFIX)}")
    if path.suffix in COMPRESSED_SUFFIXES and not found.is_text:
        raise SourceError(f"{path}: {found.name} files are compressed inside; decompress this one first")
    return found


def format_by_name(path: Path) -> FileFormat | None:
    """Tell the format that the end of a name says, None where it says none."""
    suffix = Path(path.stem).suffix if path.suffix in COMPRESSED_SUFFIXES else path.suffix
    return _BY_SUFFIX.get(suffix.lower())
