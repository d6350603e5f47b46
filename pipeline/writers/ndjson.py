"""NDJSON: one row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.native import TextBuffer

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.compression import Sink


def write_ndjson(reader: pa.RecordBatchReader, file: Sink, **_: Any) -> None:  # noqa: ANN401 - options of other formats
    """Write the rows; the format has no place for metadata."""
    buffer = TextBuffer()
    for batch in reader:
        file.write(buffer.ndjson(batch))
