"""Names of the files in a package; docs/file-naming.md has their grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.model.timestamps import format_compact
from pipeline.package.attached import ATTACHED
from pipeline.package.layout import DESCRIPTOR, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.package.written_file import WrittenFile

EMPTY = "empty"
ANY_TABLE = "table"
"""Name of a table of any rows, and of its file: nothing is known of its times."""
# Provisional names end in a number; final ones have a range of times.
_WRITTEN = re.compile(
    r"table(\.[a-z]+)+"
    r"|(measurements|statistics|sessions|table)"
    r"(-(cross-session|per-session|session-[A-Za-z0-9._-]+|None)-\d+"
    r"|_(empty|\d{8}T\d{6}Z_\d{8}T\d{6}Z)(_[A-Za-z0-9._-]+)?(\.[a-z]+)+)"
    rf"|({'|'.join(ATTACHED)})_(empty|\d{{8}}T\d{{6}}Z_\d{{8}}T\d{{6}}Z)\.[a-z]+",
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
        table: `measurements`, `statistics` or `sessions`; `table`, which is the whole name of any other table.
        range_name: what `time_range` gives.
        scope: `cross-session`, `per-session`, `session-<session>`, or None for sessions.
        extension: with its dot, `.ndjson.gz`.
        window: length of windows, as it was given.
        part: number of the part, from 1, where the table is split.
    """
    if table == ANY_TABLE:
        return table + extension
    words = [table, range_name, scope, window, None if part is None else f"part-{part:04}"]
    return "_".join(word for word in words if word is not None) + extension


def attached_name(kind: str, first: int | None, last: int | None, unit: str) -> str:
    """Name a file that holds no table, by the time range of what the package holds."""
    return f"{kind}_{time_range(first, last, unit)}.{ATTACHED[kind].format}"


def name_files(written: Sequence[WrittenFile], unit: str) -> list[str]:
    """Name the files of a package; the parts of a table carry the time range of the whole table."""
    parts_of: dict[tuple[str, str | None], list[WrittenFile]] = {}
    for one in written:
        parts_of.setdefault(series(one), []).append(one)
    ranges = {key: _range_of(parts, unit) for key, parts in parts_of.items()}
    return [
        file_name(
            one.file.table,
            ranges[series(one)],
            one.file.scope,
            one.extension,
            window=one.file.window,
            part=one.file.part if len(parts_of[series(one)]) > 1 else None,
        )
        for one in written
    ]


def _range_of(parts: Sequence[WrittenFile], unit: str) -> str:
    contents = [one.file.content for one in parts]
    firsts = [content.first_timestamp for content in contents if content.first_timestamp is not None]
    lasts = [content.last_timestamp for content in contents if content.last_timestamp is not None]
    return time_range(min(firsts, default=None), max(lasts, default=None), unit)


def series(one: WrittenFile) -> tuple[str, str | None]:
    """Tell which files are parts of one table: those whose table and scope are the same."""
    return one.file.table, one.file.scope
