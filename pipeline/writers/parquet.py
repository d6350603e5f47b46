"""Parquet, with page checksums, the metadata in the schema's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from pipeline.batches import regroup
from pipeline.model import plain_schema
from pipeline.writers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

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
    with pq.ParquetWriter(
        file, schema, compression=compression, write_page_checksum=True, write_page_index=True
    ) as writer:
        for table in regroup(reader, schema, ROW_GROUP_ROWS):
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
