"""Text of the values of one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def column_texts(
    array: pa.Array, *, null: str, string: Callable[[str], str], time: str, non_finite: Mapping[str, str]
) -> list[str]:
    """Text of each value of a column.

    Args:
        array: the column.
        null: text of a null.
        string: gives the text of a string; called once per distinct value.
        time: how a timestamp's text is put, a format such as `"{}"` with quotes around it.
        non_finite: text by Python's `repr` of NaN and the infinities.

    Raises:
        TypeError: the column's type is not one of the data model.
    """
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_dictionary(kind):
        encoded = array if pa.types.is_dictionary(kind) else pc.dictionary_encode(array)
        texts = [null if value is None else string(value) for value in encoded.dictionary.to_pylist()]
        texts.append(null)  # where the index is null: -1 finds it
        return list(map(texts.__getitem__, pc.fill_null(encoded.indices, -1).to_pylist()))
    if pa.types.is_float64(kind):
        return [null if v is None else non_finite.get(t := repr(v), t) for v in array.to_pylist()]
    if pa.types.is_int64(kind):
        return [null if v is None else repr(v) for v in array.to_pylist()]
    if pa.types.is_boolean(kind):
        return [null if v is None else "true" if v else "false" for v in array.to_pylist()]
    if pa.types.is_timestamp(kind):
        ticks, unit = array.view(pa.int64()).to_pylist(), kind.unit
        return [null if t is None else time.format(format_timestamp(t, unit)) for t in ticks]
    raise TypeError(f"no text is defined for {kind}")
