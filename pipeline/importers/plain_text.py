"""The content of a harness file: decompressed, as UTF-8, hashed, and its beginning to recognise it by."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import pyarrow as pa

from pipeline.disk.hashing import file_sha256
from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.model.columns import MAX_ROW_BYTES
from pipeline.native import BadDocumentError, Outline, find_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES = 65_536
_BLOCK_BYTES = 1 << 20
_START_BYTES = 256
_SMALL_BYTES = 1 << 20
_ELEMENTS = 100  # of an array, that a harness is recognised by
_MAX_TIMES_FILE = 50  # JSON that harnesses write is a tenth or a twentieth of its size when it is compressed
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"  # behind one of 50 to 5f
_OTHER_COMPRESSIONS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Hashing:
    """Computes the SHA-256 of a file, of a large one in a thread that has ended when this is closed."""

    def __init__(self, path: Path) -> None:
        self._is_wanted = True
        self._pool: ThreadPoolExecutor | None = None
        if path.stat().st_size <= _SMALL_BYTES:  # a thread would take longer
            self._sha256 = file_sha256(path)
            return
        self._pool = ThreadPoolExecutor(1, "hash")
        self._found = self._pool.submit(file_sha256, path, is_wanted=lambda: self._is_wanted)

    def result(self) -> str:
        """Wait for the hash; this is not closed."""
        return self._sha256 if self._pool is None else self._found.result()

    def close(self) -> None:
        """Hash no more."""
        self._is_wanted = False
        if self._pool is not None:
            self._pool.shutdown()


class PlainText(NamedTuple):
    """A harness file that can be read as plain UTF-8.

    Attributes:
        path: the file as it was given.
        plain: the same content as UTF-8 without a byte order mark, not compressed; a link to it where it is so.
        hashing: computes the SHA-256 of the file as it was given, meanwhile; to be closed.
        size: bytes of the file as it was given.
        plain_size: bytes of the plain content.
        extract: the lines that hold the text asked for.
    """

    path: Path
    plain: Path
    hashing: Hashing
    size: int
    plain_size: int
    extract: Path | None

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as it was given, in hexadecimal."""
        return self.hashing.result()


class Head(NamedTuple):
    """The beginning of a text file, to recognise it by.

    Attributes:
        text: whole lines of the first 64 KiB, or all of one that is longer.
        value: the first JSON value, the first line's or the whole document's; None where there is none. Arrays in one
            that is longer than the head have their first elements alone.
        is_empty: whether the file holds nothing but white space.
    """

    text: str
    value: Any
    is_empty: bool

    @property
    def first_line(self) -> str:
        """The first line that is not blank."""
        return next((line for line in self.text.splitlines() if line.strip()), "")


@contextmanager
def _decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file by what it holds, not by its name."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    for start, name in _OTHER_COMPRESSIONS.items():
        if magic.startswith(start):
            raise SourceError(f"{path}: is compressed with {name}; decompress it first")
    try:
        if magic.startswith(_GZIP):
            with gzip.open(path) as file:
                yield cast("IO[bytes]", file)
        elif _is_zstd(magic):
            with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
                yield io.BufferedReader(stream)
        else:
            with path.open("rb") as file:
                yield file
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SourceError(f"{path}: cannot be read, it is cut off or damaged ({reason})") from error


def _is_zstd(magic: bytes) -> bool:
    """Whether a file begins with a frame of zstd; pzstd puts one before the others that is to be skipped."""
    return magic.startswith(_ZSTD) or (magic[1:4] == _SKIPPABLE and magic[0] >> 4 == 5)


def _encoding(head: bytes, path: Path) -> str | None:
    """Tell the encoding from the first bytes; None is UTF-8 without a byte order mark."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    sample = head[:1000]
    if b"\0" not in sample:
        return None
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        # Latin letters, digits and signs have one zero byte each.
        if zeros.count(0) * 2 > len(zeros) and sample.count(0) == zeros.count(0):
            return name
    if sample.count(0) * 20 < len(sample):
        return None  # a stray NUL spoils its record alone
    raise SourceError(f"{path}: is no text file; what wrote it?")


def read_head(path: Path, *, checks_all: bool = False) -> Head:
    """Read the beginning of a file.

    Args:
        path: the file.
        checks_all: a first value that is longer than the head must be JSON to its end; else what is left out of it
            is hardly looked at.

    Raises:
        SourceError: it cannot be read, or is no text.
    """
    with _decompressed(path) as file:
        raw = file.read(HEAD_BYTES)
        is_whole = len(raw) < HEAD_BYTES
        encoding = _encoding(raw, path)
        text = codecs.getincrementaldecoder(encoding or "utf-8")("replace").decode(raw, final=is_whole)
        value = _first_value(text)
        if value is None and not is_whole and text.lstrip()[:1] in {"{", "["}:
            value = _outlined(file, raw, encoding, path, checks_all=checks_all)
        if value is None:
            value = _value_of_a_line(text)
    if not is_whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    return Head(text=text, value=value, is_empty=not text.strip())


def read_start(path: Path) -> bytes:
    """Read the first bytes of a file's content, to tell a binary by."""
    with _decompressed(path) as file:
        return file.read(_START_BYTES)


