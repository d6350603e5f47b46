"""Standard streams that a command may be given: closed, full, or with nobody at the other end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FULL = Path("/dev/full")


@dataclass(frozen=True)
class Streams:
    """What a command is given, by the redirection of a shell; `{pipe}` is a pipe that nobody reads.

    Attributes:
        redirection: in the words of a shell.
        output_fails: standard output cannot be written.
        is_pipe: because its reader went away.
        errors_are_lost: standard error cannot be written.
    """

    redirection: str
    output_fails: bool = False
    is_pipe: bool = False
    errors_are_lost: bool = False


STREAMS = {
    "output closed": Streams(">&-", output_fails=True),
    "output full": Streams(f">{_FULL}", output_fails=True),
    "output without a reader": Streams(">&{pipe}", output_fails=True, is_pipe=True),
    "errors closed": Streams("2>&-", errors_are_lost=True),
    "errors full": Streams(f"2>{_FULL}", errors_are_lost=True),
    "errors without a reader": Streams("2>&{pipe}", errors_are_lost=True),
    "both closed": Streams(">&- 2>&-", output_fails=True, errors_are_lost=True),
    "both full": Streams(f">{_FULL} 2>{_FULL}", output_fails=True, errors_are_lost=True),
    "input closed": Streams("<&-"),
    "all closed": Streams("<&- >&- 2>&-", output_fails=True, errors_are_lost=True),
}
"""By what they are called."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, and what it wrote to streams that can be written."""

    status: int
    out: str
    err: str


def run(
    command: Sequence[str], streams: Streams, *, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 60
) -> Ended:
    """Run a command with such streams."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        reader, writer = os.pipe()
        os.close(reader)
        stack.callback(os.close, writer)
        script = f'exec "$@" {streams.redirection.format(pipe=writer)}'
        done = subprocess.run(
            ["bash", "-c", script, "bash", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=(writer,),
            cwd=cwd,
            env=env,
            timeout=seconds,
            check=False,
        )
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return Ended(done.returncode, *texts)
