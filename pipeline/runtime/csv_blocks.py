"""pyarrow's CSV reader over files of Python, which is done with them when it is closed.

It reads ahead in threads of Arrow. Where the last of them lets go of a Python object after the reader is gone, it has
to wait for the interpreter, and where that has just ended, the process is aborted instead of giving its exit status.
So what is lent to Arrow is counted, and waited for.
"""

from __future__ import annotations

import atexit
import weakref
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import pyarrow.csv as pv

from pipeline.runtime.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

Lent = TypeVar("Lent")

_PATIENCE_SECONDS = 10.0


class Readable(Protocol):
    """A file of bytes."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""


class _Loans:
    """Objects that another thread may be the last to let go of."""

    def __init__(self) -> None:
        self._out: dict[int, weakref.ref[object]] = {}
        # Its `put` is no Python code: whoever is woken by it runs when the other thread has left the interpreter.
        self._back: SimpleQueue[weakref.ref[object]] = SimpleQueue()

    def lend(self, thing: Lent) -> Lent:
        while not self._back.empty():
            self._out.pop(id(self._back.get()))
        reference: weakref.ref[object] = weakref.ref(thing, self._back.put)
        self._out[id(reference)] = reference
        return thing

    def wait(self) -> None:
        """Wait until all are back; not for ever, as a read of a broken file system may not end."""
        with uninterrupted():
            while self._out:
                self._out.pop(id(self._back.get(timeout=_PATIENCE_SECONDS)))


class _File:
    """What Arrow takes for a file; no frame holds it, so that a traceback cannot keep it."""

    closed = False
    mode = "rb"

    def __init__(self, read: Callable[[int], memoryview]) -> None:
        self.read = read
        self.close = _do_nothing


def _do_nothing() -> None:
    """Leave a file to its owner."""


class CsvBlocks:
    """The blocks of a CSV file as batches; use it in a `with` statement, or close it.

    Attributes:
        schema: of all batches.
    """

    def __init__(
        self,
        file: Readable,
        *,
        block_bytes: int,
        convert: pv.ConvertOptions,
        on_bad_row: Callable[[pv.InvalidRow], str] | None = None,
    ) -> None:
        """Read the header and the first block.

        Args:
            file: text with a header; values may hold line feeds.
            block_bytes: bytes to read at a time; a row must not be larger.
            convert: what becomes of the texts.
            on_bad_row: tells what to do with a row of another number of fields, `skip` or `error`.

        Raises:
            pa.ArrowInvalid: the text is no CSV.
            Exception: what reading the file raises.
        """
        self._file = file
        self._failure: BaseException | None = None
        self._loans = _Loans()
        _open.add(self)
        self._reader: pv.CSVStreamingReader | None = None
        try:
            self._open(block_bytes, convert, on_bad_row)
        except BaseException:
            self.close()
            self._raise_failure()
            raise

    def _open(
        self, block_bytes: int, convert: pv.ConvertOptions, on_bad_row: Callable[[pv.InvalidRow], str] | None
    ) -> None:
        self._reader = pv.open_csv(
            self._loans.lend(_File(self._read)),
            pv.ReadOptions(use_threads=False, block_size=block_bytes),
            pv.ParseOptions(
                newlines_in_values=True,
                invalid_row_handler=None if on_bad_row is None else self._loans.lend(partial(on_bad_row)),
            ),
            convert,
        )
        self.schema: pa.Schema = self._reader.schema
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure from None

    def _read(self, size: int) -> memoryview:
        # An error that passed through Arrow would be lent as well.
        try:
            data = b"" if self._failure is not None else self._file.read(size)
        except BaseException as error:  # noqa: BLE001 - it is raised where the rows are taken
            self._failure, data = error, b""
        return self._loans.lend(memoryview(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pa.RecordBatch:
        if self._reader is None:
            raise StopIteration
        try:
            return self._reader.read_next_batch()
        finally:
            self._raise_failure()

    def close(self) -> None:
        """Read no more; Arrow's threads are done with the file afterwards."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._loans.wait()
        _open.discard(self)


_open: weakref.WeakSet[CsvBlocks] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what an error has left open, while other threads may still enter the interpreter."""
    for blocks in list(_open):
        blocks.close()
