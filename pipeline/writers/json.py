"""One JSON document: the metadata, then the rows, streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.writers import encoded

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
    separator = b"\n"
    for text in encoded(reader, lambda buffer, rows: buffer.ndjson(rows, as_array=True)):
        file.write(separator)
        file.write(text)
        separator = b",\n"
    file.write(b"\n]}\n")
