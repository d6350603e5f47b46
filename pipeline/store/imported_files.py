"""Which files jobs have imported into a store: `imports.ndjson`, by path, size, time and hash.

A night without news hashes nothing because of it; what is lost of it is found out again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.disk.files import writing_errors
from pipeline.disk.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IMPORTS_FILE = "imports.ndjson"


@dataclass(frozen=True, kw_only=True)
class ImportedFileState:
    """A file as it was when it was imported.

    Attributes:
        path: of the file, absolute.
        bytes: its size.
        mtime_ns: when it was last changed.
        beside: the same two of the record beside it, empty where none is.
        sha256: of its bytes.
        state: `imported`; or `left`: its sessions are in the store with other content, and were left as they are.
    """

    path: str
    bytes: int
    mtime_ns: int
    beside: tuple[int, ...]
    sha256: str
    state: Literal["imported", "left"] = "imported"

    def is_as(self, other: ImportedFileState) -> bool:
        """Whether nothing shows that the file has changed."""
        return (self.bytes, self.mtime_ns, self.beside) == (other.bytes, other.mtime_ns, other.beside)


def read_imported(store: Path) -> dict[str, ImportedFileState]:
    """Read which files were imported, by path; lines that cannot be read are passed over."""
    found = {}
    try:
        lines = read_regular(store / IMPORTS_FILE).splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            value = json.loads(line)
            one = ImportedFileState(**{**value, "beside": tuple(value["beside"])})
        except (ValueError, TypeError, LookupError):
            continue
        found[one.path] = one
    return found


def write_imported(store: Path, files: Mapping[str, ImportedFileState]) -> None:
    """Write which files were imported, as a whole.

    Raises:
        DestinationError: it cannot be written.
    """
    path = store / IMPORTS_FILE
    new = path.with_name(f"{IMPORTS_FILE}.new")
    with writing_errors(path):
        with new.open("w", encoding="utf-8") as file:
            for name in sorted(files):
                file.write(json.dumps(asdict(files[name]), ensure_ascii=True) + "\n")
        new.replace(path)
