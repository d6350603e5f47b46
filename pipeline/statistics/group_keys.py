"""The values of a column that is grouped by, numbered."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_bools, from_numbers, from_places, from_strings, is_null, places

if TYPE_CHECKING:
    from pipeline.model.arrays import Integers

_NAN = object()


class KeyEncoder:
    """Numbers the values of a column in the order in which they appear."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._codes: dict[object, int] = {}
        self._last: tuple[pa.Array, Integers] | None = None

    def encode(self, array: pa.Array) -> Integers:
        """Give the number of each value."""
        if pa.types.is_float64(array.type):
            import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

            # Equal numbers are one group, whose text must not depend on its first row.
            array = pc.if_else(pc.is_nan(array), pa.scalar(float("nan")), pc.add(array, 0.0))
        encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        codes = self._codes_of(encoded.dictionary)
        if not encoded.indices.null_count:
            return codes[places(encoded)]
        codes = np.append(codes, self._codes.setdefault(None, len(self._codes)))
        return codes[np.where(is_null(encoded), len(codes) - 1, places(encoded))]

    def _codes_of(self, distinct: pa.Array) -> Integers:
        # Batches mostly come with the dictionary of the one before.
        if self._last is None or not distinct.equals(self._last[0]):
            values = [_NAN if value != value else value for value in distinct.to_pylist()]  # noqa: PLR0124 - NaN
            codes = [self._codes.setdefault(value, len(self._codes)) for value in values]
            self._last = distinct, np.array(codes or [0], np.int64)
        return self._last[1]

    @cached_property
    def _ordered(self) -> list[Any]:
        """The values, null excepted: strings by their UTF-8, NaN behind all numbers."""
        values = [value for value in self._codes if value is not None]
        return sorted(values, key=lambda value: (value is _NAN, 0 if value is _NAN else _sort_key(value)))

    @cached_property
    def ranks(self) -> Integers:
        """Place of each number's value in their order, that of null at the end; asked when all rows are in."""
        ranks = np.full(len(self._codes), len(self._ordered), np.int64)
        ranks[[self._codes[value] for value in self._ordered]] = np.arange(len(self._ordered))
        return ranks

    def decode(self, codes: Integers) -> pa.Array:
        """Give the values of numbers, strings as a dictionary array."""
        ranks = self.ranks[codes]
        absent = ranks == len(self._ordered)
        if pa.types.is_string(self._kind):
            return from_places(ranks, from_strings([str(value) for value in self._ordered]), absent)
        values = [math.nan if value is _NAN else value for value in self._ordered]
        numbers = np.array([*values, 0], self._kind.to_pandas_dtype())[ranks]
        return from_bools(numbers, absent) if numbers.dtype == bool else from_numbers(numbers, self._kind, absent)


def _sort_key(value: Any) -> Any:  # noqa: ANN401 - a value of a column
    return value.encode() if isinstance(value, str) else value
