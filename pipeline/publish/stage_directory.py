"""What a stage is on disk: a hidden directory beside the destination.

.NAME.stage/lock          held by the run that builds
.NAME.stage/stage.json    what is built: source, options, versions
.NAME.stage/journal       the files that are finished
.NAME.stage/package/      what becomes NAME
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from pipeline.disk.directories import ASIDE, recover_exchanged, rename_new
from pipeline.disk.hashing import file_sha256
from pipeline.disk.journal import NEW_SUFFIX, read_records
from pipeline.disk.locks import LOCK_NAME, DirectoryLock
from pipeline.disk.regular import read_regular
from pipeline.errors import DestinationError
from pipeline.package.layout import DESCRIPTOR
from pipeline.package.names import is_written_name
from pipeline.publish.existing import Entries, entries_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

STAGE_SUFFIX = ".stage"
IDENTITY = "stage.json"
JOURNAL = "journal"
PACKAGE = "package"
CATALOG = "catalog"
_NAMES = {LOCK_NAME, IDENTITY, JOURNAL, JOURNAL + NEW_SUFFIX, PACKAGE}
_OF_CATALOG = {CATALOG, CATALOG + ".wal"}


def stage_path(target: Path) -> Path:
    """Where the stage of a destination lies."""
    return target.parent / f".{target.name}{STAGE_SUFFIX}"


def has_finished(records: list[dict[str, Any]]) -> bool:
    """Whether the records of a journal tell of a finished file."""
    return any("name" in record for record in records)


def read_identity(path: Path) -> dict[str, Any] | None:
    """Read what a stage builds; None where it does not say it, or not as a whole."""
    try:
        value = json.loads(read_regular(path / IDENTITY))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def finished_in(path: Path) -> list[dict[str, Any]]:
    """Records of the finished files of a stage."""
    return [record for record in read_records(path / JOURNAL) if "name" in record]


def remove_stage(path: Path, target: Path) -> None:
    """Remove a stage that no run holds.

    Raises:
        BusyError: a run holds it.
        DestinationError: it is no stage, or held what came to a package that was replaced, which is kept.
        OSError: it cannot be removed.
    """
    check_is_stage(path)
    lock = DirectoryLock(path, held_as=target)
    try:
        recover_exchanged(path, target.parent, holding=[DESCRIPTOR])
        kept = remove_replaced(path, target)
        clear_stage(path)
    except BaseException:
        lock.release()
        raise
    lock.remove()
    if kept:
        raise DestinationError(kept)


def is_stage(path: Path) -> bool:
    """Whether a directory is a stage that an export made; one that was killed may have left it without a file."""
    return path.is_dir() and not path.is_symlink() and not strangers_in(path)


def check_is_stage(path: Path) -> None:
    """Refuse to take for a stage what no export made."""
    if path.is_dir() and not path.is_symlink():  # else the lock tells
        for name in strangers_in(path):
            raise DestinationError(f"{path}: holds {name!r}, which no export wrote; move it away first")


def strangers_in(path: Path) -> list[str]:
    """Names of what lies in a stage, and in the package that it builds, and that no export wrote."""
    known = _known(path)
    try:
        found = sorted({entry.name for entry in path.iterdir()} - known)
        package = path / PACKAGE
        if not package.is_dir() or package.is_symlink() or _is_replaced(path, package):
            return found
        return found + [f"{PACKAGE}/{name}" for name in strangers_in_package(package)]
    except FileNotFoundError:  # the run that held it has just removed it
        return []


def strangers_in_package(package: Path) -> list[str]:
    """Names of what lies in a package that is being built, and that no export wrote."""
    with os.scandir(package) as entries:
        return sorted(entry.name for entry in entries if not _is_own(entry))


def _known(path: Path) -> set[str]:
    return {*_NAMES, path.name[1:].removesuffix(STAGE_SUFFIX) + ASIDE}


def _is_own(entry: os.DirEntry[str]) -> bool:
    is_name = is_written_name(entry.name) or entry.name in _OF_CATALOG
    return is_name and not entry.is_dir(follow_symlinks=False)


def _is_replaced(path: Path, package: Path) -> bool:
    """Whether it is the package that was exchanged for the new one, of which the journal knows what was its own."""
    number = package.lstat().st_ino
    return any(record["directory"] == number for record in _replaced_in(path))


def clear_stage(path: Path) -> None:
    """Remove what exports wrote in a stage, but its lock; what others put there stays.

    First goes what says that files are finished, for a kill may come in between.
    """
    known = _known(path) - {LOCK_NAME}
    for entry in sorted(path.iterdir(), key=lambda entry: entry.name != JOURNAL):
        if entry.name not in known:
            continue
        if not entry.is_dir() or entry.is_symlink():
            entry.unlink(missing_ok=True)
            continue
        remove_written(entry, keeping=())
        with suppress(OSError):  # something else lies in it
            entry.rmdir()


def remove_written(package: Path, *, keeping: Collection[str]) -> None:
    """Remove the files of a package that is being built, some excepted, and nothing that no export wrote."""
    with os.scandir(package) as entries:
        own = [entry for entry in entries if entry.name not in keeping and _is_own(entry)]
    for entry in own:
        os.unlink(entry.path)  # noqa: PTH108 - it is no Path


def will_replace(target: Path, files: Entries) -> dict[str, Any]:
    """Make the record of a journal that says which package is going to be exchanged for the new one."""
    return {"replacing": {"directory": target.lstat().st_ino, "files": dict(files)}}


def newcomers(directory: Path, files: Entries) -> list[str]:
    """Names of what has come to a directory, or been written in it, since it was looked at."""
    return [name for name, state in entries_of(directory).items() if files.get(name) != state]


def remove_replaced(path: Path, target: Path) -> str | None:
    """Remove the package that was exchanged for the new one, if it is in the stage: its files and nothing else.

    Returns:
        what to tell where something had come to it meanwhile, which is put beside the destination; else None.

    Raises:
        OSError: something cannot be removed.
    """
    for replaced in _replaced_in(path):
        for old in (path / PACKAGE, path / (target.name + ASIDE)):
            if not old.is_dir() or old.is_symlink() or old.lstat().st_ino != replaced["directory"]:
                continue
            for name in entries_of(old).keys() - set(newcomers(old, replaced["files"])):
                (old / name).unlink()
            try:
                old.rmdir()
            except OSError:
                strangers = list(entries_of(old))
                if not strangers:
                    raise
                kept = _free_name(target)
                rename_new(old, kept)
                return (
                    f"{target}: is published, but {strangers[0]!r} came to the package that it replaced; "
                    f"it is kept in {kept}"
                )
    return None


def _replaced_in(path: Path) -> list[dict[str, Any]]:
    """What the journal of a stage says of packages that are exchanged."""
    if not is_regular(path / JOURNAL):  # it tells nothing, and a pipe would be waited for
        return []
    return [record["replacing"] for record in read_records(path / JOURNAL) if "replacing" in record]


def _free_name(target: Path) -> Path:
    names = (target.with_name(f"{target.name}.kept{number or ''}") for number in count())
    return next(name for name in names if not os.path.lexists(name))


def is_regular(path: Path) -> bool:
    """Whether it is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def hash_of(path: Path) -> str | None:
    """SHA-256 of a file in hexadecimal digits, None where it cannot be read or is none."""
    try:
        return file_sha256(path) if is_regular(path) else None
    except OSError:
        return None
