"""Names that JSON documents hold, and how many values lie at each, read in blocks."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.native.json_lines import FAULTS
from pipeline.native.json_samples import BadDocumentError
from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.native.json_samples import PathStep

MAX_NAMES = 10_000
USES = ("ignored", "read", "numbers", "figures", "left")
"""Of values: none, all are read, numbers alone, numbers and booleans alone, all are left out on purpose."""
_KINDS = ("key", "any key", "any element", "element", "below", "again", "more", "root")
_FIGURES = 7
_NO_MEMORY = 1


class HeldName(NamedTuple):
    """A name, and what a document holds of it.

    Attributes:
        parent: place of the name that it is below, -1 of the outermost.
        kind: `key`, `any key`, `element`, `any element`; `below`: all that is below its parent; `again`: values of a
            key that its object had already; `more`: what there are too many names of; `root`.
        key: of an object.
        number: of an element, from 0.
        use: one of `USES`; of `again`, what is done with the key where it stands first.
        numbers: values that are numbers.
        booleans: those that are true or false.
        texts: those that are text; of `again`, values of any kind.
    """

    parent: int
    kind: str
    key: str
    number: int
    use: str
    numbers: int
    booleans: int
    texts: int


class DocumentNames:
    """Counts the values of a document, or of lines, by name; null is no value."""

    def __init__(self, paths: Iterable[tuple[Sequence[PathStep], str]], limit: int = MAX_NAMES) -> None:
        """Say what is read.

        Args:
            paths: each with its use; `PathStep("below")` at its end is all below. Keys that only a path with
                `PathStep("any key")` leads to have one name.
            limit: names that are told apart, declared ones aside.
        """
        self._handle = LIBRARY.pipeline_json_names_new(limit)
        if not self._handle:
            raise MemoryError("no memory for names")
        for steps, use in paths:
            self._declare(steps, USES.index(use))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_names_free(self._handle)

    def _declare(self, steps: Sequence[PathStep], use: int) -> None:
        at = 0
        for step in steps:
            if step.kind == "below":
                break
            key = step.key.encode()
            kind = _KINDS.index(step.kind)
            at = LIBRARY.pipeline_json_names_step(self._handle, at, kind, step.number, key, len(key))
            if at < 0:
                raise MemoryError("no memory for names")
        is_below = bool(steps) and steps[-1].kind == "below"
        if LIBRARY.pipeline_json_names_use(self._handle, at, use, int(is_below)):
            raise MemoryError("no memory for names")

    def read(self, block: bytes, *, is_last: bool = False) -> None:
        """Read the next block; the last one may be empty.

        Raises:
            BadDocumentError: it is no JSON, or not UTF-8.
        """
        line = ctypes.c_int64()
        fault = LIBRARY.pipeline_json_names_read(self._handle, block, len(block), int(is_last), line)
        if fault == _NO_MEMORY:
            raise MemoryError("no memory for names")
        if fault:
            raise BadDocumentError(line.value, FAULTS[fault])

    def found(self) -> list[HeldName]:
        """List the names, each behind the one that it is below."""
        figures, keys, ends = (ctypes.c_void_p() for _ in range(3))
        count = LIBRARY.pipeline_json_names_list(self._handle, figures, keys, ends)
        if count < 0:
            raise MemoryError("no memory for names")
        table = np.frombuffer(ctypes.string_at(figures, 8 * _FIGURES * count), np.int64).reshape(-1, _FIGURES)
        stops = np.frombuffer(ctypes.string_at(ends, 8 * (count + 1)), np.int64).tolist()
        text = ctypes.string_at(keys or 0, stops[-1]) if stops[-1] else b""
        return [
            HeldName(parent, _KINDS[kind], text[stops[at] : stops[at + 1]].decode(), number, USES[use], *held)
            for at, (parent, kind, number, use, *held) in enumerate(table.tolist())
        ]
