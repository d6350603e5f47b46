"""Views of rows that are made while the engine reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class EngineStream:
    """Rows that the engine may read any number of times; they are made in a thread ahead of it.

    Attributes:
        schema: of the rows.
    """

    def __init__(self, schema: pa.Schema, read: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        """Say what the rows are, and what makes them, from the first one on each time."""
        self.schema = schema
        self._read = read

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Begin to read."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with ScannedAhead(self._read()) as ahead:
            yield from ahead
