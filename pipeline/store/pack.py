"""Packs: many small sessions in one directory of a store, their rows in one file, their records in another.

`sessions.ndjson.zst` holds a line for the pack, then the record of each session, in the order of the model. The rows
of the sessions stand in the same order in the file that the first line names.
"""

from __future__ import annotations

import hashlib
import json
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

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
    recorded_parts,
    require_version,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.scan.parts import PartHashes

PACK_RECORDS = "sessions.ndjson.zst"
_HEAD_BYTES = 1 << 16
_MAX_BYTES = 256 << 20  # of all records; what is written has a quarter at most


class Pack(NamedTuple):
    """What the records of a pack say.

    Attributes:
        sessions: in the order of their rows.
        file: name of the file of their rows.
        sha256: of it.
        parts: of the same, those of its parts; None where it has none.
        is_full: another session would have made it too large.
    """

    sessions: tuple[Session, ...]
    file: str
    sha256: str
    parts: PartHashes | None
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
    return bytes(pa.Codec("zstd").compress(b"".join([_line(sealed(head)), *records]), asbytes=True))


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
        raise _unreadable(path, error) from error
    if len(text) > _MAX_BYTES:
        raise SourceError(f"{path}: unpacks to more than {_MAX_BYTES >> 20} MiB; it is damaged")
    head, _, rest = text.partition(b"\n")
    pack, count, sessions_sha256 = _parse_head(path, head)
    if sessions_sha256 != hashlib.sha256(rest).hexdigest():
        raise _changed(path)
    try:
        # What is of this hash was written here, so that no key is twice in it.
        sessions = parse_sessions(json.loads(b"[" + rest.rstrip().replace(b"\n", b",") + b"]"), unit)
    except NO_RECORD as error:
        raise SourceError(f"{path}: holds no records of sessions ({error!r})") from error
    if len(sessions) != count or not sessions:
        raise SourceError(f"{path}: says it has {count} sessions and has {len(sessions)}; it is damaged")
    if any(before.sort_key >= after.sort_key for before, after in pairwise(sessions)):
        raise SourceError(f"{path}: holds its sessions out of order; it is damaged")
    return pack._replace(sessions=tuple(sessions))


def read_pack_parts(path: Path) -> dict[str, PartHashes]:
    """Read what the records of a pack say of the parts of its file of rows, and nothing of its sessions.

    Args:
        path: their file.

    Raises:
        SourceError: as `read_pack`.
    """
    try:
        with open_regular(path) as file, pa.CompressedInputStream(file, "zstd") as stream:
            head = stream.read(_HEAD_BYTES)
            while b"\n" not in head and len(head) < _MAX_BYTES and (more := stream.read(len(head))):
                head += more
    except OSError as error:
        raise _unreadable(path, error) from error
    pack, _, _ = _parse_head(path, head.partition(b"\n")[0])
    return {} if pack.parts is None else {pack.file: pack.parts}


def _parse_head(path: Path, line: bytes) -> tuple[Pack, int, str]:
    """Read the first line: what it says of the pack, how many sessions that has, and the SHA-256 of their records."""
    try:
        head = parse_json(line)
        require_version(head["format_version"])
        is_sound = is_sealed(head)
        ((name, sha256),) = (recorded_files(head) or {}).items()
        parts = recorded_parts(head).get(name)
        count, is_full, sessions_sha256 = head["session_count"], bool(head["is_full"]), head["sessions_sha256"]
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    except NO_RECORD as error:
        raise SourceError(f"{path}: holds no records of a pack ({error!r})") from error
    if not is_sound or sha256 is None:
        raise _changed(path)
    return Pack((), name, sha256, parts, is_full), count, sessions_sha256


def _changed(path: Path) -> SourceError:
    return SourceError(f"{path}: was changed after it was written, its SHA-256 does not fit; import it anew")


def _unreadable(path: Path, error: OSError) -> SourceError:
    reason = error.strerror or str(error).splitlines()[0]
    return SourceError(f"{path}: cannot be read ({reason})")
