"""Compares what a file of a package holds, read back, with what the package says that it holds."""

from __future__ import annotations

import zlib
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipeline.model.arrays import integers
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.rules import first_out_of_order
from pipeline.rows.runs import session_runs
from pipeline.runtime.threads import ScannedAhead, in_order
from pipeline.verify.errors import ReadBackError
from pipeline.verify.readback import read_back
from pipeline.verify.together import SmallFiles, in_groups, is_small
from pipeline.verify.values import PARSERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.package.described import Described, DescribedSession


@dataclass
class _Found:
    """What was found of one session, or of a whole file."""

    rows: int = 0
    first_sequence: int | None = None
    last_sequence: int | None = None
    digest: Digest = field(default_factory=Digest)
    is_in_order: bool = True

    def add(self, rows: pa.RecordBatch, *, digested: bool) -> None:
        self.rows += rows.num_rows
        if digested:
            self.digest.add(digest_rows(rows))
        if "sequence" in rows.schema.names:
            sequence = integers(rows.column("sequence"))
            self.is_in_order &= first_out_of_order(sequence, self.last_sequence) is None
            self.first_sequence = int(sequence[0]) if self.first_sequence is None else self.first_sequence
            self.last_sequence = int(sequence[-1])


class _Gathered:
    """What was found in a file: in the whole of it, and of each session."""

    def __init__(self, described: Described) -> None:
        self.whole = _Found()
        self.sessions: dict[str, _Found] = {}
        self._described = described
        by_session = described.table == "measurements" and "session_id" in dict(described.columns)
        self._is_by_session = by_session and not described.is_counted

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        described = self._described
        if not self._is_by_session:
            self.whole.rows += batch.num_rows
            if described.digest:
                self.whole.digest.add(digest_rows(batch))
            return
        for session_id, start, stop in session_runs(batch):
            found = self.sessions.setdefault(session_id, _Found())
            rows = batch.slice(start, stop - start)
            found.add(rows, digested=described.digest is not None)
            self.whole.rows += rows.num_rows

    def problems(self) -> Iterator[str]:
        """Say what is wrong, when all rows are added."""
        for found in self.sessions.values():
            self.whole.digest.add(found.digest.lanes)
        return _compare(self._described, self.whole, self.sessions)


def content_problems(
    directory: Path, files: Iterable[Described], passed: Callable[[int], None]
) -> Iterator[tuple[Described, str]]:
    """Read files of a package back and say what is wrong with each.

    Args:
        directory: where they lie.
        files: what they should hold.
        passed: is told how many rows were read.

    Yields:
        a file and a problem, in the order of the files.
    """
    for small, some in groupby(files, key=is_small):
        if not small:
            for one in some:
                for problem in _problems_of(directory / one.path, one, passed):
                    yield one, problem
            continue
        with SmallFiles(directory) as reader:
            read = partial(_problems_of_group, reader, directory)
            with closing(in_order(read, in_groups(some), threads=PARSERS)) as found:
                for rows, problems in found:
                    passed(rows)
                    yield from problems


def _problems_of_group(
    reader: SmallFiles, directory: Path, group: Sequence[Described]
) -> tuple[int, list[tuple[Described, str]]]:
    """Read small files together; where anything is wrong, each by itself, which tells what it is."""
    gathered = [_Gathered(one) for one in group]
    at = {id(one): found for one, found in zip(group, gathered, strict=True)}
    try:
        for one, batch in reader.read(group):
            at[id(one)].add(batch)
    except Exception as error:
        if not _is_of_reader(error):
            raise
    else:
        if not any(problem for found in gathered for problem in found.problems()):
            return sum(found.whole.rows for found in gathered), []
    rows = 0

    def add(number: int) -> None:
        nonlocal rows
        rows += number

    problems = [(one, problem) for one in group for problem in _problems_of(directory / one.path, one, add)]
    return rows, problems


def _problems_of(path: Path, described: Described, passed: Callable[[int], None]) -> Iterator[str]:
    found = _Gathered(described)
    try:
        with ScannedAhead(read_back(path, described)) as batches:
            for batch in batches:
                if batch.num_rows:
                    passed(batch.num_rows)
                    found.add(batch)
    except Exception as error:
        if not _is_of_reader(error):
            raise
        yield _unreadable(error, path)
    else:
        yield from found.problems()


def _is_of_reader(error: Exception) -> bool:
    """Whether a reader raises it for what it cannot read."""
    known = (pa.ArrowException, duckdb.Error, OSError, EOFError, ValueError, zlib.error, ReadBackError)
    return isinstance(error, known) or type(error).__module__.split(".")[0] in {"zstandard", "zstd", "nanoarrow"}


def _unreadable(error: Exception, path: Path) -> str:
    text = str(error).strip().replace(str(path), path.name) or type(error).__name__
    return f"cannot be read back: {text.splitlines()[0][:300]}"


def _compare(described: Described, whole: _Found, sessions: dict[str, _Found]) -> Iterator[str]:
    if whole.rows != described.rows:
        yield f"holds {whole.rows} rows, not {described.rows}"
    if described.digest is not None and whole.digest.text != described.digest:
        yield f"its rows have the digest {whole.digest.text}, not {described.digest}"
    if not sessions:
        return
    for session_id, found in sessions.items():
        if session_id not in described.sessions:
            yield f"holds {found.rows} rows of session {session_id!r}, which it should not hold"
    for session_id, expected in described.sessions.items():
        yield from _compare_session(expected, sessions.get(session_id, _Found()))


def _compare_session(expected: DescribedSession, found: _Found) -> Iterator[str]:
    where = f"session {expected.session_id!r}"
    if found.rows != expected.rows:
        yield f"{where}: holds {found.rows} rows, not {expected.rows}"
    if (found.first_sequence, found.last_sequence) != (expected.first_sequence, expected.last_sequence):
        yield (
            f"{where}: holds the sequences {found.first_sequence} to {found.last_sequence}, "
            f"not {expected.first_sequence} to {expected.last_sequence}"
        )
    if not found.is_in_order:
        yield f"{where}: sequence does not increase"
    if expected.digest is not None and found.digest.text != expected.digest:
        yield f"{where}: its rows have the digest {found.digest.text}, not {expected.digest}"
