"""Where an export goes: a staged directory that is renamed into place as a whole, or standard output.

The only module that writes into a destination; paths stay behind it.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2


class CountingFile:
    """A binary file that counts and hashes what is written; pyarrow can write to it.

    Attributes:
        name: what it is called in errors.
        bytes: how many bytes were written.
    """

    def __init__(self, file: IO[bytes] | _Unbuffered, name: str, *, hashed: bool) -> None:
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
        view = memoryview(data)
        if self._abandoned:
            return view.nbytes
        with writing_errors(self.name):
            self._file.write(view)
        if self._hash:
            self._hash.update(view)
        self.bytes += view.nbytes
        return view.nbytes

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


@contextmanager
def writing_errors(name: object) -> Iterator[None]:
    """Say what could not be written; a closed pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DestinationError(f"{name}: cannot be written ({error.strerror or error})") from error


class Stage:
    """A hidden directory beside the destination, which becomes the destination when it is published.

    Use it in a `with` statement: what is not published at its end is removed.
    """

    def __init__(self, target: Path, *, sync: bool, hashed: bool) -> None:
        """Create the directory.

        Args:
            target: the destination; its parents are created.
            sync: make files and names durable before publishing.
            hashed: compute the SHA-256 of each file.

        Raises:
            DestinationError: it cannot be created.
        """
        self.target = target
        self._sync = sync
        self._hashed = hashed
        self._files: list[CountingFile] = []
        with writing_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path = Path(tempfile.mkdtemp(prefix=f".{target.name}.stage-", dir=target.parent))
            self.path.chmod(0o777 & ~_umask())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def bytes(self) -> int:
        """Bytes written so far, of all files."""
        return sum(file.bytes for file in self._files)

    @contextmanager
    def create(self, name: str) -> Iterator[CountingFile]:
        """Open a new file of the stage for writing; it is durable when the `with` statement ends."""
        with writing_errors(self.target / name):
            file = (self.path / name).open("xb", buffering=0)
        with file:
            counting = CountingFile(_Unbuffered(file), str(self.target / name), hashed=self._hashed)
            self._files.append(counting)
            yield counting
            if self._sync:
                with writing_errors(counting.name):
                    os.fsync(file.fileno())

    def rename(self, before: str, after: str) -> None:
        """Give a file of the stage its final name."""
        with writing_errors(self.target / after):
            (self.path / before).rename(self.path / after)

    def publish(self, *, replace: bool) -> None:
        """Rename the stage into place.

        Args:
            replace: exchange it with what is there, which is removed then; the caller knows that it is ours.

        Raises:
            DestinationError: something is there that is not replaced, or renaming fails.
        """
        with writing_errors(self.target):
            if self._sync:
                sync_directory(self.path)
            if replace:
                exchange(self.path, self.target)
            else:
                if self.target.is_dir() and not self.target.is_symlink():
                    self.target.rmdir()
                rename_new(self.path, self.target)
            if self._sync:
                sync_directory(self.target.parent)


class _Unbuffered:
    """Writes all of the data, which a raw file may do only in part."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: memoryview) -> None:
        data = data.cast("B")
        while data.nbytes:
            data = data[self._file.write(data) :]

    def flush(self) -> None:
        pass


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def standard_output() -> Iterator[CountingFile]:
    """Write to standard output."""
    sys.stdout.flush()
    # Past the buffer, whose lock a write that waits for a slow reader would hold when the process ends.
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    yield CountingFile(_Unbuffered(raw), "standard output", hashed=False)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_new(source: Path, target: Path) -> None:
    """Rename where nothing is yet; FileExistsError where something came in between."""
    if not _renameat2(source, target, _RENAME_NOREPLACE):
        if target.exists() or target.is_symlink():
            raise FileExistsError(errno.EEXIST, "exists already", str(target))
        source.rename(target)


def exchange(source: Path, target: Path) -> None:
    """Let two directories change places; where the system cannot, the target is gone for a moment."""
    if not _renameat2(source, target, _RENAME_EXCHANGE):
        aside = source.with_name(source.name + "-old")
        target.rename(aside)
        source.rename(target)
        aside.rename(source)


def _renameat2(source: Path, target: Path, flags: int) -> bool:
    """Rename with flags; False where the system or file system has no such call."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(code, os.strerror(code), str(target))
