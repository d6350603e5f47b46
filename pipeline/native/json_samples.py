"""Arrays of samples in a JSON document that is read in blocks, and never held as a whole."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.native.json_lines import FAULTS
from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MAX_STEPS = 64
_CUT, _OUTLINE, _ELEMENTS, _GATHER = range(4)
_NO_MEMORY = 1
_KINDS = {"key": 0, "any key": 1, "any element": 2, "element": 3, "end": 4}


class BadDocumentError(ValueError):
    """A document that cannot be read.

    Attributes:
        line: where, from 0, counted from where reading began.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class PathStep(NamedTuple):
    """A step of a path through a document.

    Attributes:
        kind: `key`, `any key`, `element` or `any element`.
        key: of an object.
        number: of an element, from 0.
    """

    kind: str
    key: str = ""
    number: int = 0


class _Scanner:
    def __init__(self, task: int, limit: int = 0, *, checks_all: bool = True) -> None:
        self._handle = LIBRARY.pipeline_json_samples_new(task, limit, int(checks_all))
        if not self._handle:
            raise MemoryError("no memory for a document")
        self.is_finished = False

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_samples_free(self._handle)

    def _read(self, block: bytes, *, is_last: bool) -> tuple[bytes, int, int | None, int | None]:
        """Read on; give the text, and of elements their number and the addresses of their ends and of what is there."""
        line, finished, size = ctypes.c_int64(), ctypes.c_int64(), ctypes.c_int64()
        fault = LIBRARY.pipeline_json_samples_read(self._handle, block, len(block), int(is_last), line, finished)
        if fault == _NO_MEMORY:
            raise MemoryError("no memory for a document")
        if fault:
            raise BadDocumentError(line.value, FAULTS[fault])
        self.is_finished = bool(finished.value)
        text, ends, present = (ctypes.c_void_p() for _ in range(3))
        count = LIBRARY.pipeline_json_samples_text(self._handle, text, size, ends, present)
        return ctypes.string_at(text, size.value), count, ends.value, present.value


class Outline(_Scanner):
    """Reads the first value of a document, or of lines, and leaves out what is long in it.

    Attributes:
        is_finished: whether the value is complete; nothing is read behind it.
    """

    def __init__(self, most_elements: int, *, checks_all: bool = True) -> None:
        """Say what is kept.

        Args:
            most_elements: how many elements arrays keep; of numbers and texts they keep ten at most.
            checks_all: also what is left out must be JSON; else only its brackets and texts are looked at.
        """
        super().__init__(_OUTLINE, most_elements, checks_all=checks_all)

    def read(self, block: bytes, *, is_last: bool = False) -> bytes:
        """Read the next block; give what it adds to the outline, which is JSON but for texts that are no UTF-8.

        Raises:
            BadDocumentError: it is no JSON.
        """
        return self._read(block, is_last=is_last)[0]


class DocumentCut(_Scanner):
    """Reads a document, and cuts out of it the arrays that paths lead to.

    In the place of each array stands its number, from 0 in the order of the document. What lies there and is no array
    becomes null.
    """

    _TASK = _CUT

    def __init__(self, paths: Iterable[Sequence[PathStep]]) -> None:
        """Say which arrays.

        Args:
            paths: at most 64 steps together, an end for each path counted in; none leads into an array of another.

        Raises:
            ValueError: these are more.
        """
        super().__init__(self._TASK)
        for path in paths:
            for step in (*path, PathStep("end")):
                key = step.key.encode()
                kind = _KINDS[step.kind]
                if LIBRARY.pipeline_json_samples_step(self._handle, kind, step.number, key, len(key)):
                    raise ValueError("these are more steps than can be looked for")

    def read(self, block: bytes, *, is_last: bool = False) -> bytes:
        """Read the next block; give what it adds to the document that is left.

        Raises:
            BadDocumentError: it is no JSON, or not UTF-8.
        """
        return self._read(block, is_last=is_last)[0]

    def documents(self) -> int:
        """Count the documents that have ended."""
        elements, counts = ctypes.c_void_p(), (ctypes.c_int64 * 4)()
        LIBRARY.pipeline_json_samples_gathered(self._handle, elements, counts)
        return counts[0]

    def arrays(self) -> NDArray[np.int64]:
        """List the arrays, once the document is read: where elements begin, how many, and where the bracket stands."""
        found = ctypes.c_void_p()
        count = LIBRARY.pipeline_json_samples_arrays(self._handle, found)
        data = ctypes.string_at(found, 24 * count) if count else b""
        return np.frombuffer(data, np.int64).reshape(-1, 3)


class Gathered(NamedTuple):
    """What a block adds to documents whose arrays are gathered.

    Attributes:
        text: the documents that are left, a line each; the last one may go on.
        elements: of the arrays, a line each, without white space; the last one may go on.
        counts: elements of each array that ended.
        documents: how many ended.
        arrays: how many arrays ended before the last of these did.
        element_bytes: how much of `elements` is theirs.
        end: the byte behind the last of them.
    """

    text: bytes
    elements: bytes
    counts: NDArray[np.int64]
    documents: int
    arrays: int
    element_bytes: int
    end: int


class DocumentGather(DocumentCut):
    """Reads documents, and cuts out of them the arrays that paths lead to, whose elements it gives as well."""

    _TASK = _GATHER

    def gather(self, block: bytes, *, is_last: bool = False) -> Gathered:
        """Read the next block.

        Raises:
            BadDocumentError: it is no JSON, or not UTF-8.
        """
        text = self.read(block, is_last=is_last)
        elements, counts = ctypes.c_void_p(), (ctypes.c_int64 * 4)()
        size = LIBRARY.pipeline_json_samples_gathered(self._handle, elements, counts)
        return Gathered(text, ctypes.string_at(elements.value or 0, size), self.arrays()[:, 1], *counts)


class ElementTexts(_Scanner):
    """Reads the elements of arrays, one array after the other."""

    def __init__(self) -> None:
        super().__init__(_ELEMENTS)

    def start(self) -> None:
        """Begin behind the bracket of another array."""
        if LIBRARY.pipeline_json_samples_start(self._handle, 0):
            raise MemoryError("no memory for a document")

    def read(self, block: bytes, *, is_last: bool) -> pa.Array:
        """Read the next block.

        Args:
            block: less than 2 GiB.
            is_last: it ends with the array's bracket.

        Returns:
            the elements that it completes, as a string array: their JSON without white space, null where they are null.

        Raises:
            BadDocumentError: it is no JSON, or not UTF-8.
        """
        text, count, ends, present = self._read(block, is_last=is_last)
        offsets = ctypes.string_at(ends or 0, 4 * (count + 1))
        flags = np.frombuffer(ctypes.string_at(present or 0, count) if count else b"", np.bool_)
        validity = None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
        return pa.Array.from_buffers(pa.string(), count, [validity, pa.py_buffer(offsets), pa.py_buffer(text)])
