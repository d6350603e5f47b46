"""NDJSON files: one JSON object a line.

The compiled part reads what is sound. A batch in which anything is odd is read again in Python, a row at a time: that
knows all forms that there are, and says what is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.model.columns import CORE_COLUMNS, timestamp_type
from pipeline.model.timestamps import TICKS_PER_SECOND
from pipeline.native import Held, JsonRows, RowLimits, RowsEnd
from pipeline.rows.batches import BATCH_BYTES
from pipeline.rows.normalise import parse_timestamps
from pipeline.runtime.threads import ScannedAhead
from pipeline.sources.line_window import LineWindow
from pipeline.sources.ndjson_rows import MAX_CELLS, TEXT_COLUMNS, RowReader
from pipeline.sources.text_files import open_decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.scan.reading import Reading

_LINE_BYTES = 4 << 20  # longer lines are read in Python alone, so that no more bytes are kept to be read twice


def read_ndjson(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows in order. A key that a row lacks is null; blank lines are passed over.

    Raises:
        SourceError: a line is no JSON object, or a value does not fit its column; it names the line.
    """
    # A batch is taken while the next one is made, of which nothing is to be known yet.
    ahead = replace(
        reading,
        number_columns=set(reading.number_columns),
        ambiguous_columns=set(reading.ambiguous_columns),
    )
    try:
        with ScannedAhead(_read_batches(path, ahead)) as batches:
            for batch, reading.drops, numbers, ambiguous in batches:
                reading.number_columns |= numbers
                reading.ambiguous_columns |= ambiguous
                yield batch
    finally:
        reading.skipped = ahead.skipped


class _Batch(NamedTuple):
    """A batch, and what is known of the file with it, as in `Reading`."""

    rows: pa.RecordBatch
    drops: NDArray[np.bool_] | None
    number_columns: set[str]
    ambiguous_columns: set[str]


def _read_batches(path: Path, reading: Reading) -> Iterator[_Batch]:
    with open_decompressed(path) as file:
        window = LineWindow(file)
        by_row = RowReader(reading)
        rows = _compiled(by_row, reading)
        while True:
            window.begin()
            batch = _read_batch(rows, window, reading, is_first=by_row.line == 0)
            if batch is None:
                window.go_back()
                batch = by_row.read(window)
                rows = _compiled(by_row, reading)
            else:
                by_row.names.update(dict.fromkeys(rows.names))
                by_row.line += rows.lines
                batch = batch if rows.rows else None
            if batch is None:
                return
            yield _Batch(batch, reading.drops, set(reading.number_columns), set(reading.ambiguous_columns))


def _compiled(by_row: RowReader, reading: Reading) -> JsonRows:
    limits = RowLimits(reading.batch_size, BATCH_BYTES, MAX_CELLS, _LINE_BYTES)
    return JsonRows(limits, TICKS_PER_SECOND[reading.unit], by_row.names)


def _read_batch(rows: JsonRows, window: LineWindow, reading: Reading, *, is_first: bool) -> pa.RecordBatch | None:
    """Read the next batch, without rows at the end; None where it is odd."""
    end = _read_lines(rows, window, reads_times=True, is_first=is_first)
    if end == RowsEnd.ODD_TIME:
        window.go_back()
        end = _read_lines(rows, window, reads_times=False, is_first=is_first)
    return None if end == RowsEnd.UNSOUND else _batch(rows, reading)


def _read_lines(rows: JsonRows, window: LineWindow, *, reads_times: bool, is_first: bool) -> RowsEnd:
    rows.begin(reads_times=reads_times)
    while True:
        end, window.at = rows.read(
            window.data, window.at, window.end, is_last=window.is_whole, is_first=is_first and not rows.lines
        )
        if end != RowsEnd.MORE or window.is_whole:
            return end
        window.fill()


def _batch(rows: JsonRows, reading: Reading) -> pa.RecordBatch | None:
    arrays = []
    numbers, ambiguous = set(), set()
    for at, name in enumerate(rows.names):
        held = rows.held(at)
        if name == "timestamp":
            array = _times(rows, at, held, reading)
        elif (wanted := _wanted(name, held, reading)) is None:
            return None
        else:
            array = rows.array(at, wanted) if wanted else pa.nulls(rows.rows)
            if wanted == Held.FRACTIONS:
                numbers.add(name)
            elif wanted == Held.TEXTS and held == Held.NUMBER_NAMES and name not in TEXT_COLUMNS:
                ambiguous.add(name)
        if array is None:
            return None
        arrays.append(array)
    reading.number_columns |= numbers
    reading.ambiguous_columns |= ambiguous
    return pa.record_batch(arrays, names=rows.names)


def _wanted(name: str, held: Held, reading: Reading) -> Held | None:
    """Tell what a column becomes, nothing where all is null; None where not all that it holds can become that."""
    if Held.FRACTIONS in held and name in reading.ambiguous_columns:
        return None
    is_number = Held.FRACTIONS in held or name in reading.number_columns
    if name == "value" or (name not in CORE_COLUMNS and is_number):
        wanted, others = Held.FRACTIONS, Held.INTEGERS | Held.NUMBER_NAMES
    elif name == "sequence" or (Held.INTEGERS in held and name not in TEXT_COLUMNS):
        wanted, others = Held.INTEGERS, Held(0)
    elif Held.BOOLEANS in held and name not in TEXT_COLUMNS:
        wanted, others = Held.BOOLEANS, Held(0)
    else:
        wanted, others = (Held.TEXTS, Held.NUMBER_NAMES) if held else (Held(0), Held(0))
    return None if held & ~(wanted | others) else wanted


def _times(rows: JsonRows, at: int, held: Held, reading: Reading) -> pa.Array | None:
    if not held & ~Held.TIMES:
        reading.drops = rows.dropped(at)
        ticks = rows.array(at, Held.TIMES)
        return None if ticks is None else ticks.view(timestamp_type(reading.unit))
    if held & ~(Held.TEXTS | Held.NUMBER_NAMES):
        return None
    try:
        times, reading.drops = parse_timestamps(rows.array(at, Held.TEXTS), reading.zone, reading.unit)
    except ValueError:
        return None
    return times
