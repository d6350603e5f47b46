"""The command line: parses options, calls the functions of the package, and tells people what happened."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.cli.command import build_parser
from pipeline.cli.memory import choose_allocators, end_without_looking, return_large_blocks
from pipeline.cli.streams import (
    CLOSED_PIPE,
    drop_standard_output,
    error_line,
    open_standard_streams,
    speak_json,
    tell,
    tell_last,
)
from pipeline.disk.hashing import hashing_ends
from pipeline.errors import ClusterError, DestinationError, PipelineError, RecoveryError, TomlError, UsageError
from pipeline.runtime.signals import SIGNALS, SignalWatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.command import Command

_UNEXPECTED = 1
_MAX_LINE = 1500
_AGAIN_SECONDS = 0.01
_NO_ROOM = ("annot allocate memory", "failed to map segment", "can't start new thread")
"""What errors say of memory and threads that the system does not give, beside MemoryError."""
_FILES = (
    "import_",
    "sessions",
    "export",
    "statistics",
    "query",
    "catalog",
    "check",
    "compare",
    "report",
    "plot",
    "recover",
    "verify",
    "delete",
    "compact",
    "run",
    "runs",
    "init_job",
    "stages",
    "harnesses",
    "completion",
    "help_",
)
"""A file of this folder for each command, in the order of the help."""
_DESCRIBING = {"completion", "help_"}
"""Those that show the options of others."""


def load_commands(words: Sequence[str] = ()) -> list[Command]:
    """Give the command that words call, whose file alone is loaded then; all, where they call none or one of all."""
    called = [file for file in _FILES if _command_name(file) in words[:1] and file not in _DESCRIBING]
    return [import_module(f"pipeline.cli.{file}").COMMAND for file in called or _FILES]


def _command_name(file: str) -> str:
    return file.rstrip("_").replace("_", "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those of the command line by default.

    Returns:
        the exit status: 0 done; 2 usage; 3 the source cannot be read or holds bad data; 4 the destination cannot be
        written; 5 verification failed; 6 a target was missed or cannot be told, or a regression was
        found; 7 another run holds the destination; 9 done, but the report of it cannot be written; 10 a
        cluster cannot be reached or is lost; 129 hung up; 130
        interrupted; 143 terminated; 141 the reader of standard output went away.
    """
    open_standard_streams()
    choose_allocators()
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = [word for word in words if word != "--debug"]
    debug = given != words
    speak_json(enabled="--json" in given)  # what is wrong with the options is said so, too
    signals = _Signals()
    try:
        return _run(given, signals, debug=debug)
    except KeyboardInterrupt:
        # Another signal, before the first one was told.
        signals.ignore()
        tell_last(error_line("interrupted", 128 + signals.received))
        return 128 + signals.received
    finally:
        signals.ignore()
        if arguments is None:  # the process is the program's own
            end_without_looking()


def _run(given: Sequence[str], signals: _Signals, *, debug: bool) -> int:
    """Run a command, tell how it ended if that is no success, and give the exit status."""
    commands: list[Command] = []
    try:
        commands = load_commands(given)
        options = build_parser(commands).parse_args(given)
        return_large_blocks()
        status: int = options.run(options)
    except BrokenPipeError:
        drop_standard_output()
        return CLOSED_PIPE
    except BaseException as error:
        # The engine wraps what is raised inside it, an interruption too.
        if isinstance(error, SystemExit) and not signals.received:
            raise
        # Whoever held a stage or a store has noted what became of it.
        notes = getattr(error, "__notes__", None) or [
            one.undone for one in commands if one.undone and [one.name] == given[:1]
        ]
        with suppress(KeyboardInterrupt):  # the reader of standard error takes nothing, and a signal ends the waiting
            if debug and not signals.received:
                import traceback  # noqa: PLC0415 - only needed here

                tell(traceback.format_exc())
            if not signals.received:
                for problem in error.problems if isinstance(error, RecoveryError) else [error]:
                    status, line = _explain(problem, notes)
                    tell(error_line(_one_line(line), status))
                if isinstance(error, RecoveryError):
                    status = error.exit_status
        if signals.received:
            signals.ignore()
            status = 128 + signals.received
            tell_last(error_line(_one_line("; ".join(["interrupted", *notes[:1]])), status))
            return status
        return status
    return status


def _explain(error: BaseException, notes: Sequence[str]) -> tuple[int, str]:
    """Give the exit status of an error, and the line that says what it means."""
    if isinstance(error, ClusterError):
        return error.exit_status, "; ".join([str(error), *notes[:1]])
    if isinstance(error, PipelineError):
        hint = (
            "; --help shows the options" if isinstance(error, UsageError) and not isinstance(error, TomlError) else ""
        )
        return error.exit_status, f"{error}{hint}"
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _NO_ROOM):
        return _UNEXPECTED, "; ".join(
            [f"{str(error) or 'no memory'}: the machine or a limit gives no more", *notes[:1]]
        )
    if isinstance(error, OSError) and error.strerror:
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the system"
        return DestinationError.exit_status, "; ".join([f"{where}: {error.strerror}", *notes[:1]])
    if isinstance(error, UnicodeEncodeError):
        near = error.object[max(error.start - 20, 0) : error.end + 20]
        return UsageError.exit_status, f"{near!r}: holds bytes that are no UTF-8; give it in UTF-8"
    told = f"unexpected {type(error).__name__}: {error}; this is a fault of the program, --debug shows where"
    return _UNEXPECTED, told


class _Signals:
    """Turns the first signal that ends a command into an exception that unwinds, so that stages are removed.

    Attributes:
        received: number of the signal, 0 without one.
    """

    def __init__(self) -> None:
        self.received: int = 0
        self._watch: SignalWatch | None = None
        self._again: threading.Timer | None = None
        hashing_ends.clear()
        if threading.current_thread() is threading.main_thread():
            self._watch = SignalWatch()
            sys.unraisablehook = self._raise_again
            for number in SIGNALS:
                # What nohup runs is to outlive its terminal.
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, self._receive)

    def ignore(self) -> None:
        """Take no more: what is done is done, and the exit status has to say so."""
        if self._watch is not None:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            if self._again is not None:
                self._again.cancel()
            self._watch.close()
            self._watch = None
            sys.unraisablehook = sys.__unraisablehook__

    def _receive(self, number: int, _frame: object) -> None:
        self.received = number
        hashing_ends.set()
        if _engine_is_loading():
            self._come_again()
        else:
            raise KeyboardInterrupt

    def _raise_again(self, swallowed: sys.UnraisableHookArgs) -> None:
        """Let a signal that came where nothing can be raised, as in a finaliser, come again a moment later."""
        if self.received and swallowed.exc_type is KeyboardInterrupt:
            self._come_again()
        else:
            sys.__unraisablehook__(swallowed)

    def _come_again(self) -> None:
        # From another thread: in this one it would come before this has returned, and be swallowed again.
        self._again = threading.Timer(
            _AGAIN_SECONDS, signal.pthread_kill, [threading.main_thread().ident, self.received]
        )
        self._again.daemon = True
        self._again.start()


def _engine_is_loading() -> bool:
    """Whether DuckDB is being loaded: what is raised while its compiled part makes its types ends the process (134)."""
    engine = sys.modules.get("duckdb")
    return engine is not None and not hasattr(engine, "connect")


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    if len(line) > _MAX_LINE:
        # A value that it quotes is huge; what to do stands at the end.
        line = f"{line[: _MAX_LINE * 2 // 3]} ... {line[-_MAX_LINE // 3 :]}"
    return line
