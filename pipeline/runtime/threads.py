"""Lets the stages of an export overlap: scanning ahead, and writing behind.

Order is kept and queues are short, so that memory stays that of a few batches. The work in the threads (decoding,
compressing, hashing, writing) releases the interpreter lock.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from pipeline.runtime.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future

    from pipeline.disk.sink import Sink

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
_CHECK_SECONDS = 0.05
_PATIENCE_SECONDS = 1.0
_BEHIND = 4
_HELD_BYTES = 1 << 18
REUSED_BUFFERS = _BEHIND + 2
"""How many buffers a writer must take turns with: one being filled, those waiting, one being written."""


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Handover(Generic[Item]):
    """A bounded queue from one thread to another that a signal cannot leave locked.

    Where a signal's handler raises, `queue.Queue` may keep its lock, and the other thread waits for ever. Here a place
    is free or full by a lock each, which no handler comes between.
    """

    def __init__(self, size: int) -> None:
        self._items: list[Item | None] = [None] * size
        self._free = [threading.Lock() for _ in range(size)]
        self._full = [threading.Lock() for _ in range(size)]
        for lock in self._full:
            lock.acquire()
        self._next_put = self._next_get = 0

    def reserve(self, timeout: float = -1) -> bool:
        """Wait for a place for the next item; False where none came in time."""
        return self._free[self._next_put].acquire(timeout=timeout)

    def put(self, item: Item) -> None:
        """Hand an item over, at the place that was reserved."""
        place = self._next_put
        self._items[place] = item
        self._next_put = (place + 1) % len(self._items)
        self._full[place].release()

    def get(self, timeout: float = -1) -> Item:
        """Take the next item.

        Raises:
            TimeoutError: none came in time.
        """
        place = self._next_get
        if not self._full[place].acquire(timeout=timeout):
            raise TimeoutError
        item, self._items[place] = self._items[place], None
        self._next_get = (place + 1) % len(self._items)
        self._free[place].release()
        return cast("Item", item)


class _End:
    """The end of a stream, and the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class ScannedAhead(Generic[Item]):
    """Iterates in a thread of its own, a few items ahead; an error comes out where its item would have.

    Use it in a `with` statement: the thread has ended when that ends, however it comes.
    """

    def __init__(self, items: Iterator[Item], *, ahead: int = _AHEAD) -> None:
        """Prepare to iterate.

        Args:
            items: what is iterated.
            ahead: how many items may be there that were not taken yet, the one that is being made included.
        """
        self._items = items
        self._waiting: _Handover[Item | _End] = _Handover(ahead)
        self._end: _End | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        with suppress(TimeoutError):  # whoever waits for a place sees at once that nobody wants more
            while True:
                self._waiting.get(timeout=0)
        self._thread.join()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        if self._end is None:
            item = self._waiting.get()
            if not isinstance(item, _End):
                return item
            self._end = item
        raise self._end.error or StopIteration

    def _run(self) -> None:
        end = None
        while end is None and self._is_wanted():
            try:
                self._waiting.put(next(self._items))
            except StopIteration:
                end = _End()
            except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
                end = _End(error)
        if end is not None:
            self._waiting.put(end)

    def _is_wanted(self) -> bool:
        """Wait for a place before the next item is made; False where nobody wants one any more."""
        while not self._stopped:
            if self._waiting.reserve(timeout=_CHECK_SECONDS):
                return True
        return False


class Aside(Generic[Result]):
    """Runs a function in a thread of its own, from now on; it should release the interpreter lock."""

    def __init__(self, function: Callable[[], Result], *, name: str = "aside") -> None:
        self._function = function
        self._result: Result | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def result(self) -> Result:
        """Wait for what the function gives; what it raises is raised here."""
        self.wait()
        if self.error is not None:
            raise self.error
        return cast("Result", self._result)

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self.error = error


class FedBehind(Generic[Item, Result]):
    """Lets a function iterate, in a thread of its own, over what is handed to it item by item, a few items behind.

    What it raises is raised by whoever hands it an item, or asks for its result.
    """

    def __init__(self, function: Callable[[Iterator[Item]], Result], *, behind: int = _AHEAD) -> None:
        """Begin.

        Args:
            function: what iterates; it should release the interpreter lock.
            behind: how many items may wait for it.
        """
        self._waiting: _Handover[Item | _End] = _Handover(behind)
        self._stopped = False
        self._aside = Aside(lambda: function(self._items()), name="behind")

    def put(self, item: Item) -> None:
        """Hand an item over."""
        self._put(item)

    def end(self) -> None:
        """Say that no more items come."""
        self._put(_End())

    def result(self) -> Result:
        """Wait for the result, after `end`."""
        return self._aside.result()

    def stop(self) -> None:
        """End without a result: the function's next item is an error."""
        self._stopped = True
        self._aside.wait()

    def _put(self, item: Item | _End) -> None:
        while self._aside.error is None:
            if self._waiting.reserve(timeout=_CHECK_SECONDS):
                self._waiting.put(item)
                return
        raise self._aside.error

    def _items(self) -> Iterator[Item]:
        while not self._stopped:
            try:
                item = self._waiting.get(timeout=_CHECK_SECONDS)
            except TimeoutError:
                continue
            if isinstance(item, _End):
                return
            yield item
        raise InterruptedError("nobody wants the result any more")


