"""Exact statistics of groups of values, out of core."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.native.distinct import distinct_texts, taken_texts
from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

_MESSAGE_BYTES = 200
_NO_MEMORY = 2
_INTEGERS = ("count", "null_count", "non_finite_count", "session_count", "first_timestamp", "last_timestamp")


class GroupFigures(NamedTuple):
    """Groups, in the order of their keys, and their figures.

    Attributes:
        keys: an array per key, texts as dictionaries.
        integers: by name; times without a value are 0.
        numbers: by name; NaN marks a number that does not exist.
    """

    keys: list[pa.Array]
    integers: dict[str, Integers]
    numbers: dict[str, Floats]


class GroupedValues:
    """Values in groups. Rows are added once; memory is bounded by a budget, whatever the number of groups."""

    def __init__(
        self,
        kinds: Sequence[pa.DataType],
        quantiles: Mapping[str, float],
        *,
        lost_are_infinite: bool = False,
        budget_bytes: int,
        directory: Path,
        threads: int = 1,
    ) -> None:
        """Start without groups.

        Args:
            kinds: types of the keys of a row: strings, int64, float64, bool.
            quantiles: quantile by name.
            lost_are_infinite: count nulls as +infinity in quantiles.
            budget_bytes: memory for groups and values; those beyond go into temporary files.
            directory: where those files may be.
            threads: how many find figures, when all rows are there.
        """
        self._kinds = list(kinds)
        self._numbers = ("mean", "stddev", "min", *quantiles, "max", "sum", "first", "last")
        asked = np.array(list(quantiles.values()), np.float64)
        letters = "".join(_letter(kind) for kind in kinds).encode()
        self._handle = LIBRARY.pipeline_statistics_new(
            letters, asked.ctypes.data, len(asked), lost_are_infinite, budget_bytes, threads, os.fsencode(directory)
        )
        if not self._handle:
            raise MemoryError("no memory for statistics")
        self._message = ctypes.create_string_buffer(_MESSAGE_BYTES)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_statistics_free(self._handle)

    def add(
        self, keys: Sequence[pa.Array], times: pa.Array, sequences: pa.Array, values: pa.Array, *, session: int
    ) -> None:
        """Add rows of one session; all rows of a session come before those of the next.

        Args:
            keys: what groups them, an array per key; strings may be dictionaries.
            times: their times, without nulls; first and last go by them, then by sequence, then by session.
            sequences: their sequences, int64 without nulls.
            values: a float64 array; nulls are lost samples.
            session: number of the session in the order of sessions.

        Raises:
            OSError: the temporary file cannot be written.
        """
        columns = [*keys, times, sequences, values]
        exported = Exported(pa.RecordBatch.from_arrays(columns, names=[""] * len(columns)))
        self._check(
            LIBRARY.pipeline_statistics_add(self._handle, session, exported.schema, exported.array, self._message)
        )

    def figures(self, rows: int) -> Iterator[GroupFigures]:
        """Give the figures of all groups in the order of their keys, so many at a time, at most; once.

        Strings are in the order of their UTF-8, NaN behind all numbers, null behind all that is there.

        Raises:
            OSError: a temporary file cannot be written or read.
        """
        count, integers, numbers = ctypes.c_int64(), ctypes.c_void_p(), ctypes.c_void_p()
        while True:
            self._check(LIBRARY.pipeline_statistics_next(self._handle, rows, count, integers, numbers, self._message))
            if not count.value:
                return
            held = _copied(integers, np.int64, count.value * len(_INTEGERS)).reshape(count.value, -1)
            found = _copied(numbers, np.float64, count.value * len(self._numbers)).reshape(count.value, -1)
            yield GroupFigures(
                [self._key(at, count.value) for at in range(len(self._kinds))],
                {name: held[:, at] for at, name in enumerate(_INTEGERS)},
                {name: found[:, at] for at, name in enumerate(self._numbers)},
            )

    def _key(self, at: int, rows: int) -> pa.Array:
        absent, numbers, places, ends, data = (ctypes.c_void_p() for _ in range(5))
        texts = LIBRARY.pipeline_statistics_key(self._handle, at, absent, numbers, places, ends, data)
        missing = _copied(absent, np.bool_, rows)
        validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
        kind = self._kinds[at]
        if pa.types.is_string(kind):
            offsets = _copied(ends, np.int32, texts + 1)
            buffers = [None, pa.py_buffer(offsets), pa.py_buffer(ctypes.string_at(data.value or 0, int(offsets[-1])))]
            found = pa.Array.from_buffers(pa.string(), texts, buffers)
            # A text comes again in each session, and a dictionary that has it twice is none for Parquet.
            codes, firsts = distinct_texts(found)
            numbered = np.append(codes, np.int32(0))[np.where(missing, texts, _copied(places, np.int32, rows))]
            indices = pa.Array.from_buffers(pa.int32(), rows, [validity, pa.py_buffer(numbered)])
            return pa.DictionaryArray.from_arrays(indices, taken_texts(found, firsts), safe=False)
        bits = _copied(numbers, np.int64, rows)
        held = np.packbits(bits != 0, bitorder="little") if pa.types.is_boolean(kind) else bits
        return pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(held)])

    def _check(self, status: int) -> None:
        if status == _NO_MEMORY:
            raise MemoryError("no memory for statistics")
        if status:
            raise OSError(f"statistics: {self._message.value.decode()}")


def _letter(kind: pa.DataType) -> str:
    if pa.types.is_string(kind):
        return "s"
    return "f" if pa.types.is_float64(kind) else "b" if pa.types.is_boolean(kind) else "i"


def _copied(address: ctypes.c_void_p, kind: type[np.generic], count: int) -> NDArray[Any]:
    return np.frombuffer(ctypes.string_at(address.value or 0, count * np.dtype(kind).itemsize), kind)
