"""What is being done, for whoever watches: phases, one behind or inside the other, how far each is, and what follows.

The work tells of itself here, wherever it is, whether anybody watches or not; in its inner loops it costs an addition a
batch. One command of a process is watched at a time.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WEIGHTS = {
    "finding types": 0.3,
    "converting": 1.0,
    "sorting": 1.9,
    "keeping sorted rows": 0.9,
    "checking": 0.3,
    "writing": 1.0,
    "aggregating": 0.6,
    "importing": 0.7,
    "hashing": 0.5,
    "reading back": 2.8,
}
"""How long phases take of the same rows, beside each other; what was measured of the first ones corrects it."""


class _Rows(Protocol):
    num_rows: int


_AnyRows = TypeVar("_AnyRows", bound=_Rows)
_adding = threading.Lock()


class _Positioned(Protocol):
    def tell(self) -> int: ...


@dataclass(eq=False)
class Phase:
    """A part of the work.

    Attributes:
        name: what is done.
        total: rows or bytes there are; 0 where nobody knows.
        unit: which of both.
        passed: how many of them are done, less those of the file that is being read.
        files: the files that are being read now, whose position counts.
        note: what else tells how far it is, few words.
    """

    name: str
    total: int = 0
    unit: Literal["rows", "bytes"] = "rows"
    passed: int = 0
    files: list[_Positioned] = field(default_factory=list)
    note: str = ""

    def add(self, number: int) -> None:
        """Tell that so many more are done; several threads may."""
        with _adding:
            self.passed += number

    def passing(self, batches: Iterable[_AnyRows]) -> Iterator[_AnyRows]:
        """Pass batches of rows on, and tell how many rows have passed."""
        for batch in batches:
            self.add(batch.num_rows)
            yield batch

    @property
    def done(self) -> int:
        """How many are done; another thread may ask for it."""
        position = 0
        for file in self.files[-1:]:
            with suppress(OSError, ValueError):  # it has just been closed
                position = file.tell()
        done = self.passed + position
        return min(done, self.total) if self.total else done


class Work:
    """What a watcher sees.

    Attributes:
        phases: those that have begun and not ended, the innermost last.
        ended: those that have ended.
        expected: weights of those that are expected later, by name.
    """

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.ended: list[Phase] = []
        self.expected: dict[str, float] = {}

    @property
    def phase(self) -> Phase | None:
        """The innermost phase, None where none has begun."""
        return next(iter(self.phases[-1:]), None)


class _Watched:
    work: Work | None = None


@contextmanager
def watched() -> Iterator[Work]:
    """Give what is told from now on."""
    before, work = _Watched.work, Work()
    _Watched.work = work
    try:
        yield work
    finally:
        _Watched.work = before


@contextmanager
def phase(name: str, total: int = 0, unit: Literal["rows", "bytes"] = "rows") -> Iterator[Phase]:
    """Do a part of the work.

    Args:
        name: what is done, a word or few.
        total: rows or bytes there are; 0 where nobody knows.
        unit: which of both.
    """
    work, begun = _Watched.work, Phase(name, total, unit)
    if work is None:
        yield begun
        return
    work.phases.append(begun)
    try:
        yield begun
    finally:
        # Generators that are closed late may end out of turn.
        with suppress(ValueError):
            work.phases.remove(begun)
        work.ended.append(begun)
        work.expected.pop(name, None)


def expect(*names: str, weight: float = 1.0) -> None:
    """Tell which phases are going to come, beside those that were told.

    Args:
        names: as `phase` is going to tell them.
        weight: how much longer than usual they take.
    """
    if _Watched.work is not None:
        for name in WEIGHTS.keys() & names:
            _Watched.work.expected.setdefault(name, WEIGHTS[name] * weight)


@contextmanager
def reading(file: _Positioned, *, keeps: bool = False) -> Iterator[None]:
    """Let the position in a file count as what is done of the phase, while it is read.

    Args:
        file: what is read.
        keeps: let it count afterwards, too; by default whoever reads tells what was done.
    """
    work = _Watched.work
    current = None if work is None else work.phase
    if current is None or current.unit != "bytes":
        yield
        return
    current.files.append(file)
    try:
        yield
    finally:
        if keeps:
            current.add(file.tell())
        with suppress(ValueError):
            current.files.remove(file)


class Position:
    """The position of a file of the system, whatever is buffered of it; unlike `tell` it waits for no reader."""

    def __init__(self, file: IO[bytes]) -> None:
        self._number = file.fileno()

    def tell(self) -> int:
        """Bytes that were read."""
        return os.lseek(self._number, 0, os.SEEK_CUR)