def read_whole(path: Path) -> str:
    """Read all of a file that may be a document; what is no UTF-8 is replaced.

    Raises:
        SourceError: it cannot be read, is no text, or is much larger than its file.
    """
    with _decompressed(path) as file:
        raw = file.read(_most_of_a_document(path) + 1)
    require_short_document(path, len(raw))
    return raw.decode(_encoding(raw, path) or "utf-8", "replace")


def _outlined(file: IO[bytes], head: bytes, encoding: str | None, path: Path, *, checks_all: bool) -> Any:  # noqa: ANN401 - any JSON value
    """Read the first value of a document, or of lines, that is longer than the head; of arrays the first elements."""
    outline = Outline(_ELEMENTS, checks_all=checks_all)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    text = b""
    size = 0
    block = head
    while not outline.is_finished:
        size += len(block)
        require_short_document(path, size)
        plain = decoder.decode(block, final=not block).encode(errors="replace") if decoder else block
        try:
            text += outline.read(plain, is_last=not block)
        except BadDocumentError:
            return None
        block = file.read(_BLOCK_BYTES)
    try:
        return json.loads(text.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None


def require_short_document(path: Path, plain_size: int) -> None:
    """Refuse a document that is much larger than its file: all of it is held in memory, several times.

    Args:
        path: the file.
        plain_size: bytes of its content, or more than it may have.

    Raises:
        SourceError: it is.
    """
    if plain_size > _most_of_a_document(path):
        raise SourceError(
            f"{path}: is one document, or a line, of more than {_most_of_a_document(path):,} bytes in a compressed "
            f"file of {path.stat().st_size:,}; decompress it first, if that is meant"
        )


def _most_of_a_document(path: Path) -> int:
    return max(MAX_ROW_BYTES, _MAX_TIMES_FILE * path.stat().st_size)


def _first_value(text: str) -> Any:  # noqa: ANN401 - any JSON value
    stripped = text.lstrip()
    if stripped[:1] not in {"{", "["}:
        return None
    try:
        return json.JSONDecoder().raw_decode(stripped)[0]
    except (ValueError, RecursionError):
        return None


def _value_of_a_line(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Give the object of the first line that is one: a first line that is damaged does not hide what others are."""
    for line in text.lstrip().split("\n", 100)[1:100]:
        if line.startswith("{"):
            try:
                return json.loads(line)
            except (ValueError, RecursionError):
                continue
    return None


def open_plain_text(path: Path, directory: Path, extract: str | None, *, is_binary: bool = False) -> PlainText:
    """Make a harness file readable: hash it meanwhile, and write it out as plain UTF-8 where it is not.

    Args:
        path: the file.
        directory: an empty directory for what is written.
        extract: gather lines that hold this text, None for none.
        is_binary: it is no text, and stays as it is.

    Raises:
        SourceError: it cannot be read.
    """
    plain = directory / "input"
    gathered = None if extract is None else directory / "extract"
    hashing = Hashing(path)
    try:
        _make_plain(path, plain, is_binary=is_binary)
        if extract is not None and gathered is not None:
            try:
                _gather(plain, extract.encode(), gathered)
            except SourceError as error:
                raise SourceError(f"{path}: {error}") from error
        return PlainText(
            path=path,
            plain=plain,
            hashing=hashing,
            size=path.stat().st_size,
            plain_size=plain.stat().st_size,
            extract=gathered,
        )
    except BaseException:
        hashing.close()
        raise


def of_one_name(plain: Path, directory: Path) -> Path:
    """Copy a small file to where all lie while they are read, so that one engine may read them.

    Args:
        plain: the file; a large one stays where it is.
        directory: one that is there again, and empty, for the next file.

    Raises:
        DestinationError: it cannot be written.
    """
    if plain.stat().st_size > _SMALL_BYTES:
        return plain
    with temporary_errors(directory):
        return Path(shutil.copyfile(plain, directory / "input"))


def _make_plain(path: Path, plain: Path, *, is_binary: bool) -> None:
    with _decompressed(path) as file:
        head = file.read(HEAD_BYTES)
        encoding = None if is_binary else _encoding(head, path)
        with path.open("rb") as raw:
            is_plain = encoding is None and raw.read(HEAD_BYTES) == head
        if is_plain:
            # The name of a link holds no character that stands for others in a glob.
            plain.symlink_to(path.resolve())
        else:
            _write_plain(file, head, encoding, plain, path)


def _write_plain(file: IO[bytes], head: bytes, encoding: str | None, plain: Path, path: Path) -> None:
    decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
    with plain.open("wb") as out:
        block = head
        while True:
            try:
                data = decoder.decode(block, final=not block).encode() if decoder else block
            except UnicodeDecodeError as error:
                raise SourceError(f"{path}: is not valid {decoder and encoding}, it is cut off or damaged") from error
            with temporary_errors(plain.parent):
                out.write(data)
                if not block:
                    out.flush()
                    break
            block = file.read(_BLOCK_BYTES)


def _gather(plain: Path, wanted: bytes, to: Path) -> None:
    """Write out the lines that hold a text; most blocks hold none and are only searched."""
    with temporary_errors(to.parent), to.open("wb") as out:
        for block, size in line_blocks(plain):
            start = 0
            while (at := find_text(block, start, size, wanted)) >= 0:
                first = block.rfind(b"\n", 0, at) + 1
                start = block.find(b"\n", at, size) + 1 or size
                out.write(block[first:start])
