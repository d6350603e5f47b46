"""Elements of XML as rows, as long as all in them is known."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_ROW, _TEXT, _KNOWN = range(3)
_ANY, _NUMBER, _NEEDED_NUMBER = range(3)


class XmlForm(NamedTuple):
    """What elements are rows of, and what of them is a column.

    Attributes:
        rows: tags of the elements that are rows.
        attributes: by column their attributes, of which the first that is there counts.
        texts: by tag of what lies within rows, the column that has its text, the first that is not blank.
        known: further tags that may lie within rows, whose attributes alone are not used.
        numbers: columns of whole numbers.
        needed: those of them that each row must have.
        label: the column whose text names a row.
        parent: a column that has the label of the row that one lies in.
        more: a column that has further attributes, as a JSON object.
    """

    rows: Collection[str]
    attributes: Mapping[str, Sequence[str]]
    texts: Mapping[str, str]
    known: Collection[str]
    numbers: Collection[str]
    needed: Collection[str]
    label: str
    parent: str
    more: str


class XmlRows:
    """Reads outermost elements that are rows, and rows within them; stops before one in which anything is not known.

    What is refused so is not wrong by that: a reader of all XML tells. Nothing that it would refuse is read here.
    """

    def __init__(self, form: XmlForm, columns: Sequence[str]) -> None:
        """Say what elements are made of, and the order of the columns."""
        self._columns = len(columns)
        places = {name: at for at, name in enumerate(columns)}
        named = (places[form.label], places[form.parent], places[form.more])
        self._handle = LIBRARY.pipeline_xml_rows_new(len(columns), *named)
        if not self._handle:
            raise MemoryError("no memory for rows")
        tags = [(tag, _ROW, 0) for tag in form.rows] + [(tag, _TEXT, places[to]) for tag, to in form.texts.items()]
        for tag, kind, column in [*tags, *((tag, _KNOWN, 0) for tag in form.known)]:
            name = tag.encode()
            _require(LIBRARY.pipeline_xml_rows_tag(self._handle, name, len(name), kind, column))
        for column_name, names in form.attributes.items():
            check = _NEEDED_NUMBER if column_name in form.needed else _NUMBER if column_name in form.numbers else _ANY
            for rank, name in enumerate(map(str.encode, names)):
                found = LIBRARY.pipeline_xml_rows_attribute(
                    self._handle, name, len(name), places[column_name], rank, check
                )
                _require(found)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_xml_rows_free(self._handle)

    def read(self, block: bytes, start: int) -> tuple[int, int]:
        """Read on from a place where outermost elements stand; give how many bytes were read, and lines end in them."""
        lines = ctypes.c_int64()
        size: int = LIBRARY.pipeline_xml_rows_read(self._handle, block, start, len(block), lines)
        _require(size)
        return size, lines.value

    def columns(self) -> list[pa.Array]:
        """Give the columns of what was read last, and behind them how deep each row lies within others."""
        depths = ctypes.c_void_p()
        rows = LIBRARY.pipeline_xml_rows_depths(self._handle, depths)
        held = pa.py_buffer(ctypes.string_at(depths or 0, 8 * rows))
        return [*map(self._texts, range(self._columns)), pa.Array.from_buffers(pa.int64(), rows, [None, held])]

    def unused(self) -> dict[str, int]:
        """Count what was there and is no column, by name: a tag, or `tag.attribute`."""
        found: dict[str, int] = {}
        name, size = ctypes.c_void_p(), ctypes.c_int64()
        while (count := LIBRARY.pipeline_xml_rows_unused(self._handle, len(found), name, size)) >= 0:
            found[ctypes.string_at(name, size.value).decode()] = count
        return found

    def _texts(self, column: int) -> pa.Array:
        data, ends, present = (ctypes.c_void_p() for _ in range(3))
        rows = LIBRARY.pipeline_xml_rows_texts(self._handle, column, data, ends, present)
        offsets = ctypes.string_at(ends, 4 * (rows + 1))
        text = ctypes.string_at(data, int.from_bytes(offsets[-4:], sys.byteorder))
        flags = np.frombuffer(ctypes.string_at(present or 0, rows), np.bool_)
        validity = None if flags.all() else pa.py_buffer(np.packbits(flags, bitorder="little"))
        return pa.Array.from_buffers(pa.string(), rows, [validity, pa.py_buffer(offsets), pa.py_buffer(text)])


def _require(result: int) -> None:
    if result < 0:
        raise MemoryError("no memory for rows")
