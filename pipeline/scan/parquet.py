"""Parquet files, page checksums verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceError
from pipeline.model.arrays import is_text, text_lengths
from pipeline.rows.batches import cut_by_text
from pipeline.scan.page_sizes import look_at_pages, rows_that_fit
from pipeline.scan.reading import MAX_BATCH_BYTES, empty_batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.scan.page_sizes import ColumnPages
    from pipeline.scan.reading import Reading, TimeBounds

_BUFFER_BYTES = 65_536
_MAX_REPEATED_BYTES = 3


def open_parquet(path: Path, repeated: Collection[str] = ()) -> pq.ParquetFile:
    """Open a file so that memory follows the batch, not the row group or the column.

    Args:
        path: the file.
        repeated: string columns to read as dictionaries.

    Raises:
        SourceError: it is damaged, or a page unpacks to too much.
    """
    look_at_pages(path)
    return _open(path, repeated)


def _open(path: Path, repeated: Collection[str] = (), footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    metadata = footer or pq.read_metadata(path)
    in_groups = sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    # pyarrow reads what the groups say, and takes no notice of the rows that are left.
    if in_groups != metadata.num_rows:
        raise SourceError(f"is damaged: it tells of {metadata.num_rows} rows, and its parts of {in_groups}")
    held = set(metadata.schema.names)
    return pq.ParquetFile(
        path,
        metadata=metadata,
        pre_buffer=False,
        buffer_size=_BUFFER_BYTES,
        page_checksum_verification=True,
        read_dictionary=[name for name in repeated if name in held] or None,
    )


def may_swell(path: Path) -> bool:
    """Whether an engine that unpacks page by page could need much more memory than the pages have bytes."""
    return any(column.may_swell for column in look_at_pages(path))


def repeated_texts(path: Path) -> set[str]:
    """Find the string columns whose values repeat so much that a file of rows holds little more than their places."""
    with open_parquet(path) as file:
        for at, field in enumerate(file.schema_arrow):
            if pa.types.is_string(field.type):
                _check_column(file, at)
        return repeated_by_footer(file.metadata)


def repeated_by_footer(footer: pq.FileMetaData) -> set[str]:
    """Do as `repeated_texts` does, by a footer that is known to be right."""
    sizes: dict[str, float] = {}
    for at, field in enumerate(footer.schema.to_arrow_schema()):
        if not pa.types.is_string(field.type):
            continue
        groups = [footer.row_group(group).column(at) for group in range(footer.num_row_groups)]
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


def row_group_sizes(path: Path) -> list[int]:
    """Count the rows of each row group.

    Raises:
        SourceError: the file is damaged.
    """
    with open_parquet(path) as file:
        return sizes_in_footer(file.metadata)


def sizes_in_footer(footer: pq.FileMetaData) -> list[int]:
    """Give the rows of each row group."""
    return [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]


def groups_between(footer: pq.FileMetaData, times: TimeBounds) -> list[int]:
    """Find the row groups that may have rows in a range of time.

    Args:
        footer: of a file, known to be right.
        times: the range.
    """
    since, until = times
    at = footer.schema.names.index("timestamp")
    found: list[int] = []
    for group in range(footer.num_row_groups):
        seen = footer.row_group(group).column(at).statistics
        is_told = seen is not None and seen.has_min_max
        is_before = is_told and since is not None and seen.max_raw < since
        is_after = is_told and until is not None and seen.min_raw >= until
        if not (is_before or is_after):
            found.append(group)
    return found


def read_parquet(
    path: Path,
    reading: Reading,
    columns: Sequence[str] | None = None,
    repeated: Sequence[str] = (),
    row_groups: Sequence[int] | None = None,
    footer: pq.FileMetaData | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, after an empty batch that shows the schema.

    Args:
        path: the file.
        reading: how to read it.
        columns: the columns to read, all by default; those that the file lacks are left out.
        repeated: string columns to read as dictionaries.
        row_groups: those to read, all by default.
        footer: that of the file, where it is known to be right: of what is not read, nothing is looked at then.

    Raises:
        SourceError: the file has fewer rows than it says, or a page unpacks to too much.
    """
    looked_at = None if footer is None else _places(footer.schema.names, columns)
    pages = look_at_pages(path, looked_at, None if footer is None else row_groups)
    found = _large_dictionaries(path, pages, reading.batch_size, footer)
    large = {name: field for name, field in found.items() if name not in repeated}
    with _open(path, [*repeated, *large], footer) as file:
        names = file.schema_arrow.names
        wanted = [name for name in names if columns is None or name in columns]
        fields = [large.get(name) or file.schema_arrow.field(name) for name in wanted]
        yield empty_batch(pa.schema(fields))
        read = [one for one in pages if one.column < len(names) and names[one.column] in wanted]
        rows = rows_that_fit(read, reading.batch_size)
        metadata = file.metadata
        groups = range(metadata.num_row_groups) if row_groups is None else row_groups
        expected = sum(metadata.row_group(group).num_rows for group in groups)
        done = 0
        for batch in file.iter_batches(rows, row_groups=groups, columns=wanted, use_threads=False):
            done += batch.num_rows
            for part in cut_by_text(batch, rows):
                yield _written_out(part, large) if large else part
        # pyarrow ends without an error where a damaged column has no more pages.
        if done != expected:
            raise SourceError(f"is damaged: of {expected} rows {done} can be read")


def _places(names: Sequence[str], wanted: Collection[str] | None) -> list[int] | None:
    return None if wanted is None else [at for at, name in enumerate(names) if name in wanted]


def _large_dictionaries(
    path: Path, pages: Sequence[ColumnPages], rows: int, footer: pq.FileMetaData | None
) -> dict[str, pa.Field]:
    """Find the columns whose texts come from dictionaries so large that a batch could not hold them written out.

    Returns:
        by name, the columns as they are where they are not read as dictionaries.
    """
    most = {one.column: MAX_BATCH_BYTES // max(min(rows, one.rows), 1) for one in pages}
    doubtful = [
        (one.column, group)
        for one in pages
        for group, longest in one.dictionary_texts.items()
        if longest > most[one.column]
    ]
    if not doubtful:
        return {}
    with _open(path, footer=footer) as file:
        texts = {at: field for at, field in enumerate(file.schema_arrow) if is_text(field.type)}
    large: dict[str, pa.Field] = {}
    with _open(path, [field.name for field in texts.values()], footer) as file:
        for column, group in doubtful:
            field = texts.get(column)
            if field is None or field.name in large:
                continue
            first = next(file.iter_batches(1, row_groups=[group], columns=[field.name], use_threads=False), None)
            if first is not None and text_lengths(first.column(0).dictionary).max(initial=0) > most[column]:
                large[field.name] = field
    return large


def _written_out(batch: pa.RecordBatch, fields: Mapping[str, pa.Field]) -> pa.RecordBatch:
    """Write the texts of dictionaries out."""
    columns = [
        column.dictionary_decode().cast(fields[name].type) if name in fields else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
