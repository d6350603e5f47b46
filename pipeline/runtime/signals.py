"""What an interruption (Ctrl-C, SIGTERM, SIGHUP) means for those who are told of it."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command as an error does, so that it leaves nothing half done."""
_AGAIN_SECONDS = 0.2


class Interruptible(Protocol):
    """What works for long outside Python, where the handler of a signal cannot run."""

    def interrupt(self) -> None:
        """End the work with an error, soon."""


_working: WeakSet[Interruptible] = WeakSet()
_watches: list[SignalWatch] = []


def interrupt_on_signal(work: Interruptible) -> None:
    """Let a signal end what this works on, as long as it lives."""
    _working.add(work)
    for watch in _watches:
        watch.start()


class SignalWatch:
    """Interrupts what is registered when a signal comes, from a thread of its own; use it in the main thread.

    The thread begins with the first that is registered: a command that needs none can do without.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._thread: threading.Thread | None = None
        _watches.append(self)

    def start(self) -> None:
        """Begin to watch, unless that has begun."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="signals", daemon=True)
            thread.start()
            self._thread = thread

    def close(self) -> None:
        """Watch no longer."""
        _watches.remove(self)
        signal.set_wakeup_fd(self._before)
        self._writer.close()
        if self._thread is None:
            self._reader.close()

    def _run(self) -> None:
        with self._reader, suppress(OSError):
            while data := self._reader.recv(16):
                if any(number in SIGNALS for number in data):
                    break
            else:
                return
            self._reader.settimeout(_AGAIN_SECONDS)
            while True:
                # Again and again: the work may begin just now.
                for work in list(_working):
                    with suppress(Exception):  # it has just been closed
                        work.interrupt()
                with suppress(TimeoutError):
                    if not self._reader.recv(16):
                        return


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is an interruption, or one that an engine has wrapped."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def noting(done: Sequence[str]) -> Iterator[None]:
    """Let an interruption say what is done, of which the last counts; nothing where it is empty."""
    try:
        yield
    except BaseException as error:
        if done and is_interruption(error):
            error.add_note(done[-1])
        raise


@contextmanager
def telling(done: Sequence[str], *, verb: str, rest: str) -> Iterator[None]:
    """Let an error, or an interruption, say what was done before it and stays.

    Args:
        done: ids of sessions, which may become more.
        verb: what was done with them, as `imported`.
        rest: what does the rest.
    """
    try:
        yield
    except BaseException as error:
        sessions = "1 session was" if len(done) == 1 else f"{len(done):,} sessions were"
        told = f"{sessions} {verb} before; {rest}" if done else f"nothing was {verb}"
        if is_interruption(error) or isinstance(error, MemoryError):
            error.add_note(told)
        elif done and isinstance(error, PipelineError):
            error.args = (f"{error}; {told}",)
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a signal wait until a step has ended that is short and must be known to have happened or not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
