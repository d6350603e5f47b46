"""JSON files, read strictly."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """Read a JSON file strictly: UTF-8, no key twice, no NaN.

    Raises:
        SourceError: it cannot be read or is no JSON.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ValueError("a key occurs twice")
        return value

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    def finite(text: str) -> float:
        number = float(text)
        if not isfinite(number):
            raise ValueError(f"{text} lies beyond the range of float64")
        return number

    try:
        text = path.read_bytes().decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant, parse_float=finite)
        json.dumps(value, ensure_ascii=False).encode()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: is no valid JSON ({error})") from error
    else:
        return value
