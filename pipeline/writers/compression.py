"""Compression of text files: in parallel, deterministic, and in forms that notice damage when they are read."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple, Self, cast

from pipeline.runtime.threads import WorkInOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.disk.sink import Sink

EXTENSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
BLOCK_BYTES = 1 << 20
_GZIP_LEVEL = 1  # of ISA-L, whose ratio is near that of zlib's level 6 on such text
_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(5) + b"\x00\xff"  # no time, no name, no system
_RAW_DEFLATE = -15
_STORED_BYTE = b"\x00\x01\x00\xfe\xff"  # the head of a block that holds one byte as it is
_LAST_BLOCK = b"\x03\x00"  # an empty block that says it is the last
# Rows repeat the row before: a small table, which holds the latest places, finds more than level 1 or 3, and sooner.
_ZSTD_LEVEL = 1
_ZSTD_TABLE_LOG = 12
_ZSTD_SHORTEST_MATCH = 7
_ZSTD_JOB_BYTES = 1 << 20


@contextmanager
def compressing(file: Sink, compression: str, *, threads: int) -> Iterator[Sink]:
    """Open a compressor in front of a file; the file stays open. The bytes do not depend on the threads.

    Args:
        file: where the compressed bytes go.
        compression: `none`, `gzip` (with its CRC, without a time or name) or `zstd` (with its content checksum).
        threads: how many compress at a time.
    """
    if compression == "gzip":
        with _Gzip(file, threads) as gzip:
            yield gzip
            gzip.finish()
    elif compression == "zstd":
        import zstandard  # noqa: PLC0415 - only where it is used

        parameters = zstandard.ZstdCompressionParameters.from_level(
            _ZSTD_LEVEL,
            hash_log=_ZSTD_TABLE_LOG,
            min_match=_ZSTD_SHORTEST_MATCH,
            write_checksum=True,
            threads=threads,
            job_size=_ZSTD_JOB_BYTES,
        )
        compressor = zstandard.ZstdCompressor(compression_params=parameters)
        stream = cast("IO[bytes]", compressor.stream_writer(cast("IO[bytes]", file), closefd=False))
        yield stream
        stream.close()  # not where an error ended it: what is cut off must not look complete
    else:
        yield file


class _Gzip:
    """One gzip member (RFC 1952), whose deflate blocks are compressed in parallel, each by itself."""

    def __init__(self, file: Sink, threads: int) -> None:
        self._file = file
        self._work = WorkInOrder(_deflate_filled, threads=threads)
        self._free = [memoryview(bytearray(BLOCK_BYTES))]  # blocks take turns
        self._filled = 0
        self._checksum = 0
        self._size = 0
        file.write(_GZIP_HEADER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._work.__exit__()

    def write(self, data: bytes | memoryview, /) -> int:
        """Compress bytes, in blocks of a fixed size whatever the writes."""
        view = memoryview(data).cast("B")
        at = 0
        while at < view.nbytes:
            part = view[at : at + BLOCK_BYTES - self._filled]
            self._free[-1][self._filled : self._filled + part.nbytes] = part
            self._filled += part.nbytes
            at += part.nbytes
            if self._filled == BLOCK_BYTES:
                self._compress()
        return view.nbytes

    def finish(self) -> None:
        """Write what is left, and the checksum."""
        if self._filled:
            self._compress()
        self._write(self._work.rest())
        self._file.write(_LAST_BLOCK + struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF))

    def _compress(self) -> None:
        block, size = self._free.pop(), self._filled
        self._filled = 0
        self._write(self._work.add((block, size)))
        if not self._free:
            self._free.append(memoryview(bytearray(BLOCK_BYTES)))

    def _write(self, deflated: Iterator[_Deflated]) -> None:
        from isal import isal_zlib  # noqa: PLC0415 - only where it is used

        for one in deflated:
            self._checksum = isal_zlib.crc32_combine(self._checksum, one.checksum, one.size)
            self._size += one.size
            self._file.write(one.data)
            self._free.append(one.block)


class _Deflated(NamedTuple):
    """A block that was compressed: what it held, how much of it, its checksum, and the compressed bytes."""

    block: memoryview
    size: int
    checksum: int
    data: bytes


def _deflate_filled(filled: tuple[memoryview, int]) -> _Deflated:
    from isal import isal_zlib  # noqa: PLC0415 - only where it is used

    block, size = filled
    return _Deflated(block, size, isal_zlib.crc32(block[:size]), deflate(block[:size]))


def deflate(block: memoryview) -> bytes:
    """Compress a block of at least one byte, as raw deflate up to a whole byte.

    Its first byte is stored, and given to ISA-L as what came before the others. Where nothing came before, its levels 1
    and 2 compute the place of the third byte in the table of matches from the address of the compressor, and the result
    differs from time to time (x86: `write_first_byte` in igzip_icf_body_h1_gr_bt.asm).
    """
    from isal import isal_zlib  # noqa: PLC0415 - only where it is used

    first, others = block[:1], block[1:]
    compressor = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_RAW_DEFLATE, zdict=first)
    return b"".join((_STORED_BYTE, first, compressor.compress(others), compressor.flush(isal_zlib.Z_SYNC_FLUSH)))
