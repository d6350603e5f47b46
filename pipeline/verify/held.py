"""A directory that stays the same one while it is read, whatever takes its place meanwhile."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class HeldDirectory:
    """A directory that is open.

    Attributes:
        path: leads to it for as long as it is open, and is plain ASCII; where the system has no such paths, its name.
    """

    def __init__(self, named: Path, descriptor: int) -> None:
        self._named = named
        self._descriptor = descriptor
        held = Path(f"/proc/self/fd/{descriptor}")
        self.path = held if held.is_dir() else named

    def is_replaced(self) -> bool:
        """Whether its name leads to another directory by now, or to none."""
        # What is open keeps its number, so that no other directory can have it.
        try:
            return not os.path.samestat(os.fstat(self._descriptor), self._named.stat())
        except FileNotFoundError:
            return True


@contextmanager
def held_directory(named: Path) -> Iterator[HeldDirectory]:
    """Open a directory.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(named, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield HeldDirectory(named, descriptor)
    finally:
        os.close(descriptor)
