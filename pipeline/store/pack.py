"""Packs: many small sessions in one directory of a store, their rows in one file, their records in another.

`sessions.ndjson.zst` holds a line for the pack, then the record of each session, in the order of the model. The rows
of the sessions stand in the same order in the file that the first line names.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.regular import open_regular
from pipeline.disk.strict_json import parse_json
from pipeline.errors import SourceError
from pipeline.store.record import (
    FORMAT_VERSION,
    NO_RECORD,
    describe_session,
    is_sealed,
    parse_sessions,
    recorded_files,
    require_version,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

PACK_RECORDS = "sessions.ndjson.zst"
_MAX_BYTES = 256 << 20  # of all records; what is written has a quarter at most


@dataclass(frozen=True)
class Pack:
    """What the records of a pack say.

    Attributes:
        sessions: in the order of their rows.
        file: name of the file of their rows.
        sha256: of it.
        is_full: another session would have made it too large.
    """

    sessions: tuple[Session, ...]
    file: str
    sha256: str
    is_full: bool

    @property
    def rows(self) -> dict[str, range]:
        """Which rows of the file are those of each session, by its id."""
        ends = accumulate((session.measurement_count for session in self.sessions), initial=0)
        return {
            session.session_id: range(start, stop)
            for session, (start, stop) in zip(self.sessions, pairwise(ends), strict=True)
        }


def dump_record(session: Session) -> bytes:
    """Write the record of a session of a pack: a line."""
    return _line(sealed(describe_session(session)))


def dump_pack(records: Sequence[bytes], file: Mapping[str, Any], *, is_full: bool) -> bytes:
    """Write the records of a pack.

    Args:
        records: what `dump_record` gives for its sessions, in order.
        file: what `describe_file` says of that of their rows.
        is_full: another session would make it too large.
    """
    digest = hashlib.sha256()
    for record in records:
        digest.update(record)
    head = {
        "format_version": FORMAT_VERSION,
        "session_count": len(records),
        "sessions_sha256": digest.hexdigest(),
        "is_full": is_full,
        "files": [file],
    }
    return bytes(pa.Codec("zstd").compress(_line(sealed(head)) + b"".join(records), asbytes=True))


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_pack(path: Path, unit: TimestampUnit) -> Pack:
    """Read the records of a pack.

    Args:
        path: their file.
        unit: timestamp unit of the store.

    Raises:
        SourceError: it cannot be read, is of another version, or was changed.
    """
    try:
        with open_regular(path) as file, pa.CompressedInputStream(file, "zstd") as stream:
            text = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise SourceError(f"{path}: cannot be read ({reason})") from error
    if len(text) > _MAX_BYTES:
        raise SourceError(f"{path}: unpacks to more than {_MAX_BYTES >> 20} MiB; it is damaged")
    head, _, rest = text.partition(b"\n")
    name, sha256, count, is_full = _parse_head(path, head, hashlib.sha256(rest).hexdigest())
    try:
        # What is of this hash was written here, so that no key is twice in it.
        sessions = parse_sessions(json.loads(b"[" + rest.rstrip().replace(b"\n", b",") + b"]"), unit)
    except NO_RECORD as error:
        raise SourceError(f"{path}: holds no records of sessions ({error!r})") from error
    if len(sessions) != count or not sessions:
        raise SourceError(f"{path}: says it has {count} sessions and has {len(sessions)}; it is damaged")
    if any(before.sort_key >= after.sort_key for before, after in pairwise(sessions)):
        raise SourceError(f"{path}: holds its sessions out of order; it is damaged")
    return Pack(tuple(sessions), name, sha256, is_full)


def _parse_head(path: Path, line: bytes, sessions_sha256: str) -> tuple[str, str, int, bool]:
    """Read the first line: name and SHA-256 of the file of rows, how many sessions there are, and `is_full`."""
    try:
        head = parse_json(line)
        require_version(head["format_version"])
        is_sound = is_sealed(head) and head["sessions_sha256"] == sessions_sha256
        ((name, sha256),) = (recorded_files(head) or {}).items()
        count, is_full = head["session_count"], bool(head["is_full"])
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    except NO_RECORD as error:
        raise SourceError(f"{path}: holds no records of a pack ({error!r})") from error
    if not is_sound or sha256 is None:
        raise SourceError(f"{path}: was changed after it was written, its SHA-256 does not fit; import it anew")
    return name, sha256, count, is_full
