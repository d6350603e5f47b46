"""The stage of a single file: a directory beside its destination, as that of a package, in which it is built."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.disk.directories import rename_new, sync_directory
from pipeline.disk.files import new_file, require_parent, writing_errors
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import DestinationError
from pipeline.publish.stage_directory import CATALOG, PACKAGE, check_is_stage, clear_stage, finished_in, stage_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_HEAD_BYTES = 1_024


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


@contextmanager
def published_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a path to build a file at, which is put in its place as a whole when the `with` statement ends.

    Args:
        target: the file, whose directory is there.
        overwrite: replace what is there; else that something came to it meanwhile is an error.

    Raises:
        BusyError: another run is writing it.
        DestinationError: it cannot be written.
    """
    with writing_errors(target), file_stage(target) as made:
        yield made
        if overwrite:
            made.replace(target)
        else:
            rename_new(made, target)
        sync_directory(target.parent)


def write_file(target: Path, content: bytes, *, overwrite: bool, is_ours: Callable[[bytes], bool], noun: str) -> bool:
    """Put a file in its place as a whole, durable; nothing is done where it lies there already, byte for byte.

    Args:
        target: the file.
        content: all of it.
        overwrite: replace another of ours that is there.
        is_ours: tells from its first bytes whether a file is of the kind that may be replaced.
        noun: what that kind is called in errors.

    Returns:
        whether it was written.

    Raises:
        BusyError: another run is writing it.
        DestinationError: it cannot be written, or something else lies there.
    """
    if _lies_there(target, content):
        return False
    require_place(target, overwrite=overwrite, is_ours=is_ours, noun=noun)
    with (
        published_file(target, overwrite=overwrite) as made,
        new_file(made, str(target), sync=True, hashed=False) as out,
    ):
        out.write(content)
    return True


def _lies_there(target: Path, content: bytes) -> bool:
    with writing_errors(target):
        return (
            target.is_file()
            and not target.is_symlink()
            and target.stat().st_size == len(content)
            and target.read_bytes() == content
        )


def require_place(target: Path, *, overwrite: bool, is_ours: Callable[[bytes], bool], noun: str) -> None:
    """Check that a file may be written.

    Args:
        target: the file.
        overwrite: replace one that is ours.
        is_ours: tells from its first bytes.
        noun: what those are called in errors.

    Raises:
        DestinationError: there is no such directory, or something lies there that is not to be replaced.
    """
    require_parent(target)
    if not target.exists() and not target.is_symlink():
        return
    if not overwrite:
        raise DestinationError(f"{target}: exists already; --overwrite replaces it, or choose another --to")
    with writing_errors(target):
        if target.is_file() and not target.is_symlink():
            with target.open("rb") as file:
                if is_ours(file.read(_HEAD_BYTES)):
                    return
    raise DestinationError(f"{target}: is no {noun}, and is left as it is; choose another --to")
