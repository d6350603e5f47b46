"""The files of a scan, and whether they are those that were imported: an engine that reads them verifies nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pipeline.disk.hashing import file_sha256
from pipeline.errors import ReplacedError, SourceError
from pipeline.scan.parquet import read_parquet, repeated_texts
from pipeline.scan.reading import Reading, reading_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_BATCH_ROWS = 65_536
_THREADS = 4
_ATTEMPTS = 5

T = TypeVar("T")


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of rows in order.

    Attributes:
        path: where it lies, or lay when its session's record was read.
        session_id: the session all its rows belong to, None where it may hold several.
        is_temporary: it is gone when the source is closed.
        sha256: of the file, where its session's record has it.
        held: leads to the file whatever has its name now, None where it is not held open.
        look_again: finds the file that holds these rows now, which may be this one; it raises ReplacedError where
            its session has other rows by now. None for files that have no record of their own.
    """

    path: Path
    session_id: str | None = None
    is_temporary: bool = False
    sha256: str | None = None
    held: Path | None = field(default=None, compare=False)
    look_again: Callable[[], DataFile] | None = field(default=None, compare=False, repr=False)

    @property
    def opened_as(self) -> Path:
        """What to open; `path` is what to call it."""
        return self.held or self.path


def follow(file: DataFile, read: Callable[[DataFile], T]) -> tuple[DataFile, T]:
    """Read a file, or where its session was replaced meanwhile by the same rows, the file that has them now.

    Args:
        file: what to read.
        read: how; it may be tried again.

    Returns:
        the file that was read, and what reading it gave.

    Raises:
        ReplacedError: the session has other rows by now.
        SourceError: the file is damaged, or cannot be read.
    """
    for _ in range(_ATTEMPTS):
        try:
            with reading_errors(file.path):
                return file, read(file)
        except SourceError:
            now = file.look_again() if file.look_again is not None else file
            if now == file:
                raise
            file = now
    raise replaced(file.path.parent)


def replaced(session: Path) -> ReplacedError:
    """Make the error that a session is another than when it was looked at first."""
    return ReplacedError(f"{session}: was replaced while it was read; run it again")


def check_hash(file: DataFile) -> None:
    """Compare a file with the SHA-256 that its session's record has of it; without one nothing is done.

    Raises:
        SourceError: it is another.
        OSError: it cannot be read.
    """
    if file.sha256 is not None and file_sha256(file.opened_as) != file.sha256:
        raise SourceError("is damaged or was changed, its SHA-256 is not that of its session's record")


def check_files(files: Iterable[DataFile]) -> list[DataFile]:
    """Check files that nothing else has read yet: by their SHA-256, else by the checksums of their pages.

    Args:
        files: of a scan; those of plain sources were verified when the source was opened.

    Returns:
        the files to read: where a session was replaced meanwhile by the same rows, those that hold them now.

    Raises:
        ReplacedError: a session has other rows by now.
        SourceError: one is damaged, or cannot be read.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="verify") as pool:
        return list(pool.map(lambda file: follow(file, _check)[0] if file.session_id is not None else file, files))


def _check(file: DataFile) -> None:
    if file.sha256 is not None:
        check_hash(file)
        return
    for _ in read_parquet(file.opened_as, Reading(_BATCH_ROWS), repeated=sorted(repeated_texts(file.opened_as))):
        pass
