"""Texts that are numbers, read many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def float_texts(texts: pa.Array) -> NDArray[np.float64] | None:
    """Read the texts of a string array as the float64 that are nearest.

    Returns:
        the numbers, 0 where a text is null; None where one is not written as JSON writes numbers, is infinite or
        is so large that float64 does not hold all integers.
    """
    numbers = np.empty(len(texts), np.float64)
    return numbers if _read(texts, numbers, is_float=True) else None


def integer_texts(texts: pa.Array) -> NDArray[np.int64] | None:
    """Read the texts of a string array as int64; 0 where one is null, None where one is no such integer of JSON."""
    numbers = np.empty(len(texts), np.int64)
    return numbers if _read(texts, numbers, is_float=False) else None


def _read(texts: pa.Array, numbers: NDArray[np.float64] | NDArray[np.int64], *, is_float: bool) -> bool:
    exported = Exported(texts)
    return bool(LIBRARY.pipeline_number_texts(exported.schema, exported.array, int(is_float), numbers.ctypes.data))
