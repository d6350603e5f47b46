"""The lines of the keys of a TOML text. It was read before, so that what stands here is valid."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys from the root of a file, and places from 0 on in arrays."""

_KEY = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEYS = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_NOTHING = re.compile(r"(?:\s|#[^\n]*)*")
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotes may stand before the three that end it
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^,\]}#\n]+",  # a date may hold a space
    re.DOTALL,
)


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Find the line of each key, each table and each item of an array.

    Args:
        text: TOML that `tomllib` reads.

    Returns:
        line, from 1 on, by path. A table has the line of its heading, or of the first key that makes it.

    Raises:
        RecursionError: arrays lie too deep in each other.
    """
    return _Lines(text).found


class _Lines:
    def __init__(self, text: str) -> None:
        self.found: dict[KeyPath, int] = {}
        self._text = text
        self._ends = [at for at, character in enumerate(text) if character == "\n"]
        self._at = 0
        self._sizes: dict[KeyPath, int] = {}  # of arrays of tables
        table: KeyPath = ()
        while self._more():
            if self._next("["):
                is_item = self._next("[")
                self._more()
                table = self._heading(*self._keys(), is_item=is_item)
                self._more()
                self._at += 1 + is_item
            else:
                self._pair(table)

    def _more(self) -> bool:
        """Go to what follows; whether there is anything."""
        match = _NOTHING.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at < len(self._text)

    def _next(self, mark: str) -> bool:
        """Take a mark, if it is what follows."""
        is_there = self._text.startswith(mark, self._at)
        self._at += is_there
        return is_there

    def _keys(self) -> tuple[list[str], int]:
        """Take keys with dots between them, and tell their line."""
        match = _KEYS.match(self._text, self._at)
        if match is None:
            raise AssertionError(f"no key at {self._at}, though the text was read")
        line = self._line()
        self._at = match.end()
        keys, value = [], tomllib.loads(f"{match[0]} = 0")
        while isinstance(value, dict):
            ((key, value),) = value.items()
            keys.append(key)
        return keys, line

    def _line(self) -> int:
        return bisect_right(self._ends, self._at - 1) + 1

    def _heading(self, keys: list[str], line: int, *, is_item: bool) -> KeyPath:
        path: KeyPath = ()
        for at, key in enumerate(keys):
            path = (*path, key)
            self.found.setdefault(path, line)
            if is_item and at == len(keys) - 1:
                self._sizes[path] = self._sizes.get(path, 0) + 1
            if path in self._sizes:
                path = (*path, self._sizes[path] - 1)
                self.found.setdefault(path, line)
            elif at == len(keys) - 1:
                self.found[path] = line  # a table that others made has a heading of its own
        return path

    def _pair(self, table: KeyPath) -> None:
        keys, line = self._keys()
        for key in keys:
            table = (*table, key)
            self.found.setdefault(table, line)
        self._more()
        self._at += 1  # =
        self._value(table)

    def _value(self, path: KeyPath) -> None:
        self._more()
        if self._next("{"):
            while self._more() and not self._next("}"):
                if not self._next(","):
                    self._pair(path)
        elif self._next("["):
            size = 0
            while self._more() and not self._next("]"):
                if not self._next(","):
                    self.found[*path, size] = self._line()
                    self._value((*path, size))
                    size += 1
        else:
            match = _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else len(self._text)
