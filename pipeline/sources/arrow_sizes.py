"""What the batches of an Arrow file or stream unpack to, from its messages, before anything is unpacked.

The layouts are those of Message.fbs and File.fbs, tables of FlatBuffers:
https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.scan.reading import require_unpackable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

FILE_MAGIC = b"ARROW1"
FILE_MAGIC_BYTES = 8  # with padding
CONTINUATION = b"\xff\xff\xff\xff"
_FOOTER_TAIL_BYTES = 4 + len(FILE_MAGIC)
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # types of the header of a message
_BLOCK, _BUFFER = struct.Struct("<qi4xq"), struct.Struct("<qq")
_SIZE_BYTES = 8  # of what a buffer unpacks to, before it; -1 where it is not packed
_BYTES_BEFORE = 8  # of a message: the continuation, and the length
_MAX_METADATA_BYTES = 64 << 20


def require_small_batches(path: Path) -> None:
    """Look at what the batches and dictionaries of a file unpack to.

    Raises:
        pa.ArrowInvalid: it is damaged.
        SourceError: one batch, or all dictionaries that are held together, unpack to too much.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        dictionaries: dict[int, int] = {}
        try:
            for metadata, body in _messages(file, size):
                message = _Table.root(metadata)
                kind, header = message.integer(1, "<B"), message.table(2)
                if header is None:
                    continue
                if kind == _RECORD_BATCH:
                    require_unpackable("a batch", _unpacked_bytes(header, file, body), size)
                elif kind == _DICTIONARY_BATCH:
                    unpacked = _unpacked_bytes(header.table(1), file, body)
                    before = dictionaries.get(header.integer(0, "<q"), 0) if header.integer(2, "<?") else 0
                    dictionaries[header.integer(0, "<q")] = before + unpacked
                    require_unpackable("what its dictionaries hold", sum(dictionaries.values()), size)
        except (struct.error, IndexError) as error:
            raise pa.ArrowInvalid("a message of it is damaged") from error


def _messages(file: IO[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """Give the metadata of the messages with batches, and where their bodies begin."""
    if file.read(len(FILE_MAGIC)) != FILE_MAGIC:
        file.seek(0)
        yield from _of_stream(file)
        return
    file.seek(max(size - _FOOTER_TAIL_BYTES, 0))
    tail = file.read(_FOOTER_TAIL_BYTES)
    (length,) = struct.unpack_from("<i", tail)
    if length < 0 or length > size or not tail.endswith(FILE_MAGIC):
        return  # pyarrow says what is wrong
    file.seek(size - _FOOTER_TAIL_BYTES - length)
    footer = _Table.root(file.read(length))
    for field in (2, 3):
        for at, metadata_bytes, _ in footer.structs(field, _BLOCK):
            file.seek(_at_least_0(at))
            metadata = file.read(min(max(metadata_bytes, 0), _MAX_METADATA_BYTES))
            skipped = _BYTES_BEFORE if metadata.startswith(CONTINUATION) else 4
            yield metadata[skipped:], at + metadata_bytes


def _of_stream(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    while True:
        first = file.read(4)
        if first == CONTINUATION:
            first = file.read(4)
        length = int.from_bytes(first, "little", signed=True)
        if len(first) < 4 or not 0 < length <= _MAX_METADATA_BYTES:
            return  # the end, or pyarrow says what is wrong
        metadata = file.read(length)
        body = file.tell()
        yield metadata, body
        file.seek(body + _at_least_0(_Table.root(metadata).integer(3, "<q")))


def _unpacked_bytes(batch: _Table | None, file: IO[bytes], body: int) -> int:
    """Add up what the buffers of a batch unpack to; 0 where they are not packed."""
    if batch is None or batch.table(3) is None:
        return 0
    total = 0
    for at, length in batch.structs(2, _BUFFER):
        if length >= _SIZE_BYTES:
            file.seek(_at_least_0(body + at))
            total += max(length, int.from_bytes(file.read(_SIZE_BYTES), "little", signed=True))
    return total


def _at_least_0(place: int) -> int:
    if place < 0:
        raise IndexError(place)
    return place


class _Table:
    """A table of FlatBuffers; what lies outside the bytes is an IndexError or struct.error."""

    def __init__(self, data: bytes, at: int) -> None:
        if not 0 <= at < len(data):
            raise IndexError(at)
        self._data = data
        self._at = at
        (back,) = struct.unpack_from("<i", data, at)
        self._fields = at - back
        if not 0 <= self._fields < len(data):
            raise IndexError(self._fields)
        (self._size,) = struct.unpack_from("<H", data, self._fields)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        (at,) = struct.unpack_from("<I", data)
        return cls(data, at)

    def _place(self, field: int) -> int | None:
        """Where a field stands, None where it is left out."""
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return None
        (offset,) = struct.unpack_from("<H", self._data, self._fields + entry)
        return self._at + int(offset) if offset else None

    def integer(self, field: int, kind: str) -> int:
        place = self._place(field)
        return int(struct.unpack_from(kind, self._data, place)[0]) if place is not None else 0

    def _follow(self, field: int) -> int | None:
        place = self._place(field)
        return place + int(struct.unpack_from("<I", self._data, place)[0]) if place is not None else None

    def table(self, field: int) -> _Table | None:
        place = self._follow(field)
        return _Table(self._data, place) if place is not None else None

    def structs(self, field: int, kind: struct.Struct) -> Iterator[tuple[int, ...]]:
        place = self._follow(field)
        if place is None:
            return
        (count,) = struct.unpack_from("<I", self._data, place)
        data = self._data[place + 4 : place + 4 + count * kind.size]
        if len(data) != count * kind.size:
            raise IndexError(count)
        yield from kind.iter_unpack(data)
