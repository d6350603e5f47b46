"""Where bytes go: a file, a compressor, or a thread that writes behind."""

from __future__ import annotations

from typing import Protocol


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write all of the bytes."""
