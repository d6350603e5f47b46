"""Parquet, with page checksums, the metadata in the schema's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.batches import regroup
from pipeline.model import plain_schema
from pipeline.overlap import ScannedAhead
from pipeline.writers import METADATA_KEY, complete_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.compression import Sink

ROW_GROUP_ROWS = 131_072


def write_parquet(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    metadata: Mapping[str, Any],
    compression: str,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write the rows in row groups of one size, whatever the batches."""
    described = json.dumps(metadata, ensure_ascii=False).encode()
    schema = plain_schema(reader.schema).with_metadata({METADATA_KEY: described})
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    counts = [field.name for field in schema if pa.types.is_int64(field.type) or pa.types.is_timestamp(field.type)]
    with (
        pq.ParquetWriter(
            file,
            schema,
            compression=compression,
            use_dictionary=texts,
            # Sequences and times go up in small steps.
            column_encoding=dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
            write_page_index=True,
        ) as writer,
        complete_or_nothing(file),
        ScannedAhead(regroup(reader, schema, ROW_GROUP_ROWS)) as tables,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
