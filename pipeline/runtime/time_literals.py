"""Times in SQL that users write: their nanoseconds count where the times that they are compared with have some."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.runtime.stable_sql import nodes, parsed

if TYPE_CHECKING:
    import duckdb

_ZONED = {"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"}
_UNZONED = {"TIMESTAMP", "DATETIME", "TIMESTAMP_US", "TIMESTAMP WITHOUT TIME ZONE"}
_KEEPS = "TIMESTAMPTZ_NS"
_FINE = re.compile(r"\.\d{6}(?=\d*[1-9])\d+\s*(?P<zone>.*)", re.DOTALL)
_BEFORE = b"SELECT (\n"


def keep_nanoseconds(connection: duckdb.DuckDBPyConnection, condition: str, option: str) -> str:
    """Let `TIMESTAMPTZ '...'` and the like have the nanoseconds that are written in them, which the engine drops.

    A text that is compared with such a time has them anyway. Only what has digits below the microsecond is changed.

    Args:
        connection: an engine in UTC.
        condition: a condition that the engine takes, on times of nanoseconds.
        option: what the user calls it.

    Raises:
        UsageError: a time without a zone has an offset, which the engine does not apply.
    """
    if not _FINE.search(condition):
        return condition
    text = _BEFORE + condition.encode() + b"\n)"
    changes = [
        change
        for node in nodes(parsed(connection, text.decode()))
        if node.get("class") == "CAST" and (change := _change(node, option))
    ]
    for start, length in sorted(changes, reverse=True):
        text = text[:start] + _KEEPS.encode() + text[start + length :]
    return text.removeprefix(_BEFORE).removesuffix(b"\n)").decode()


def _change(cast: dict[str, Any], option: str) -> tuple[int, int] | None:
    """Where the name of the type stands that is to be another, in bytes."""
    kind, literal = cast["type_expr"], cast["child"].get("literal") or {}
    name = " ".join(str(kind.get("type_name", "")).upper().split())
    fine = _FINE.search(literal["text"]) if literal.get("kind") == "STRING" else None
    if fine is None or kind.get("children") or name not in _ZONED | _UNZONED:
        return None
    if name in _UNZONED and fine["zone"].strip().upper() not in {"", "Z", "UTC"}:
        raise UsageError(f"{option}: {name} drops the offset and the nanoseconds of {literal['text']!r}; say {_KEEPS}")
    return kind["query_location"], kind["query_location_length"]
