"""Numbers that an importer gives as text become float64: what does not fit without a change is refused."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_numbers, integers, is_null
from pipeline.native import float_texts

_EXACT_INTEGER_LIMIT = 2.0**53
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)"
_INTEGER = r"(?a)[+-]?\d+"


def exact_floats(texts: pa.Array) -> pa.Array:
    """Read a string array as float64.

    Decimals become the float64 that is nearest, as everywhere. An integer must be one that float64 holds, or be how one
    is written: JavaScript writes all digits of 2^63 as 9223372036854776000.

    Raises:
        ValueError: a text is no number, or does not fit; its arguments are the message and the row.
    """
    plain = float_texts(texts)  # nearly always all of them; Arrow's functions take a while to load
    if plain is not None:
        return from_numbers(plain, pa.float64(), is_null(texts) if texts.null_count else None)
    try:
        floats = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        floats = _read_each(texts)
    values = np.frombuffer(floats.buffers()[1] or b"", np.float64)[floats.offset : floats.offset + len(floats)]
    for row in np.flatnonzero(~is_null(floats) & (np.abs(values) >= _EXACT_INTEGER_LIMIT)):
        text = texts[int(row)].as_py().strip()
        if np.isinf(values[row]):
            if not text.lstrip("+-").lower().startswith("inf"):
                raise ValueError(f"{text:.60} is beyond the range of float64", int(row))
        elif re.fullmatch(_INTEGER, text) and int(text) not in {
            int(values[row]),
            int(Decimal(repr(float(values[row])))),
        }:
            raise ValueError(f"{text:.60} does not fit float64 without loss", int(row))
    return floats


def is_exact(numbers: pa.Array) -> bool:
    """Whether no float64 is so large that its integer may have been another one, or not a number at all."""
    values = np.frombuffer(numbers.buffers()[1] or b"", np.float64)
    if numbers.null_count:
        values = np.where(is_null(numbers), 0, values)
    return not len(values) or bool(np.abs(values).max() < _EXACT_INTEGER_LIMIT)  # False of NaN


def floats_of_integers(numbers: pa.Array) -> pa.Array:
    """Give int64 values as float64.

    Raises:
        ValueError: one does not fit; its arguments are the message and the row.
    """
    absent = is_null(numbers) if numbers.null_count else None
    values = integers(numbers) if absent is None else np.where(absent, 0, integers(numbers))
    if len(values) and not -_EXACT_INTEGER_LIMIT < values.min() <= values.max() < _EXACT_INTEGER_LIMIT:
        return exact_floats(numbers.cast(pa.string()))
    return from_numbers(values.astype(np.float64), pa.float64(), absent)


def _read_each(texts: pa.Array) -> pa.Array:
    values = np.zeros(len(texts))
    absent = is_null(texts)
    number = re.compile(_NUMBER, re.IGNORECASE | re.ASCII)
    for row, text in enumerate(texts.to_pylist()):
        if text is None:
            continue
        stripped = text.strip(" \t")
        if not number.fullmatch(stripped):
            raise ValueError(f"{text!r:.60} is no number", row)
        values[row] = float(stripped)
    return from_numbers(values, pa.float64(), absent)
