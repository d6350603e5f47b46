"""Exact statistics of groups of values, out of core."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

import numpy as np

from pipeline.native.library import LIBRARY, Exported, Figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.native.library import ArrowBatch

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

_MESSAGE_BYTES = 200
_NO_MEMORY = 2
INTEGERS = ("count", "null_count", "non_finite_count", "session_count", "first_timestamp", "last_timestamp")
ENDS = ("first", "last")


class GroupedValues:
    """Values in groups. Rows are added once; memory is bounded by a budget, and about 200 bytes per group."""

    def __init__(self, key_count: int, *, budget_bytes: int, directory: Path) -> None:
        """Start without groups.

        Args:
            key_count: how many keys a row has.
            budget_bytes: memory for values; those beyond go into a temporary file.
            directory: where that file may be.
        """
        self._handle = LIBRARY.pipeline_statistics_new(key_count, budget_bytes, os.fsencode(directory))
        if not self._handle:
            raise MemoryError("no memory for statistics")
        self._key_count = key_count
        self._message = ctypes.create_string_buffer(_MESSAGE_BYTES)

    def __del__(self) -> None:
        if self._handle:
            LIBRARY.pipeline_statistics_free(self._handle)

    def __len__(self) -> int:
        return int(LIBRARY.pipeline_statistics_groups(self._handle))

    def add(
        self, keys: Sequence[Integers], times: Integers, sequences: Integers, values: ArrowBatch, *, session: int
    ) -> None:
        """Add rows of one session.

        Args:
            keys: what groups them, an array per key.
            times: their times; first and last go by them, then by sequence, then by session.
            sequences: their sequences.
            values: a float64 array; nulls are lost samples.
            session: number of the session in the order of sessions.

        Raises:
            OSError: the temporary file cannot be written.
        """
        exported = Exported(values)
        held = [np.ascontiguousarray(numbers, np.int64) for numbers in (*keys, times, sequences)]
        addresses = [numbers.ctypes.data for numbers in held]
        key_addresses = (ctypes.c_void_p * len(keys))(*addresses[: len(keys)])
        self._check(
            LIBRARY.pipeline_statistics_add(
                self._handle,
                len(held[-1]),
                key_addresses,
                *addresses[len(keys) :],
                session,
                exported.schema,
                exported.array,
                self._message,
            )
        )

    def figures(
        self, quantiles: Mapping[str, float], *, lost_are_infinite: bool
    ) -> tuple[Integers, dict[str, Integers], dict[str, Floats]]:
        """Give the keys and figures of all groups, in the order of their first rows.

        Args:
            quantiles: quantile by name.
            lost_are_infinite: count nulls as +infinity in quantiles.

        Returns:
            keys, an array of groups by keys; integers and numbers by name, where NaN marks a number that does not
            exist, and times without a value are 0.

        Raises:
            OSError: the temporary file cannot be read.
        """
        groups = len(self)
        keys = np.empty((groups, self._key_count), np.int64)
        integers = np.empty((groups, len(INTEGERS)), np.int64)
        ends = np.empty((groups, len(ENDS)), np.float64)
        LIBRARY.pipeline_statistics_describe(self._handle, keys.ctypes.data, integers.ctypes.data, ends.ctypes.data)
        asked = np.array(list(quantiles.values()), np.float64)
        found = np.empty((groups, len(asked)), np.float64)
        numbers = {name: np.empty(groups, np.float64) for name in ("mean", "stddev", "min", "max", "sum")}
        addresses = {name: array.ctypes.data for name, array in numbers.items()} | {"quantiles": found.ctypes.data}
        self._check(
            LIBRARY.pipeline_statistics_finish(
                self._handle, asked.ctypes.data, len(asked), lost_are_infinite, Figures(**addresses), self._message
            )
        )
        numbers |= {name: found[:, at] for at, name in enumerate(quantiles)}
        numbers |= {name: ends[:, at] for at, name in enumerate(ENDS)}
        return keys, {name: integers[:, at] for at, name in enumerate(INTEGERS)}, numbers

    def _check(self, status: int) -> None:
        if status == _NO_MEMORY:
            raise MemoryError("no memory for statistics")
        if status:
            raise OSError(f"statistics: {self._message.value.decode()}")
