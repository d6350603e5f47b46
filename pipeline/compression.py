"""Compression of text files: deterministic, and each form notices damage when it is read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write all of the bytes."""


EXTENSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3


@contextmanager
def compressing(file: Sink, compression: str) -> Iterator[Sink]:
    """Open a compressor in front of a file; the file stays open.

    Args:
        file: where the compressed bytes go.
        compression: `none`, `gzip` (with its CRC, without a time or name) or `zstd` (with its content checksum).
    """
    binary = cast("IO[bytes]", file)
    if compression == "gzip":
        import gzip  # noqa: PLC0415 - only where it is used

        with gzip.GzipFile("", "wb", _GZIP_LEVEL, binary, mtime=0) as compressor:
            yield compressor
    elif compression == "zstd":
        import zstandard  # noqa: PLC0415 - only where it is used

        with zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).stream_writer(
            binary, closefd=False
        ) as compressor:
            yield compressor
    else:
        yield file
