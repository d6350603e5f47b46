"""A digest of rows that does not depend on their order, on batches, threads or file formats.

Each value becomes a 64-bit word, twice: the bits of a number (every NaN is one NaN), a count of time units, 0 or 1,
or half of the BLAKE2b-128 of a string's UTF-8. A word is mixed with a key of its column's name and type; a null adds
nothing, so a column of nulls counts like none. The sum of a row's words is mixed again, and rows are summed: modulo
2^64 in each of two lanes, 128 bits in all. Sets of rows thus add up: the digest of two sessions is the sum of theirs.
It finds damage and loss; it is no signature (SHA-256 of the files is there for that).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.model import type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

LANES = 2
_VERSION = "rows1"
_MASK = 2**64 - 1


class Digest:
    """A running digest; `text` shows it."""

    def __init__(self) -> None:
        self._lanes = [0] * LANES

    def add(self, lanes: Iterable[int]) -> None:
        """Add sums of rows, one per lane."""
        self._lanes = [(a + int(b)) & _MASK for a, b in zip(self._lanes, lanes, strict=True)]

    @property
    def text(self) -> str:
        """The digest as `rows1:` and 32 hexadecimal digits."""
        return f"{_VERSION}:" + "".join(f"{lane:016x}" for lane in self._lanes)


def row_words(batch: pa.RecordBatch) -> list[Words]:
    """Digest each row.

    Returns:
        one array of `batch.num_rows` words per lane.
    """
    columns = [_column_words(name, batch.column(name)) for name in batch.schema.names]
    empty = np.zeros(batch.num_rows, np.uint64)
    return [_mix(sum((words[lane] for words in columns), empty)) for lane in range(LANES)]


def _halves(data: bytes) -> tuple[int, int]:
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _mix(words: Words) -> Words:
    """Finalizer of splitmix64 (Steele, Lea, Flood 2014), after adding its increment."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def _column_words(name: str, array: pa.Array) -> list[Words]:
    kind = array.type
    key = _halves(f"{name}\0{type_name(kind)}".encode())
    if pa.types.is_string(kind):
        encoded = pc.dictionary_encode(array)
        halves = [_halves(value.as_buffer()) for value in encoded.dictionary]
        table = np.array(halves or [(0, 0)], np.uint64)
        at = np.asarray(pc.fill_null(encoded.indices, 0))
        bits = [table[:, lane][at] for lane in range(LANES)]
    else:
        bits = [_number_bits(array)] * LANES
    words = [_mix(bits[lane] + np.uint64(key[lane])) for lane in range(LANES)]
    if array.null_count:
        valid = np.asarray(array.is_valid())
        words = [np.where(valid, lane, np.uint64(0)) for lane in words]
    return words


def _number_bits(array: pa.Array) -> Words:
    kind = array.type
    if pa.types.is_float64(kind):
        numbers = np.asarray(pc.fill_null(array, 0.0))
        return np.where(np.isnan(numbers), np.float64("nan"), numbers).view(np.uint64)
    if pa.types.is_timestamp(kind):
        array = array.view(pa.int64())
    return np.asarray(pc.fill_null(array, False if pa.types.is_boolean(kind) else 0)).astype(np.int64).view(np.uint64)
