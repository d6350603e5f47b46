"""The bytes of a file from where a batch of its lines begins, so that they can be read twice."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    import io

_CHUNK = 1 << 18


class LineWindow:
    """Bytes that were read ahead, and what comes behind them.

    Attributes:
        data: where the bytes lie.
        at: where the next line begins in it.
        end: of the bytes.
        is_whole: nothing comes behind them.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = cast("io.BufferedIOBase", file)
        self._start = 0
        self._error: Exception | None = None
        self.data = bytearray(2 * _CHUNK)
        self.at = self.end = 0
        self.is_whole = False

    def begin(self) -> None:
        """Begin a batch: lines before it are let go of."""
        self._start = self.at

    def go_back(self) -> None:
        """Go back to where the batch began; there is no way back once `readline` went beyond what was read ahead."""
        self.at = self._start

    def fill(self) -> None:
        """Read more bytes.

        An error is raised when bytes are asked for again: what came before it may be lines that are worth a word.
        """
        if self._error is not None:
            raise self._error
        if len(self.data) - self.end < _CHUNK:
            self._make_room()
        try:
            with memoryview(self.data) as view:
                got = self._file.readinto1(view[self.end : self.end + _CHUNK])
        except Exception as error:  # noqa: BLE001 - it is raised later
            self._error = error
            return
        self.end += got
        self.is_whole = not got

    def _make_room(self) -> None:
        kept = self.end - self._start
        self.data[:kept] = self.data[self._start : self.end]
        self.at, self.end, self._start = self.at - self._start, kept, 0
        if len(self.data) - self.end < _CHUNK:
            self.data.extend(bytes(len(self.data)))

    def readline(self, limit: int) -> bytes:
        """Read a line as files do: so many bytes at most, none at the end."""
        start, stop = self.at, min(self.end, self.at + limit)
        found = self.data.find(b"\n", start, stop)
        self.at = found + 1 if found >= 0 else stop
        with memoryview(self.data) as view:
            line = bytes(view[start : self.at])
        if found >= 0 or len(line) == limit or self.is_whole:
            return line
        if self._error is not None:
            raise self._error
        return line + self._file.readline(limit - len(line))
