"""Digests of the rows of record batches."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.native.library import ArrowBatch

_NO_MEMORY = 1


def digest_sums(batch: ArrowBatch, keys: Sequence[int]) -> list[int]:
    """Sum the words of all rows of a batch.

    Args:
        batch: the rows.
        keys: two words per column.

    Returns:
        two sums, modulo 2^64.
    """
    exported = Exported(batch)
    sums = (ctypes.c_uint64 * 2)()
    words = (ctypes.c_uint64 * len(keys))(*keys)
    status = LIBRARY.pipeline_digest(exported.schema, exported.array, words, sums)
    if status:
        raise MemoryError("no memory for digests") if status == _NO_MEMORY else TypeError("a column has no digest")
    return list(sums)