class WorkInOrder(Generic[Item, Result]):
    """Works on items in threads and gives the results in the order of the items; use it in a `with` statement.

    At most one item more than there are threads is under way.
    """

    def __init__(self, function: Callable[[Item], Result], *, threads: int) -> None:
        """Prepare to work.

        Args:
            function: the work; it should release the interpreter lock.
            threads: how many work at a time.
        """
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only what compresses needs it

        self._function = function
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._running: deque[Future[Result]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, item: Item) -> Iterator[Result]:
        """Begin to work on an item, and wait for the oldest where too many are under way."""
        with uninterrupted():  # the pool's locks are Python's
            self._running.append(self._pool.submit(self._function, item))
        return self._wait(self._threads)

    def rest(self) -> Iterator[Result]:
        """Wait for all that are under way."""
        return self._wait(0)

    def _wait(self, under_way: int) -> Iterator[Result]:
        while len(self._running) > under_way:
            with uninterrupted():
                result = self._running.popleft().result()
            yield result


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Generator[Result, None, None]:
    """Work on items as `WorkInOrder` does; they are taken in the caller's thread."""
    with WorkInOrder(function, threads=threads) as work:
        for item in items:
            yield from work.add(item)
        yield from work.rest()


class WrittenBehind:
    """Hands what is written to sinks, each in a thread of its own and a few writes behind; for a `with` statement.

    So none waits for another that is slower for a moment, as a disk is. What is written must stay as it is during the
    next `REUSED_BUFFERS - 1` writes. An error is raised by a later write, or at the end. The threads begin with what is
    worth them: a small file, of few writes, is written at the end by whoever writes it.
    """

    def __init__(self, *sinks: Sink) -> None:
        self._error: BaseException | None = None
        self._stopped = False
        self._sinks = sinks
        self._held: list[bytes | memoryview] = []
        self._held_bytes = 0
        self._waiting: list[_Handover[bytes | memoryview | None]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self._threads:
            if self._held:
                # In one piece: a call of the system costs more than to copy the text of a small file.
                data = b"".join(self._held) if len(self._held) > 1 else self._held[0]
                for sink in self._sinks:
                    sink.write(data)
            return
        if kind is None:
            self._hand_on(None)
            for thread in self._threads:
                thread.join()
            if self._error is not None:
                raise self._error
            return
        # What has not been written is not wanted any more, and a write may wait for a reader that never comes.
        self._stopped = True
        for thread in self._threads:
            if thread.is_alive():  # else an interruption came while it began, and it ends by itself
                thread.join(_PATIENCE_SECONDS)

    def write(self, data: bytes | memoryview, /) -> int:
        """Hand bytes on to be written."""
        if self._error is not None:
            raise self._error
        if self._threads:
            self._hand_on(data)
            return len(data)
        self._held.append(data)
        self._held_bytes += len(data)
        if len(self._held) == _BEHIND or self._held_bytes > _HELD_BYTES:
            self._start()
        return len(data)

    def _start(self) -> None:
        self._waiting = [_Handover(_BEHIND) for _ in self._sinks]
        self._threads = [
            threading.Thread(target=self._run, args=(sink, waiting), name="write", daemon=True)
            for sink, waiting in zip(self._sinks, self._waiting, strict=True)
        ]
        for thread in self._threads:
            thread.start()
        held, self._held = self._held, []
        for data in held:
            self._hand_on(data)

    def _hand_on(self, data: bytes | memoryview | None) -> None:
        for waiting in self._waiting:
            waiting.reserve()
            waiting.put(data)

    def _next(self, waiting: _Handover[bytes | memoryview | None]) -> bytes | memoryview | None:
        while not self._stopped:
            try:
                return waiting.get(timeout=_CHECK_SECONDS)
            except TimeoutError:
                continue
        return None

    def _run(self, sink: Sink, waiting: _Handover[bytes | memoryview | None]) -> None:
        while (data := self._next(waiting)) is not None:
            if self._error is None:
                try:
                    sink.write(data)
                except BaseException as error:  # noqa: BLE001 - it is raised where it was written
                    self._error = error
