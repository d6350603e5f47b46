"""Statistics of groups of measurements; docs/statistics.md defines each figure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import DestinationError
from pipeline.model.arrays import from_numbers, from_places, from_strings, integers
from pipeline.native import GroupedValues
from pipeline.statistics.group_keys import KeyEncoder
from pipeline.statistics.options import TIME_FIGURES, StatisticsOptions
from pipeline.statistics.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers
    from pipeline.model.columns import TimestampUnit

    Floats = NDArray[np.float64]

DEFAULT_BUDGET_BYTES = 12_000_000


def aggregate(
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    measurements: pa.Schema,
    session_ids: Sequence[str],
    options: StatisticsOptions,
    *,
    temporary_directory: Path,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> pa.Table:
    """Aggregate rows, which are read once.

    Args:
        read: gives the batches of the wanted columns, of one session each.
        measurements: schema of the rows.
        session_ids: all sessions in order; groups come in this order.
        options: what to aggregate.
        temporary_directory: where values may spill.
        budget_bytes: memory for values.

    Returns:
        the statistics, ordered by session, metric, unit, further columns and window; strings as dictionaries.
    """
    unit: TimestampUnit = measurements.field("timestamp").type.unit
    names = [name for name in options.group_columns(measurements) if name != "session_id"]
    encoders = [KeyEncoder(measurements.field(name).type) for name in names]
    ordinals = {session_id: at for at, session_id in enumerate(session_ids)}
    windows = Windows(options.parsed_window, options.timezone, unit) if options.parsed_window else None
    key_count = (not options.pooled) + len(names) + (windows is not None)
    groups = GroupedValues(key_count, budget_bytes=budget_bytes, directory=temporary_directory)
    with _spill_errors(temporary_directory):
        for batch in read(["sequence", "timestamp", "value", *names]):
            session = ordinals[batch.column("session_id")[0].as_py()]
            times = integers(batch.column("timestamp"))
            by = [] if options.pooled else [np.full(batch.num_rows, session, np.int64)]
            by += [encoder.encode(batch.column(name)) for encoder, name in zip(encoders, names, strict=True)]
            by += [windows.starts(times)] if windows else []
            groups.add(by, times, integers(batch.column("sequence")), batch.column("value"), session=session)
        keys, counts, numbers = groups.figures(options.quantile_columns, lost_are_infinite=options.lost == "infinite")
    return _table(keys, counts, numbers, encoders, names, session_ids, windows, options, measurements)


@contextmanager
def _spill_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{directory}: {error}; TMPDIR says where temporary files go") from error


def _table(
    keys: Integers,
    counts: dict[str, Integers],
    numbers: dict[str, Floats],
    encoders: Sequence[KeyEncoder],
    names: Sequence[str],
    session_ids: Sequence[str],
    windows: Windows | None,
    options: StatisticsOptions,
    measurements: pa.Schema,
) -> pa.Table:
    """Put the figures of groups into the columns and the order of the statistics."""
    place = 0
    order: list[Integers] = []
    columns: dict[str, pa.Array] = {}
    if not options.pooled:
        order.append(keys[:, 0])
        place = 1
    for encoder in encoders:
        order.append(encoder.ranks[keys[:, place]])
        place += 1
    order += [keys[:, place]] if windows is not None else []
    sorted_rows = np.lexsort(order[::-1])
    keys = keys[sorted_rows]
    for at, (encoder, name) in enumerate(zip(encoders, names, strict=True), start=place - len(names)):
        columns[name] = encoder.decode(keys[:, at])
    if not options.pooled:
        columns["session_id"] = from_places(keys[:, 0], from_strings(session_ids))
    if windows is not None:
        columns["window_start"] = from_numbers(keys[:, place], pa.int64())
        columns["window_end"] = from_numbers(windows.ends(keys[:, place]), pa.int64())
    exists = counts["count"][sorted_rows] > 0
    for name, values in counts.items():
        columns[name] = from_numbers(values[sorted_rows], pa.int64(), ~exists if name in TIME_FIGURES else None)
    for name, figures in numbers.items():
        sorted_figures = figures[sorted_rows]
        columns[name] = from_numbers(sorted_figures, pa.float64(), np.isnan(sorted_figures))
    fields, arrays = [], []
    for described in options.schema(measurements):
        array = columns[described.name]
        arrays.append(array.view(described.type) if described.name in TIME_FIGURES else array)
        fields.append(described.with_type(arrays[-1].type))
    return pa.table(arrays, schema=pa.schema(fields))
