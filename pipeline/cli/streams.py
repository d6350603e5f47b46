"""Standard input, output and error, whatever they are: closed, full, or with nobody at the other end."""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import DestinationError, PipelineError
from pipeline.runtime.signals import is_interruption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CLOSED_PIPE = 141
_STANDARD = (0, 1, 2)
_LAST_WORD_SECONDS = 0.5


class _Manner:
    """How standard error is spoken to in this process: in words, or in lines of JSON."""

    is_json = False


class ReportError(PipelineError):
    """What was asked for is done, and the report of it cannot be written."""

    exit_status = 9


class _UnreadReportError(ReportError):
    exit_status = CLOSED_PIPE


def open_standard_streams() -> None:
    """Take the places of standard streams that are closed, so that no file that is opened gets their numbers.

    Reading standard input and writing standard output are errors then, as they were; what is said on standard error is
    lost.
    """
    for number in _STANDARD:
        with suppress(OSError):
            os.fstat(number)
            continue
        # The lowest number that is free is given: this one.
        os.open(os.devnull, os.O_WRONLY if number != 1 else os.O_RDONLY)
        os.set_inheritable(number, True)
    # Python has none for what was closed, and would write errors to standard output instead.
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process
    # Names of files may hold bytes that are no UTF-8; as `\\udcff` they are also valid in JSON.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def writing_to_standard_output() -> Iterator[None]:
    """Write what was asked for; where standard output cannot be written, that is what fails.

    Raises:
        BrokenPipeError: its reader went away.
        DestinationError: it cannot be written.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop_standard_output()
        raise
    except OSError as error:
        drop_standard_output()
        raise DestinationError(f"standard output: cannot be written ({error.strerror})") from error


@contextmanager
def reporting(done: str) -> Iterator[None]:
    """Write the report of work that is done, and stays so, whether the report can be written or not.

    Args:
        done: says so.

    Raises:
        ReportError: standard output cannot be written, or its reader went away.
    """
    try:
        with writing_to_standard_output():
            yield
    except BrokenPipeError as error:
        raise _UnreadReportError(f"standard output: its reader went away; {done}") from error
    except DestinationError as error:
        raise ReportError(f"{error}; {done}") from error
    except BaseException as error:
        if is_interruption(error):
            error.add_note(done)
        raise


def drop_standard_output() -> None:
    """Write nothing more to standard output."""
    # The interpreter would flush standard output again when it ends, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_bytes(parts: Iterable[bytes]) -> None:
    """Write bytes to standard output, one part after the other."""
    for part in parts:
        with writing_to_standard_output():
            sys.stdout.buffer.write(part)


def tell(text: str) -> None:
    """Write to standard error, if that can be written; what was done decides the exit status."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def tell_last(text: str) -> None:
    """Do as `tell`, but do not wait for a reader that takes nothing: the command is to end."""
    with suppress(OSError, ValueError):  # standard error of a test has no number
        if not select.select([], [sys.stderr.fileno()], [], _LAST_WORD_SECONDS)[1]:
            return
    tell(text)


def speak_json(*, enabled: bool) -> None:
    """Say warnings and errors of this command in lines of JSON, or in words."""
    _Manner.is_json = enabled


def json_line(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Write a value as JSON in one line; an object gets the time at which it is said, RFC 3339, UTC."""
    if not isinstance(value, list | tuple):
        value = {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **dict(value)}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def error_line(message: str, status: int) -> str:
    """Write the line that says why a command failed.

    Args:
        message: one line.
        status: with which it ends.
    """
    return json_line({"status": status, "error": message}) if _Manner.is_json else f"pipeline: {message}\n"


def warn(warnings: Iterable[str]) -> None:
    """Say what a reader of the result should know, on standard error."""
    for warning in warnings:
        tell(json_line({"warning": warning}) if _Manner.is_json else f"pipeline: warning: {warning}\n")
