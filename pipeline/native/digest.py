"""Digests of the rows of record batches."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.native.library import ArrowBatch

_NO_MEMORY = 1


def digest_sums(batch: ArrowBatch, keys: Sequence[int], rows: int) -> list[int]:
    """Sum the words of all rows of a batch.

    Args:
        batch: the rows.
        keys: two words per column.
        rows: how many there are.

    Returns:
        two sums, modulo 2^64.
    """
    sums = (ctypes.c_uint64 * 2)()
    _sum(batch, keys, (ctypes.c_int64 * 1)(rows), 1, sums)
    return list(sums)


def digest_sums_of_runs(batch: ArrowBatch, keys: Sequence[int], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Sum the words of the rows of each run of a batch.

    Args:
        batch: the rows.
        keys: two words per column.
        ends: the row behind each run, in order; the first run begins with the first row.

    Returns:
        two sums for each run, modulo 2^64.
    """
    sums = np.empty((len(ends), 2), np.uint64)
    _sum(batch, keys, np.ascontiguousarray(ends).ctypes.data, len(ends), sums.ctypes.data)
    return sums


def _sum(batch: ArrowBatch, keys: Sequence[int], ends: Any, runs: int, sums: Any) -> None:  # noqa: ANN401 - addresses
    exported = Exported(batch)
    words = (ctypes.c_uint64 * len(keys))(*keys)
    status = LIBRARY.pipeline_digest(exported.schema, exported.array, words, ends, runs, sums)
    if status:
        raise MemoryError("no memory for digests") if status == _NO_MEMORY else TypeError("a column has no digest")
