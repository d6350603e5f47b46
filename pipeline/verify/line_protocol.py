"""Reads line protocol as our writer writes it; in Python alone, so that it shares nothing with the writer."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD = re.compile(r"((?:[^ \\]|\\.)+) (\S+) (-?\d+)\n", re.DOTALL)
_COMMA, _EQUALS = re.compile(r"(?<!\\),"), re.compile(r"(?<!\\)=")
_ESCAPED = re.compile(r"\\([,= ])")
_ALWAYS = ("metric", "sequence", "timestamp", "value")
_NON_FINITE = {'"NaN"': float("nan"), '"Infinity"': float("inf"), '"-Infinity"': float("-inf")}
_PARSERS: dict[str, Any] = {
    "string": str,
    "int64": int,
    "float64": lambda text: _NON_FINITE[f'"{text}"'] if f'"{text}"' in _NON_FINITE else float(text),
    "bool": {"true": True, "false": False}.__getitem__,
}


def read_lines(stream: IO[bytes], kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Read points as rows of plain values, times as ticks.

    Args:
        stream: the lines.
        kinds: type name by column.

    Raises:
        ValueError: a line is not as our writer writes it.
    """
    for name in _ALWAYS:
        if name not in kinds:
            raise ValueError(f"each of its lines has a {name}, and it is described as a file without one")
    per_tick = 1 if kinds["timestamp"] == "timestamp[ns]" else 1000
    for number, line in enumerate(stream, start=1):
        try:
            yield _row(line.decode(), kinds, per_tick)
        except (ValueError, LookupError) as error:
            raise ValueError(f"line {number} is no point of a measurement") from error


def _row(line: str, kinds: Mapping[str, str], per_tick: int) -> dict[str, Any]:
    parts = _HEAD.fullmatch(line)
    if parts is None:
        raise ValueError("no point")
    metric, *tags = _COMMA.split(parts[1])
    row: dict[str, Any] = dict.fromkeys(kinds)
    row["metric"] = _unescaped(metric)
    sequence = None
    for tag in tags:
        name, text = map(_unescaped, _EQUALS.split(tag))
        if name == "sequence":
            sequence = int(text)
        else:
            row[name] = _PARSERS[kinds[name]](text)
    fields = dict(field.split("=") for field in parts[2].split(","))
    row["sequence"] = int(fields.pop("sequence").removesuffix("i"))
    if "value" in fields:
        row["value"] = float(fields.pop("value"))
    elif "non_finite" in fields:
        row["value"] = _NON_FINITE[fields.pop("non_finite")]
    row["timestamp"], rest = divmod(int(parts[3]), per_tick)
    if rest or fields or sequence not in {None, row["sequence"]}:
        raise ValueError("no point of ours")
    return row


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
