"""Bad gzip and zstd, and small files that are large inside."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import zstandard
from made import CSV_HEADER, ndjson_line, one_file
from mutations import ndjson_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judging import HostileInput


_MEGABYTE = 1 << 20


def gzip_of(*parts: tuple[bytes, int]) -> bytes:
    """Compress each part as often as it is repeated, without holding it."""
    out = zlib.compressobj(9, wbits=31)
    packed = [out.compress(part) for part, times in parts for _ in range(times)]
    return b"".join(packed) + out.flush()


def zstd_of(*parts: tuple[bytes, int]) -> bytes:
    """Compress as `gzip_of` does."""
    out = zstandard.ZstdCompressor().compressobj()
    packed = [out.compress(part) for part, times in parts for _ in range(times)]
    return b"".join(packed) + out.flush()


def bombs() -> Iterator[HostileInput]:
    """Small files that are large inside."""
    block = bytes(_MEGABYTE)
    for pack, ending in ((gzip_of, "gz"), (zstd_of, "zst")):
        for name, parts in {
            "zeros": ((block, 600),),
            "spaces": ((block.replace(b"\0", b" "), 600),),
            "brackets": ((block.replace(b"\0", b"["), 300),),
            "one long text": (
                (ndjson_line()[:-2], 1),
                (b',"x":"', 1),
                (block.replace(b"\0", b"x"), 600),
                (b'"}\n', 1),
            ),
        }.items():
            yield one_file(f"NDJSON bomb of {name}, {ending}", f"a.ndjson.{ending}", pack(*parts))
        for name, parts in {
            "zeros": ((block, 600),),
            "quotes": ((CSV_HEADER + b'"', 1), (block.replace(b"\0", b"x"), 600)),
            "a header": ((block.replace(b"\0", b"x"), 600),),
            "commas": ((block.replace(b"\0", b","), 300),),
        }.items():
            yield one_file(f"CSV bomb of {name}, {ending}", f"a.csv.{ending}", pack(*parts))
        rows = b"".join(ndjson_line(at) for at in range(1000))
        again = one_file(f"the same rows again, {ending}", f"a.ndjson.{ending}", pack((rows, 300)))
        yield replace(again, named="occurs twice")  # the rows may lie in two files
        text = ndjson_line(more=f',"x":"{"x" * 20_000_000}"')
        yield one_file(f"a text of 20 MB, {ending}", f"a.ndjson.{ending}", pack((text, 1)), good=True)
    bomb = gzip_of((block, 1000))
    yield one_file("a bomb in a bomb", "a.ndjson.gz", gzip_of((bomb, 500)))


def bad_compression() -> Iterator[HostileInput]:
    """What may be wrong with gzip and zstd alone."""
    lines = ndjson_bytes()
    packed, framed = gzip.compress(lines, mtime=0), zstandard.ZstdCompressor(write_checksum=True).compress(lines)
    half = len(lines) // 2
    deflated = packed[10:-8]
    for name, data, good in (
        ("nothing", b"", False),
        ("ten bytes", packed[:10], False),
        ("two members", gzip.compress(lines[:half]) + gzip.compress(lines[half:]), True),
        ("100,000 empty members", gzip.compress(b"") * 100_000, False),
        ("rubbish behind", packed + b"rubbish", False),
        ("zeros behind", packed + bytes(1000), True),
        ("wrong checksum", packed[:-8] + bytes(4) + packed[-4:], False),
        ("wrong size", packed[:-4] + b"\xff\xff\xff\x7f", False),
        ("unknown method", packed[:2] + b"\x07" + packed[3:], False),
        ("reserved flags", packed[:3] + b"\xe0" + packed[4:], None),
        ("a name without end", packed[:3] + b"\x08" + packed[4:10] + b"x" * 100_000, False),
        ("an extra field beyond the end", packed[:3] + b"\x04" + packed[4:10] + b"\xff\xff", False),
        ("a distance too far", packed[:10] + b"\x03\x02\x00" + packed[-8:], False),
        ("reserved block", packed[:10] + b"\x07" + deflated[1:], False),
        ("zlib instead", zlib.compress(lines), False),
        ("zstd instead", framed, False),
    ):
        yield one_file(f"gzip, {name}", "a.ndjson.gz", data, good=good)
    skippable = struct.pack("<II", 0x184D2A50, 100) + b"x" * 100
    endless = struct.pack("<II", 0x184D2A50, 2**32 - 1)
    window = lambda log: framed[:4] + bytes([0x00, log << 3]) + framed[6:]  # noqa: E731 - one of a table
    two = zstandard.ZstdCompressor().compress(lines[:half]) + zstandard.ZstdCompressor().compress(lines[half:])
    sized = zstandard.ZstdCompressor(write_content_size=True).compress(lines * 3)
    for name, data, good in (
        ("nothing", b"", False),
        ("magic number alone", framed[:4], False),
        ("two frames", two, True),
        ("skippable frame before", skippable + framed, True),
        ("endless skippable frame", endless + b"x" * 1000, False),
        ("100,000 skippable frames", (struct.pack("<II", 0x184D2A5F, 0)) * 100_000, False),
        ("wrong checksum", framed[:-4] + bytes(4), False),
        ("rubbish behind", framed + b"rubbish", False),
        ("gzip instead", packed, False),
        ("old version", b"\x24\xb5\x2f\xfd" + framed[4:], False),
        ("needs a dictionary", framed[:4] + bytes([framed[4] | 3]) + b"\1\2\3\4" + framed[5:], False),
        ("window of 2 GB", window(21), False),
        ("window of 2 TB", window(31), False),
        ("frame of 4 GB", sized[:4] + b"\xa0\xff\xff\xff\xff" + sized[7:], False),
    ):
        yield one_file(f"zstd, {name}", "a.ndjson.zst", data, good=good)
    for name in ("a.parquet.gz", "a.arrow.zst", "a.gz", "a.zst", "a.csv.bz2", "a.CSV.GZ", "a.json", "a.txt", "a."):
        yield one_file(f"name {name}", name, packed)
