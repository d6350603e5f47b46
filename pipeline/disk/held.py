"""Files that are held open, so that an engine reads what was verified, whatever has taken their names since."""

from __future__ import annotations

import os
import resource
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from pipeline.disk.regular import open_regular

_held: dict[tuple[int, int], list[int]] = {}
"""Descriptor and number of holders of each file that this process holds, by device and inode."""
_lock = threading.Lock()


class HeldFiles:
    """Holds files until it is closed; a file that several hold costs one descriptor."""

    def __init__(self) -> None:
        self._keys: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hold(self, path: Path) -> Path | None:
        """Hold a file.

        Returns:
            a path that leads to this very file, also when its name is gone or another's; None where the process
            holds half as many as it may open, or the system has no such paths: then the name has to do.

        Raises:
            OSError: it cannot be opened, or is no regular file.
        """
        with open_regular(path) as file, _lock:
            status = os.fstat(file.fileno())
            key = status.st_dev, status.st_ino
            if key not in _held:
                if len(_held) >= _limit():
                    return None
                # With the number of the process, for a plan may be handed to another one.
                if not _leads_to(_path_of(file.fileno()), status):
                    return None
                _held[key] = [os.dup(file.fileno()), 0]
            _held[key][1] += 1
            self._keys.append(key)
            return _path_of(_held[key][0])

    def close(self) -> None:
        """Hold them no longer."""
        with _lock:
            while self._keys:
                key = self._keys.pop()
                _held[key][1] -= 1
                if not _held[key][1]:
                    with suppress(OSError):  # nothing was written through it
                        os.close(_held.pop(key)[0])


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/{os.getpid()}/fd/{descriptor}")


def _leads_to(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except OSError:
        return False


def _limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft // 2 if soft != resource.RLIM_INFINITY else 1 << 20
