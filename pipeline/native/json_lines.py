"""Fields of JSON lines."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = pa.json_(pa.utf8())
_NO_MEMORY = 1
FAULTS = {
    2: "is no JSON",
    3: "is no JSON object",
    4: "is not valid UTF-8",
    5: "is nested too deeply",
    6: "a key occurs twice",
    7: "holds half of a surrogate pair",
}


class BadLineError(ValueError):
    """A line that cannot be read.

    Attributes:
        line: its number in the block, from 0.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class JsonLines:
    """Takes the same fields out of blocks of JSON lines, each of which is one object."""

    def __init__(self, fields: Sequence[tuple[Sequence[str], bool]]) -> None:
        """Say which fields.

        Args:
            fields: of each the keys that lead to it, and whether it is wanted as JSON. Otherwise a string gives what it
                stands for, and any other value its JSON text.
        """
        self._is_json = [is_json for _, is_json in fields]
        self._handle = LIBRARY.pipeline_json_lines_new()
        if not self._handle:
            raise MemoryError("no memory for fields")
        for keys, is_json in fields:
            path = b"".join(key.encode() + b"\0" for key in keys)
            if LIBRARY.pipeline_json_lines_field(self._handle, path, len(path), is_json):
                raise ValueError("these are more fields than can be looked for")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_lines_free(self._handle)

    def read(self, block: bytearray, size: int) -> list[pa.Array]:
        """Read whole lines; those that hold only white space are passed over.

        Args:
            block: where the lines lie.
            size: how many of its bytes, less than 2 GiB.

        Returns:
            the texts of each field, null where a line has none, or has null there: strings, or JSON in a dictionary.

        Raises:
            BadLineError: a line is no JSON object, or has a field twice.
        """
        rows, line = ctypes.c_int64(), ctypes.c_int64()
        data = (ctypes.c_char * len(block)).from_buffer(block)
        fault = LIBRARY.pipeline_json_lines_read(self._handle, ctypes.addressof(data), size, rows, line)
        if fault == _NO_MEMORY:
            raise MemoryError("no memory for fields")
        if fault:
            raise BadLineError(line.value, FAULTS[fault])
        return [self._texts(at, rows.value) for at in range(len(self._is_json))]

    def unread(self) -> list[tuple[tuple[str, ...], int, int]]:
        """List the keys that led to no field in all lines: those that lead to each, its values, and numbers in them."""
        figures, keys, ends = (ctypes.c_void_p() for _ in range(3))
        count = LIBRARY.pipeline_json_lines_unread(self._handle, figures, keys, ends)
        if count < 0:
            raise MemoryError("no memory for keys")
        table = np.frombuffer(ctypes.string_at(figures or 0, 24 * count) if count else b"", np.int64).reshape(-1, 3)
        stops = np.frombuffer(ctypes.string_at(ends, 8 * (int(table[:, 0].sum()) + 1)), np.int64).tolist()
        text = ctypes.string_at(keys or 0, stops[-1]) if stops[-1] else b""
        found, at = [], 0
        for depth, values, numbers in table.tolist():
            names = [text[stops[one] : stops[one + 1]].decode() for one in range(at, at + depth)]
            found.append((tuple(names), values, numbers))
            at += depth
        return found

    def _texts(self, field: int, rows: int) -> pa.Array:
        data, ends, present, codes = (ctypes.c_void_p() for _ in range(4))
        count = LIBRARY.pipeline_json_lines_texts(self._handle, field, data, ends, present, codes)
        offsets = ctypes.string_at(ends, 4 * (count + 1))
        size = int.from_bytes(offsets[-4:], sys.byteorder)
        flags = np.frombuffer(ctypes.string_at(present, rows), np.bool_)
        validity = None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
        texts = [pa.py_buffer(offsets), pa.py_buffer(ctypes.string_at(data, size))]
        if not self._is_json[field]:
            return pa.Array.from_buffers(pa.string(), rows, [validity, *texts])
        indices = pa.py_buffer(ctypes.string_at(codes, 4 * rows))
        return pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.int32(), rows, [validity, indices]),
            pa.Array.from_buffers(JSON, count, [None, *texts]),
            safe=False,
        )


def find_text(block: bytearray, start: int, stop: int, text: bytes) -> int:
    """Find where a text begins between two places of a block, -1 where it is not there."""
    data = (ctypes.c_char * len(block)).from_buffer(block)
    found = int(LIBRARY.pipeline_find_text(ctypes.addressof(data) + start, stop - start, text, len(text)))
    return found if found < 0 else found + start
