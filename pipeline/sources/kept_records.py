"""The records of sessions that came along with a file of rows out of a package or a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.disk.strict_json import parse_json
from pipeline.errors import SourceError
from pipeline.model.session_record import METADATA_KEY, SessionRecord
from pipeline.store.reading import is_stored_file, read_beside

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit

_OF_PACKAGE = re.compile(
    r"measurements_\d{8}T\d{6}Z_\d{8}T\d{6}Z_(cross-session|session-[A-Za-z0-9._-]+)\.(csv|ndjson)(\.gz|\.zst)?",
    re.ASCII,
)


def is_of_package(path: Path) -> bool:
    """Whether a file of text has the name that a package gives to one of measurements, which holds no record."""
    return _OF_PACKAGE.fullmatch(path.name) is not None


def records_that_came_along(path: Path, schema: pa.Schema, unit: TimestampUnit) -> list[SessionRecord]:
    """Read the records of the sessions of a Parquet or Arrow file.

    Args:
        path: the file.
        schema: its schema, with its metadata: a package writes the records there.
        unit: that of times in the rows that are made of it.

    Returns:
        none where it is of neither a package nor a store.

    Raises:
        SourceError: they are damaged.
    """
    written = (schema.metadata or {}).get(METADATA_KEY)
    if written is not None:
        return _of_package(written)
    at = schema.get_field_index("timestamp")
    kind = getattr(schema.field(at).type, "unit", None) if at >= 0 else None
    if kind not in {"us", "ns"} or not is_stored_file(path):
        return []
    return [SessionRecord.described(session, is_whole=kind == unit) for session in read_beside(path, kind)]


def _of_package(written: bytes) -> list[SessionRecord]:
    try:
        metadata = parse_json(written)
        if not isinstance(metadata, dict) or metadata.get("table") != "measurements":
            return []
        sessions = metadata["sessions"]
        return [SessionRecord.described(session) for session in sessions]
    except (LookupError, TypeError, ValueError, SourceError) as error:
        raise SourceError(f"its metadata {METADATA_KEY.decode()!r} holds no records of sessions ({error})") from error
