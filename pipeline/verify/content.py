"""Compares what a file of a package holds, read back, with what the package says that it holds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipeline.model.arrays import integers
from pipeline.rows.batches import session_runs
from pipeline.rows.digest import Digest, digest_rows
from pipeline.rows.rules import first_out_of_order
from pipeline.runtime.threads import ScannedAhead
from pipeline.verify.errors import ReadBackError
from pipeline.verify.readback import read_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


def content_problems(path: Path, described: Described, passed: Callable[[int], None]) -> Iterator[str]:
    """Read a file back and say what is wrong with it.

    Args:
        path: the file.
        described: what it should hold.
        passed: is told how many rows were read.
    """
    try:
        whole, sessions = _gather(path, described, passed)
    except (pa.ArrowException, duckdb.Error, OSError, EOFError, ValueError, zlib.error, ReadBackError) as error:
        yield _unreadable(error, path)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in {"zstandard", "zstd", "nanoarrow"}:
            raise
        yield _unreadable(error, path)
    else:
        yield from _compare(described, whole, sessions)


def _unreadable(error: Exception, path: Path) -> str:
    text = str(error).strip().replace(str(path), path.name) or type(error).__name__
    return f"cannot be read back: {text.splitlines()[0][:300]}"


def _gather(path: Path, described: Described, passed: Callable[[int], None]) -> tuple[_Found, dict[str, _Found]]:
    whole = _Found()
    sessions: dict[str, _Found] = {}
    by_session = described.table == "measurements" and "session_id" in dict(described.columns)
    with ScannedAhead(read_back(path, described)) as batches:
        for batch in batches:
            if not batch.num_rows:
                continue
            passed(batch.num_rows)
            if not by_session or described.is_spreadsheet:
                whole.rows += batch.num_rows
                if described.digest:
                    whole.digest.add(digest_rows(batch))
                continue
            for session_id, start, stop in session_runs(batch):
                found = sessions.setdefault(session_id, _Found())
                rows = batch.slice(start, stop - start)
                found.add(rows, digested=described.digest is not None)
    for found in sessions.values():
        whole.rows += found.rows
        whole.digest.add(found.digest.lanes)
    return whole, sessions


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
