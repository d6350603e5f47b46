"""One JSON document: the metadata, then the rows, streamed."""

from __future__ import annotations

import json
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from pipeline.writers.text import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from pipeline.disk.sink import Sink


def write_json(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    table: str,
    metadata: Callable[[], Mapping[str, Any]],
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write an object with `metadata` and, under the table's name, an array of its rows, one a line."""
    described = json.dumps(metadata(), ensure_ascii=False, separators=(",", ":"))
    for text in encoded(
        reader,
        lambda buffer, rows: buffer.ndjson(rows, as_array=True),
        begin=f'{{"metadata":{described},\n"{table}":['.encode(),
        separators=chain([b"\n"], repeat(b",\n")),
    ):
        file.write(text)
    file.write(b"\n]}\n")
