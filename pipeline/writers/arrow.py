"""The Arrow IPC file format, the metadata in the schema's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.disk.files import complete_or_nothing
from pipeline.model.arrays import from_bools, from_numbers, integers, is_null
from pipeline.model.columns import plain_schema
from pipeline.model.session_record import METADATA_KEY
from pipeline.rows.batches import regroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.disk.sink import Sink

BATCH_ROWS = 65_536


def write_arrow(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    metadata: Callable[[], Mapping[str, Any]],
    compression: str,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write the rows in batches of one size, whatever the batches read."""
    described = json.dumps(metadata(), ensure_ascii=False).encode()
    schema = plain_schema(reader.schema).with_metadata({METADATA_KEY: described})
    options = pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression, use_threads=False)
    with pa.ipc.new_file(file, schema, options=options) as writer, complete_or_nothing(file):
        for table in regroup(reader, schema, BATCH_ROWS):
            columns = [_without_traces(column.combine_chunks()) for column in table.columns]
            writer.write_table(pa.table(columns, schema=schema), max_chunksize=BATCH_ROWS)


def _without_traces(array: pa.Array) -> pa.Array:
    """Put zeros under nulls: what readers leave there depends on their batches, and would go into the file."""
    if not array.null_count or pa.types.is_string(array.type):
        return array
    absent = is_null(array)
    if pa.types.is_boolean(array.type):
        bits = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), bitorder="little")
        return from_bools((bits[array.offset : array.offset + len(array)] == 1) & ~absent, absent)
    return from_numbers(np.where(absent, 0, integers(array)), array.type, absent)
