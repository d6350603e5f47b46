"""Records of an MCAP file, one after the other; those of chunks are unpacked, within bounds.

After the specification: https://mcap.dev/spec. Sizes that the file says are compared with what there can be before
anything is read or unpacked.
"""

from __future__ import annotations

import io
import os
import zlib
from struct import Struct, error
from typing import IO, TYPE_CHECKING, NamedTuple

import zstandard

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = range(1, 7)
ATTACHMENT, METADATA, DATA_END = 9, 12, 15
INDICES = {7, 8, 10, 11, 13, 14}
"""Records that say again what others do: of messages, chunks, attachments, statistics, metadata, the summary."""
_HEAD = Struct("<BQ")
_MESSAGE = Struct("<HIQQ")
_CHUNK = Struct("<QQQI")
_LENGTH, _LONG_LENGTH = Struct("<I"), Struct("<Q")
_MOST_CHUNK_BYTES = 128 << 20
_MOST_RECORD_BYTES = 1 << 20
"""Of a record that is no message and no chunk, as far as it is looked at."""
MOST_MESSAGE_BYTES = 16 << 20
"""Of a message that is decoded."""
_PIECE_BYTES = 1 << 20


class Record(NamedTuple):
    """A record.

    Attributes:
        kind: its opcode.
        place: the byte of the file at which it begins, or at which its chunk does.
        content: its bytes; of a large one that is not wanted the first.
        size: how many it has.
    """

    kind: int
    place: int
    content: bytes | memoryview
    size: int


class Message(NamedTuple):
    """What stands before the data of a message; times are nanoseconds since 1970."""

    channel: int
    sequence: int
    log_time: int
    publish_time: int


class Records:
    """Reads the records of a file up to the end of its data.

    Attributes:
        end: why there are no more, once they were read: `end` of the data, a file that is `cut off`, or that has
            `no end`.
        place: the byte at which the last record began.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Begin behind the magic.

        Args:
            file: at its beginning.
        """
        self.end = ""
        self.place = len(MAGIC)
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        file.seek(self.place)

    def __iter__(self) -> Iterator[Record]:
        """Give the records.

        Raises:
            SourceError: one cannot be read; the message names the byte.
        """
        while True:
            head = self._file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                self.end = "cut off" if head else "no end"
                return
            kind, size = _HEAD.unpack(head)
            behind = self.place + _HEAD.size + size
            if kind in {DATA_END, FOOTER}:
                self.end = "end"
                return
            if not kind:
                raise SourceError(f"byte {self.place:,}: is no record of MCAP")
            if behind > self._size:
                self.end = "cut off"
                return
            if kind == CHUNK:
                yield from self._of_chunk(size)
            else:
                most = MOST_MESSAGE_BYTES if kind == MESSAGE else _MOST_RECORD_BYTES
                yield Record(kind, self.place, self._file.read(min(size, most)), size)
            self._file.seek(behind)
            self.place = behind

    def _of_chunk(self, size: int) -> Iterator[Record]:
        """Unpack a chunk, and give its records."""
        where = f"the chunk at byte {self.place:,}"
        if size > _MOST_CHUNK_BYTES:
            raise SourceError(f"{where} has {size:,} bytes; {_MOST_CHUNK_BYTES:,} can be read")
        chunk = self._file.read(size)
        try:
            _, _, unpacked_size, checksum = _CHUNK.unpack_from(chunk)
            compression, at = text_at(chunk, _CHUNK.size)
            (length,) = _LONG_LENGTH.unpack_from(chunk, at)
        except (error, UnicodeDecodeError) as problem:
            raise SourceError(f"{where} is damaged: its head cannot be read") from problem
        at += _LONG_LENGTH.size
        if length > size - at:
            raise SourceError(f"{where} is damaged: of {length:,} bytes of records it has {size - at:,}")
        if unpacked_size > _MOST_CHUNK_BYTES:
            raise SourceError(f"{where} says that it unpacks to {unpacked_size:,} bytes; {_MOST_CHUNK_BYTES:,} can be")
        data = unpacked(memoryview(chunk)[at : at + length], compression, unpacked_size, where)
        if checksum and zlib.crc32(data) != checksum:
            raise SourceError(f"{where} is damaged: its checksum is another")
        yield from self._inner(memoryview(data), where)

    def _inner(self, data: memoryview, where: str) -> Iterator[Record]:
        at = 0
        while at < len(data):
            if len(data) - at < _HEAD.size:
                raise SourceError(f"{where} ends within a record")
            kind, size = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            if kind == CHUNK:
                raise SourceError(f"{where} holds another chunk")
            if size > len(data) - at:
                raise SourceError(f"{where} ends within a record")
            yield Record(kind, self.place, data[at : at + size], size)
            at += size


