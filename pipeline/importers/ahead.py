"""Opens the engine that result files of harnesses will ask, while the modules that read them are loaded."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.regular import open_regular
from pipeline.runtime.duckdb import opening_ahead
from pipeline.sources.formats import format_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LOOKED_AT = 4
_START_BYTES = 4096
OWN_KEYS = frozenset({"sequence", "timestamp", "metric", "value"})
"""Columns that all measurements of our own have."""


@contextmanager
def engine_ahead(files: Sequence[str]) -> Iterator[None]:
    """Open an engine in a thread where the first of some files look as if they would ask it.

    That is a guess, which says only what is loaded when.
    """
    if all(_is_probably_own(Path(file)) for file in files[:_LOOKED_AT]):
        yield
        return
    with opening_ahead():
        yield


def _is_probably_own(path: Path) -> bool:
    """Whether a path leads to measurements of our own, which ask no engine."""
    by_name = format_by_name(path)
    try:
        if by_name is None or not by_name.is_text:
            return by_name is not None or (path / "store.json").exists()
        with open_regular(path) as file:
            start = file.read(_START_BYTES)
    except (OSError, ValueError):
        return False  # whoever reads it says so
    return all(key.encode() in start for key in OWN_KEYS)
