"""What sessions were run with, by bare names: their attributes and the values of their configuration."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from pipeline.model.arrays import from_strings
from pipeline.model.sessions_table import SQL_SESSION_DESCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Scalar: TypeAlias = "str | int | float | bool | None"

_INT64 = range(-(2**63), 2**63)


def session_values(
    attributes: Sequence[Mapping[str, Any]], configurations: Sequence[Mapping[str, Any]], mentioned: str | None = None
) -> dict[str, list[Scalar]]:
    """Give attributes and values of configurations by the names that mean one thing.

    A name is the key of an attribute, or the last key of a path of the configuration: `fps` is
    `configuration.video.fps`. It means one thing where no column of the sessions table has it, no attribute, and no
    other path; an attribute comes before a path. Names that differ only in case are one name to SQL.

    Args:
        attributes: of each session.
        configurations: of each session.
        mentioned: only names that stand in this text.

    Returns:
        for each name, attributes first, the value of each session; None where it has none. Only texts, numbers and
        booleans are values, lists and objects are not.
    """
    taken = {name.lower() for name in SQL_SESSION_DESCRIPTIONS}
    wanted = _Mentioned(mentioned)
    by_path = [[dict(_scalars(one, wanted)) for one in objects] for objects in (attributes, configurations)]
    found: dict[str, list[Scalar]] = {}
    for values in by_path:
        known = list(dict.fromkeys(path for one in values for path in one))
        counts = Counter(path[-1].lower() for path in known)
        for path in known:
            name = path[-1]
            if counts[name.lower()] == 1 and name.lower() not in taken:
                found[name] = [one.get(path) for one in values]
        taken |= counts.keys()
    return found


class _Mentioned(dict[str, bool]):
    """Whether a text mentions a name, found out once for each."""

    def __init__(self, text: str | None) -> None:
        super().__init__()
        self._text = None if text is None else text.lower()

    def __missing__(self, name: str) -> bool:
        # In quotes, a name holds each quote of its own twice.
        self[name] = self._text is None or name.lower().replace('"', '""') in self._text
        return self[name]


def _scalars(value: Mapping[str, Any], wanted: Mapping[str, bool]) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    """Give the texts, numbers and booleans in an object by their paths, level by level."""
    level: list[tuple[tuple[str, ...], Any]] = [((key,), item) for key, item in value.items()]
    while level:
        inner = []
        for path, item in level:
            if isinstance(item, str | int | float):
                if wanted[path[-1]]:
                    yield path, item
            elif isinstance(item, dict):
                inner += [((*path, key), deeper) for key, deeper in item.items()]
        level = inner


def values_column(values: Sequence[Scalar]) -> pa.Array:
    """Make a column of the values of a name: bool, int64 or float64 where all are, else text.

    An integer that float64 cannot hold, as of a seed of 64 bits, is none: rounded, it would equal others.
    """
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(value is None or value in _INT64 for value in values):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float} and all(value is None or _is_float(value) for value in values):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return from_strings([None if value is None else value_text(value) for value in values])


def _is_float(value: Scalar) -> bool:
    try:
        return float(value or 0) == (value or 0)
    except OverflowError:
        return False


def value_text(value: Scalar) -> str:
    """Write a value as people read it; a boolean as JSON does."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
