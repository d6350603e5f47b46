"""Lines of text that are of known forms, taken apart."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Sequence

_KIND_NAMES = (
    *("text", "blanks", "word", "phrase", "integer", "decimal", "seconds", "words", "name"),
    *("nanoseconds", "field", "json", "number", "whole"),
)
_KINDS = {name: number for number, name in enumerate(_KIND_NAMES)}
_NUMBERS = {**dict.fromkeys(("integer", "seconds", "nanoseconds", "whole"), pa.int64()), "number": pa.float64()}
_OTHERS = -1


class LinePart(NamedTuple):
    """A part of a form.

    Attributes:
        kind: `text` as it stands, `blanks`, or a field: a `word`, a `phrase` of several, a `name`, which is a phrase
            that begins with a letter or a digit, a `field`, which may be empty and has no tabs, an `integer`, a
            `decimal`, `seconds` since 1970, seconds as `nanoseconds`, a text as `json` has it within quotes, a `number`
            as JSON writes it that float64 holds, or a `whole` one, or all `words` up to the end of the line.
        text: that stands here, or with which a word begins.
        column: the field's name; empty where nobody wants it.
    """

    kind: str
    text: str = ""
    column: str = ""


class LineForms:
    """Takes blocks of lines apart.

    Attributes:
        columns: kind by name, of all fields.
    """

    def __init__(self, forms: Sequence[Sequence[LinePart]]) -> None:
        """Say which forms lines may have; the first that fits counts."""
        self.columns: dict[str, str] = {}
        self._count = len(forms)
        self._handle = LIBRARY.pipeline_line_forms_new()
        if not self._handle:
            raise MemoryError("no memory for forms of lines")
        for form in forms:
            for at, part in enumerate(form):
                if part.column:
                    self.columns.setdefault(part.column, part.kind)
                place = list(self.columns).index(part.column) if part.column else -1
                text = part.text.encode()
                of_part = (int(at == 0), _KINDS[part.kind], place, text, len(text))
                if LIBRARY.pipeline_line_forms_part(self._handle, *of_part):
                    raise MemoryError("no memory for forms of lines")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_line_forms_free(self._handle)

    def read(
        self, block: bytearray, size: int, first: int, *, others_alone: bool = False
    ) -> tuple[int, list[pa.Array]]:
        """Read whole lines; those that hold only white space are no rows, but are counted.

        Args:
            block: where the lines lie.
            size: how many of its bytes, less than 2 GiB.
            first: number of the first line.
            others_alone: lines that are of a form are only counted.

        Returns:
            how many lines there are; of the rows the numbers of their lines, the lines that are of no form, and unless
            these alone are wanted the places of the forms and the fields. Texts may be no UTF-8.
        """
        data = (ctypes.c_char * len(block)).from_buffer(block)
        address = ctypes.addressof(data)
        lines = LIBRARY.pipeline_line_forms_read(self._handle, address, size, int(others_alone), first)
        if lines < 0:
            raise MemoryError("no memory for lines")
        numbers, codes = ctypes.c_void_p(), ctypes.c_void_p()
        rows = LIBRARY.pipeline_line_forms_rows(self._handle, numbers, codes)
        arrays = [
            pa.Array.from_buffers(pa.int64(), rows, [None, _copied(numbers, 8 * rows)]),
            self._column(_OTHERS, "text", rows),
        ]
        if not others_alone:
            arrays.append(pa.Array.from_buffers(pa.int32(), rows, [None, _copied(codes, 4 * rows)]))
            arrays += [self._column(at, kind, rows) for at, kind in enumerate(self.columns.values())]
        return lines, arrays

    def counts(self) -> list[int]:
        """Count the lines of each form in all that was read."""
        return [LIBRARY.pipeline_line_forms_lines(self._handle, form) for form in range(self._count)]

    def _column(self, at: int, kind: str, rows: int) -> pa.Array:
        present, numbers, data, ends, list_ends = (ctypes.c_void_p() for _ in range(5))
        count = LIBRARY.pipeline_line_forms_column(self._handle, at, present, numbers, data, ends, list_ends)
        flags = np.frombuffer(ctypes.string_at(present, rows) if rows else b"", np.bool_)
        validity = None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
        if kind in _NUMBERS:
            return pa.Array.from_buffers(_NUMBERS[kind], rows, [validity, _copied(numbers, 8 * rows)])
        offsets = ctypes.string_at(ends, 4 * (count + 1))
        texts = [pa.py_buffer(offsets), _copied(data, int.from_bytes(offsets[-4:], sys.byteorder))]
        if kind != "words":
            return pa.Array.from_buffers(pa.string(), rows, [validity, *texts])
        words = pa.Array.from_buffers(pa.string(), count, [None, *texts])
        ends_of_lists = _copied(list_ends, 4 * (rows + 1))
        return pa.Array.from_buffers(pa.list_(pa.string()), rows, [validity, ends_of_lists], children=[words])


def _copied(where: ctypes.c_void_p, size: int) -> pa.Buffer:
    return pa.py_buffer(ctypes.string_at(where, size) if size else b"")
