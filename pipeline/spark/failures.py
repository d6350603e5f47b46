"""Errors of ours on their way from a worker: they would be the same again, so they are answers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline import errors

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe_error(error: errors.PipelineError) -> dict[str, Any]:
    """Describe an error as JSON values: its class, line, exit status, and what else it knows."""
    text = str(error)
    if isinstance(error.__cause__, OSError):  # which another machine may not have
        text = f"{text} (on the worker {socket.gethostname()})"
    known = {name: value for name, value in vars(error).items() if isinstance(value, str | int | None)}
    return {"class": _known_class(type(error)), "text": text, "status": error.exit_status, "attributes": known}


def _known_class(kind: type) -> str:
    """Name the nearest class that every place has."""
    names: list[str] = [one.__name__ for one in kind.__mro__ if getattr(errors, one.__name__, None) is one]
    return names[0]


def raise_answered(described: Mapping[str, Any]) -> NoReturn:
    """Raise what `describe_error` described, with its class and line."""
    kind = getattr(errors, described["class"], errors.PipelineError)
    error = kind.__new__(kind)
    error.args = (described["text"],)
    vars(error).update(described.get("attributes", {}))
    if error.exit_status != described.get("status", error.exit_status):
        error.exit_status = described["status"]
    raise error
