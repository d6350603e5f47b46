"""What an interruption (Ctrl-C, SIGTERM) means for those who are told of it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is an interruption, or one that an engine has wrapped."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


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
        if is_interruption(error):
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
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
