"""JSON files, read strictly."""

from __future__ import annotations

import codecs
import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from pipeline.disk.regular import read_regular
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r"[^\s,:\[\]{}]{1,20}")


def read_json(path: Path, *, may_be_pipe: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """Read a JSON file as `parse_json` does; it may begin with a byte order mark.

    Args:
        path: the file.
        may_be_pipe: a user names it, and may name what a shell pipes; else it must be a regular file.

    Raises:
        SourceError: it cannot be read or is no JSON.
    """
    try:
        return parse_json((path.read_bytes() if may_be_pipe else read_regular(path)).removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


def parse_json(data: bytes, *, shared: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON strictly: UTF-8, no key twice, no NaN, no number that float64 cannot hold.

    Args:
        data: the text.
        shared: give objects that are the same, and hold no number, as one that must not be changed: a large text in
            which they come again and again takes a fraction of the memory.

    Raises:
        ValueError: it is no such JSON.
    """
    try:
        hook = _Shared() if shared else _unique
        value = json.loads(data.decode(), object_pairs_hook=hook, parse_constant=_no_constant, parse_float=_finite)
        if _ESCAPED_SURROGATE.search(data):  # as nothing else gives one
            json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no valid JSON ({error})") from error
    return value


def no_json(error: json.JSONDecodeError) -> str:
    """Say what is no JSON in one line of text, and where: `is no JSON at column 9 ('-nan')`."""
    if not error.doc[error.pos :].strip():
        return f"is no JSON at column {len(error.doc.rstrip()) + 1} (it ends)"
    if (token := _TOKEN.match(error.doc, error.pos)) is not None and error.msg == "Expecting value":
        found = repr(token[0])
    else:
        found = error.msg
    return f"is no JSON at column {error.colno} ({found})"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


class _Shared:
    """Makes objects, and gives one that was made before where it is the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._ids: set[int] = set()

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = _unique(pairs)
        try:
            key = tuple([(name, item if type(item) is str else self._key(item)) for name, item in pairs])
        except _NotSharedError:
            return value
        made = self._made.setdefault(key, value)
        self._ids.add(id(made))
        return made

    def _key(self, item: Any) -> Any:  # noqa: ANN401 - a JSON value, and what can be compared for it
        if item is None or isinstance(item, str | bool):
            return item
        if isinstance(item, list):
            return tuple(map(self._key, item))
        if id(item) in self._ids:  # no number that the text holds comes here
            return id(item)
        raise _NotSharedError


class _NotSharedError(Exception):
    """A value holds a number, or an object of one: few are the same, and 1 is not true."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} lies beyond the range of float64")
    return number
