"""The pages of Parquet files: how many values each has, and what it unpacks to, before anything is unpacked."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_FIRST_CAPACITY = 1024
_NUMBERS = 5
_IS_DICTIONARY, _HAS_PREFIXES = 1, 2
_CANNOT_BE_READ, _NO_MEMORY = -2, -3


class DamagedPagesError(ValueError):
    """The footer or the header of a page is no Thrift, or contradicts itself."""


class Pages(NamedTuple):
    """The pages of all columns in the order of the footer, an array for each fact.

    Attributes:
        row_group: which one a page belongs to.
        column: its column, as the leaves of the schema are counted.
        values: how many it has, nulls included.
        size: bytes that it unpacks to, as its header says; readers make room for it.
        is_dictionary: it holds the texts that other pages of its column point to.
        has_prefixes: its texts leave out what they begin with in common, so that they may be larger than it.
    """

    row_group: NDArray[np.int64]
    column: NDArray[np.int64]
    values: NDArray[np.int64]
    size: NDArray[np.int64]
    is_dictionary: NDArray[np.bool_]
    has_prefixes: NDArray[np.bool_]


def list_pages(file: int, columns: Collection[int] | None = None, row_groups: Collection[int] | None = None) -> Pages:
    """List the pages of a file.

    Args:
        file: the descriptor of a regular file.
        columns: those to look at, as the leaves of the schema are counted; all by default.
        row_groups: the same of row groups.

    Raises:
        DamagedPagesError: it is no Parquet, or damaged.
        OSError: it cannot be read.
    """
    size = os.fstat(file).st_size
    where = ctypes.c_int64()
    capacity = _FIRST_CAPACITY
    wanted = [None if places is None else _flags(places) for places in (columns, row_groups)]
    flags = [fact for one in wanted for fact in ((None, 0) if one is None else (one.ctypes.data, len(one)))]
    while True:
        numbers = np.empty((capacity, _NUMBERS), np.int64)
        count = LIBRARY.pipeline_parquet_pages(file, size, numbers.ctypes.data, capacity, ctypes.byref(where), *flags)
        if count == _NO_MEMORY:
            raise MemoryError("no memory for the pages of a Parquet file")
        if count == _CANNOT_BE_READ:
            raise OSError(where.value, os.strerror(where.value))
        if count < 0:
            raise DamagedPagesError(f"what stands at byte {where.value:,} is no footer and no header of a page")
        if count <= capacity:
            break
        capacity = count
    row_group, column, values, unpacked, kinds = numbers[:count].T
    return Pages(row_group, column, values, unpacked, kinds & _IS_DICTIONARY != 0, kinds & _HAS_PREFIXES != 0)


def _flags(places: Collection[int]) -> NDArray[np.uint8]:
    flags = np.zeros(max(places, default=0) + 1, np.uint8)
    flags[list(places)] = 1
    return flags
