"""Arrow arrays as numpy sees them, without a copy, and from Python values.

`np.asarray` of an Arrow array and `pa.array` of a list would load pandas where it is installed: a quarter of a second
and 40 MB for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

_MANY_TEXTS = 8_192


def integers(array: pa.Array) -> Integers:
    """View int64 values, or the ticks of timestamps; what stands under a null is anything."""
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), np.int64)
    return np.frombuffer(data, np.int64)[array.offset : array.offset + len(array)]


def places(array: pa.Array) -> NDArray[np.int32]:
    """View the indices of a dictionary array; what stands under a null is anything."""
    indices = array.indices if array.indices.type == pa.int32() else array.indices.cast(pa.int32())
    data = indices.buffers()[1]
    if data is None:
        return np.zeros(len(array), np.int32)
    return np.frombuffer(data, np.int32)[indices.offset : indices.offset + len(indices)]


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is of texts, be their offsets of 32 or 64 bits, or views."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def text_lengths(array: pa.Array) -> Integers:
    """Count the bytes of the texts of an array of texts; what stands under a null is anything."""
    where = array.buffers()[1]
    if where is None:
        return np.zeros(len(array), np.int64)
    if pa.types.is_string_view(array.type):
        views = np.frombuffer(where, np.int32, count=where.size // 16 * 4).reshape(-1, 4)  # the first is the length
        return np.maximum(views[array.offset : array.offset + len(array), 0], 0).astype(np.int64)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    ends = np.frombuffer(where, width)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    return ends[1:] - ends[:-1]


def is_null(array: pa.Array) -> NDArray[np.bool_]:
    """Tell which values are null."""
    validity = array.buffers()[0]
    if validity is None or not array.null_count:
        return np.zeros(len(array), np.bool_)
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    return np.equal(bits[array.offset : array.offset + len(array)], 0)


def from_strings(values: Sequence[str | None]) -> pa.Array:
    """Make a string array.

    Raises:
        OverflowError: the texts are larger than 2 GB together.
    """
    held = ["" if value is None else value for value in values]
    data = "".join(held).encode()
    if len(data) >= 2**31:
        raise OverflowError("texts of more than 2 GB in one column")
    sizes = list(map(len, held))
    if sum(sizes) < len(data):  # beyond ASCII a character has several bytes
        sizes = [len(text.encode()) for text in held]
    ends = np.cumsum([0, *sizes], dtype=np.int32)
    validity = _validity(values) if None in values else None
    return pa.Array.from_buffers(pa.string(), len(values), [validity, pa.py_buffer(ends), pa.py_buffer(data)])


def from_numbers(
    values: NDArray[np.int64] | NDArray[np.float64], kind: pa.DataType, absent: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Make an array of a type of 64 bits.

    Args:
        values: the numbers.
        kind: int64, float64, or a timestamp.
        absent: which are null.
    """
    return pa.Array.from_buffers(kind, len(values), [_bits(absent), pa.py_buffer(np.ascontiguousarray(values))])


def distinct_texts_of(array: pa.Array) -> list[str]:
    """List the texts of an array, or dictionary of texts, that holds no null, each once."""
    if not pa.types.is_dictionary(array.type) or len(array.dictionary) > _MANY_TEXTS:
        distinct: list[str] = array.unique().to_pylist()
        return distinct
    # Without Arrow's functions, which take a while to load.
    found = np.flatnonzero(np.bincount(places(array), minlength=1))
    return [array.dictionary[int(place)].as_py() for place in found]


def from_bools(values: NDArray[np.bool_], absent: NDArray[np.bool_] | None = None) -> pa.Array:
    """Make a boolean array; `absent` says which are null."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [_bits(absent), bits])


def from_integers(values: Sequence[int | None], kind: pa.DataType) -> pa.Array:
    """Make an array of int64 values, or of timestamps from their ticks."""
    numbers = np.array([0 if value is None else value for value in values], np.int64)
    return pa.Array.from_buffers(kind, len(values), [_validity(values), pa.py_buffer(numbers)])


def from_value(value: str | float | bool) -> pa.Array:  # noqa: FBT001 - of these types
    """Make an array, or a dictionary array, of one value.

    Raises:
        OverflowError: it is an integer that does not fit int64.
        UnicodeEncodeError: it is a text that UTF-8 cannot hold.
    """
    if isinstance(value, str):
        return from_places(np.zeros(1, np.int32), from_strings([value]))
    if isinstance(value, bool):
        return from_bools(np.array([value]))
    if isinstance(value, int):
        return from_integers([value], pa.int64())
    return from_numbers(np.array([value]), pa.float64())


def from_places(
    codes: NDArray[np.integer[Any]], texts: pa.Array, absent: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Make a dictionary array of the places of texts; `absent` says which are null."""
    buffer = pa.py_buffer(codes.astype(np.int32, copy=False))
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [_bits(absent), buffer])
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def _bits(absent: NDArray[np.bool_] | None) -> pa.Buffer | None:
    if absent is None or not absent.any():
        return None
    return pa.py_buffer(np.packbits(~absent, bitorder="little"))


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    return _bits(np.array([value is None for value in values], np.bool_))
