"""A journal: records appended to a file, each with its own checksum, so that a torn or damaged one is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from pipeline.disk.regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

NEW_SUFFIX = ".new"


def append_records(path: Path, records: Iterable[Mapping[str, Any]], *, sync: bool) -> None:
    """Append records.

    Args:
        path: the journal; it is created where it is not there.
        records: JSON values.
        sync: wait until the disk has them.

    Raises:
        OSError: they cannot be written; the first of them may be there.
    """
    with path.open("ab", buffering=0) as file:
        data = memoryview(b"".join(map(_line, records)))
        while data:
            data = data[file.write(data) :]
        if sync:
            os.fsync(file.fileno())


def replace_records(path: Path, records: Iterable[Mapping[str, Any]], *, sync: bool) -> None:
    """Put other records into the place of all that a journal holds, at once; the arguments are as above."""
    new = path.with_name(path.name + NEW_SUFFIX)
    new.unlink(missing_ok=True)
    append_records(new, records, sync=sync)
    new.replace(path)


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{hashlib.sha256(text).hexdigest()} ".encode() + text + b"\n"


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records up to the first that is not whole; none where there is no journal.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    try:
        lines = read_regular(path).split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for line in lines:
        checksum, _, text = line.partition(b" ")
        if hashlib.sha256(text).hexdigest().encode() != checksum:
            return
        yield json.loads(text)
