"""Runs commands in processes of their own, several at a time, and sends them the signals that it is ordered to send.

A process that has loaded the program forks an actor for each that plays, and an actor forks for each command. It is the
actor that sends signals to its command: until it has asked how the command ended, the number of that process is no
other's.
"""

from __future__ import annotations

import faulthandler
import os
import random
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from promises import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STOP = 100
"""An order that is no signal: end after this command."""
_MAX_SECONDS = 150.0
"""What no command takes here; a recorder waits 60 s for the store, twice."""
_CRASHED = 70
_ROOM = 256
_CALLS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.listdir", "os.scandir", "fcntl.flock"}
"""What Python tells of before it does it."""
_OFTEN, _PAUSE_SECONDS = 0.1, 0.03


def pause_at_calls() -> None:
    """Let this process wait now and then where it looks at files or changes names, so that others come in between."""
    draw = random.Random()  # noqa: S311 - other pauses in each process

    def pause(event: str, _: object) -> None:
        if event in _CALLS and draw.random() < _OFTEN:
            time.sleep(draw.uniform(0, _PAUSE_SECONDS))

    sys.addaudithook(pause)


class Runner:
    """Runs one command after the other.

    Attributes:
        is_stopped: the order to stop has come.
    """

    def __init__(self, scratch: Path, temporary: Path, orders: socket.socket | None = None) -> None:
        """Say where things go.

        Args:
            scratch: a directory of its own, for what the commands say.
            temporary: where temporary files go, of others too.
            orders: from where it gets signals to send, a byte each, and `STOP`; its end is an order to stop.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        self._said, self._out = scratch / "said", scratch / "out"
        self._temporary = temporary
        self._orders = orders
        self.is_stopped = False

    def run(self, function: Callable[..., int], arguments: Sequence[Any]) -> Ending:
        """Run a function in a process of its own, whose exit status it returns."""
        self._take_orders()  # those for what has ended
        for one in (self._said, self._out):
            one.write_bytes(b"")  # it may be killed before it has opened them
        sys.stdout.flush()
        child = os.fork()
        if not child:
            self._begin(function, arguments)
        sent: list[int] = []
        is_hung = self._watch(child, sent)
        _, status = os.waitpid(child, 0)
        return Ending(
            os.waitstatus_to_exitcode(status),
            tuple(sent),
            self._said.read_text(encoding="utf-8", errors="replace"),
            self._out.read_text(encoding="utf-8", errors="replace"),
            is_hung,
        )

    def _watch(self, child: int, sent: list[int]) -> bool:
        """Pass on orders until a command ends; tell whether it had to be ended."""
        ended = os.pidfd_open(child)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        if self._orders is not None:
            poll.register(self._orders, select.POLLIN)
        deadline = time.monotonic() + _MAX_SECONDS
        try:
            while True:
                ready = {number for number, _ in poll.poll(1000)}
                if ended in ready:
                    return False
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGUSR1)  # it tells where it is
                    time.sleep(1)
                    os.kill(child, signal.SIGKILL)
                    return True
                if ready:
                    for order in self._take_orders():
                        os.kill(child, order)
                        sent.append(order)
                    if self.is_stopped and self._orders is not None:
                        poll.unregister(self._orders)
        finally:
            os.close(ended)

    def _take_orders(self) -> list[int]:
        """Take the orders that have come; give the signals among them."""
        orders: list[int] = []
        while self._orders is not None and not self.is_stopped:
            try:
                message = self._orders.recv(_ROOM, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            orders += message
            self.is_stopped = not message or STOP in message
        return [order for order in orders if order != STOP]

    def _begin(self, function: Callable[..., int], arguments: Sequence[Any]) -> None:
        status = _CRASHED
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.environ["TMPDIR"] = str(self._temporary)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            opened = [
                os.open(os.devnull, os.O_RDONLY),
                *(os.open(one, flags, 0o666) for one in (self._out, self._said)),
            ]
            for number, descriptor in enumerate(opened):
                os.dup2(descriptor, number)
            if self._orders is not None:
                self._orders.close()
            if os.getpid() % 2:
                pause_at_calls()
            faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
            status = function(*arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        except KeyboardInterrupt:  # a moment before or after what would have taken it
            status = 128 + signal.SIGINT
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else _CRASHED
        except BaseException:  # noqa: BLE001 - a child must not return
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
