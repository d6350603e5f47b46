"""Decoding the row groups of a Parquet file: so many rows at once, in one thread or, by columns, in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.rows.batches import cut_by_text, select_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import pyarrow.parquet as pq

    from pipeline.scan.reading import InThread

_WORTH_A_THREAD = 3
"""Batches that columns are decoded aside for: it takes longer to start a thread than to decode fewer."""


def read_groups(
    files: Sequence[pq.ParquetFile],
    groups: Sequence[int],
    columns: Sequence[str],
    rows: int,
    written_out: Mapping[str, pa.Field],
    *,
    in_thread: InThread | None,
) -> Iterator[pa.RecordBatch]:
    """Read row groups in order.

    Args:
        files: the file, opened twice where columns are decoded in a thread.
        groups: their places.
        columns: those to read, in their order.
        rows: of a batch, at most.
        written_out: by name, columns that are opened as dictionaries, to be written out batch by batch.
        in_thread: decodes half of the columns in a thread; None where all are decoded in this one.

    Raises:
        SourceError: the file has fewer rows than it says.
    """
    file = files[0]
    expected = sum(file.metadata.row_group(group).num_rows for group in groups)
    batches = _decoded(file, groups, columns, rows)
    if in_thread is not None and len(columns) > 1 and expected >= _WORTH_A_THREAD * rows:
        here, there = _halves(file, groups, columns)
        beside = in_thread(_decoded(files[1], groups, there, rows))
        batches = _together(_decoded(file, groups, here, rows), beside, [*here, *there])
    done = 0
    for batch in batches:
        done += batch.num_rows
        for part in cut_by_text(select_columns(batch, columns), rows):
            yield _written_out(part, written_out) if written_out else part
    # pyarrow ends without an error where a damaged column has no more pages.
    if done != expected:
        raise SourceError(f"is damaged: of {expected} rows {done} can be read")


def _decoded(
    file: pq.ParquetFile, groups: Sequence[int], columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    return iter(file.iter_batches(rows, row_groups=groups, columns=columns, use_threads=False))


def _halves(file: pq.ParquetFile, groups: Sequence[int], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part columns in two that take about as long to be decoded, as far as their bytes tell.

    Args:
        file: it.
        groups: the row groups that are read.
        columns: the columns that are read, two at least; none is nested.
    """
    names, footer = file.schema_arrow.names, file.metadata
    sizes = {
        name: sum(footer.row_group(group).column(names.index(name)).total_uncompressed_size for group in groups)
        for name in columns
    }
    halves: tuple[list[str], list[str]] = ([], [])
    for name in sorted(columns, key=lambda name: -sizes[name]):
        min(halves, key=lambda half: sum(sizes[one] + 1 for one in half)).append(name)
    return halves


def _together(
    here: Iterator[pa.RecordBatch], beside: AbstractContextManager[Iterator[pa.RecordBatch]], names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Put two halves of the columns together; batches end where one of either half ends."""
    with beside as there:
        waiting: pa.RecordBatch | None = None
        for batch in here:
            rest = batch
            while rest.num_rows:
                if waiting is None or not waiting.num_rows:
                    waiting = next(there, None)
                    if waiting is None:
                        return  # the rows that are missing are counted
                count = min(rest.num_rows, waiting.num_rows)
                columns = [*rest.slice(0, count).columns, *waiting.slice(0, count).columns]
                yield pa.RecordBatch.from_arrays(columns, names=list(names))
                rest, waiting = rest.slice(count), waiting.slice(count)


def _written_out(batch: pa.RecordBatch, fields: Mapping[str, pa.Field]) -> pa.RecordBatch:
    """Write the texts of dictionaries out."""
    columns = [
        column.dictionary_decode().cast(fields[name].type) if name in fields else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
