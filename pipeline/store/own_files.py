"""What of a store is ours: the files of a session and of a recording. What lies beside them is never removed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.disk.directories import rename_new
from pipeline.disk.locks import LOCK_NAME
from pipeline.store.directory import MOVED, RECORD_FILE
from pipeline.store.index import INDEX_FILE
from pipeline.store.pack import PACK_RECORDS
from pipeline.store.store_file import STORE_FILE

if TYPE_CHECKING:
    from pathlib import Path

RECORDING_RECORD, RECORDING_BATCHES = "recording.json", "batches"
RECORDING_BEGUN = RECORDING_RECORD + ".new"
OF_RECORDING = re.compile("|".join(map(re.escape, (RECORDING_RECORD, RECORDING_BATCHES, RECORDING_BEGUN, LOCK_NAME))))
OF_SESSION = re.compile(
    "|".join((*map(re.escape, (RECORD_FILE, PACK_RECORDS, MOVED)), r"measurements-\d+\.parquet")), re.ASCII
)
"""Of a pack too."""
COMPACTED = "compacted"
"""A directory in `staging/`."""
_RECORDS = {RECORD_FILE, PACK_RECORDS, RECORDING_RECORD, MOVED}
# A number; what early versions made with `mkdtemp`; what an exchange puts aside.
_ASIDE = 1_000_000  # no import stages so many
_STAGED = re.compile(r"\d{4,}|tmp\w+|.+\.aside", re.ASCII)


def strangers_in(directory: Path, own: re.Pattern[str]) -> list[str]:
    """Names of what lies in the directory of a session or recording, and is no file of one."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if not _is_own(entry, own))


def _is_own(entry: os.DirEntry[str], own: re.Pattern[str]) -> bool:
    return own.fullmatch(entry.name) is not None and not entry.is_dir(follow_symlinks=False)


def own_in(directory: Path, own: re.Pattern[str]) -> list[str]:
    """Names of the files of a session or recording in its directory."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if _is_own(entry, own))


def remove_own(directory: Path, own: re.Pattern[str]) -> bool:
    """Remove the files of a session or recording, and its directory if nothing else lies in it.

    What cannot be removed stays, and is tried again by the next one that holds the store.

    Args:
        directory: where they lie.
        own: `OF_SESSION` or `OF_RECORDING`.

    Returns:
        whether what is left is all of others.
    """
    with suppress(OSError):
        if directory.is_symlink():  # only the link is in the store
            directory.unlink()
            return False
        with os.scandir(directory) as entries:
            files = [entry for entry in entries if _is_own(entry, own)]
        # The record goes last: by it the next one knows what this was, should a kill come in between.
        for file in sorted(files, key=lambda file: file.name in _RECORDS):
            os.unlink(file.path)  # noqa: PTH108 - it is no Path
        try:
            directory.rmdir()
        except OSError:
            return bool(strangers_in(directory, own))
    return False


def clear_staging(staging: Path) -> None:
    """Remove what an import left in `staging/`, and nothing that came there otherwise.

    Raises:
        OSError: it cannot be listed.
    """
    for entry in staging.iterdir():
        if entry.name in {STORE_FILE, INDEX_FILE} and entry.is_file() and not entry.is_symlink():
            entry.unlink()
        elif _STAGED.fullmatch(entry.name) and (entry.is_dir() or entry.is_symlink()):
            remove_own(entry, OF_RECORDING if _was_recording(entry) else OF_SESSION)


def clear_moved(sessions: Path, staging: Path) -> None:
    """Remove the names that a compaction kept of sessions that have moved.

    What cannot be removed stays, and is tried again by the next one that holds the store.

    Args:
        sessions: the directory of those of the store, which need not be there.
        staging: the directory in which what a kill leaves is cleared away.
    """
    with suppress(OSError):
        for number, entry in enumerate(list(sessions.iterdir())):
            if os.path.lexists(entry / MOVED):
                aside = staging / f"{_ASIDE + number}"
                if not os.path.lexists(aside):
                    entry.rename(aside)
                    if remove_own(aside, OF_SESSION):
                        rename_new(aside, entry)


def clear_compacted(tree: Path, sessions: Path) -> None:
    """Remove what a compaction built, or what it replaced; what others had put there goes to the sessions.

    What cannot be removed stays, and is tried again by the next one that holds the store.

    Args:
        tree: a directory of directories of sessions, which need not be there.
        sessions: the directory of those of the store.
    """
    with suppress(OSError):
        for entry in tree.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                remove_own(entry, OF_SESSION)
            if os.path.lexists(entry):
                _give_back(entry, sessions / entry.name)
        tree.rmdir()


def _give_back(stranger: Path, to: Path) -> None:
    """Put what is of others where it was; where its directory is there again, into that."""
    with suppress(OSError):  # it stays, and is tried again
        if not os.path.lexists(to):
            rename_new(stranger, to)
        elif stranger.is_dir() and not stranger.is_symlink():
            for entry in stranger.iterdir():
                rename_new(entry, to / entry.name)
            stranger.rmdir()


def _was_recording(directory: Path) -> bool:
    return os.path.lexists(directory / RECORDING_RECORD) or (
        os.path.lexists(directory / LOCK_NAME) and not os.path.lexists(directory / RECORD_FILE)
    )
