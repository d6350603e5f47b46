"""Names of sessions that are safe on every file system; docs/file-naming.md has their rules."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_SURROGATES = "[\ud800-\udfff]"
_MAX_REPLACED_CHARACTERS = 80
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}


def is_safe(session_id: str) -> bool:
    """Whether a text is a name on every file system, as all names of sessions are."""
    return (
        _SAFE.fullmatch(session_id) is not None
        and not session_id.endswith(".")
        and session_id.split(".", 1)[0].lower() not in _WINDOWS_DEVICES
    )


def safe_name(session_id: str, taken: Collection[str] = ()) -> str:
    """Name a session in a path: its id where that is safe on every file system, else what is safe of it and a hash.

    Args:
        session_id: any text.
        taken: names in lower case that must not be given again.
    """
    if is_safe(session_id) and session_id.lower() not in taken:
        return session_id
    kept = re.sub(r"[^A-Za-z0-9._-]", "", session_id)[:_MAX_REPLACED_CHARACTERS].strip("._-")
    stem = kept if kept and is_safe(kept) else "session"
    digest = hashlib.sha256(session_id.encode()).hexdigest()
    names = (
        f"{stem[:30]}-{digest[:digits]}" if digits > 16 else f"{stem}-{digest[:digits]}" for digits in (12, 16, 64)
    )
    return next(name for name in names if name.lower() not in taken or name.endswith(digest))


def safe_names(session_ids: Iterable[str]) -> dict[str, str]:
    """Name each session of a package; ids that differ only in case are all replaced."""
    ids = list(session_ids)
    times_seen = Counter(session_id.lower() for session_id in ids)
    taken = {text for text, count in times_seen.items() if count > 1}
    names = {}
    # Replaced names first, so that an id that spells one of them gives way.
    for session_id in sorted(ids, key=lambda one: is_safe(one) and one.lower() not in taken):
        names[session_id] = safe_name(session_id, taken)
        taken.add(names[session_id].lower())
    return names


def in_unicode(name: str) -> str:
    """Give a name as it is published and told: bytes of it that are no UTF-8 are replacement characters."""
    return name if name.isascii() else re.sub(_SURROGATES, "\N{REPLACEMENT CHARACTER}", name)
