"""The record of a session in a store, `session.json`: written in version 2, read in all versions."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import from_strings
from pipeline.model.metric_facts import parse_metric_facts
from pipeline.model.session import Session
from pipeline.model.timestamps import parse_timestamp
from pipeline.rows.normalise import parse_timestamps
from pipeline.scan.parts import PartHashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.scan.parts import FileHashes

FORMAT_VERSION = 2
FIRST_VERSION = 1
"""Its records have no checksum, and no facts of metrics."""
NO_RECORD = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a value raises that is no record."""
_CHECKSUM = "record_sha256"
_TIMES = ("started_at", "ended_at", "first_timestamp", "last_timestamp")
_FEW_TIMES = 256


def data_file_name(number: int) -> str:
    """Name of a file of rows; a session that replaces another has a number that was not there before."""
    return f"measurements-{number:04}.parquet"


def dump(value: Mapping[str, Any]) -> str:
    """Write a file of a store for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def make_record(session: Session, name: str, hashes: FileHashes) -> dict[str, Any]:
    """Make the record of a session.

    Args:
        session: what is known of it.
        name: of the file of its rows.
        hashes: of the same.
    """
    return sealed(describe_session(session) | {"files": [describe_file(name, hashes)]})


def describe_session(session: Session) -> dict[str, Any]:
    """Say of a session what its record says of it, wherever its rows lie."""
    return {"format_version": FORMAT_VERSION, **session.describe(), "columns": dict(session.columns)}


def describe_file(name: str, hashes: FileHashes) -> dict[str, Any]:
    """Say of a file of rows what a record says of it."""
    return {"name": name, "bytes": hashes.size, "sha256": hashes.sha256, **hashes.parts.describe()}


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a record its checksum."""
    # As it will be read again: what is no JSON of itself, such as a tuple, has become it.
    return {**record, _CHECKSUM: checksum(json.loads(json.dumps(record)))}


def is_sealed(record: Mapping[str, Any]) -> bool:
    """Whether the checksum of a record is right."""
    return bool(record[_CHECKSUM] == checksum(record))


def is_sealed_version(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a version that has a checksum."""
    return bool(record.get("format_version", FIRST_VERSION) != FIRST_VERSION)


def checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record, but for the checksum itself: of its JSON without white space, keys sorted, as UTF-8."""
    rest = {key: value for key, value in record.items() if key != _CHECKSUM}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def require_version(version: object) -> int:
    """Check that a file of a store is of a version that is read here.

    Raises:
        SourceError: it is not.
    """
    if type(version) is not int or not FIRST_VERSION <= version <= FORMAT_VERSION:
        raise SourceError(
            f"format version {version!r}; this program reads versions {FIRST_VERSION} to {FORMAT_VERSION}"
        )
    return version


def parse_record(
    path: Path,
    value: Any,  # noqa: ANN401 - any JSON
    unit: TimestampUnit,
) -> tuple[Session, dict[str, str | None] | None, dict[str, PartHashes]]:
    """Read the record of a session that has a directory of its own.

    Args:
        path: its file.
        value: what the file holds.
        unit: timestamp unit of the store.

    Returns:
        the session, the SHA-256 by name of the files of its rows, None where it is of an early version and names none,
        and those of the parts of the files.

    Raises:
        SourceError: it is of another version, no record, or was changed.
    """
    try:
        version = require_version(value.get("format_version", FIRST_VERSION))
        is_sound = version == FIRST_VERSION or is_sealed(value)
        (session,), files, parts = parse_sessions([value], unit), recorded_files(value), recorded_parts(value)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    except NO_RECORD as error:
        raise SourceError(f"{path}: is no session record of a store ({error!r})") from error
    if not is_sound:
        raise SourceError(
            f"{path}: was changed after it was written, its {_CHECKSUM} does not fit; import the session anew"
        )
    return session, files, parts


def recorded_files(value: dict[str, Any]) -> dict[str, str | None] | None:
    """SHA-256 by name of the files that a record names; None where it names none."""
    if "files" in value:
        return {_text(file["name"]): _text(file["sha256"]) for file in value["files"]}
    sha256 = _text_or_none(value.get("sha256"))
    return None if sha256 is None else {data_file_name(0): sha256}


def recorded_parts(value: dict[str, Any]) -> dict[str, PartHashes]:
    """SHA-256 of the parts of files, by name of the file, as far as a record has them.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no record.
    """
    found = {_text(file["name"]): PartHashes.parse(file) for file in value.get("files", ())}
    return {name: parts for name, parts in found.items() if parts is not None}


def parse_sessions(values: Sequence[Any], unit: TimestampUnit) -> list[Session]:
    """Read what records say of sessions.

    Args:
        values: the records.
        unit: timestamp unit of the store.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: one is no record.
    """
    ticks = iter(_ticks([_text_or_none(value[name]) for value in values for name in _TIMES], unit))
    return [_parse_session(value, unit, *islice(ticks, len(_TIMES))) for value in values]


def _ticks(texts: Sequence[str | None], unit: TimestampUnit) -> Sequence[Any]:
    if len(texts) <= _FEW_TIMES:  # Arrow's functions take longer to load than these to read
        return [None if text is None else parse_timestamp(text, unit, None)[0] for text in texts]
    times, _ = parse_timestamps(from_strings(texts), None, unit)
    ticks: list[Any] = times.view(pa.int64()).to_pylist()
    return ticks


def _parse_session(
    value: dict[str, Any],
    unit: TimestampUnit,
    started_at: int,
    ended_at: int,
    first_timestamp: int | None,
    last_timestamp: int | None,
) -> Session:
    if started_at is None or ended_at is None:
        raise TypeError("a session starts and ends")
    harness = value["harness"]
    return Session(
        session_id=_text(value["session_id"]),
        timestamp_unit=unit,
        started_at=started_at,
        ended_at=ended_at,
        harness_name=_text_or_none(harness["name"]),
        harness_version=_text_or_none(harness["version"]),
        configuration=dict(value["configuration"]),
        attributes=dict(value["attributes"]),
        measurement_count=_count(value["measurement_count"]),
        metrics=tuple(map(_text, value["metrics"])),
        metric_facts=parse_metric_facts(value.get("metric_facts", {})),
        first_timestamp=first_timestamp,
        last_timestamp=last_timestamp,
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
