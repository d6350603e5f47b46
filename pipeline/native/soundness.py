"""Whether the rows of record batches keep the rules."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.native.library import ArrowBatch


def is_sound(batch: ArrowBatch, limits: Sequence[int]) -> bool:
    """Tell whether no row breaks a rule; False where it is not certain.

    Args:
        batch: the rows; the texts lie within the data.
        limits: two per column: 1 where nulls are refused; the most characters of a text that must not be empty, or 0.
    """
    exported = Exported(batch)
    numbers = (ctypes.c_int32 * len(limits))(*limits)
    return bool(LIBRARY.pipeline_is_sound(exported.schema, exported.array, numbers))
