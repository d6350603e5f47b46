"""Starts commands in processes that have imported the program already, for that takes longer than the work.

`python faults/starter.py PREPARE` calls a function that loads what the commands need; then it reads orders from
standard input, a JSON object a line, and forks a process for each.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the commands import where they use it, and one thread is all that these may leave: another would not be forked.
_MODULES = (
    "isal.isal_zlib",
    "pipeline.api",
    "pipeline.cli",
    "pipeline.writers.compression",
    "pipeline.export.run",
    "pipeline.importers.run",
    "pipeline.runtime.signals",
    "pipeline.native",
    "pipeline.runtime.threads",
    "pipeline.recorder.recorder",
    "pipeline.recorder.recording",
    "pipeline.store.writer",
    "pipeline.verify.verification",
    "pipeline.writers.arrow",
    "pipeline.writers.csv",
    "pipeline.writers.influx",
    "pipeline.writers.json",
    "pipeline.writers.ndjson",
    "pipeline.writers.parquet",
    "pipeline.writers.xlsx",
    "pyarrow.parquet",
    "stores",
    "xlsxwriter",
    "zstandard",
)
_BLOCK_BYTES = 4096
_TRACER_SECONDS = 20.0
_ATTACHED_SECONDS = 0.005
_ANY_TRACER = (0x59616D61, -1)  # PR_SET_PTRACER, PR_SET_PTRACER_ANY
# The same bytes each time, and memory that the system counts.
_CAMPAIGN = {"SOURCE_DATE_EPOCH": "0", "ARROW_DEFAULT_MEMORY_POOL": "system"}


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        status: its exit status, negative where a signal ended it.
        said: what it said on standard error.
        resident: the most memory it had, in bytes.
    """

    status: int
    said: str
    resident: int


class Starter:
    """A process that forks commands, one at a time; use it in a `with` statement."""

    def __init__(
        self, errors: Path, *, prepare: str = "starter:prepare", environment: Mapping[str, str] = _CAMPAIGN
    ) -> None:
        """Start it.

        Args:
            errors: the file in which each command leaves what it says on standard error; beside it lie the temporary
                directories of commands that were killed.
            prepare: the function that loads what the commands need, `module:name`.
            environment: what is set for the commands.
        """
        self._errors = errors
        temporary = errors.with_name("temporary")
        temporary.mkdir(parents=True, exist_ok=True)
        # These libraries start threads of their own otherwise, which a fork would lose.
        alone = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, prepare],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary), **alone, **environment},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, function: str, arguments: Sequence[Any], *, traced: bool) -> int:
        """Start a command.

        Args:
            function: `module:name`; it returns the exit status.
            arguments: its arguments, JSON values.
            traced: let it wait until it is traced.

        Returns:
            the id of its process.
        """
        order = {"function": function, "arguments": arguments, "traced": traced, "errors": str(self._errors)}
        self._order(json.dumps(order))
        (process,) = self._answer()
        return process

    def wait(self) -> Ended:
        """Wait for the end of the command."""
        self._order("")
        status, resident = self._answer()
        return Ended(status, self._errors.read_text(encoding="utf-8", errors="replace"), resident)

    def _order(self, order: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def _answer(self) -> list[int]:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return [int(number) for number in self._process.stdout.readline().split()]


def prepare() -> None:
    """Load what the commands of the campaign need."""
    for module in _MODULES:
        importlib.import_module(module)
    # Files of a few kilobytes are written as those of gigabytes are, block after block past the page cache.
    importlib.import_module("pipeline.disk.durable").BLOCK_BYTES = _BLOCK_BYTES


def _named(function: str) -> Any:  # noqa: ANN401 - any function
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)


def _serve(prepare: str) -> None:
    _named(prepare)()
    while line := sys.stdin.readline():
        if len(list(Path("/proc/self/task").iterdir())) != 1:
            raise SystemExit("starter: has more than one thread, which cannot be forked")
        child = os.fork()
        if not child:
            _run(json.loads(line))
        print(child, flush=True)
        # Until somebody asks, its id stays its own, and whoever kills it kills nobody else.
        sys.stdin.readline()
        _, status, usage = os.wait4(child, 0)
        print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, flush=True)


def _run(order: dict[str, Any]) -> None:
    status = 1
    try:
        silent = os.open(os.devnull, os.O_RDWR)
        errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for number, descriptor in enumerate((silent, silent, errors)):
            os.dup2(descriptor, number)
        if order["traced"]:
            _wait_for_tracer()
        status = _named(order["function"])(*order["arguments"])
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - a child must not return
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _wait_for_tracer() -> None:
    import ctypes  # noqa: PLC0415 - only where it is traced

    ctypes.CDLL(None).prctl(*_ANY_TRACER, 0, 0, 0)
    deadline = time.monotonic() + _TRACER_SECONDS
    while True:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - as few calls as can be
            if "TracerPid:\t0\n" not in file.read():
                break
        if time.monotonic() > deadline:
            raise SystemExit("starter: is not traced")
        time.sleep(_ATTACHED_SECONDS)
    time.sleep(_ATTACHED_SECONDS)


if __name__ == "__main__":
    _serve(sys.argv[1])