def unpacked(data: memoryview, compression: str, size: int, where: str) -> bytes:
    """Unpack the records of a chunk.

    Args:
        data: as they are packed.
        compression: `zstd`, `lz4`, or nothing.
        size: of them, as the chunk says; no more is unpacked.
        where: names the chunk.

    Raises:
        SourceError: it is damaged, unpacks to another size, or needs what is not installed.
    """
    if compression == "lz4":
        plain = _from_lz4(data, size, where)
    elif compression == "zstd":
        plain = _from_zstd(data, size, where)
    elif not compression:
        plain = bytes(data[: size + 1])
    else:
        raise SourceError(f"{where} is packed with {compression!r:.40}; zstd and lz4 can be read")
    if len(plain) != size:
        relation = "more" if len(plain) > size else "less"
        raise SourceError(f"{where} is damaged: it unpacks to {relation} than the {size:,} bytes that it says")
    return plain


def _from_zstd(data: memoryview, size: int, where: str) -> bytes:
    pieces = io.BytesIO()
    try:
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as packed:
            while pieces.tell() <= size and (piece := packed.read(min(_PIECE_BYTES, size + 1 - pieces.tell()))):
                pieces.write(piece)
    except zstandard.ZstdError as problem:
        raise SourceError(f"{where} is damaged: it is no zstd") from problem
    return pieces.getvalue()


def _from_lz4(data: memoryview, size: int, where: str) -> bytes:
    try:
        from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415 - an optional package
    except ImportError:
        raise SourceError(
            f"{where} is packed with lz4, which is not installed: `uv run --extra mcap pipeline ...` "
            "or pip install '.[mcap]' in the project's directory, or mcap compress FILE, which packs it with zstd"
        ) from None
    try:
        return bytes(LZ4FrameDecompressor().decompress(data, max_length=size + 1)) if size else b""
    except RuntimeError as problem:
        raise SourceError(f"{where} is damaged: it is no lz4") from problem


def message_of(record: Record) -> tuple[Message, memoryview]:
    """Read a message: what stands before its data, and its data.

    Raises:
        SourceError: it is too short.
    """
    if record.size < _MESSAGE.size:
        raise SourceError(f"byte {record.place:,}: a message ends early")
    return Message(*_MESSAGE.unpack_from(record.content)), memoryview(record.content)[_MESSAGE.size :]


def text_at(content: bytes | memoryview, at: int) -> tuple[str, int]:
    """Read a text; give it and the place behind it.

    Raises:
        struct.error: it ends early.
        UnicodeDecodeError: it is no text.
    """
    (length,) = _LENGTH.unpack_from(content, at)
    at += _LENGTH.size
    if length > len(content) - at:
        raise error("a text ends early")
    return str(content[at : at + length], "utf-8"), at + length


def texts_at(content: bytes | memoryview, at: int) -> dict[str, str]:
    """Read a map of texts, as `text_at` reads one."""
    (length,) = _LENGTH.unpack_from(content, at)
    at += _LENGTH.size
    end = at + length
    if end > len(content):
        raise error("a map ends early")
    found = {}
    while at < end:
        key, at = text_at(content, at)
        found[key], at = text_at(content, at)
    return found
