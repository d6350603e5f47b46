"""Rows numbered by the values of some of their columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_numbers, is_null, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_MANY = 1_000_000


def number_rows(columns: Sequence[pa.Array]) -> tuple[Codes, list[tuple[Any, ...]]]:
    """Number rows by the values of their columns, told apart as groups are: zero has no sign, and all NaN are one.

    Args:
        columns: of one length; strings may be dictionaries.

    Returns:
        the number of each row, and the values of each number, which stand for rows that are there.
    """
    codes = np.zeros(len(columns[0]), np.int64)
    known: list[tuple[Any, ...]] = [()]
    for column in columns:
        encoded = _encoded(column)
        # One object, which equals itself where it is part of a key.
        values = [math.nan if value != value else value for value in encoded.dictionary.to_pylist()] + [None]  # noqa: PLR0124
        own = places(encoded).astype(np.int64)
        if encoded.null_count:
            own[is_null(encoded)] = len(values) - 1
        codes = codes * len(values) + own
        distinct, codes = _closed_up(codes, len(known) * len(values))
        known = [(*known[one // len(values)], values[one % len(values)]) for one in distinct]
    return codes, known


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column
    if pa.types.is_float64(column.type) and len(column):
        numbers = np.frombuffer(column.buffers()[1], np.float64)[column.offset : column.offset + len(column)]
        column = from_numbers(np.where(np.isnan(numbers), np.nan, numbers + 0.0), column.type, is_null(column))
    return column.dictionary_encode()


def _closed_up(codes: Codes, size: int) -> tuple[list[int], Codes]:
    """List the codes that occur, and give each row the place of its own in that list."""
    if size > _MANY:
        distinct, found = np.unique(codes, return_inverse=True)
        return distinct.tolist(), found.astype(np.int64)
    occurring = np.flatnonzero(np.bincount(codes, minlength=1))
    if len(occurring) == 1:
        return occurring.tolist(), np.zeros(len(codes), np.int64)
    table = np.zeros(int(occurring[-1]) + 1, np.int64)
    table[occurring] = np.arange(len(occurring))
    return occurring.tolist(), table[codes]
