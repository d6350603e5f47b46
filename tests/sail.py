"""A Sail server as a cluster: two workers of one slot, in one process, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLUSTER = {
    "SAIL_MODE": "local-cluster",
    "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "2",
    "SAIL_CLUSTER__WORKER_MAX_COUNT": "2",
    "SAIL_CLUSTER__WORKER_TASK_SLOTS": "1",
    # Entries of the tests.
    "PYTHONPATH": str(ROOT / "tests" / "spark"),
}


class Sail(NamedTuple):
    """A server that runs.

    Attributes:
        url: for `--master`.
        process: of it, None where somebody else started it.
    """

    url: str
    process: subprocess.Popen[bytes] | None


@contextmanager
def sail_server(directory: Path) -> Iterator[Sail]:
    """Start a server, and stop it at the end.

    Args:
        directory: where its log goes.
    """
    program = shutil.which("sail", path=str(Path(sys.executable).parent)) or "sail"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = directory / "sail.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **_CLUSTER},
            cwd=directory,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, log)
        yield Sail(f"sc://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server does not answer: {log.read_text()}")
