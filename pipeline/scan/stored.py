"""Parquet files of a store: what is read of one is read once, and decoded as it was compared with its record."""

from __future__ import annotations

import bisect
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.regular import open_regular
from pipeline.errors import SourceError
from pipeline.scan.parts import LEAST_BYTES, MAGIC, TAIL_BYTES, another, called, cut, damaged_part, footer_start, parsed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    import pyarrow.parquet as pq

    from pipeline.scan.parts import Part, PartHashes

_LARGE_FOOTER_BYTES = 1 << 25


def open_stored(path: Path, sha256: str | None, parts: PartHashes | None) -> StoredParquet | None:
    """Open a file whose record has hashes by which it can be read once.

    Args:
        path: the file.
        sha256: of all of it, as its record has it.
        parts: of its parts.

    Returns:
        the file, to be closed; None where it is large, and its record has no hashes of its parts.

    Raises:
        SourceError: it is another than that of its record.
        OSError: it cannot be read.
    """
    if sha256 is None:
        return None
    file = open_regular(path)
    try:
        size = os.fstat(file.fileno()).st_size
        if parts is not None and parts.chunks is not None:
            return StoredParquet(_FileBytes(file, size), parts)
        data = _FileBytes(file, size).read(0, size) if size < LEAST_BYTES else None
    except BaseException:
        file.close()
        raise
    file.close()
    if data is None:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise another_file(path, parts)
    return StoredParquet(_HeldBytes(data), None)


def another_file(path: Path, parts: PartHashes | None) -> SourceError:
    """Make the error that a file is not that of its record."""
    where = "" if parts is None else f": {damaged_part(path, parts)} is another"
    return SourceError(f"is damaged or was changed, its SHA-256 is not that of its session's record{where}")


class _FileBytes:
    """Bytes of an open file; no more are read than are asked for."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self.close = file.close
        self._file = file.fileno()

    def read(self, start: int, stop: int) -> memoryview:
        """Read a part; what lies behind the end is missing."""
        block = memoryview(bytearray(stop - start))
        done = 0
        while done < len(block) and (size := os.preadv(self._file, [block[done:]], start + done)):
            done += size
        return block[:done]


class _HeldBytes:
    """Bytes of a file that was read as a whole."""

    def __init__(self, data: memoryview) -> None:
        self.size = len(data)
        self._data = data

    def read(self, start: int, stop: int) -> memoryview:
        """Give a part; what lies behind the end is missing."""
        return self._data[start:stop]

    def close(self) -> None:
        """Let go of the bytes."""
        self._data = memoryview(b"")


class LoadedGroup(NamedTuple):
    """A row group whose bytes are those of the record.

    Attributes:
        row_group: its place.
        chunks: by column, as the schema counts them, its chunk.
        starts: where these begin in the file.
    """

    row_group: int
    chunks: dict[int, memoryview]
    starts: list[int]


_NOTHING = LoadedGroup(-1, {}, [])


class LoadedFile:
    """What pyarrow reads as a file of a size, of which nothing but a row group is there.

    Attributes:
        held: the row group; it may be exchanged for another.
        closed: whether it is closed.
    """

    def __init__(self, size: int) -> None:
        self.held = _NOTHING
        self.closed = False
        self._size = size
        self._at = 0

    def read(self, size: int) -> memoryview:
        """Give bytes of a chunk that is held, from the place on that was sought.

        Raises:
            EOFError: they are not of one that is held.
        """
        chunk = bisect.bisect_right(self.held.starts, self._at) - 1
        if chunk < 0:
            raise EOFError("nothing is held of that part of the file")
        first = self._at - self.held.starts[chunk]
        found = list(self.held.chunks.values())[chunk][first : first + size]
        if len(found) < size:
            raise EOFError("nothing is held of that part of the file")
        self._at += size
        return found

    def seek(self, at: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        self._at = at + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Say at which place it is."""
        return self._at

    def close(self) -> None:
        """Let what is held go."""
        self.closed = True
        self.held = _NOTHING


class StoredParquet:
    """An open file, whose row groups are read one by one, and compared with its record.

    Attributes:
        size: of the file, in bytes.
        footer: of the file; it is that of the record.
    """

    def __init__(self, data: _FileBytes | _HeldBytes, hashes: PartHashes | None) -> None:
        """Read the footer.

        Args:
            data: the file, which is closed with this.
            hashes: those of its parts; None where the bytes are known to be right.

        Raises:
            SourceError: it is another than that of the record.
            OSError: it cannot be read.
        """
        self.size = data.size
        self._data = data
        self._hashes = hashes
        self.footer, start = self._read_footer()
        self._parts = cut(self.footer, start, self.size)
        self._chunks = {(part.row_group, part.column): part for part in self._parts if part.column is not None}

    def check_rest(self) -> None:
        """Compare what belongs to no column with the record: then all of a file is compared, when all columns are.

        Raises:
            SourceError: it is another.
            OSError: it cannot be read.
        """
        if self._hashes is None:
            return
        *others, index, _ = [part for part in self._parts if part.column is None]
        if len(others) > 1 or self._data.read(0, len(MAGIC)) != MAGIC:
            raise another("what lies between its parts")
        self._read(index, self._hashes.page_index, "its page index")

    def loaded(self, row_groups: Iterable[int], columns: Collection[str]) -> Iterator[LoadedGroup]:
        """Read the chunks of row groups; a thread may do that ahead of who decodes them.

        Raises:
            SourceError: one is another than that of the record.
            OSError: it cannot be read.
        """
        for row_group in row_groups:
            found = LoadedGroup(row_group, {}, [])
            for at, name in enumerate(self.footer.schema.names):
                if name in columns:
                    part = self._chunks[row_group, name]
                    wanted = None if self._hashes is None else self._hashes.chunk(name, row_group)
                    found.chunks[at] = self._read(part, wanted, called(name, row_group))
                    found.starts.append(part.start)
            yield found

    def close(self) -> None:
        """Close the file."""
        self._data.close()

    def _read_footer(self) -> tuple[pq.FileMetaData, int]:
        """Read the footer, and say where it starts."""
        part, wanted = "its footer", None if self._hashes is None else self._hashes.footer
        tail = self._data.read(max(self.size - TAIL_BYTES, 0), self.size)
        try:
            start = footer_start(bytes(tail), self.size)
        except EOFError as error:
            raise another(part) from error
        if wanted is not None and self.size - start > _LARGE_FOOTER_BYTES and self._sha256(start) != wanted:
            raise another(part)  # a damaged length may be that of much, which need not be held
        footer = bytes(self._data.read(start, self.size - TAIL_BYTES)) + tail
        if wanted is not None and hashlib.sha256(footer).digest() != wanted:
            raise another(part)
        return parsed(footer), start

    def _sha256(self, start: int) -> bytes:
        """SHA-256 of all from a place on, of which little is held at once."""
        digest = hashlib.sha256()
        for at in range(start, self.size, LEAST_BYTES):
            digest.update(self._data.read(at, min(at + LEAST_BYTES, self.size)))
        return digest.digest()

    def _read(self, part: Part, wanted: bytes | None, what: str) -> memoryview:
        """Read a part, and compare it with the SHA-256 that it should have."""
        data = self._data.read(part.start, part.stop)
        if wanted is not None and hashlib.sha256(data).digest() != wanted:
            raise another(what)
        return data
