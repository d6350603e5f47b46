"""`store.json`, which makes a directory a store: its version, its unit, and which names of files it may give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pipeline.disk.strict_json import read_json
from pipeline.errors import SourceError
from pipeline.model.columns import TimestampUnit
from pipeline.store.record import require_version

if TYPE_CHECKING:
    from pathlib import Path

STORE_FILE = "store.json"
_NEXT = "next_file_number"


class StoreFile(NamedTuple):
    """What `store.json` says.

    Attributes:
        version: of the format.
        unit: timestamp unit of all sessions.
        next_file_number: number of the first file of rows in a new directory. It is more than that of any that was
            deleted: a path never changes its content, though a session come again under the id of one that is gone.
    """

    version: int
    unit: TimestampUnit
    next_file_number: int = 0

    def describe(self) -> dict[str, Any]:
        """Give what is written; a store from which nothing was deleted says nothing of numbers."""
        told = {_NEXT: self.next_file_number} if self.next_file_number else {}
        return {"format_version": self.version, "timestamp_unit": self.unit, **told}


def read_store_file(path: Path) -> StoreFile:
    """Read `store.json` of a store.

    Raises:
        SourceError: it is of another version or damaged.
    """
    value = read_json(path / STORE_FILE)
    version = value.get("format_version") if isinstance(value, dict) else None
    try:
        checked = require_version(version)
    except SourceError as error:
        raise SourceError(f"{path / STORE_FILE}: {error}") from error
    unit: TimestampUnit = value.get("timestamp_unit")
    if unit not in get_args(TimestampUnit):
        raise SourceError(f"{path / STORE_FILE}: timestamp_unit {unit!r}; it must be us or ns")
    number = value.get(_NEXT, 0)
    if type(number) is not int or number < 0:
        raise SourceError(f"{path / STORE_FILE}: {_NEXT} {number!r}; it must be a number of files, 0 or more")
    return StoreFile(checked, unit, number)
