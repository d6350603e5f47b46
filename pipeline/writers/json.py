"""One JSON document: the metadata, then the rows, streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.writers import text_buffers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from pipeline.compression import Sink


def write_json(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    table: str,
    metadata: Mapping[str, Any],
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write an object with `metadata` and, under the table's name, an array of its rows, one a line."""
    described = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    file.write(f'{{"metadata":{described},\n"{table}":['.encode())
    buffers, separator = text_buffers(), b"\n"
    for batch in reader:
        if batch.num_rows:
            file.write(separator)
            file.write(next(buffers).ndjson(batch, as_array=True))
            separator = b",\n"
    file.write(b"\n]}\n")
