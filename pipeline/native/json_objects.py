"""Objects that JSON texts hold: fields of theirs, and all members that are numbers, true or false."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.native.json_lines import FAULTS, BadLineError
from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_MEMORY = 1


class JsonObjects:
    """Takes objects apart, a block of texts after the other. A text is one, or arrays and objects of such."""

    def __init__(self, fields: Sequence[str], levels: int) -> None:
        """Say what is wanted.

        Args:
            fields: keys whose values are wanted as texts. An object that has a text at the first one is taken apart;
                others are looked into.
            levels: in how many arrays and objects an object may lie. What is there then is taken for one, whatever it
                has.
        """
        self._fields = len(fields)
        self._handle = LIBRARY.pipeline_json_objects_new(levels)
        if not self._handle:
            raise MemoryError("no memory for objects")
        for name in fields:
            key = name.encode()
            if LIBRARY.pipeline_json_objects_field(self._handle, key, len(key)):
                raise MemoryError("no memory for objects")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_objects_free(self._handle)

    def read_lines(self, block: bytearray, size: int) -> list[pa.Array]:
        """Read whole lines; those that hold only white space are passed over.

        Args:
            block: where the lines lie.
            size: how many of its bytes, less than 2 GiB.

        Returns:
            a row for each object, and for each value that is none where one is expected: of each field the texts, null
            where there is none, the first field of texts alone; lists of the keys of its figures, and of these as
            texts, 1 for true and 0 for false, null where it is neither an object nor an array. Of a key that stands
            twice both have the first value.

        Raises:
            BadLineError: a line is no JSON.
        """
        data = (ctypes.c_char * len(block)).from_buffer(block)
        return self._read(ctypes.addressof(data), size, None)

    def read_texts(self, texts: pa.Array) -> list[pa.Array]:
        """Read the texts of a string array as `read_lines` does lines; null is the JSON value of that name."""
        _, ends, data = texts.buffers()
        return self._read(data.address if data else 0, len(texts), ends.address + 4 * texts.offset)

    def _read(self, data: int, size: int, ends: int | None) -> list[pa.Array]:
        at = ctypes.c_int64()
        fault = LIBRARY.pipeline_json_objects_read(self._handle, data, size, ends, at)
        if fault == _NO_MEMORY:
            raise MemoryError("no memory for objects")
        if fault:
            raise BadLineError(at.value, FAULTS[fault])
        return [*map(self._texts, range(self._fields)), *self._lists()]

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
        validity = _validity(present, count) if which < self._fields else None
        return pa.Array.from_buffers(pa.string(), count, [validity, pa.py_buffer(offsets), pa.py_buffer(text)])


def _validity(present: ctypes.c_void_p, count: int) -> pa.Buffer | None:
    flags = np.frombuffer(ctypes.string_at(present, count), np.bool_)
    return None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
