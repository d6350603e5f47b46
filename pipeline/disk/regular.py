"""Regular files, and nothing else: to open a FIFO waits for whoever writes to it, and a device may do anything."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from io import BufferedReader
    from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
}


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    require_regular(path.stat(), path)
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """Read a file; errors are those of `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def require_regular(status: os.stat_result, path: Path) -> None:
    """Refuse what is no regular file.

    Args:
        status: what `stat` says of it.
        path: where it lies.

    Raises:
        OSError: it is none.
    """
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise OSError(errno.EINVAL, f"{path.name} is {kind}, no regular file", str(path))
