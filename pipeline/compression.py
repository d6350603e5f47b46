"""Compression of text files: deterministic, and each form notices damage when it is read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3


@contextmanager
def compressing(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    """Open a compressor in front of a file; the file stays open.

    Args:
        file: where the compressed bytes go.
        compression: `none`, `gzip` (with its CRC, without a time or name) or `zstd` (with its content checksum).
    """
    if compression == "gzip":
        import gzip  # noqa: PLC0415 - only where it is used

        with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as compressor:
            yield compressor
    elif compression == "zstd":
        import zstandard  # noqa: PLC0415 - only where it is used

        with zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).stream_writer(
            file, closefd=False
        ) as compressor:
            yield compressor
    else:
        yield file
