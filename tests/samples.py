"""Small sources made of rows, and the rows of a source by SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline import connect

if TYPE_CHECKING:
    from pathlib import Path

GOOD_SESSIONS = ("wan-01", "wan-02")
"""Sessions of the fixture `good_store`."""


def row(session_id: str = "s1", sequence: int = 0, **given: Any) -> dict[str, Any]:
    """One measurement as NDJSON has it; what is not given is plain."""
    plain = {
        "session_id": session_id,
        "sequence": sequence,
        "timestamp": f"2026-11-24T16:00:{sequence % 60:02}.000000Z",
        "metric": "control_rtt",
        "value": 1.5,
        "unit": "ms",
    }
    return plain | given


def write_ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows with Python's json, not with ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def rows_of(source: Path, query: str = "SELECT * FROM measurements ORDER BY session_id, sequence") -> list[tuple]:
    """What a query gives of a source."""
    with connect(source) as connection:
        return connection.sql(query).fetchall()
