"""Names of directories in a store: of a session, of a pack."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING

from pipeline.disk.safe_names import safe_name
from pipeline.model.timestamps import format_compact

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.model.session import Session

_PACK_PREFIX = "pack-"
_HASH_DIGITS = 12


def session_directory_name(session_id: str, taken: Collection[str]) -> str:
    """Name the directory of a session.

    Args:
        session_id: any text.
        taken: names in lower case that must not be given again.
    """
    name = safe_name(session_id, taken)
    if not name.lower().startswith(_PACK_PREFIX):
        return name
    # Only packs are called so. No id that is safe has this name: its characters are more.
    return safe_name(f"session {session_id}", taken)


def pack_directory_name(sessions: Sequence[Session], taken: Collection[str]) -> str:
    """Name the directory of a pack: by the start of its first session, and a hash of all ids.

    Args:
        sessions: in order, one at least.
        taken: names in lower case that must not be given again.
    """
    first = format_compact(sessions[0].started_at, sessions[0].timestamp_unit)
    ids = "\n".join(sorted(session.session_id for session in sessions))
    name = f"{_PACK_PREFIX}{first}-{hashlib.sha256(ids.encode()).hexdigest()[:_HASH_DIGITS]}"
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(one for one in names if one.lower() not in taken)
