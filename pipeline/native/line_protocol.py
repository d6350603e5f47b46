"""Series of line protocol, and the values that it has no text for."""

from __future__ import annotations

from pipeline.native.library import LIBRARY


class UnwritableError(ValueError):
    """A value that the format has no text for.

    Attributes:
        row: its row in the batch.
        column: its column.
        is_time: it is a time out of range; otherwise it is a text or a name.
    """

    def __init__(self, row: int, column: int, *, is_time: bool) -> None:
        super().__init__(f"column {column}, row {row}: the format has no text for it")
        self.row = row
        self.column = column
        self.is_time = is_time


class Series:
    """The series of a session in line protocol, and how far each has come."""

    def __init__(self) -> None:
        self._handle = LIBRARY.pipeline_series_new()
        if not self._handle:
            raise MemoryError("no memory for series")

    def __del__(self) -> None:
        if self._handle:
            LIBRARY.pipeline_series_free(self._handle)

    @property
    def handle(self) -> int:
        """What the compiled part knows it by."""
        return int(self._handle)

    def clear(self) -> None:
        """Forget all: another session begins."""
        LIBRARY.pipeline_series_clear(self._handle)
