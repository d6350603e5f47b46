"""Arrow IPC files, and streams."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.rows.batches import cut_by_text
from pipeline.rows.distinct import encode_repeated
from pipeline.rows.rules import has_sound_offsets
from pipeline.scan.reading import Reading, empty_batch
from pipeline.sources.arrow_sizes import CONTINUATION, FILE_MAGIC, FILE_MAGIC_BYTES, require_small_batches

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

_SHORTEST_MESSAGE = 32  # a smaller number is no length, but the place of the table in a message without one
_MAX_SCHEMA_BYTES = 16 << 20
_LOOKED_AT_ROWS = 8_192


def read_arrow(path: Path, reading: Reading, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read the rows in order, after an empty batch that shows the schema.

    Args:
        path: the file.
        reading: how to read it.
        columns: the columns to read, all by default.
    """
    require_small_batches(path)
    with pa.OSFile(str(path)) as source:
        is_file = source.read(len(FILE_MAGIC)) == FILE_MAGIC
        source.seek(0)
        if is_file:
            with pa.ipc.open_file(source) as file:
                _check_schema(_schema_message(path, skip=FILE_MAGIC_BYTES), file.schema)
            with pa.ipc.open_file(source, options=_only(file.schema, columns)) as file:
                batches = (file.get_batch(i) for i in range(file.num_record_batches))
                yield from _sliced(file.schema, batches, reading.batch_size)
        else:
            with pa.ipc.open_stream(source) as stream:
                _check_schema(_schema_message(path, skip=0), stream.schema)
            source.seek(0)
            with pa.ipc.open_stream(source, options=_only(stream.schema, columns)) as stream:
                yield from _sliced(stream.schema, stream, reading.batch_size)


def read_arrow_rows(
    path: Path, reading: Reading, columns: Sequence[str] | None, repeated: Sequence[str]
) -> Generator[pa.RecordBatch, None, None]:
    """Read rows as Parquet is read: some string columns as dictionaries of distinct texts."""
    for batch in read_arrow(path, reading, columns):
        coded = [
            encode_repeated(column) if name in repeated else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(coded, names=batch.schema.names)


def repeated_arrow_texts(path: Path) -> frozenset[str]:
    """Find the string columns whose first texts repeat; as dictionaries they are quicker to go through."""
    for batch in read_arrow(path, Reading(_LOOKED_AT_ROWS)):
        if batch.num_rows:
            texts = [field.name for field in batch.schema if pa.types.is_string(field.type)]
            return frozenset(
                name for name in texts if len(encode_repeated(batch.column(name)).dictionary) * 4 < batch.num_rows
            )
    return frozenset()


def _only(schema: pa.Schema, columns: Sequence[str] | None) -> pa.ipc.IpcReadOptions:
    if columns is None:
        return pa.ipc.IpcReadOptions()
    return pa.ipc.IpcReadOptions(included_fields=[at for at, name in enumerate(schema.names) if name in columns])


def _schema_message(path: Path, *, skip: int) -> bytes:
    """Read the first message of a file, with its length before it, which Polars leaves out in files."""
    with path.open("rb") as file:
        file.seek(skip)
        first = file.read(4)
        if first == CONTINUATION:
            first = file.read(4)
        length = int.from_bytes(first, "little")
        if length < _SHORTEST_MESSAGE:
            message = first + file.read(_MAX_SCHEMA_BYTES - 4)  # what follows the schema does not matter
            message = message[: len(message) // 8 * 8]
        else:
            message = file.read(min(length, _MAX_SCHEMA_BYTES))
    return CONTINUATION + len(message).to_bytes(4, "little") + message


def _check_schema(message: bytes, schema: pa.Schema) -> None:
    """Refuse a schema that is damaged so that pyarrow takes it for another one.

    A file has its schema twice, and pyarrow goes by the one at the end.

    Raises:
        pa.ArrowInvalid: it is damaged.
    """
    if not pa.ipc.read_schema(pa.ipc.read_message(pa.py_buffer(message))).equals(schema):
        raise pa.ArrowInvalid("its schema at the end is not that at the beginning")
    if any(field.type.num_fields for field in schema):
        return  # nested types are refused later, and cost nanoarrow twice the time with each level
    import nanoarrow  # noqa: PLC0415 - only where it is used

    try:
        with nanoarrow.ArrayStream.from_readable(io.BytesIO(message)) as stream:
            _ = stream.schema
    except Exception as error:
        # There are schemas that nanoarrow does not know; pyarrow reads those.
        if "verification failed" in str(error):
            raise pa.ArrowInvalid("its schema is damaged") from error


def _check_sound(array: pa.Array) -> None:
    """Refuse a damaged array: to look into it could end the process.

    Raises:
        pa.ArrowInvalid: it is damaged.
    """
    _check_validity(array)
    if pa.types.is_dictionary(array.type):
        places = np.asarray(array.indices.drop_null())
        if len(places) and (places.min() < 0 or places.max() >= len(array.dictionary)):
            raise pa.ArrowInvalid("an index lies beyond its dictionary")
        _check_sound(array.dictionary)
        return
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        # Text that is no UTF-8 is sound: the row is named later.
        textual = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
        if not (textual and has_sound_offsets(array)):
            raise


def _check_validity(array: pa.Array) -> None:
    """Refuse an array whose nulls are counted, but not marked, or marked for fewer values than it has.

    Raises:
        pa.ArrowInvalid: it is damaged.
    """
    kind = array.type
    if pa.types.is_null(kind) or pa.types.is_union(kind) or pa.types.is_run_end_encoded(kind):
        return  # they have no marks
    marks = array.buffers()[0]
    if marks is None:
        damaged = not pa.types.is_dictionary(kind) and array.null_count > 0
    else:
        damaged = marks.size * 8 < array.offset + len(array)
    if damaged:
        raise pa.ArrowInvalid("nulls are not marked for all values")


def _sliced(schema: pa.Schema, batches: Iterator[pa.RecordBatch], batch_size: int) -> Iterator[pa.RecordBatch]:
    yield empty_batch(schema)
    for batch in batches:
        for column in batch.columns:
            _check_sound(column)
        yield from cut_by_text(batch, batch_size)
