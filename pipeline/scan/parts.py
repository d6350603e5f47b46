"""The parts of a Parquet file, each with a SHA-256 of its own, so that what is read in part is checked in part.

PAR1 | chunks: the columns of a row group, one row group after the other | page index | footer, its length, PAR1
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from pipeline.disk.hashing import cut_sha256, part_sha256
from pipeline.disk.regular import open_regular
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow.parquet as pq

LEAST_BYTES = 1 << 20
"""A smaller file has a hash of its footer alone: those of its chunks would be larger than what they save is worth."""
MAGIC = b"PAR1"
TAIL_BYTES = 8
"""The length of the footer, and the magic number."""
_DIGEST_BYTES = 32
_FOOTER, _PAGE_INDEX, _CHUNKS = "footer_sha256", "page_index_sha256", "column_chunk_sha256"


class PartHashes(NamedTuple):
    """SHA-256 of the parts of a file, as its record has them.

    Attributes:
        footer: of the footer, with its length and the magic number behind it.
        page_index: of what lies between the last chunk and the footer; None where only the footer has a hash.
        chunks: by column, those of its chunks in all row groups, one after the other; None where they have none.
    """

    footer: bytes
    page_index: bytes | None = None
    chunks: Mapping[str, bytes] | None = None

    def describe(self) -> dict[str, Any]:
        """Say it as a record does."""
        found: dict[str, Any] = {_FOOTER: self.footer.hex()}
        if self.page_index is not None and self.chunks is not None:
            found[_PAGE_INDEX] = self.page_index.hex()
            found[_CHUNKS] = {name: [one.hex() for one in _digests(sums)] for name, sums in self.chunks.items()}
        return found

    @classmethod
    def parse(cls, file: Mapping[str, Any]) -> PartHashes | None:
        """Read what a record says of a file; None where it says nothing of its parts.

        Raises:
            TypeError, ValueError, AttributeError: it is no record.
        """
        if _FOOTER not in file:
            return None
        footer = _digest(file[_FOOTER])
        if _CHUNKS not in file:
            return cls(footer)
        chunks = {str(name): b"".join(map(_digest, sums)) for name, sums in file[_CHUNKS].items()}
        return cls(footer, _digest(file[_PAGE_INDEX]), chunks)

    def chunk(self, column: str, row_group: int) -> bytes:
        """Give that of a chunk, nothing where there is none."""
        at = row_group * _DIGEST_BYTES
        return (self.chunks or {}).get(column, b"")[at : at + _DIGEST_BYTES]


class FileHashes(NamedTuple):
    """What a record says of the bytes of a file.

    Attributes:
        size: how many there are.
        sha256: of all of them, in hexadecimal digits.
        parts: of its parts.
    """

    size: int
    sha256: str
    parts: PartHashes


class Part(NamedTuple):
    """Bytes of a file, from a start up to an end: a chunk of a column, or none."""

    start: int
    stop: int
    column: str | None = None
    row_group: int = 0


def hash_with_parts(path: Path) -> FileHashes:
    """Hash a file that was written here; it is read once.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = _footer_start(file, size)
        has_chunks = size >= LEAST_BYTES
        parts = (
            cut(parsed(_read(file, start, size)), start, size) if has_chunks else [Part(0, start), Part(start, size)]
        )
        whole, sums = cut_sha256(file, [part.stop for part in parts])
    if not has_chunks:
        return FileHashes(size, whole.hex(), PartHashes(sums[-1]))
    chunks: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for part, digest in zip(parts, sums, strict=True):
        if part.column is not None:
            chunks[part.column].append((part.row_group, digest))
    by_column = {name: b"".join(digest for _, digest in sorted(found)) for name, found in chunks.items()}
    return FileHashes(size, whole.hex(), PartHashes(sums[-1], sums[-2], by_column))


def damaged_part(path: Path, hashes: PartHashes) -> str:
    """Say which part of a file is not that of its record, as far as that can be told.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            start = _footer_start(file, size)
            is_right = part_sha256(file, start, size) == hashes.footer  # a damaged length may be that of much
        except EOFError:
            is_right = False
        if not is_right:
            return "its footer"
        if hashes.chunks is None:
            return "what lies before its footer"
        parts = cut(parsed(_read(file, start, size)), start, size)
        _, sums = cut_sha256(file, [part.stop for part in parts])
    for part, digest in zip(parts, sums, strict=True):
        if part.column is not None and digest != hashes.chunk(part.column, part.row_group):
            return called(part.column, part.row_group)
    return "its page index" if sums[-2] != hashes.page_index else "what lies between its parts"


def another(part: str) -> SourceError:
    """Make the error that a part of a file is not that of its record."""
    return SourceError(f"is damaged or was changed, the SHA-256 of {part} is not that of its session's record")


def called(column: str, row_group: int) -> str:
    """Say how to call a chunk."""
    return f"column {column!r} in row group {row_group}"


def cut(footer: pq.FileMetaData, start: int, size: int) -> list[Part]:
    """Cut a file into its parts, one behind the other; the last two are the page index and the footer.

    Args:
        footer: what it says.
        start: where it stands.
        size: of the file.
    """
    at = len(MAGIC)
    parts = [Part(0, at)]
    names = footer.schema.names
    ranges = [
        (*_range(footer, group, column), names[column], group)
        for group in range(footer.num_row_groups)
        for column in range(footer.num_columns)
    ]
    for begin, stop, name, group in sorted(ranges):
        if begin > at:
            parts.append(Part(at, begin))
        parts.append(Part(begin, stop, name, group))
        at = stop
    return [*parts, Part(at, start), Part(start, size)]


def _range(footer: pq.FileMetaData, row_group: int, column: int) -> tuple[int, int]:
    """Say where a chunk begins and ends."""
    chunk = footer.row_group(row_group).column(column)
    begin = chunk.data_page_offset
    if chunk.has_dictionary_page:
        begin = min(begin, chunk.dictionary_page_offset)
    return begin, begin + chunk.total_compressed_size


def footer_start(tail: bytes, size: int) -> int:
    """Find where the footer begins.

    Args:
        tail: the last `TAIL_BYTES` of the file.
        size: of the file.

    Raises:
        EOFError: there is none.
    """
    start = size - TAIL_BYTES - int.from_bytes(tail[:4], "little")
    if len(tail) < TAIL_BYTES or tail[4:] != MAGIC or start < len(MAGIC):
        raise EOFError("it has no footer")
    return start


def _footer_start(file: BinaryIO, size: int) -> int:
    return footer_start(_read(file, max(size - TAIL_BYTES, 0), size), size)


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def parsed(footer: bytes) -> pq.FileMetaData:
    """Read a footer that was written here; of another, pyarrow may end the process."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and a small file is hashed without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    return pq.read_metadata(pa.BufferReader(MAGIC + footer))


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != _DIGEST_BYTES:
        raise ValueError(f"{text!r:.80} is no SHA-256")
    return digest


def _digests(sums: bytes) -> Iterator[bytes]:
    for at in range(0, len(sums), _DIGEST_BYTES):
        yield sums[at : at + _DIGEST_BYTES]
