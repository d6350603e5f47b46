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


def parse_json(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON strictly: UTF-8, no key twice, no NaN, no number that float64 cannot hold.

    Raises:
        ValueError: it is no such JSON.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
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


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} lies beyond the range of float64")
    return number
