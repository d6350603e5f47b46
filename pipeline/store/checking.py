"""Checks every file of a store by its records."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.arguments import check_arguments
from pipeline.display import html_table, quantity
from pipeline.errors import SourceError
from pipeline.rows.attributes import unite_columns
from pipeline.rows.digest import Digest, digest_rows
from pipeline.runtime.progress import Phase, phase
from pipeline.scan.data_file import check_files
from pipeline.store.index import INDEX_FILE, note, read_index
from pipeline.store.planning import compare_records
from pipeline.store.reading import directories_of_sessions, open_directories, require_store
from pipeline.store.store_file import read_store_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan

_REBUILD = "`pipeline compact STORE --rebuild-index` makes it anew"


@dataclass(frozen=True)
class StoreProblem:
    """Something that is wrong with a store.

    Attributes:
        directory: where, below the store.
        problem: what.
    """

    directory: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class StoreCheck:
    """What a check of a store found.

    Attributes:
        store: the store.
        problems: what is wrong, empty where nothing is.
        sessions: how many sessions are sound.
        files: files of rows that were looked at.
        rows: rows that were read, 0 with `quick`.
        bytes: bytes of the files.
        is_hashed: all files have a SHA-256 in their records; where one has none, damage may go unnoticed.
        is_quick: sizes and hashes were compared, no rows were read.
        seconds: how long it took.
    """

    store: str
    problems: tuple[StoreProblem, ...]
    sessions: int
    files: int
    rows: int
    bytes: int
    is_hashed: bool
    is_quick: bool
    seconds: float

    def _repr_html_(self) -> str:
        found = quantity(len(self.problems), "problem") if self.problems else "no problem found"
        return html_table(
            f"{self.store}: {found} in {quantity(self.files, 'file')} of {quantity(self.sessions, 'session')}",
            ("directory", "problem"),
            [(one.directory, one.problem) for one in self.problems],
            [] if self.is_hashed else ["some records have no SHA-256: damage may go unnoticed"],
        )


def verify_store(
    store: str | Path, *, quick: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> StoreCheck:
    """Verify every file of a store: its SHA-256, and that its rows are those of its records.

    Args:
        store: the store.
        quick: compare hashes only; read no rows.
        on_progress: is called with the rows that were read, and 0, for nobody knows how many there are.

    Raises:
        SourceError: it is no store, or of another version.
        UsageError: it is a URL.
    """
    check_arguments(locals())
    started = time.monotonic()
    check = _Check(require_store(store), quick=quick, on_progress=on_progress)
    check.run()
    return StoreCheck(
        store=str(store),
        problems=tuple(check.problems),
        sessions=len(check.places),
        files=check.files,
        rows=check.rows,
        bytes=check.bytes,
        is_hashed=check.is_hashed,
        is_quick=quick,
        seconds=time.monotonic() - started,
    )


class _Check:
    def __init__(self, path: Path, *, quick: bool, on_progress: Callable[[int, int], None] | None) -> None:
        self._path = path
        self._quick = quick
        self._on_progress = on_progress
        self.problems: list[StoreProblem] = []
        self.places: dict[str, Path] = {}
        self.files = self.rows = self.bytes = 0
        self.is_hashed = True
        self._phase = Phase("reading back")

    def run(self) -> None:
        unit = read_store_file(self._path).unit
        sessions: list[Session] = []
        try:
            directories = list(directories_of_sessions(self._path))
        except OSError as error:
            raise SourceError(f"{error.filename or self._path}: cannot be read ({error.strerror})") from error
        total = sum(_bytes_in(directory) for directory in directories)
        with phase("hashing" if self._quick else "reading back", total, "bytes") as self._phase:
            for directory in directories:
                sessions += self._check_directory(directory, unit)
                self._phase.passed = self.bytes
        try:
            unite_columns((session.columns for session in sessions), lambda at: self.places[sessions[at].session_id])
        except SourceError as error:
            self.problems.append(StoreProblem("sessions", str(error)))
        if not self.problems:
            self._check_index(unit)

    def _check_directory(self, directory: Path, unit: TimestampUnit) -> Sequence[Session]:
        try:
            scan = open_directories([directory], unit, name=directory.name)
            self._check_files(scan)
            self._require_here_alone(scan, directory)
        except SourceError as error:
            where = str(directory.relative_to(self._path))
            told = str(error).removeprefix(f"{directory}: ").replace(f"{directory}/", "")
            self.problems.append(StoreProblem(where, told))
            return ()
        return scan.sessions

    def _check_index(self, unit: TimestampUnit) -> None:
        """Compare the index, where it claims to be of the sessions as they are, with their records."""
        try:
            index = read_index(self._path / INDEX_FILE, unit)
            noted = note(self._path / "sessions") if index is not None else None
        except (SourceError, OSError) as error:
            told = str(error).removeprefix(f"{self._path / INDEX_FILE}: ")
            self.problems.append(StoreProblem(INDEX_FILE, f"{told}; {_REBUILD}"))
            return
        if index is None or noted != index[1]:
            return
        records, _ = compare_records(self._path, unit, None)
        if index[0].table() != records.table() and note(self._path / "sessions") == noted:
            self.problems.append(
                StoreProblem(INDEX_FILE, f"says other things of the sessions than their records; {_REBUILD}")
            )

    def _require_here_alone(self, scan: Scan, directory: Path) -> None:
        for session in scan.sessions:
            before = self.places.setdefault(session.session_id, directory)
            if before != directory:
                raise SourceError(f"holds session {session.session_id!r}, and so does {before.name}")

    def _check_files(self, scan: Scan) -> None:
        """Compare the files of a directory with its records."""
        self.files += len(scan.files)
        self.bytes += sum(file.path.stat().st_size for file in scan.files)
        self.is_hashed &= all(file.sha256 is not None for file in scan.files)
        if self._quick:
            check_files(scan.files)
            return
        digests = {session.session_id: Digest() for session in scan.sessions}
        for session_id, lanes in self._rows(scan):
            digests[session_id].add(lanes)
        for session in scan.sessions:
            if digests[session.session_id].text != session.content_digest:
                raise SourceError(f"the rows of session {session.session_id!r} are not those that its record tells of")

    def _rows(self, scan: Scan) -> Iterator[tuple[str, list[int]]]:
        size, total = self.bytes - self._phase.passed, sum(session.measurement_count for session in scan.sessions)
        before, done = self._phase.passed, 0
        for batch in scan.batches():
            self.rows += batch.num_rows
            done += batch.num_rows
            self._phase.passed = before + size * done // total
            if self._on_progress is not None:
                self._on_progress(self.rows, 0)
            yield batch.column("session_id")[0].as_py(), digest_rows(batch)


def _bytes_in(directory: Path) -> int:
    """Bytes of the files of rows in a directory; those that cannot be asked are errors when they are read."""
    with suppress(OSError):
        return sum(path.stat().st_size for path in directory.glob("*.parquet"))
    return 0
