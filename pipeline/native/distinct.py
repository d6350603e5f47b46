"""Distinct texts of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_NO_MEMORY = -1


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
