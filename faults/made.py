"""What the inputs that are made by hand share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from judging import HostileInput
from mutations import read_csv, read_csv_lenient, read_ndjson

if TYPE_CHECKING:
    from collections.abc import Callable

CORPORA = Path(__file__).resolve().parent.parent / "data" / "fixtures" / "corpora"
EXPORT = ("export", "{file}", "--to", "out", "--no-sync", "--quiet")
IMPORT = ("import", "{file}", "--to", "store", "--quiet")
CSV_HEADER = b"session_id,sequence,timestamp,metric,value,unit\n"
CSV_LINE = b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms\n"
_ROW = (
    '{{"session_id":"s1","sequence":{sequence},"timestamp":"{timestamp}",'
    '"metric":"m","value":{value},"unit":null{more}}}\n'
)


def one_file(
    name: str, file_name: str, data: bytes, *, good: bool | None = False, command: tuple[str, ...] = EXPORT
) -> HostileInput:
    """One file; `good` says whether it may be accepted, None that other readers decide."""
    readers: dict[str, tuple[Callable[[Path], Any], ...]] = {
        ".csv": (read_csv, read_csv_lenient),
        ".ndjson": (read_ndjson,),
    }
    some = readers.get("." + file_name.split(".")[1], ())
    oracles = None if good is False else [lambda work, read=read: read(work / file_name) for read in some]
    return HostileInput(
        name, {file_name: data}, [word.format(file=file_name) for word in command], file_name, oracles=oracles
    )


def ndjson_line(
    sequence: object = 0, timestamp: str = "2026-11-24T16:00:00Z", value: object = 1.5, more: str = ""
) -> bytes:
    """One row, its values as they are given."""
    return _ROW.format(sequence=sequence, timestamp=timestamp, value=value, more=more).encode("utf-8", "surrogatepass")
