"""Names of the files in a package; docs/file-naming.md has their grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.model.timestamps import format_compact
from pipeline.package.layout import DESCRIPTOR, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.package.written_file import WrittenFile

EMPTY = "empty"
# Provisional names end in a number; final ones have a range of times.
_WRITTEN = re.compile(
    r"(measurements|statistics|sessions)"
    r"(-(cross-session|per-session|session-[A-Za-z0-9._-]+|None)-\d+"
    r"|_(empty|\d{8}T\d{6}Z_\d{8}T\d{6}Z)(_[A-Za-z0-9._-]+)?(\.[a-z]+)+)",
    re.ASCII,
)


def is_written_name(name: str) -> bool:
    """Whether an export gives such a name to a file, at the end or before its content is known."""
    return name in {DESCRIPTOR, MANIFEST} or _WRITTEN.fullmatch(name) is not None


def time_range(first: int | None, last: int | None, unit: str) -> str:
    """Name the time range of a file's content: `<first>_<last>`, or `empty`."""
    if first is None or last is None:
        return EMPTY
    return f"{format_compact(first, unit)}_{format_compact(last, unit)}"


def file_name(
    table: str,
    range_name: str,
    scope: str | None,
    extension: str,
    *,
    window: str | None = None,
    part: int | None = None,
) -> str:
    """Name a file of a package.

    Args:
        table: `measurements`, `statistics` or `sessions`.
        range_name: what `time_range` gives.
        scope: `cross-session`, `per-session`, `session-<session>`, or None for sessions.
        extension: with its dot, `.ndjson.gz`.
        window: length of windows, as it was given.
        part: number of the part, from 1, where the table is split.
    """
    words = [table, range_name, scope, window, None if part is None else f"part-{part:04}"]
    return "_".join(word for word in words if word is not None) + extension


def name_files(written: Sequence[WrittenFile], unit: str) -> list[str]:
    """Name the files of a package; the parts of a table carry the time range of the whole table."""
    names = []
    for one in written:
        parts = [other.file for other in written if series(other) == series(one)]
        firsts = [part.content.first_timestamp for part in parts if part.content.first_timestamp is not None]
        lasts = [part.content.last_timestamp for part in parts if part.content.last_timestamp is not None]
        names.append(
            file_name(
                one.file.table,
                time_range(min(firsts, default=None), max(lasts, default=None), unit),
                one.file.scope,
                one.extension,
                window=one.file.window,
                part=one.file.part if len(parts) > 1 else None,
            )
        )
    return names


def series(one: WrittenFile) -> tuple[str, str | None]:
    """Tell which files are parts of one table: those whose table and scope are the same."""
    return one.file.table, one.file.scope
