"""Finds the stages and work directories that interrupted runs left, and removes those that no run holds."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.local_path import local_path
from pipeline.disk.locks import is_held
from pipeline.errors import BusyError, DestinationError
from pipeline.publish.existing import is_published
from pipeline.publish.stage_directory import (
    IDENTITY,
    JOURNAL,
    STAGE_SUFFIX,
    finished_in,
    is_regular,
    is_stage,
    read_identity,
    remove_stage,
    stage_path,
    strangers_in,
)
from pipeline.publish.work_directory import destination_of, remove_work, work_directories

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class StagedPackage:
    """A stage, or the work directory of one.

    Attributes:
        destination: what it is to become, or belongs to.
        stage: where it lies.
        changed_at: when a file of it was last written, RFC 3339, UTC.
        files: files that are finished; the same command again continues behind them.
        bytes: bytes of all files in it.
        is_held: a run is working on it.
        stranger: what lies in it and no export wrote, because of which it is left alone; None where nothing does.
        is_removed: it has been removed.
    """

    destination: str
    stage: str
    changed_at: str
    files: int
    bytes: int
    is_held: bool
    stranger: str | None = None
    is_removed: bool = False


def list_stages(directory: str | Path, *, remove: bool = False) -> list[StagedPackage]:
    """List the stages in a directory, and that of the directory itself, then the work directories of both.

    Args:
        directory: where packages are published, or a destination, which need not be there.
        remove: remove those that no run holds.

    Raises:
        DestinationError: it cannot be read, or a stage cannot be removed.
        UsageError: it is a URL.
    """
    found = []
    try:
        for path, target in _find(local_path(directory)):
            staged = _describe(path, target)
            if staged is None:
                continue
            if remove and not staged.is_held and staged.stranger is None:
                staged = replace(staged, is_removed=_remove(path, target))
            found.append(staged)
        for path, target in _find_work(local_path(directory)):
            found += _describe_work(path, target, remove=remove)
    except OSError as error:
        verb = "removed" if remove else "read"
        where = error.filename or directory
        raise DestinationError(f"{where}: cannot be {verb} ({error.strerror or error})") from error
    return found


def _find(directory: Path) -> Iterator[tuple[Path, Path]]:
    own = stage_path(directory)
    if _is_ours(own):
        yield own, directory
    if directory.is_dir():
        for path in sorted(directory.iterdir()):
            name = path.name
            if name.startswith(".") and name.endswith(STAGE_SUFFIX) and _is_ours(path):
                yield path, directory / name[1 : -len(STAGE_SUFFIX)]


def _is_ours(path: Path) -> bool:
    """Whether it is a stage, or one into which something else came."""
    if is_stage(path):
        return True
    return path.is_dir() and not path.is_symlink() and any(is_regular(path / name) for name in (IDENTITY, JOURNAL))


def _describe(path: Path, target: Path) -> StagedPackage | None:
    """Say what a stage is, whose run may go on meanwhile; None where that has just removed it."""
    with suppress(FileNotFoundError):
        begun = path.lstat().st_mtime
        files = list(_statuses(path))
        return StagedPackage(
            destination=str(target),
            stage=str(path),
            changed_at=_time_text(max((status.st_mtime for status in files), default=begun)),
            files=len(finished_in(path)),
            bytes=sum(status.st_size for status in files),
            is_held=is_held(path),
            stranger=next(iter(strangers_in(path)), None),
        )
    return None


def _find_work(directory: Path) -> Iterator[tuple[Path, Path]]:
    """Find the work directories of a destination, or of those in a directory."""
    for path in work_directories(directory):
        yield path, directory
    if directory.is_dir():
        for path in sorted(directory.iterdir()):
            name = destination_of(path.name)
            if name is not None and path.is_dir() and not path.is_symlink():
                yield path, directory / name


def _describe_work(path: Path, target: Path, *, remove: bool) -> list[StagedPackage]:
    """Say what a work directory is, and remove it where that is asked for; nothing where its run has just done so."""
    with suppress(FileNotFoundError):
        begun = path.lstat().st_mtime
        files = list(_statuses(path))
        is_at_work = is_held(stage_path(target)) if stage_path(target).is_dir() else False
        return [
            StagedPackage(
                destination=str(target),
                stage=str(path),
                changed_at=_time_text(max((status.st_mtime for status in files), default=begun)),
                files=0,
                bytes=sum(status.st_size for status in files),
                is_held=is_at_work,
                is_removed=remove and not is_at_work and remove_work(path),
            )
        ]
    return []


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _statuses(path: Path) -> Iterator[os.stat_result]:
    """Statuses of the files below a directory that are there."""
    for directory, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(directory, name).lstat()


def _remove(path: Path, target: Path) -> bool:
    try:
        remove_stage(path, target)
    except BusyError:
        return False
    return True


def remove_published(target: Path) -> None:
    """Remove what a run that died after publishing did not come to remove, if no run holds it.

    Raises:
        DestinationError: something had come to the package that it replaced, which is kept.
    """
    path = stage_path(target)
    if not is_stage(path):
        return
    identity = read_identity(path)
    if not finished_in(path) or (identity is not None and is_published(target, identity)):
        with suppress(OSError, BusyError):
            remove_stage(path, target)
