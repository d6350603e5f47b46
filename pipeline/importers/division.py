"""Values of an array divided by those of another, such as times by iterations: no number passes through the engine."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.values import exact_floats
from pipeline.model.arrays import from_numbers, from_strings, is_null
from pipeline.native import float_texts


def divided(texts: pa.Array, divisors: pa.Array, name: str) -> tuple[pa.Array, pa.Array]:
    """Divide numbers by whole numbers above 0.

    Args:
        texts: the numbers, as JSON.
        divisors: as many, as JSON.
        name: of the divisors, for errors.

    Returns:
        the quotients as float64, null where a number is; the divisors as int64.

    Raises:
        SourceError: a divisor is no whole number above 0, or a number is none or beyond float64.
    """
    by = _whole_numbers(divisors, name)
    plain = float_texts(texts)
    values = _floats(texts, "value") if plain is None else plain
    absent = is_null(texts)
    beyond = np.flatnonzero(~np.isfinite(values) & ~absent & (by != 1))
    if len(beyond):
        raise SourceError(f"column 'value': {texts[int(beyond[0])].as_py()} is beyond the range of float64")
    undivided = np.flatnonzero(by == 1)
    if plain is None and len(undivided):
        try:  # these stay as they are, and must fit
            exact_floats(texts.take(from_numbers(undivided, pa.int64())))
        except ValueError as error:
            raise SourceError(f"column 'value': {error.args[0]}") from error
    return from_numbers(values / by, pa.float64(), absent), from_numbers(by.astype(np.int64), pa.int64())


def _whole_numbers(texts: pa.Array, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers = _floats(texts, name)
    odd = np.flatnonzero((numbers != np.rint(numbers)) & ~is_null(texts))
    if len(odd):
        raise SourceError(f"a sample is of {numbers[odd[0]]} {name}")
    if (is_null(texts) | ~(numbers > 0)).any():
        raise SourceError(f"a sample is of no {name}")
    if (numbers >= 2.0**63).any():
        raise SourceError(f"column {name!r}: {numbers.max()} does not fit int64")
    return numbers


def _floats(texts: pa.Array, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give texts as float64, NaN where they are null."""
    plain = float_texts(texts)
    if plain is not None:
        return np.where(is_null(texts), np.nan, plain) if texts.null_count else plain
    try:
        column = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        held = texts.to_pylist()
        plain = from_strings([json.loads(text) if text is not None and text[0] == '"' else text for text in held])
        try:
            column = plain.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise SourceError(f"column {name!r}: {str(error).splitlines()[0]:.100}") from error
    data = column.buffers()[1]
    values = (
        np.frombuffer(data, np.float64)[column.offset : column.offset + len(column)] if data else np.zeros(len(column))
    )
    return np.where(is_null(column), np.nan, values)
