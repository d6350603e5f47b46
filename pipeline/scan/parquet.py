"""Parquet files, page checksums verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceError
from pipeline.scan.reading import BATCH_BYTES, empty_batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.scan.reading import Reading

_BUFFER_BYTES = 65_536
_MAX_REPEATED_BYTES = 3


def open_parquet(path: Path, repeated: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a file so that memory follows the batch, not the row group or the column.

    Args:
        path: the file.
        repeated: string columns to read as dictionaries.
    """
    metadata = pq.read_metadata(path)
    held = set(metadata.schema.names)
    return pq.ParquetFile(
        path,
        metadata=metadata,
        pre_buffer=False,
        buffer_size=_BUFFER_BYTES,
        page_checksum_verification=True,
        read_dictionary=[name for name in repeated if name in held] or None,
    )


def repeated_texts(path: Path) -> set[str]:
    """Find the string columns whose values repeat so much that a file of rows holds little more than their places."""
    with open_parquet(path) as file:
        metadata = file.metadata
        sizes: dict[str, float] = {}
        for at, field in enumerate(file.schema_arrow):
            if not pa.types.is_string(field.type):
                continue
            _check_column(file, at)
            groups = [metadata.row_group(group).column(at) for group in range(metadata.num_row_groups)]
            values = sum(group.num_values for group in groups)
            if values and all(group.has_dictionary_page for group in groups):
                sizes[field.name] = sum(group.total_uncompressed_size for group in groups) / values
    return {name for name, size in sizes.items() if size < _MAX_REPEATED_BYTES}


def _check_column(file: pq.ParquetFile, at: int) -> None:
    """Begin to read a column of each row group: asking pyarrow for what a damaged footer says of it ends the process.

    Raises:
        pa.ArrowException: the footer is damaged.
        OSError: the same.
    """
    for group in range(file.metadata.num_row_groups):
        next(file.iter_batches(1, row_groups=[group], columns=[file.schema_arrow.names[at]], use_threads=False), None)


def read_parquet(
    path: Path, reading: Reading, columns: Sequence[str] | None = None, repeated: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, after an empty batch that shows the schema.

    Args:
        path: the file.
        reading: how to read it.
        columns: the columns to read, all by default; those that the file lacks are left out.
        repeated: string columns to read as dictionaries.

    Raises:
        SourceError: the file has fewer rows than it says.
    """
    with open_parquet(path, repeated) as file:
        schema = file.schema_arrow
        held = set(schema.names)
        wanted = [name for name in columns if name in held] if columns is not None else None
        fields = list(schema) if wanted is None else [schema.field(name) for name in wanted]
        yield empty_batch(pa.schema(fields))
        rows = min(reading.batch_size, _rows_that_fit(file.metadata))
        done = 0
        for batch in file.iter_batches(rows, columns=wanted, use_threads=False):
            done += batch.num_rows
            yield batch
        # pyarrow ends without an error where a damaged column has no more pages.
        if done != file.metadata.num_rows:
            raise SourceError(f"is damaged: of {file.metadata.num_rows} rows {done} can be read")


def _rows_that_fit(metadata: pq.FileMetaData) -> int:
    """How many rows a batch can have so that rows of large texts do not multiply."""
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(1, int(BATCH_BYTES / max(largest, 1)))
