"""Objects that JSON texts hold: fields of theirs, and all members that are numbers, true or false."""

from __future__ import annotations

import ctypes
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.native.json_lines import FAULTS, BadLineError
from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.native.json_samples import PathStep

_NO_MEMORY = 1


class JsonObjects:
    """Takes objects apart, a block of texts after the other. A text is one, or arrays and objects of such."""

    def __init__(
        self, fields: Sequence[str], levels: int, *, figures: Sequence[str] = (), path: Sequence[PathStep] = ()
    ) -> None:
        """Say what is wanted.

        Args:
            fields: keys whose values are wanted as texts. An object that has a text at the first one is taken apart;
                others are looked into.
            levels: in how many arrays and objects an object may lie. What is there then is taken for one, whatever it
                has.
            figures: keys whose values are figures, whatever they are; else those that are numbers, true or false.
            path: keys and elements that lead to the objects; `levels` says nothing then, and nor does the first field.
        """
        self._fields = len(fields)
        self._with_texts = {*range(len(fields)), *([len(fields) + 1] if figures else [])}
        self._handle = LIBRARY.pipeline_json_objects_new(levels)
        if not self._handle:
            raise MemoryError("no memory for objects")
        faults = [_named(LIBRARY.pipeline_json_objects_field, self._handle, name) for name in fields]
        faults += [_named(LIBRARY.pipeline_json_objects_figure, self._handle, name) for name in figures]
        for step in path:
            key = step.key.encode()
            is_element = int(step.kind == "any element")
            faults.append(LIBRARY.pipeline_json_objects_step(self._handle, is_element, key, len(key)))
        if any(faults):
            raise MemoryError("no memory for objects")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_objects_free(self._handle)

    def read_lines(self, block: bytearray, size: int, *, is_text: bool = False) -> list[pa.Array]:
        """Read whole lines; those that hold only white space are passed over.

        Args:
            block: where the lines lie.
            size: how many of its bytes, less than 2 GiB.
            is_text: pass over all that do not begin with a brace, or hold nothing else.

        Returns:
            a row for each object, and for each value that is none where one is expected: of each field the texts, null
            where there is none, the first field of texts alone; lists of the keys of its figures, and of these as
            texts, 1 for true and 0 for false, null where it is neither an object nor an array. Of a key that stands
            twice both have the first value. Figures that are asked for come in the order in which they are, each once,
            as texts as fields are; of a path objects alone are rows.

        Raises:
            BadLineError: a line is no JSON.
        """
        return self._read(partial(_read_lines, is_text=is_text), block, size)[1]

    def read_elements(self, block: bytearray, size: int) -> tuple[int, list[pa.Array]]:
        """Read elements of an array, each as `read_lines` does a line.

        Args:
            block: where they lie, from the beginning of one, the array's bracket at their end.
            size: how many of its bytes, less than 2 GiB.

        Returns:
            how many bytes were read, which are whole elements with their commas, and the rows. The rest is for the
            next block; nothing is read where an element is longer.

        Raises:
            BadLineError: one is no JSON.
        """
        return self._read(LIBRARY.pipeline_json_objects_elements, block, size)

    def _read(
        self, read: Callable[[int, int, int, ctypes.c_int64], int], block: bytearray, size: int
    ) -> tuple[int, list[pa.Array]]:
        at = ctypes.c_int64()
        data = (ctypes.c_char * len(block)).from_buffer(block)
        fault = read(self._handle, ctypes.addressof(data), size, at)
        if fault == _NO_MEMORY:
            raise MemoryError("no memory for objects")
        if fault:
            raise BadLineError(at.value, FAULTS[fault])
        return at.value, [*map(self._texts, range(self._fields)), *self._lists()]

    def _lists(self) -> list[pa.Array]:
        ends, present = ctypes.c_void_p(), ctypes.c_void_p()
        rows = LIBRARY.pipeline_json_objects_rows(self._handle, ends, present)
        buffers = [_validity(present, rows), pa.py_buffer(ctypes.string_at(ends, 4 * (rows + 1)))]
        return [
            pa.Array.from_buffers(pa.list_(pa.string()), rows, buffers, children=[self._texts(self._fields + which)])
            for which in range(2)
        ]

    def _texts(self, which: int) -> pa.Array:
        data, ends, present = (ctypes.c_void_p() for _ in range(3))
        count = LIBRARY.pipeline_json_objects_texts(self._handle, which, data, ends, present)
        offsets = ctypes.string_at(ends, 4 * (count + 1))
        text = ctypes.string_at(data, int.from_bytes(offsets[-4:], sys.byteorder))
        validity = _validity(present, count) if which in self._with_texts else None
        return pa.Array.from_buffers(pa.string(), count, [validity, pa.py_buffer(offsets), pa.py_buffer(text)])


def _read_lines(handle: int, data: int, size: int, line: ctypes.c_int64, *, is_text: bool) -> int:
    fault: int = LIBRARY.pipeline_json_objects_lines(handle, data, size, int(is_text), line)
    return fault


def _named(add: Callable[[int, bytes, int], int], handle: int, name: str) -> int:
    key = name.encode()
    return add(handle, key, len(key))


def _validity(present: ctypes.c_void_p, count: int) -> pa.Buffer | None:
    flags = np.frombuffer(ctypes.string_at(present, count), np.bool_)
    return None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
