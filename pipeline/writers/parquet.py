"""Parquet, with page checksums, the metadata in the schema's."""

from __future__ import annotations

import io
import itertools
import json
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disk.files import complete_or_nothing
from pipeline.model.arrays import is_null, places, text_lengths
from pipeline.model.columns import REPEATED_TEXT, plain_schema
from pipeline.model.session_record import METADATA_KEY
from pipeline.native import distinct_texts
from pipeline.rows.batches import as_table, gathered, may_be_full, taken
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from pipeline.disk.sink import Sink

ROW_GROUP_ROWS = 131_072
_BUFFER_BYTES = 1 << 20
MAX_REPEATED_BYTES = 65_536
MAX_REPEATED_TEXTS = 8_192


def write_parquet(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    metadata: Callable[[], Mapping[str, Any]],
    compression: str,
    ahead: bool,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write the rows in row groups of one size, whatever the batches."""
    write_rows(
        reader,
        plain_schema(reader.schema),
        file,
        compression=compression,
        ahead=ahead,
        metadata=lambda: {METADATA_KEY: json.dumps(metadata(), ensure_ascii=False).encode()},
    )


def write_rows(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    file: Sink,
    *,
    compression: str,
    ahead: bool = True,
    metadata: Callable[[], Mapping[bytes, bytes]] = dict,
) -> None:
    """Write batches as a Parquet file that is small, quick to read, and notices damage.

    Args:
        batches: the rows.
        schema: their schema, strings as strings.
        file: where the bytes go.
        compression: codec of the pages.
        ahead: prepare the next row group, if there is one, in a thread of its own.
        metadata: gives that of the file; it is asked when the rows are written.
    """
    groups = gathered(batches, ROW_GROUP_ROWS)
    first = list(itertools.islice(groups, 1))
    shape = _with_dictionaries(first[0], schema) if first else schema
    tables = map(partial(as_table, schema=shape), itertools.chain(taken(first), groups))
    counts = [field.name for field in schema if pa.types.is_int64(field.type) or pa.types.is_timestamp(field.type)]
    # Least and greatest leave NaN out: readers that hold NaN for greater than numbers lose rows by them.
    exact = [field.name for field in schema if not pa.types.is_floating(field.type)]
    goes_on = ahead and bool(first) and may_be_full(first[0], ROW_GROUP_ROWS)
    making: AbstractContextManager[Iterable[pa.Table]] = (
        ScannedAhead(tables, ahead=1) if goes_on else nullcontext(tables)
    )
    with (
        _gathering_writes(file) as gathering,
        pq.ParquetWriter(
            gathering,
            shape,
            compression=compression,
            # Numbers seldom repeat enough for a dictionary, which has to be tried and given up for each group.
            use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
            # Sequences and times go up in small steps.
            column_encoding=dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
            write_statistics=exact,
            write_page_checksum=True,
            write_page_index=True,
            store_schema=False,  # dictionaries are our way to Parquet's, readers get strings
        ) as writer,
        complete_or_nothing(file),
        making as made,
    ):
        for table in made:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            del table  # before the next one is waited for
        writer.add_key_value_metadata(metadata())


@contextmanager
def _gathering_writes(file: Sink) -> Iterator[IO[bytes]]:
    """Hand on many small writes as few large ones; the file stays open."""
    gathering = io.BufferedWriter(cast("io.RawIOBase", file), _BUFFER_BYTES)
    try:
        yield gathering
    finally:
        gathering.detach()


def _with_dictionaries(rows: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Schema:
    """Choose the columns that are handed over as dictionaries: those whose texts repeat in the first rows.

    It goes by the texts alone, so that the bytes of a file do not depend on how the source holds them.
    """
    fields = []
    for at, field in enumerate(schema):
        repeats = pa.types.is_string(field.type) and _repeats([batch.column(at) for batch in rows])
        fields.append(field.with_type(REPEATED_TEXT) if repeats else field)
    return pa.schema(fields)


def _repeats(parts: Sequence[pa.Array]) -> bool:
    distinct: set[bytes | None] = set()
    for part in parts:
        texts, rows = _distinct(part)
        if len(rows) > MAX_REPEATED_TEXTS or int(text_lengths(texts)[rows].sum()) > MAX_REPEATED_BYTES:
            return False  # before large texts become Python's
        distinct.update(bytes(texts[row].as_buffer()) for row in rows.tolist())
        if is_null(part).any():
            distinct.add(None)
        if len(distinct) > MAX_REPEATED_TEXTS or sum(len(text or b"") for text in distinct) > MAX_REPEATED_BYTES:
            return False
    return True


def _distinct(part: pa.Array) -> tuple[pa.Array, NDArray[np.integer[Any]]]:
    """Find where the texts that an array has stand, each once; null is none."""
    if pa.types.is_dictionary(part.type):  # without Arrow's functions, which take a while to load
        held = np.bincount(places(part)[~is_null(part)], minlength=len(part.dictionary))
        held[is_null(part.dictionary)] = 0
        return part.dictionary, np.flatnonzero(held)
    _, firsts = distinct_texts(part)
    return part, firsts[~is_null(part)[firsts]]
