"""What of a store is ours: the files of a session and of a recording. What lies beside them is never removed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.disk.locks import LOCK_NAME
from pipeline.store.reading import RECORD_FILE, STORE_FILE

if TYPE_CHECKING:
    from pathlib import Path

RECORDING_RECORD, RECORDING_BATCHES = "recording.json", "batches"
RECORDING_BEGUN = RECORDING_RECORD + ".new"
OF_RECORDING = re.compile("|".join(map(re.escape, (RECORDING_RECORD, RECORDING_BATCHES, RECORDING_BEGUN, LOCK_NAME))))
OF_SESSION = re.compile(re.escape(RECORD_FILE) + r"|measurements-\d+\.parquet", re.ASCII)
# A number; what early versions made with `mkdtemp`; what an exchange puts aside.
_STAGED = re.compile(r"\d{4,}|tmp\w+|.+\.aside", re.ASCII)


def strangers_in(directory: Path, own: re.Pattern[str]) -> list[str]:
    """Names of what lies in the directory of a session or recording, and is no file of one."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if not _is_own(entry, own))


def _is_own(entry: os.DirEntry[str], own: re.Pattern[str]) -> bool:
    return own.fullmatch(entry.name) is not None and not entry.is_dir(follow_symlinks=False)


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
        for file in sorted(files, key=lambda file: file.name in {RECORD_FILE, RECORDING_RECORD}):
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
        if entry.name == STORE_FILE and entry.is_file() and not entry.is_symlink():
            entry.unlink()
        elif _STAGED.fullmatch(entry.name) and (entry.is_dir() or entry.is_symlink()):
            remove_own(entry, OF_RECORDING if _was_recording(entry) else OF_SESSION)


def _was_recording(directory: Path) -> bool:
    return os.path.lexists(directory / RECORDING_RECORD) or (
        os.path.lexists(directory / LOCK_NAME) and not os.path.lexists(directory / RECORD_FILE)
    )
