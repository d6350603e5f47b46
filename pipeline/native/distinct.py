"""Distinct texts of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NO_MEMORY = -1
FEW_TEXTS = 64
"""So many are taken faster than Arrow's functions are loaded."""


def distinct_texts(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Find which texts of a string array are distinct; null counts as one.

    Returns:
        the code of each row's text, and by code the first row that has it: codes count from 0 as texts appear.
    """
    exported = Exported(texts)
    codes, firsts = np.empty(len(texts), np.int32), np.empty(len(texts), np.int64)
    count = LIBRARY.pipeline_distinct_texts(exported.schema, exported.array, codes.ctypes.data, firsts.ctypes.data)
    if count < 0:
        raise MemoryError("no memory for texts") if count == _NO_MEMORY else TypeError("a column holds no texts")
    return codes, firsts[:count]


def taken_texts(texts: pa.Array, places: NDArray[np.integer[Any]]) -> pa.Array:
    """Take the texts at some places of a string array, without Arrow's functions where they are few.

    To load those takes longer than all that is done here. A part of the array would hold all of its batch in memory, so
    the texts are copied.
    """
    held = [texts[place].as_buffer() for place in places.tolist()] if len(places) <= FEW_TEXTS else []
    found = [bytes(text) for text in held if text is not None]
    if len(found) < len(places):
        return texts.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places.astype(np.int64))]))
    ends = np.cumsum([0, *map(len, found)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(found), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(found))])
