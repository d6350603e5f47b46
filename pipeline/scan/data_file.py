"""The files of a scan, and whether they are those that were imported: an engine that reads them verifies nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.disk.hashing import file_sha256
from pipeline.errors import SourceError
from pipeline.scan.parquet import read_parquet, repeated_texts
from pipeline.scan.reading import Reading, reading_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BATCH_ROWS = 65_536
_THREADS = 4


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of rows in order.

    Attributes:
        path: where it lies.
        session_id: the session all its rows belong to, None where it may hold several.
        is_temporary: it is gone when the source is closed.
        sha256: of the file, where its session's record has it.
    """

    path: Path
    session_id: str | None = None
    is_temporary: bool = False
    sha256: str | None = None


def check_hash(file: DataFile) -> None:
    """Compare a file with the SHA-256 that its session's record has of it; without one nothing is done.

    Raises:
        SourceError: it is another, or cannot be read.
    """
    if file.sha256 is None:
        return
    with reading_errors(file.path):
        if file_sha256(file.path) != file.sha256:
            raise SourceError("is damaged or was changed, its SHA-256 is not that of its session's record")


def check_files(files: Iterable[DataFile]) -> None:
    """Check files that nothing else has read yet: by their SHA-256, else by the checksums of their pages.

    Args:
        files: of a scan; those of plain sources were verified when the source was opened.

    Raises:
        SourceError: one is damaged, or cannot be read.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="verify") as pool:
        for _ in pool.map(_check, [file for file in files if file.session_id is not None]):
            pass


def _check(file: DataFile) -> None:
    if file.sha256 is not None:
        check_hash(file)
        return
    with reading_errors(file.path):
        for _ in read_parquet(file.path, Reading(_BATCH_ROWS), repeated=sorted(repeated_texts(file.path))):
            pass
