"""The command line: parses options, calls the functions of the package, and tells people what happened."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pipeline.cli.parser import build_parser
from pipeline.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
CLOSED_PIPE = 141
_UNEXPECTED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those of the command line by default.

    Returns:
        the exit status: 0 done; 2 usage; 3 the source cannot be read or holds bad data; 4 the destination cannot be
        written; 130 interrupted; 141 the reader of standard output went away.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        options = build_parser().parse_args([word for word in given if word != "--debug"])
        status: int = options.run(options)
        sys.stdout.flush()
    except PipelineError as error:
        if debug:
            raise
        _say(error, hint="" if not isinstance(error, UsageError) else "; --help shows the options")
        return error.exit_status
    except KeyboardInterrupt:
        _say("interrupted; nothing was published")
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter would flush standard output again when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except Exception as error:
        if debug:
            raise
        _say(f"unexpected {type(error).__name__}: {error}; this is a fault of the program, --debug shows where")
        return _UNEXPECTED
    return status


def _say(message: object, *, hint: str = "") -> None:
    line = " ".join(str(message).split())
    print(f"pipeline: {line}{hint}", file=sys.stderr)
