"""The stage of a single file: a directory beside its destination, as that of a package, in which it is built."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.disk.files import writing_errors
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import DestinationError
from pipeline.publish.stage_directory import CATALOG, PACKAGE, check_is_stage, clear_stage, finished_in, stage_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def file_stage(target: Path) -> Iterator[Path]:
    """Hold the stage of a file, and give where in it to build; what a killed run left there is removed first.

    Args:
        target: the file, whose directory is there.

    Raises:
        BusyError: another run holds it.
        DestinationError: it cannot be made, or holds what an interrupted export to the same name had finished.
    """
    path = stage_path(target)
    with writing_errors(target):
        check_is_stage(path)
        lock = DirectoryLock(path, held_as=target)
    if finished_in(path):
        lock.release()
        raise DestinationError(
            f"{path}: holds what an interrupted export left; 'pipeline stages {target.parent} --remove' removes it"
        )
    try:
        with writing_errors(target):
            clear_stage(path)
            (path / PACKAGE).mkdir()
        yield path / PACKAGE / CATALOG
    finally:
        with suppress(OSError):
            clear_stage(path)
        lock.remove()
