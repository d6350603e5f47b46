"""Reads a store, from the records of its sessions alone."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, get_args

from pipeline.disk.regular import require_regular
from pipeline.disk.safe_names import in_unicode, is_safe
from pipeline.disk.strict_json import read_json
from pipeline.errors import DestinationError, SourceError
from pipeline.model.columns import TimestampUnit
from pipeline.rows.attributes import merge_attributes
from pipeline.scan.data_file import DataFile, replaced
from pipeline.scan.scan import Scan
from pipeline.store.record import parse_record, require_version

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.disk.held import HeldFiles
    from pipeline.model.session import Session

STORE_FILE = "store.json"
RECORD_FILE = "session.json"
_DATA_PATTERN = "measurements-*.parquet"
_ATTEMPTS = 20


def is_store(path: Path) -> bool:
    """Whether a directory is a store, sound or not: its `store.json` is there, whatever that is.

    Raises:
        SourceError: nobody can tell, as where the directory may not be searched.
    """
    try:
        (path / STORE_FILE).lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    return True


def require_outside_stores(path: Path, *, to: str = "--to", may_be_store: bool = False) -> None:
    """Refuse a destination that lies in a store, links followed: its readers would take it for a part of it.

    Args:
        path: the destination, which need not be there.
        to: what to choose another of.
        may_be_store: whether it may be a store itself, as another that creates it may just have made it one.

    Raises:
        DestinationError: it is a store's directory, or lies below one.
    """
    try:
        resolved = path.resolve()
        looked_at = resolved.parents if may_be_store else (resolved, *resolved.parents)
        inside = next((above for above in looked_at if is_store(above)), None)
    except (OSError, RuntimeError) as error:  # a loop of links
        raise DestinationError(f"{path}: cannot be looked at ({getattr(error, 'strerror', None) or error})") from error
    if inside is not None:
        raise DestinationError(f"{path}: lies in the store {inside}, which holds sessions only; choose another {to}")


def open_store(path: Path, held: HeldFiles | None = None) -> Scan:
    """Open a store for reading, from the records of its sessions alone.

    Each session is that of one moment, whatever is imported meanwhile.

    Args:
        path: its directory.
        held: what holds the files open until they have been read; they go by their names where it is None.

    Raises:
        SourceError: it is of another version or damaged.
    """
    _, unit = read_store_file(path)
    read = (_read_session(entry, unit, held) for entry in _directories(path))
    found = [one for one in read if one is not None]
    found.sort(key=lambda item: item[0].sort_key)
    attributes: dict[str, str] = {}
    seen: dict[str, Path] = {}
    for session, files in found:
        where = files[0].path.parent
        if session.session_id in seen:
            raise SourceError(f"{where}: holds session {session.session_id!r}, and so does {seen[session.session_id]}")
        seen[session.session_id] = where
        attributes = merge_attributes(attributes, session.columns, where=str(where))
    return Scan(
        name=in_unicode(path.resolve().name),
        timestamp_unit=unit,
        sessions=tuple(session for session, _ in found),
        files=tuple(file for _, files in found for file in files),
        attributes=attributes,
    )


def names_in_sessions(path: Path) -> set[str]:
    """Names of the directories among the sessions of a store, those of others included."""
    return {entry.name for entry in _directories(path)}


def _directories(path: Path) -> list[Path]:
    directory = path / "sessions"
    if not directory.is_dir():
        return []
    return sorted(entry for entry in directory.iterdir() if entry.is_dir())


def read_store_file(path: Path) -> tuple[int, TimestampUnit]:
    """Read the format version and the timestamp unit of a store.

    Raises:
        SourceError: it is of another version or damaged.
    """
    value = read_json(path / STORE_FILE)
    version = value.get("format_version") if isinstance(value, dict) else None
    try:
        checked = require_version(version)
    except SourceError as error:
        raise SourceError(f"{path / STORE_FILE}: {error}") from error
    unit: TimestampUnit = value.get("timestamp_unit")
    if unit not in get_args(TimestampUnit):
        raise SourceError(f"{path / STORE_FILE}: timestamp_unit {unit!r}; it must be us or ns")
    return checked, unit


def _read_session(
    directory: Path, unit: TimestampUnit, held: HeldFiles | None
) -> tuple[Session, list[DataFile]] | None:
    """Read the record of a session and find its files, both of one moment.

    Returns:
        None for a directory that is no session: of a desktop, a NAS, a file system; or that is gone.

    Raises:
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
            found = _find_files(directory, names, unit, held)
            if _is_still(directory, descriptor):
                return found
        except SourceError:
            if _is_still(directory, descriptor):
                raise
        finally:
            os.close(descriptor)
    raise replaced(directory)


def _is_still(directory: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(directory.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _find_files(
    directory: Path, names: list[str], unit: TimestampUnit, held: HeldFiles | None
) -> tuple[Session, list[DataFile]] | None:
    there = sorted(name for name in names if fnmatchcase(name, _DATA_PATTERN))
    if not there and RECORD_FILE not in names:
        return None
    path = directory / RECORD_FILE
    value = read_json(path)
    session, recorded = parse_record(path, value, unit)
    sums = dict.fromkeys(there) if recorded is None else recorded
    if not sums:
        raise SourceError(f"{directory}: has no {_DATA_PATTERN}; the store is damaged")
    for name in sums:
        if name not in there:
            raise SourceError(f"{directory}: has no {name}, which its record names; the store is damaged")
    for name in there:
        if name not in sums:
            raise SourceError(
                f"{directory / name}: its session's record does not name it; others that read the store would count "
                "its rows, so move it away"
            )
    files: list[DataFile] = []
    for at, (name, sha256) in enumerate(sums.items()):
        file = directory / name
        try:
            require_regular(file.stat(), file)
            way = None if held is None else held.hold(file)
        except OSError as error:
            raise SourceError(f"{file}: cannot be read ({error.strerror})") from error
        look_again = partial(_look_again, directory, session, files, at)
        files.append(DataFile(file, session.session_id, sha256=sha256, held=way, look_again=look_again))
    return session, files


def _look_again(directory: Path, before: Session, files: list[DataFile], at: int) -> DataFile:
    """Find the file that holds the rows of a session now.

    Args:
        directory: of the session.
        before: its record when it was opened.
        files: its files then.
        at: which of them it is about.

    Raises:
        ReplacedError: its rows are others, or it is gone.
    """
    found = _read_session(directory, before.timestamp_unit, None)
    if found is None:
        raise replaced(directory)
    now, files_now = found
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
