"""NDJSON: one row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.writers.text import encoded

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.disk.sink import Sink


def write_ndjson(reader: pa.RecordBatchReader, file: Sink, **_: Any) -> None:  # noqa: ANN401 - options of other formats
    """Write the rows; the format has no place for metadata."""
    for text in encoded(reader, lambda buffer, rows: buffer.ndjson(rows)):
        file.write(text)
