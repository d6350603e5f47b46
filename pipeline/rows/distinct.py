"""Texts that repeat become dictionary arrays: checks, digests and writing then look at each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.model.arrays import from_places, is_null
from pipeline.native import distinct_texts, taken_texts

if TYPE_CHECKING:
    import pyarrow as pa


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
    places = np.cumsum(held) - 1
    return from_places(places[codes], taken_texts(texts, firsts[held]), absent)
