"""The command line: parses options, calls the functions of the package, and tells people what happened."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from pipeline.cli import catalog, export, import_, query, recover, sessions, stages, statistics, verify
from pipeline.cli.command import build_parser
from pipeline.cli.memory import choose_allocators, return_large_blocks
from pipeline.cli.output import drop_standard_output, writing_to_standard_output
from pipeline.errors import PipelineError, UsageError
from pipeline.runtime.signals import SignalWatch

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSED_PIPE = 141
_UNEXPECTED = 1
_MAX_LINE = 1500
COMMANDS = (
    import_.COMMAND,
    sessions.COMMAND,
    export.COMMAND,
    statistics.COMMAND,
    query.COMMAND,
    catalog.COMMAND,
    recover.COMMAND,
    verify.COMMAND,
    stages.COMMAND,
)
"""In the order of the help; their files import no engine before they run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those of the command line by default.

    Returns:
        the exit status: 0 done; 2 usage; 3 the source cannot be read or holds bad data; 4 the destination cannot be
        written; 5 verification failed; 7 another run holds the destination; 130 interrupted; 143 terminated; 141 the
        reader of standard output went away.
    """
    choose_allocators()
    words = list(sys.argv[1:] if arguments is None else arguments)
    given = [word for word in words if word != "--debug"]
    debug = given != words
    signals = _Signals()
    try:
        options = build_parser(COMMANDS).parse_args(given)
        return_large_blocks()
        status: int = options.run(options)
        with writing_to_standard_output():
            sys.stdout.flush()
    except BrokenPipeError:
        drop_standard_output()
        return CLOSED_PIPE
    except BaseException as error:
        # The engine wraps what is raised inside it, an interruption too.
        # Whoever held a stage or a store has noted what became of it.
        notes = getattr(error, "__notes__", None) or [
            one.undone for one in COMMANDS if one.undone and [one.name] == given[:1]
        ]
        if signals.received:
            _say("; ".join(["interrupted", *notes[:1]]))
            return 128 + signals.received
        if isinstance(error, SystemExit):
            raise
        if debug:
            traceback.print_exc()
        if isinstance(error, PipelineError):
            _say(error, hint="" if not isinstance(error, UsageError) else "; --help shows the options")
            return error.exit_status
        if isinstance(error, MemoryError):
            _say("; ".join([f"{error or 'no memory'}: the machine or a limit gives no more", *notes[:1]]))
            return _UNEXPECTED
        _say(f"unexpected {type(error).__name__}: {error}; this is a fault of the program, --debug shows where")
        return _UNEXPECTED
    finally:
        signals.ignore()
    return status


class _Signals:
    """Turns the first SIGINT or SIGTERM into an exception that unwinds, so that stages are removed.

    Attributes:
        received: number of the signal, 0 without one.
    """

    def __init__(self) -> None:
        self.received = 0
        self._watch = None
        if threading.current_thread() is threading.main_thread():
            self._watch = SignalWatch()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._receive)

    def ignore(self) -> None:
        """Take no more: what is done is done, and the exit status has to say so."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
        if self._watch is not None:
            self._watch.close()

    def _receive(self, number: int, _frame: object) -> None:
        self.received = number
        raise KeyboardInterrupt


def _say(message: object, *, hint: str = "") -> None:
    line = " ".join(str(message).split())
    if len(line) > _MAX_LINE:
        # A value that it quotes is huge; what to do stands at the end.
        line = f"{line[: _MAX_LINE * 2 // 3]} ... {line[-_MAX_LINE // 3 :]}"
    print(f"pipeline: {line}{hint}", file=sys.stderr)
