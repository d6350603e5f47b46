"""The work directory of a run whose files others write: `.NAME.work-RUN` beside the destination, each run's its own.

What a run that was killed had begun may go on elsewhere: when its directory is gone, it finds no plan any more, and
nothing to write into.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.disk.directories import sync_file_system
from pipeline.disk.files import new_file, writing_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.disk.files import CountingFile
    from pipeline.disk.sink import Sink

_BLOCK_BYTES = 1 << 20
_NAME = re.compile(r"\.(.+)\.work-[0-9a-f]{12}", re.DOTALL)
# Plans, and what attempts leave.
_OWN = re.compile(r"[0-9a-f]{8}-(shared|plan-\d+)|.+\.\d+-[0-9a-f]{12}", re.DOTALL)


@contextmanager
def work_directory(target: Path) -> Iterator[Path]:
    """Make a work directory, and remove it at the end; those that earlier runs left are removed first.

    Args:
        target: the destination, whose stage is held.

    Yields:
        its absolute path.

    Raises:
        DestinationError: it cannot be made.
    """
    target = target.absolute()
    for left in work_directories(target):
        remove_work(left)
    path = target.parent / f".{target.name}.work-{os.urandom(6).hex()}"
    with writing_errors(path):
        path.mkdir()
    try:
        yield path
    finally:
        remove_work(path)


def work_directories(target: Path) -> list[Path]:
    """List the work directories of a destination."""
    with suppress(OSError):
        return sorted(path for path in target.absolute().parent.iterdir() if destination_of(path.name) == target.name)
    return []


def destination_of(name: str) -> str | None:
    """Name the destination of a work directory that is called so; None where it is none."""
    match = _NAME.fullmatch(name)
    return match and match[1]


def remove_work(path: Path) -> bool:
    """Remove a work directory, and nothing that no run wrote; False where something stays."""
    # Under another name first: tasks that go on cannot put anything into it meanwhile.
    gone = path.with_name(f"{path.name.rpartition('-')[0]}-{os.urandom(6).hex()}")
    with suppress(OSError):
        path.rename(gone)
        try:
            for entry in gone.iterdir():
                if _OWN.fullmatch(entry.name):
                    entry.unlink(missing_ok=True)
            gone.rmdir()
        except OSError:
            gone.rename(path)
    return not os.path.lexists(path)


@contextmanager
def part_file(path: Path, target: str, *, sync: bool, hashed: bool) -> Iterator[CountingFile]:
    """Open a new file of a work directory for writing; a small one is durable after `sync_parts`.

    Args:
        path: the file.
        target: what the destination is called in errors.
        sync: make it durable.
        hashed: compute its SHA-256.

    Raises:
        DestinationError: it cannot be written.
    """
    with new_file(path, target, sync=sync, hashed=hashed, grouped=True) as file:
        yield file


def new_part(directory: Path, name: str) -> Path:
    """Name a file of a work directory that the driver makes itself."""
    return directory / f"{name}.0-{os.urandom(6).hex()}"


def move_part(path: Path, to: Sink, target: str) -> None:
    """Write what a file of a work directory holds behind what was written before, and remove it.

    Args:
        path: the file.
        to: where to.
        target: what the destination is called in errors.

    Raises:
        DestinationError: it cannot be read, or not be written.
    """
    with writing_errors(target):
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK_BYTES):
                to.write(block)
        path.unlink()


def sync_parts(directory: Path, target: str) -> None:
    """Make durable what was written into a work directory.

    Raises:
        DestinationError: that cannot be done.
    """
    with writing_errors(target):
        sync_file_system(directory)
