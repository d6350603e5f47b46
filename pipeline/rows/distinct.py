"""Texts that repeat become dictionary arrays: checks, digests and writing then look at each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_bools, from_numbers, from_places, from_strings, integers, is_null, places
from pipeline.native import FEW_TEXTS, distinct_texts, taken_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode_repeated(texts: pa.Array) -> pa.DictionaryArray:
    """Give texts as the places of the distinct ones, which stand in the order of their first rows.

    Args:
        texts: a string array; its nulls are null in the places, as pyarrow's `dictionary_encode` has it.
    """
    codes, firsts = distinct_texts(texts)
    if not texts.null_count:
        return from_places(codes, taken_texts(texts, firsts))
    absent = is_null(texts)
    held = ~absent[firsts]
    found = np.cumsum(held) - 1
    return from_places(found[codes], taken_texts(texts, firsts[held]), absent)


def taken_rows(column: pa.Array, rows: NDArray[np.int64]) -> pa.Array:
    """Take the values at some rows of a column, mostly without Arrow's functions, which take a while to load.

    Args:
        column: its dictionary stays as it is, if it has one.
        rows: of the column, each as often as it is wanted.
    """
    absent = is_null(column)[rows] if column.null_count else None
    kind = column.type
    if pa.types.is_dictionary(kind):
        return from_places(places(column)[rows], column.dictionary, absent)
    if pa.types.is_boolean(kind) and len(column):
        bits = np.unpackbits(np.frombuffer(column.buffers()[1], np.uint8), bitorder="little")
        return from_bools(bits[column.offset + rows], absent)
    if pa.types.is_int64(kind) or pa.types.is_float64(kind) or pa.types.is_timestamp(kind):
        return from_numbers(integers(column)[rows], kind, absent)
    if pa.types.is_string(kind) and len(rows) <= FEW_TEXTS:
        return from_strings([column[row].as_py() for row in rows.tolist()])
    return column.take(from_numbers(rows, pa.int64()))
