"""Hides values in the records of sessions, at the paths that a user names."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model.session import Session

REDACTED = "[redacted]"
_PATH_STEP = re.compile(r'(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^."]+))')


def redact(sessions: Sequence[Session], paths: Sequence[str]) -> tuple[list[Session], set[str]]:
    """Replace the values at paths, and tell which of the paths there are."""
    result, found = list(sessions), set()
    for path in paths:
        where, *steps = path_steps(path)
        for at, session in enumerate(result):
            value = copy.deepcopy(dict(getattr(session, where)))
            if _replace_at(value, steps):
                found.add(path)
                result[at] = (
                    replace(session, configuration=value)
                    if where == "configuration"
                    else replace(session, attributes=value)
                )
    return result, found


def path_steps(path: str) -> list[str]:
    """Take a path apart: what of a record it goes into, then a key for each step.

    Raises:
        UsageError: it is no path into the configuration or the attributes.
    """
    steps = [_unquote(quoted) if quoted else plain for quoted, plain in _PATH_STEP.findall(path)]
    spelled = "".join(match.group(0) for match in _PATH_STEP.finditer(path))
    if spelled != path or len(steps) < 2 or steps[0] not in {"configuration", "attributes"}:
        raise UsageError(f"--redact {path!r}: give a path such as configuration.network.address or attributes.robot_id")
    return steps


def _unquote(quoted: str) -> str:
    """Read a key as it stands between quotes in a path."""
    return re.sub(r"\\(.)", r"\1", quoted)


def _replace_at(value: Any, steps: Sequence[str]) -> bool:  # noqa: ANN401 - any JSON value
    """Replace what lies at a path; arrays are passed through, so that a step goes into each of their items."""
    if isinstance(value, list):
        return sum(_replace_at(item, steps) for item in value) > 0
    if not isinstance(value, dict) or steps[0] not in value:
        return False
    if len(steps) == 1:
        value[steps[0]] = REDACTED
        return True
    return _replace_at(value[steps[0]], steps[1:])
