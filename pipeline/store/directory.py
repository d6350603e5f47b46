"""A directory of sessions: its records, and the files that they name, all of one moment."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.hashing import file_sha256
from pipeline.disk.regular import require_regular
from pipeline.disk.safe_names import is_safe
from pipeline.disk.strict_json import read_json
from pipeline.errors import SourceError
from pipeline.scan.data_file import DataFile, replaced
from pipeline.scan.parts import LEAST_BYTES
from pipeline.store.pack import PACK_RECORDS, read_pack, read_pack_parts
from pipeline.store.record import is_sealed_version, parse_record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pipeline.disk.held import HeldFiles
    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.parts import PartHashes

RECORD_FILE = "session.json"
MOVED = "moved-into-a-pack"
"""Lies in a directory whose session has moved, for the short while in which its name is kept."""
_DATA_PATTERN = "measurements-*.parquet"
_ATTEMPTS = 20


class DirectoryRecords(NamedTuple):
    """What the records in a directory of sessions say.

    Attributes:
        file: name of their file.
        sha256: of it.
        sessions: in order, one at least; of a pack, those that somebody asks for.
        session_id: of the one session; None for a pack.
        files: SHA-256 by name of the files of rows; None where a record of an early version names none.
        rows: of a pack, which rows are those of each of all its sessions, by its id; else None.
        is_sealed: they have a checksum.
        parts: those of the parts of the files, by name of the file; None where they have not been read.
    """

    file: str
    sha256: str
    sessions: Sequence[Session]
    session_id: str | None
    files: Mapping[str, str | None] | None
    rows: Mapping[str, range] | None
    is_sealed: bool
    parts: Mapping[str, PartHashes] | None = None


class FoundDirectory(NamedTuple):
    """What a directory of sessions holds: one, or a pack.

    Attributes:
        directory: where it lies.
        records: what its records say.
        files: of the rows.
    """

    directory: Path
    records: DirectoryRecords
    files: Sequence[DataFile]

    @property
    def sessions(self) -> Sequence[Session]:
        """Its sessions, in order, one at least."""
        return self.records.sessions


def read_directory(
    directory: Path, unit: TimestampUnit, held: HeldFiles | None = None, known: DirectoryRecords | None = None
) -> FoundDirectory | None:
    """Read the records in a directory of sessions and find its files, all of one moment.

    Args:
        directory: where it lies.
        unit: timestamp unit of the store.
        held: what holds the files of rows open; they go by their names where it is None.
        known: what the records say if they are as they were, which is compared and not read again then.

    Returns:
        None for a directory that holds no session: of a desktop, a NAS, a file system; or that is gone.

    Raises:
        ReplacedError: the records are others than what is known, or are replaced again and again.
        SourceError: it is damaged.
    """
    for _ in range(_ATTEMPTS):
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if not is_safe(directory.name):  # such as lost+found; no session is called so
                return None
            raise SourceError(f"{directory}: cannot be read ({error.strerror})") from error
        try:
            # A directory that leaves its place never comes back: what was read by names is of this one if it is there
            # before and after.
            names = os.listdir(descriptor)  # noqa: PTH208 - a path may lead to another directory by now
            found = _find(directory, names, unit, held, known)
            if _is_still(directory, descriptor):
                return found
        except SourceError:
            if _is_still(directory, descriptor):
                raise
        finally:
            os.close(descriptor)
    raise replaced(directory)


def is_data_file(name: str) -> bool:
    """Whether a file of rows is called so."""
    return fnmatchcase(name, _DATA_PATTERN)


def _is_still(directory: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(directory.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _find(
    directory: Path, names: list[str], unit: TimestampUnit, held: HeldFiles | None, known: DirectoryRecords | None
) -> FoundDirectory | None:
    there = sorted(filter(is_data_file, names))
    is_session, is_pack = RECORD_FILE in names, PACK_RECORDS in names
    if is_session and is_pack:
        raise SourceError(f"{directory}: has a {RECORD_FILE} and a {PACK_RECORDS}; move away what no import wrote")
    if MOVED in names or not (there or is_session or is_pack):
        return None
    file = PACK_RECORDS if is_pack else RECORD_FILE
    sha256 = _hash(directory / file)
    if known is not None:
        if (known.file, known.sha256) != (file, sha256):
            raise replaced(directory)
        records = known
    else:
        records = _read_records(directory / file, sha256, unit)
    return FoundDirectory(directory, records, _find_files(directory, there, unit, records, held))


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error


def _read_records(path: Path, sha256: str, unit: TimestampUnit) -> DirectoryRecords:
    if path.name == PACK_RECORDS:
        pack = read_pack(path, unit)
        files = {pack.file: pack.sha256}
        of_pack = {} if pack.parts is None else {pack.file: pack.parts}
        return DirectoryRecords(path.name, sha256, pack.sessions, None, files, pack.rows, is_sealed=True, parts=of_pack)
    value = read_json(path)
    session, named, parts = parse_record(path, value, unit)
    return DirectoryRecords(
        path.name,
        sha256,
        (session,),
        session.session_id,
        named,
        None,
        is_sealed=is_sealed_version(value),
        parts=parts,
    )


def _read_parts(path: Path, unit: TimestampUnit) -> Mapping[str, PartHashes]:
    """Read what records say of the parts of files, where nothing else of them is needed."""
    if path.name == PACK_RECORDS:
        return read_pack_parts(path)
    return _read_records(path, "", unit).parts or {}


def _find_files(
    directory: Path, there: list[str], unit: TimestampUnit, records: DirectoryRecords, held: HeldFiles | None
) -> list[DataFile]:
    sums = dict.fromkeys(there) if records.files is None else records.files
    if not sums:
        raise SourceError(f"{directory}: has no {_DATA_PATTERN}; the store is damaged")
    _require_named(directory, there, sums)
    paths = [directory / name for name in sums]
    sizes = [_size(path) for path in paths]
    parts = records.parts
    if parts is None:
        # A smaller file is read as a whole, and its record need not be.
        parts = _read_parts(directory / records.file, unit) if max(sizes) >= LEAST_BYTES else {}
    files: list[DataFile] = []
    for at, (file, sha256) in enumerate(zip(paths, sums.values(), strict=True)):
        if records.rows is not None:
            look_again = partial(_look_again_for_pack, directory, sha256, unit)
        else:
            look_again = partial(_look_again, directory, records.sessions, files, at)
        opened_as = _hold(file, held)
        files.append(
            DataFile(
                file,
                records.session_id,
                rows=records.rows,
                sha256=sha256,
                parts=parts.get(file.name),
                held=opened_as,
                look_again=look_again,
            )
        )
    return files


def _require_named(directory: Path, there: Collection[str], named: Collection[str]) -> None:
    """Require that the files of rows in a directory are those that its records name."""
    for name in named:
        if name not in there:
            raise SourceError(f"{directory}: has no {name}, which its record names; the store is damaged")
    for name in there:
        if name not in named:
            raise SourceError(
                f"{directory / name}: its session's record does not name it; others that read the store would count "
                "its rows, so move it away"
            )


def _size(file: Path) -> int:
    try:
        status = file.stat()
        require_regular(status, file)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror})") from error
    return status.st_size


def _hold(file: Path, held: HeldFiles | None) -> Path | None:
    try:
        return None if held is None else held.hold(file)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror})") from error


def _look_again_for_pack(directory: Path, sha256: str | None, unit: TimestampUnit) -> DataFile:
    """Find the file of a pack, which holds the same rows as before.

    Raises:
        ReplacedError: it holds others by now, or is gone.
    """
    found = read_directory(directory, unit)
    if found is None or found.files[0].sha256 != sha256:
        raise replaced(directory)
    return found.files[0]


def _look_again(directory: Path, sessions: Sequence[Session], files: list[DataFile], at: int) -> DataFile:
    """Find the file that holds the rows of a session now.

    Args:
        directory: of the session.
        sessions: its record when it was opened.
        files: its files then.
        at: which of them it is about.

    Raises:
        ReplacedError: its rows are others, or it is gone.
    """
    before = sessions[0]
    found = read_directory(directory, before.timestamp_unit)
    if found is None:
        raise replaced(directory)
    now, files_now = found.sessions[0], list(found.files)
    same = (now.session_id, now.content_digest, now.columns, now.measurement_count) == (
        before.session_id,
        before.content_digest,
        before.columns,
        before.measurement_count,
    )
    # Rows that lie in several files may be parted elsewhere now.
    if not same or not (files_now == files or len(files_now) == len(files) == 1):
        raise replaced(directory)
    return files_now[at]
