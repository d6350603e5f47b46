"""The files of a scan, and whether they are those that were imported: an engine that reads them verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import numpy as np

from pipeline.disk.hashing import file_sha256
from pipeline.errors import ReplacedError, SourceError
from pipeline.scan.parquet import groups_between, read_parquet, repeated_texts, row_group_sizes, sizes_in_footer
from pipeline.scan.reading import Reading, reading_errors
from pipeline.scan.stored import another_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline.scan.parts import PartHashes
    from pipeline.scan.reading import TimeBounds

ReadRows: TypeAlias = (
    "Callable[[Path, Reading, Sequence[str] | None, Sequence[str]], Generator[pa.RecordBatch, None, None]]"
)
"""Reads the rows of a file in order, after an empty batch: its path, how, which columns, which as dictionaries."""
_BATCH_ROWS = 65_536
_THREADS = 4
_ATTEMPTS = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of rows in order, Parquet but for what `read` is given for.

    Attributes:
        path: where it lies, or lay when its session's record was read.
        session_id: the session all its rows belong to, None where it may hold several.
        rows: of a pack, which rows are those of each session, by its id, in their order; else None.
        without: sessions in it that are passed over, for they are read from another file.
        is_temporary: it is gone when the source is closed.
        sha256: of the file, where its session's record has it.
        parts: of the same, those of its parts, where it is so large that not all of it need be read.
        held: leads to the file whatever has its name now, None where it is not held open.
        look_again: finds the file that holds these rows now, which may be this one; it raises ReplacedError where
            its session has other rows by now. None for files that have no record of their own.
        read: of a file that is not Parquet, reads it.
        repeated: of the same, the string columns to read as dictionaries.
    """

    path: Path
    session_id: str | None = None
    rows: Mapping[str, range] | None = field(default=None, compare=False, repr=False)
    without: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    is_temporary: bool = False
    sha256: str | None = None
    parts: PartHashes | None = field(default=None, compare=False, repr=False)
    held: Path | None = field(default=None, compare=False)
    look_again: Callable[[], DataFile] | None = field(default=None, compare=False, repr=False)
    read: ReadRows | None = field(default=None, compare=False, repr=False)
    repeated: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def is_stored(self) -> bool:
        """Whether it lies in a store, whose records say what it holds."""
        return self.session_id is not None or self.rows is not None

    @property
    def session_ids(self) -> Collection[str]:
        """The sessions that it holds; none where no record says so."""
        if self.rows is not None:
            return self.rows.keys()
        return () if self.session_id is None else (self.session_id,)

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


class ReadGroups(NamedTuple):
    """Which row groups of a file are read.

    Attributes:
        places: of them, None for all.
        left_out: by session, how many of its rows lie in others, where it has such.
    """

    places: list[int] | None
    left_out: Mapping[str, int]


def row_groups(
    file: DataFile, wanted: Collection[str], footer: pq.FileMetaData | None = None, times: TimeBounds = (None, None)
) -> ReadGroups:
    """Find which row groups of a file have rows of some sessions.

    Args:
        file: it.
        wanted: ids of the sessions.
        footer: of the file, where it is known to be right.
        times: the range of time that rows are wanted of; it tells only where the footer is given.

    Raises:
        SourceError: it is damaged.
    """
    is_whole = file.rows is None or all(session_id in wanted for session_id in file.rows)
    if is_whole and (footer is None or times == (None, None)):
        return ReadGroups(None, {})
    sizes = row_group_sizes(file.opened_as) if footer is None else sizes_in_footer(footer)
    ends = np.cumsum(sizes)
    rows = _rows_of(file, wanted, sum(sizes))
    found: set[int] = set()
    for one in rows.values():
        if one:
            first, last = np.searchsorted(ends, [one.start, one.stop - 1], side="right").tolist()
            found.update(range(first, last + 1))
    places = {group for group in found if group < len(ends)}
    if footer is None or times == (None, None):
        return ReadGroups(sorted(places), {})
    kept = places & set(groups_between(footer, times))
    passed = np.cumsum([size if group in places - kept else 0 for group, size in enumerate(sizes)])

    def passed_before(row: int) -> int:
        return int(np.interp(row, [0, *ends], [0, *passed]))

    left_out = {session_id: passed_before(one.stop) - passed_before(one.start) for session_id, one in rows.items()}
    return ReadGroups(sorted(kept), left_out)


def _rows_of(file: DataFile, wanted: Collection[str], count: int) -> dict[str, range]:
    """Say which rows of a file are those of sessions that are wanted."""
    if file.rows is None:
        return {} if file.session_id is None else {file.session_id: range(count)}
    return {session_id: rows for session_id, rows in file.rows.items() if session_id in wanted}


def replaced(session: Path) -> ReplacedError:
    """Make the error that a session is another than when it was looked at first."""
    return ReplacedError(f"{session}: was replaced while it was read; run it again")


def check_hash(file: DataFile, on_read: Callable[[int], None] = lambda _: None) -> None:
    """Compare a file with the SHA-256 that its session's record has of it; without one nothing is done.

    Args:
        file: what to read.
        on_read: gets the size of each part that was read, in bytes.

    Raises:
        SourceError: it is another.
        OSError: it cannot be read.
    """
    if file.sha256 is not None and file_sha256(file.opened_as, on_read=on_read) != file.sha256:
        raise another_file(file.opened_as, file.parts)


def check_files(files: Iterable[DataFile], on_read: Callable[[int], None] = lambda _: None) -> list[DataFile]:
    """Check files that nothing else has read yet: by their SHA-256, else by the checksums of their pages.

    Args:
        files: of a scan; those of plain sources were verified when the source was opened.
        on_read: gets the size of each part that was read, in bytes; several threads call it.

    Returns:
        the files to read: where a session was replaced meanwhile by the same rows, those that hold them now.

    Raises:
        ReplacedError: a session has other rows by now.
        SourceError: one is damaged, or cannot be read.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only engines need it

    def check(file: DataFile) -> None:
        _check(file, on_read)

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="verify") as pool:
        return list(pool.map(lambda file: follow(file, check)[0] if file.is_stored else file, files))


def _check(file: DataFile, on_read: Callable[[int], None]) -> None:
    if file.sha256 is not None:
        check_hash(file, on_read)
        return
    for _ in read_parquet(file.opened_as, Reading(_BATCH_ROWS), repeated=sorted(repeated_texts(file.opened_as))):
        pass
    on_read(file.opened_as.stat().st_size)
