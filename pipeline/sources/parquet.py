"""Parquet files, page checksums verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.sources.reading import Reading

_BUFFER_BYTES = 65_536


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a file so that memory follows the batch, not the row group or the column."""
    return pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True)


def read_parquet(path: Path, reading: Reading, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, after an empty batch that shows the schema.

    Args:
        path: the file.
        reading: how to read it.
        columns: the columns to read, all by default; those that the file lacks are left out.
    """
    with open_parquet(path) as file:
        schema = file.schema_arrow
        wanted = [name for name in columns if name in schema.names] if columns is not None else None
        fields = list(schema) if wanted is None else [schema.field(name) for name in wanted]
        yield pa.RecordBatch.from_pylist([], schema=pa.schema(fields))
        yield from file.iter_batches(reading.batch_size, columns=wanted, use_threads=False)
