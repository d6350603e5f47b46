"""Removes packages of jobs that are older than what is kept: as a whole, and nothing that came to them."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.disk.directories import rename_new, sync_directory
from pipeline.disk.files import writing_errors
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import DestinationError
from pipeline.publish.existing import inspect_destination
from pipeline.publish.leftovers import remove_published
from pipeline.publish.stage_directory import check_is_stage, newcomers, stage_path
from pipeline.runtime.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def remove_package(target: Path, descriptor: Mapping[str, Any], aside: Path) -> None:
    """Remove a package, if it is still the one that was looked at, and undamaged.

    Args:
        target: where it lies.
        descriptor: of the package that was looked at.
        aside: a directory of the same file system that this run holds, in which it goes.

    Raises:
        BusyError: another run is writing there.
        DestinationError: it is another one by now, or holds what no export wrote; it stays. Or it cannot be removed.
    """
    path = stage_path(target)
    with writing_errors(target):
        check_is_stage(path)
        lock = DirectoryLock(path, held_as=target)
    try:
        existing = inspect_destination(target)
        if existing.descriptor != descriptor or existing.damage:
            raise DestinationError(f"{target}: was changed meanwhile; it was not removed")
        with writing_errors(target):
            aside.mkdir(exist_ok=True)
            gone = aside / target.name
            with uninterrupted():
                rename_new(target, gone)
                # Looked at where it cannot be reached by its name any more.
                if strangers := newcomers(gone, existing.files):
                    rename_new(gone, target)
                    raise DestinationError(f"{target}: {strangers[0]!r} came to it; it was not removed")
            sync_directory(target.parent)
            clear_removed(aside)
    finally:
        lock.remove()


def clear_place(target: Path, root: Path) -> None:
    """Remove what runs that were killed left in the place of a package, and empty directories of its own above it.

    Files that are finished stay, which the next run of the same continues with.

    Args:
        target: where the package lies, or would.
        root: the directory in which those that are its own begin.

    Raises:
        DestinationError: something had come to a package that was replaced, which is kept.
    """
    remove_published(target)
    if os.path.lexists(target):
        return
    with suppress(OSError):  # something lies there
        for directory in target.parents:
            if directory == root:
                break
            with suppress(FileNotFoundError):
                directory.rmdir()


def clear_removed(aside: Path) -> None:
    """Remove what was put aside, which a kill may have left there."""
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
