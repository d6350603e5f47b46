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


def append_record(path: Path, record: Mapping[str, Any], *, sync: bool) -> None:
    """Append a record.

    Args:
        path: the journal; it is created where it is not there.
        record: JSON values.
        sync: wait until the disk has it.

    Raises:
        OSError: it cannot be written.
    """
    _append(path, [record], sync=sync)


def replace_records(path: Path, records: Iterable[Mapping[str, Any]], *, sync: bool) -> None:
    """Put other records into the place of all that a journal holds, at once; the arguments are as above."""
    new = path.with_name(path.name + NEW_SUFFIX)
    new.unlink(missing_ok=True)
    _append(new, records, sync=sync)
    new.replace(path)


def _append(path: Path, records: Iterable[Mapping[str, Any]], *, sync: bool) -> None:
    with path.open("ab", buffering=0) as file:
        for record in records:
            text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
            data = memoryview(f"{hashlib.sha256(text).hexdigest()} ".encode() + text + b"\n")
            while data:
                data = data[file.write(data) :]
        if sync:
            os.fsync(file.fileno())


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
