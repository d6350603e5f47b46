"""Writing files so that errors are heard, each durable where that is asked for, and standard output."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.disk.durable import BLOCK_BYTES, DurableFile, WholeWrites
from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.disk.durable import RawFile
    from pipeline.disk.sink import Sink


def require_parent(target: Path) -> None:
    """Require that the directory of a file that is to be written is there.

    Raises:
        DestinationError: it is not, or is none.
    """
    if target.parent.is_dir():
        return
    if os.path.lexists(target.parent):
        raise DestinationError(f"{target.parent}: is no directory; choose another --to")
    raise DestinationError(f"{target.parent}: no such directory; create it, or choose another --to")


class CountingFile:
    """A binary file that counts and hashes what is written; pyarrow can write to it.

    Attributes:
        name: what it is called in errors.
        bytes: how many bytes were written.
    """

    def __init__(self, file: RawFile, name: str, *, hashed: bool) -> None:
        self._file = file
        self._hash = hashlib.sha256() if hashed else None
        self.name = name
        self.bytes = 0
        self.closed = False
        self._abandoned = False

    @property
    def sha256(self) -> str | None:
        """SHA-256 of what was written, in hexadecimal digits; None where it is not hashed."""
        return self._hash.hexdigest() if self._hash else None

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`.

        Raises:
            DestinationError: it cannot be written.
        """
        self._write(data)
        self._update(data)
        return memoryview(data).nbytes

    def split(self) -> Sequence[Sink]:
        """Give the file and its hash as sinks for a thread each; all that is written must be given to every one."""
        return [_Part(self._write), _Part(self._update)] if self._hash else [_Part(self._write)]

    def _write(self, data: bytes | memoryview) -> None:
        if self._abandoned:
            return
        view = memoryview(data)
        try:
            with writing_errors(self.name):
                self._file.write(view)
        except BaseException:
            # Writers flush what they still hold when they are let go, and would wait for a reader again.
            self.abandon()
            raise
        self.bytes += view.nbytes

    def _update(self, data: bytes | memoryview) -> None:
        if self._hash and not self._abandoned:
            self._hash.update(data)

    def abandon(self) -> None:
        """Write nothing more: a format that ends itself when it is closed must not make a part look like the whole."""
        self._abandoned = True

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        with writing_errors(self.name):
            self._file.flush()

    def tell(self) -> int:
        """Position: the number of bytes written."""
        return self.bytes

    def writable(self) -> bool:
        """Say yes."""
        return True

    def readable(self) -> bool:
        """Say no."""
        return False

    def seekable(self) -> bool:
        """Say no."""
        return False

    def close(self) -> None:
        """Do nothing; who opened the file closes it."""


class _Part:
    """One of the things that are done with what is written."""

    def __init__(self, function: Callable[[bytes | memoryview], None]) -> None:
        self._function = function

    def write(self, data: bytes | memoryview, /) -> int:
        self._function(data)
        return memoryview(data).nbytes


class writing_errors:  # noqa: N801 - it is used as a function, and a generator would take longer for each small file
    """Say what could not be written, in a `with` statement; a closed pipe stays what it is."""

    __slots__ = ("_name",)

    def __init__(self, name: object) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Make an error of the system one of the destination."""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise DestinationError(f"{self._name}: cannot be written ({error.strerror or error})") from error


@contextmanager
def new_file(
    path: Path, name: str, *, sync: bool, hashed: bool, grouped: bool = False, made: int | None = None
) -> Iterator[CountingFile]:
    """Open a new file for writing; it is durable when the `with` statement ends.

    Args:
        path: the file, which is not there yet.
        name: what to call it in errors.
        sync: wait until the disk has it.
        hashed: compute its SHA-256.
        grouped: the caller makes it durable, with others, if it is shorter than a block.
        made: its descriptor, where it has been made already, for this alone.

    Raises:
        DestinationError: it cannot be created, written, synced or closed.
    """
    with writing_errors(name):
        file = path.open("xb", buffering=0) if made is None else open(made, "wb", buffering=0)  # noqa: PTH123, SIM115
    try:
        raw = DurableFile(file) if sync else WholeWrites(file)
        counting = CountingFile(raw, name, hashed=hashed)
        yield counting
        with writing_errors(name):
            if isinstance(raw, DurableFile):
                raw.end()
                if not grouped or counting.bytes >= BLOCK_BYTES:
                    os.fsync(file.fileno())
            file.close()
    finally:
        with suppress(OSError):  # an earlier error ended it, which is the one to hear of
            file.close()


@contextmanager
def standard_output() -> Iterator[CountingFile]:
    """Write to standard output."""
    sys.stdout.flush()
    # Past the buffer, whose lock a write that waits for a slow reader would hold when the process ends.
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    yield CountingFile(WholeWrites(raw), "standard output", hashed=False)


@contextmanager
def complete_or_nothing(file: Sink) -> Iterator[None]:
    """Keep a writer that ends its file when it is closed from doing so after an error."""
    try:
        yield
    except BaseException:
        if isinstance(file, CountingFile):
            file.abandon()
        raise
