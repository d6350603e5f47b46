"""Lets the stages of an export overlap: scanning ahead, and writing behind.

Order is kept and queues are short, so that memory stays that of a few batches. The work in the threads (decoding,
compressing, hashing, writing) releases the interpreter lock.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.compression import Sink

Item = TypeVar("Item")

_AHEAD = 2
_CHECK_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
REUSED_BUFFERS = 3
"""How many buffers a writer must take turns with: one being filled, one waiting, one being written."""


class _End:
    """The end of a stream, and the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class ScannedAhead(Generic[Item]):
    """Iterates in a thread of its own, a few items ahead; an error comes out where its item would have.

    Use it in a `with` statement: the thread has ended when that ends, however it comes.
    """

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._waiting: queue.Queue[Item | _End] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        item = self._waiting.get()
        if not isinstance(item, _End):
            return item
        self._waiting.put(item)  # whoever asks again hears the same
        raise item.error or StopIteration

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
            self._put(_End(error))

    def _put(self, item: Item | _End) -> bool:
        """Hand an item over; False where nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                self._waiting.put(item, timeout=_CHECK_SECONDS)
            except queue.Full:
                continue
            return True
        return False


class WrittenBehind:
    """A sink that writes in a thread of its own, at most one write behind; use it in a `with` statement.

    What is written must stay as it is during the next `REUSED_BUFFERS - 1` writes. An error is raised by a later
    write, or at the end.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: queue.Queue[bytes | memoryview | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._waiting.put(None)
            self._thread.join()
            if self._error is not None:
                raise self._error
            return
        # What has not been written is not wanted any more, and a write may wait for a reader that never comes.
        self._stopped.set()
        self._thread.join(_PATIENCE_SECONDS)

    def write(self, data: bytes | memoryview, /) -> int:
        """Hand bytes on to be written."""
        if self._error is not None:
            raise self._error
        self._waiting.put(data)
        return len(data)

    def _next(self) -> bytes | memoryview | None:
        while not self._stopped.is_set():
            try:
                return self._waiting.get(timeout=_CHECK_SECONDS)
            except queue.Empty:
                continue
        return None

    def _run(self) -> None:
        while (data := self._next()) is not None:
            if self._error is None:
                try:
                    self._sink.write(data)
                except BaseException as error:  # noqa: BLE001 - it is raised where it was written
                    self._error = error
