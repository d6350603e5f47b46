"""The pages of Parquet files: how many values each has, and what it unpacks to, before anything is unpacked."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def list_pages(file: int) -> Pages:
    """List the pages of a file.

    Args:
        file: the descriptor of a regular file.

    Raises:
        DamagedPagesError: it is no Parquet, or damaged.
        OSError: it cannot be read.
    """
    size = os.fstat(file).st_size

    def listed(to: int, capacity: int, where: ctypes.c_int64) -> int:
        return int(LIBRARY.pipeline_parquet_pages(file, size, to, capacity, ctypes.byref(where)))

    return _facts(_listed(listed))


def list_chunk_pages(row_group: int, chunks: Mapping[int, tuple[memoryview, int]]) -> Pages:
    """List the pages of chunks of a row group that lie in memory.

    Args:
        row_group: it.
        chunks: by column, as the leaves of the schema are counted, its bytes and how many values they hold.

    Raises:
        DamagedPagesError: one is damaged.
    """
    found = [np.empty((0, _NUMBERS), np.int64)]
    for column, (data, values) in chunks.items():
        pages = _pages_of_chunk(np.frombuffer(data, np.uint8), values)
        pages[:, :2] = row_group, column
        found.append(pages)
    return _facts(np.concatenate(found))


def _pages_of_chunk(data: NDArray[np.uint8], values: int) -> NDArray[np.int64]:
    def listed(to: int, capacity: int, where: ctypes.c_int64) -> int:
        at = ctypes.byref(where)
        return int(LIBRARY.pipeline_parquet_chunk_pages(data.ctypes.data, len(data), values, to, capacity, at))

    return _listed(listed)


def _listed(listed: Callable[[int, int, ctypes.c_int64], int]) -> NDArray[np.int64]:
    """List pages, five numbers each: `listed` is given room for some, and says how many there are."""
    where = ctypes.c_int64()
    capacity = _FIRST_CAPACITY
    while True:
        numbers = np.empty((capacity, _NUMBERS), np.int64)
        count = listed(numbers.ctypes.data, capacity, where)
        if count == _NO_MEMORY:
            raise MemoryError("no memory for the pages of a Parquet file")
        if count == _CANNOT_BE_READ:
            raise OSError(where.value, os.strerror(where.value))
        if count < 0:
            raise DamagedPagesError(f"what stands at byte {where.value:,} is no footer and no header of a page")
        if count <= capacity:
            return numbers[:count]
        capacity = count


def _facts(pages: NDArray[np.int64]) -> Pages:
    row_group, column, values, unpacked, kinds = pages.T
    return Pages(row_group, column, values, unpacked, kinds & _IS_DICTIONARY != 0, kinds & _HAS_PREFIXES != 0)
