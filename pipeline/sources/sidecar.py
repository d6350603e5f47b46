"""Sidecar files: the session records beside a file of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.disk.strict_json import read_json
from pipeline.model.session_record import SessionRecord, parse_records
from pipeline.sources.formats import COMPRESSED_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path


def sidecar_path(path: Path) -> Path:
    """Where the session record of a file of rows lies: `X.session.json` beside `X.ndjson` or `X.csv.gz`."""
    stem = path.with_suffix("") if path.suffix in COMPRESSED_SUFFIXES else path
    return stem.with_suffix(".session.json")


def read_sidecar(path: Path) -> list[SessionRecord]:
    """Read the records beside a file of rows, one object or an array of them; none where there is no such file."""
    sidecar = sidecar_path(path)
    if not sidecar.is_file():
        return []
    value = read_json(sidecar)
    return parse_records(value if isinstance(value, list) else [value], where=str(sidecar))
