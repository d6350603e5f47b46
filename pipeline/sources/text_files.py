"""Files of text: decompressed, and sound UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from pipeline.runtime.progress import Position, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FractionsFoundError(Exception):
    """A column that was taken for text holds numbers: the source must be read again, with its name known."""

    def __init__(self, column: str) -> None:
        self.column = column
        super().__init__(column)


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; the names `.gz` and `.zst` say that it is compressed."""
    if path.suffix == ".gz":
        with path.open("rb") as packed, gzip.open(packed) as unpacked, reading(Position(packed)):
            yield cast("IO[bytes]", unpacked)
    elif path.suffix == ".zst":
        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream, reading(raw):
            yield io.BufferedReader(stream)
    else:
        with path.open("rb") as file, reading(Position(file)):
            yield file


class SoundText:
    """A file of text, read so that bytes which are no UTF-8 are NUL, a character that no row may hold.

    For readers that fail at such bytes where the row that holds them is to be left out.
    """

    closed = False
    mode = "rb"

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        codecs.register_error("nul", lambda error: ("\0", cast("UnicodeDecodeError", error).end))
        self._decoder = codecs.getincrementaldecoder("utf-8")("nul")

    def read(self, size: int) -> bytes:
        """Read about as many bytes; none at the end."""
        while data := self._file.read(size):
            if text := self._decoder.decode(data):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()

    def close(self) -> None:
        """Let the file go; its owner closes it."""
        self.closed = True
