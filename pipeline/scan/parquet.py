"""Parquet files, page checksums verified."""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceError
from pipeline.model.arrays import integers, is_null, is_text, text_lengths
from pipeline.model.timestamps import COUNTABLE, TICKS_PER_SECOND, YEARS
from pipeline.native import list_chunk_pages
from pipeline.scan.decoding import read_groups
from pipeline.scan.page_sizes import look_at_pages, rows_that_fit, sized_pages
from pipeline.scan.reading import MAX_BATCH_BYTES, empty_batch
from pipeline.scan.stored import LoadedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence
    from pathlib import Path

    from pipeline.scan.page_sizes import ColumnPages
    from pipeline.scan.reading import Reading, TimeBounds
    from pipeline.scan.stored import StoredParquet

_BUFFER_BYTES = 65_536
_MAX_REPEATED_BYTES = 3
_INT96_ROWS = 65_536


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


def _open(path: Path, repeated: Collection[str] = ()) -> pq.ParquetFile:
    metadata = pq.read_metadata(path)
    in_groups = sum(sizes_in_footer(metadata))
    # pyarrow reads what the groups say, and takes no notice of the rows that are left.
    if in_groups != metadata.num_rows:
        raise SourceError(f"is damaged: it tells of {metadata.num_rows} rows, and its parts of {in_groups}")
    return _opened(path, metadata, repeated, _BUFFER_BYTES)


def _opened(
    source: Path | pa.NativeFile, footer: pq.FileMetaData, repeated: Collection[str], buffer: int
) -> pq.ParquetFile:
    held = set(footer.schema.names)
    return pq.ParquetFile(
        source,
        metadata=footer,
        pre_buffer=False,
        buffer_size=buffer,
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
) -> Generator[pa.RecordBatch, None, None]:
    """Read the rows in order, after an empty batch that shows the schema.

    Args:
        path: the file.
        reading: how to read it.
        columns: the columns to read, all by default; those that the file lacks are left out.
        repeated: string columns to read as dictionaries.
        row_groups: those to read, all by default.

    Raises:
        SourceError: the file has fewer rows than it says, or a page unpacks to too much.
    """
    pages = look_at_pages(path)
    opened = partial(_open, path)
    large = _large_dictionaries(opened, pages, reading.batch_size, repeated)
    with ExitStack() as stack:
        files = [stack.enter_context(opened([*repeated, *large])) for _ in range(_openings(reading))]
        wanted = _named(files[0], columns)
        _require_countable(path, files[0], wanted)
        yield empty_batch(pa.schema([large.get(name) or files[0].schema_arrow.field(name) for name in wanted]))
        groups = range(files[0].num_row_groups) if row_groups is None else row_groups
        rows = _rows_at_once(files[0], pages, wanted, reading)
        yield from read_groups(files, groups, wanted, rows, large, in_thread=reading.beside)


def _require_countable(path: Path, file: pq.ParquetFile, wanted: Collection[str]) -> None:
    """Refuse times of INT96 that nanoseconds do not count: read in these, pyarrow gives those of another year.

    Raises:
        SourceError: there is one.
    """
    schema = file.metadata.schema
    leaves = [schema.column(at) for at in range(len(schema))]
    names = [leaf.path for leaf in leaves if leaf.physical_type == "INT96" and leaf.path in wanted]
    if not names:
        return
    first, last = (ticks // TICKS_PER_SECOND["ns"] for ticks in (COUNTABLE["ns"].start, COUNTABLE["ns"].stop))
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="s", pre_buffer=False) as coarse:
        row = 1
        for batch in coarse.iter_batches(_INT96_ROWS, columns=names, use_threads=False):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                seconds = integers(column)
                outside = np.flatnonzero(((seconds <= first) | (seconds >= last)) & ~is_null(column))
                if len(outside):
                    raise SourceError(
                        f"row {row + int(outside[0]):,}, column {name!r}: the time is INT96, which is read in "
                        f"nanoseconds, and lies outside the years {YEARS['ns']}; write it as INT64, in microseconds"
                    )
            row += batch.num_rows


def read_stored(
    stored: StoredParquet,
    reading: Reading,
    columns: Sequence[str],
    repeated: Sequence[str] = (),
    row_groups: Sequence[int] | None = None,
) -> Generator[pa.RecordBatch, None, None]:
    """Read the rows of a file of a store as `read_parquet` does; it is closed at the end.

    Raises:
        SourceError: what is read is not that of the record, or a page unpacks to too much.
    """
    with closing(stored):
        footer = stored.footer
        groups = range(footer.num_row_groups) if row_groups is None else row_groups
        sources = [LoadedFile(stored.size) for _ in range(_openings(reading))]

        def opened(repeated: Collection[str]) -> list[pq.ParquetFile]:
            return [_opened(pa.PythonFile(source, mode="r"), footer, repeated, buffer=0) for source in sources]

        files = opened(repeated)
        wanted = _named(files[0], columns)
        yield empty_batch(pa.schema([files[0].schema_arrow.field(name) for name in wanted]))
        if len(groups) == footer.num_row_groups and len(wanted) == footer.num_columns:
            stored.check_rest()
        loaded = stored.loaded(groups, wanted)
        with nullcontext(loaded) if reading.ahead is None or len(groups) == 1 else reading.ahead(loaded) as each:
            for one in each:
                for source in sources:
                    source.held = one
                values = footer.row_group(one.row_group).num_rows
                chunks = {at: (data, values) for at, data in one.chunks.items()}
                pages = sized_pages(list_chunk_pages(one.row_group, chunks), stored.size)
                large = _large_dictionaries(lambda names: opened(names)[0], pages, reading.batch_size, repeated)
                rows = _rows_at_once(files[0], pages, wanted, reading)
                now = opened([*repeated, *large]) if large else files
                yield from read_groups(now, [one.row_group], wanted, rows, large, in_thread=reading.beside)


def _openings(reading: Reading) -> int:
    """How often a file is opened: no two threads read through one."""
    return 1 if reading.beside is None else 2


def _named(file: pq.ParquetFile, columns: Sequence[str] | None) -> list[str]:
    return [name for name in file.schema_arrow.names if columns is None or name in columns]


def _rows_at_once(file: pq.ParquetFile, pages: Sequence[ColumnPages], wanted: Sequence[str], reading: Reading) -> int:
    names = file.schema_arrow.names
    read = [one for one in pages if one.column < len(names) and names[one.column] in wanted]
    return rows_that_fit(read, reading.batch_size)


def _large_dictionaries(
    opened: Callable[[Collection[str]], pq.ParquetFile],
    pages: Sequence[ColumnPages],
    rows: int,
    repeated: Collection[str],
) -> dict[str, pa.Field]:
    """Find the columns whose texts come from dictionaries so large that a batch could not hold them written out.

    Args:
        opened: opens the file, to read some columns as dictionaries.
        pages: of it.
        rows: of a batch.
        repeated: columns that are read as dictionaries.

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
    texts = {at: field for at, field in enumerate(opened([]).schema_arrow) if is_text(field.type)}
    large: dict[str, pa.Field] = {}
    with opened([field.name for field in texts.values()]) as file:
        for column, group in doubtful:
            field = texts.get(column)
            if field is None or field.name in large or field.name in repeated:
                continue
            first = next(file.iter_batches(1, row_groups=[group], columns=[field.name], use_threads=False), None)
            if first is not None and text_lengths(first.column(0).dictionary).max(initial=0) > most[column]:
                large[field.name] = field
    return large
