"""Reads a store, from the records of its sessions alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import read_json
from pipeline.errors import DestinationError, SourceError
from pipeline.rows.attributes import unite_columns
from pipeline.scan.scan import Scan
from pipeline.store.directory import RECORD_FILE, is_data_file, read_directory
from pipeline.store.pack import PACK_RECORDS
from pipeline.store.record import NO_RECORD, is_sealed, is_sealed_version
from pipeline.store.store_file import STORE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit


def is_store(path: Path, *, is_written: bool = False) -> bool:
    """Whether a directory is a store, sound or not: its `store.json` is there, whatever that is.

    Args:
        path: the directory.
        is_written: it, or something in it, is going to be written.

    Raises:
        SourceError: nobody can tell, as where the directory may not be searched.
        DestinationError: the same, of what is going to be written.
    """
    try:
        (path / STORE_FILE).lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        if is_written:
            raise DestinationError(f"{path}: cannot be written ({error.strerror})") from error
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    return True


def require_store(path: str | Path) -> Path:
    """Give the path of a store.

    Raises:
        SourceError: it is none.
        UsageError: it is a URL.
    """
    found = local_path(path)
    if not is_store(found):
        if not os.path.lexists(found):
            raise SourceError(f"{found}: does not exist")
        raise SourceError(f"{found}: is no store, it has no {STORE_FILE}")
    return found


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
        inside = next((above for above in looked_at if is_store(above, is_written=True)), None)
    except DestinationError as error:
        reason = getattr(error.__cause__, "strerror", None)
        raise DestinationError(f"{path}: cannot be written ({reason})") from error
    except (OSError, RuntimeError) as error:  # a loop of links
        raise DestinationError(f"{path}: cannot be looked at ({getattr(error, 'strerror', None) or error})") from error
    if inside is not None:
        raise DestinationError(f"{path}: lies in the store {inside}, which holds sessions only; choose another {to}")


def open_directories(directories: Iterable[Path], unit: TimestampUnit, *, name: str) -> Scan:
    """Open directories of sessions for reading.

    Args:
        directories: of a session each, or of a pack; what holds none is passed over.
        unit: timestamp unit of the store.
        name: what to call them in packages.

    Raises:
        SourceError: one is damaged, or a session lies in two of them.
    """
    found = [one for entry in directories if (one := read_directory(entry, unit)) is not None]
    sessions = sorted((session for one in found for session in one.sessions), key=lambda session: session.sort_key)
    places: dict[str, Path] = {}
    for one in found:
        for session in one.sessions:
            before = places.setdefault(session.session_id, one.directory)
            if before != one.directory:
                raise SourceError(f"{one.directory}: holds session {session.session_id!r}, and so does {before}")
    # Files come in the order of their first rows.
    found.sort(key=lambda one: one.sessions[0].sort_key)
    return Scan(
        name=name,
        timestamp_unit=unit,
        sessions=tuple(sessions),
        files=tuple(file for one in found for file in one.files),
        attributes=unite_columns((session.columns for session in sessions), lambda at: places[sessions[at].session_id]),
    )


def names_in_sessions(path: Path) -> set[str]:
    """Names of the directories among the sessions of a store, those of others included."""
    return {entry.name for entry in directories_of_sessions(path)}


def require_place_for_store(path: Path) -> None:
    """Refuse to make a store of a directory that holds something else.

    Raises:
        DestinationError: it does, or cannot be read.
    """
    if is_store(path, is_written=True):
        return
    require_outside_stores(path, to="store", may_be_store=True)
    try:
        names = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
        # An import that was killed may have left these; one that runs may just have made a store of them.
        begun = names <= {"sessions", "staging"} and not names_in_sessions(path)
        if path.exists() and not (path.is_dir() and begun) and not is_store(path):
            what = "is not a store and not empty" if path.is_dir() else "is a file"
            raise DestinationError(f"{path}: {what}; name a new directory")
    except OSError as error:
        raise DestinationError(f"{path}: cannot be read ({error.strerror})") from error


def directories_of_sessions(path: Path) -> list[Path]:
    """The directories among the sessions of a store, those of others included."""
    directory = path / "sessions"
    if not directory.is_dir():
        return []
    return sorted(entry for entry in directory.iterdir() if entry.is_dir())


def is_stored_file(path: Path) -> bool:
    """Whether a file lies beside the records of its sessions, as in a store."""
    return is_data_file(path.name) and any((path.parent / name).is_file() for name in (RECORD_FILE, PACK_RECORDS))


def read_beside(path: Path, unit: TimestampUnit) -> list[dict[str, Any]]:
    """Read what the records beside a file of a store say of its sessions, as JSON values.

    Raises:
        SourceError: they are damaged.
    """
    record = path.parent / RECORD_FILE
    if record.is_file():  # read as it is: Arrow's functions, which times need, load slowly
        value = read_json(record)
        try:
            is_sound = not is_sealed_version(value) or is_sealed(value)
        except NO_RECORD as error:
            raise SourceError(f"{record}: is no session record of a store ({error!r})") from error
        if not is_sound:
            raise SourceError(f"{record}: was changed after it was written; import the session anew")
        return [value]
    found = read_directory(path.parent, unit)
    return [] if found is None else [session.describe() for session in found.sessions]
