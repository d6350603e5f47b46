"""Reads a store, from the records of its sessions alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pipeline.disk.safe_names import in_unicode
from pipeline.disk.strict_json import read_json
from pipeline.errors import SourceError
from pipeline.model.columns import TimestampUnit
from pipeline.model.session import Session
from pipeline.model.timestamps import parse_timestamp
from pipeline.rows.attributes import merge_attributes
from pipeline.scan.data_file import DataFile
from pipeline.scan.scan import Scan

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
STORE_FILE = "store.json"
RECORD_FILE = "session.json"
_DATA_PATTERN = "measurements-*.parquet"


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


def open_store(path: Path) -> Scan:
    """Open a store for reading, from the records of its sessions alone.

    Raises:
        SourceError: it is of another version or damaged.
    """
    unit = read_unit(path)
    found = [_read_session(entry, unit) for entry in session_directories(path)]
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


def session_directories(path: Path) -> list[Path]:
    """List the directories of the sessions of a store, sorted by name."""
    directory = path / "sessions"
    if not directory.is_dir():
        return []
    return sorted(entry for entry in directory.iterdir() if entry.is_dir())


def read_unit(path: Path) -> TimestampUnit:
    """Read the timestamp unit of a store.

    Raises:
        SourceError: it is of another version or damaged.
    """
    value = read_json(path / STORE_FILE)
    version = value.get("format_version") if isinstance(value, dict) else None
    if version != FORMAT_VERSION:
        raise SourceError(
            f"{path / STORE_FILE}: format version {version!r}; this program reads version {FORMAT_VERSION}"
        )
    unit = value.get("timestamp_unit")
    if unit not in get_args(TimestampUnit):
        raise SourceError(f"{path / STORE_FILE}: timestamp_unit {unit!r}; it must be us or ns")
    return unit  # type: ignore[no-any-return]


def _read_session(directory: Path, unit: TimestampUnit) -> tuple[Session, list[DataFile]]:
    path = directory / RECORD_FILE
    value = read_json(path)
    files = sorted(directory.glob(_DATA_PATTERN))
    if not files:
        raise SourceError(f"{directory}: has no {_DATA_PATTERN}; the store is damaged")
    try:
        session = _parse_session(value, unit)
        # Stores of early versions have none.
        sha256 = _text_or_none(value.get("sha256")) if len(files) == 1 else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"{path}: is no session record of a store ({error!r})") from error
    return session, [DataFile(file, session.session_id, sha256=sha256) for file in files]


def _parse_session(value: dict[str, Any], unit: TimestampUnit) -> Session:
    def ticks(text: str | None) -> int | None:
        return None if text is None else parse_timestamp(text, unit)[0]

    harness = value["harness"]
    return Session(
        session_id=_text(value["session_id"]),
        timestamp_unit=unit,
        started_at=parse_timestamp(value["started_at"], unit)[0],
        ended_at=parse_timestamp(value["ended_at"], unit)[0],
        harness_name=_text_or_none(harness["name"]),
        harness_version=_text_or_none(harness["version"]),
        configuration=dict(value["configuration"]),
        attributes=dict(value["attributes"]),
        measurement_count=_count(value["measurement_count"]),
        metrics=tuple(map(_text, value["metrics"])),
        first_timestamp=ticks(value["first_timestamp"]),
        last_timestamp=ticks(value["last_timestamp"]),
        null_count=_count(value["null_count"]),
        backward_timestamp_count=_count(value["backward_timestamp_count"]),
        dropped_digit_count=_count(value["dropped_digit_count"]),
        columns={name: _text(kind) for name, kind in value["columns"].items()},
        content_digest=str(value["content_digest"]),
        origin=dict(value.get("origin", {})),
    )


def _text(value: Any) -> str:  # noqa: ANN401 - it is what JSON holds
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _text_or_none(value: Any) -> str | None:  # noqa: ANN401 - it is what JSON holds
    return None if value is None else _text(value)


def _count(value: Any) -> int:  # noqa: ANN401 - it is what JSON holds
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError(f"{value!r:.40} is no count")
    return value
