"""TOML files that say what to do, read strictly: whatever is wrong in one is told with its file and line.

`tomllib` reads them and knows no lines of keys, nor does tomlkit; `toml_lines` finds these in a text that was read.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.disk.local_path import local_path
from pipeline.disk.toml_lines import KeyPath, lines_of_keys
from pipeline.errors import TomlError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_MAX_SHOWN = 60
_BYTE_ORDER_MARK = "\ufeff"


class Kind(NamedTuple):
    """What the value of a key may be.

    Attributes:
        words: the same for people, behind "must be"; `{key}` is the key.
        takes: whether a value is that.
        choices: the texts that it may be, where these are few.
    """

    words: str
    takes: Callable[[object], bool]
    choices: Sequence[str] = ()


def choice(*words: str) -> Kind:
    """Make the kind of a text that is one of a few."""
    return Kind("one of " + ", ".join(map(repr, words)), lambda value: value in words, words)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_list(value: object, of: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, of) for one in value)


TEXT = Kind('a text in quotes, such as "a"', lambda value: isinstance(value, str) and value != "")
TEXTS = Kind('a list of texts, such as ["a", "b"]', lambda value: _is_list(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind("a number", _is_number)
COUNT = Kind("a whole number from 1 on", lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 1)
TABLE = Kind("a table, [{key}]", lambda value: isinstance(value, dict))
TABLES = Kind("tables, each under [[{key}]]", lambda value: _is_list(value, dict))


def either(*kinds: Kind) -> Kind:
    """Make the kind of what is of one of several kinds."""
    return Kind(" or ".join(kind.words for kind in kinds), lambda value: any(kind.takes(value) for kind in kinds))


@dataclass(frozen=True)
class TomlTable:
    """A table of a TOML file, and where it stands.

    Attributes:
        file: the file, as it was named.
        values: what the table holds, by key, in the order of the file.
        path: keys from the root of the file, and places from 0 on in arrays.
        lines: by path: line of the file, from 1 on.
    """

    file: str
    values: Mapping[str, Any]
    path: KeyPath
    lines: Mapping[KeyPath, int]

    def line(self, *keys: str | int) -> int:
        """Give the line of the table, or of what stands in it under keys; the nearest that has one."""
        path = (*self.path, *keys)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, problem: str, *keys: str | int) -> TomlError:
        """Make the error of a problem of the table, or of what stands in it under keys."""
        return TomlError(problem, file=self.file, line=self.line(*keys))

    def check(self, kinds: Mapping[str, Kind], *, required: Sequence[str] = ()) -> None:
        """Find keys that are not known, values of another kind and keys that lack, the first in the file.

        Args:
            kinds: what may stand in the table, by key.
            required: keys that have to.

        Raises:
            TomlError: there is one; it names the key, what it must be or the nearest key that is known.
        """
        for key, value in self.values.items():
            kind = kinds.get(key)
            if kind is None:
                raise self.error(f"no key {key!r} in {self.heading}; {suggest(key, kinds, noun='keys')}", key)
            if not kind.takes(value):
                if kind.choices and isinstance(value, str):
                    raise self.error(f"{key} {value!r}: {suggest(value, kind.choices, noun='choices')}", key)
                raise self.error(f"{key} must be {kind.words.format(key=key)}, not {_shown(value, key)}", key)
        for key in required:
            if key not in self.values:
                raise self.error(f"{self.heading} lacks {key}, {kinds[key].words.format(key=key)}")

    @property
    def heading(self) -> str:
        """How the table is called in the file: `[import]`, `[[target]]`."""
        keys = ".".join(key for key in self.path if isinstance(key, str))
        if not keys:
            return "the file"
        return f"[[{keys}]]" if isinstance(self.path[-1], int) else f"[{keys}]"

    def table(self, key: str) -> TomlTable | None:
        """Give the table under a key, whose kind was checked; None where there is none."""
        value = self.values.get(key)
        return None if value is None else TomlTable(self.file, value, (*self.path, key), self.lines)

    def tables(self, key: str) -> list[TomlTable]:
        """Give the tables under a key, whose kind was checked, in the order of the file."""
        return [
            TomlTable(self.file, value, (*self.path, key, at), self.lines)
            for at, value in enumerate(self.values.get(key, ()))
        ]


def read_toml(path: str | Path) -> TomlTable:
    """Read a TOML file, in UTF-8; it may begin with a byte order mark.

    Returns:
        the table that is the file; nothing in it is checked.

    Raises:
        TomlError: it cannot be read, or is no TOML; it names the line.
        UsageError: the path is a URL.
    """
    name = str(path)
    try:
        data = local_path(path).read_bytes()
    except OSError as error:
        raise TomlError(f"cannot be read ({error.strerror})", file=name, line=None) from error
    try:
        text = data.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TomlError("holds bytes that are no UTF-8", file=name, line=line) from error
    return parse_toml(text, name)


def parse_toml(text: str, name: str) -> TomlTable:
    """Read TOML as `read_toml` does.

    Args:
        text: the TOML.
        name: what errors call the file.

    Raises:
        TomlError: it is no TOML.
    """
    try:
        return TomlTable(name, tomllib.loads(text), (), lines_of_keys(text))
    except tomllib.TOMLDecodeError as error:
        problem, _, place = str(error).rpartition(" (at ")
        words = place.rstrip(")").replace(",", "").split()  # line 3 column 1; or: end of document
        at = int(words[1]) if words[:1] == ["line"] else max(len(text.rstrip().splitlines()), 1)
        told = f", column {words[3]}" if words[:1] == ["line"] else ", at its end"
        raise TomlError(f"is no TOML{told}: {problem or error}", file=name, line=at) from error
    except RecursionError as error:
        raise TomlError("is no TOML for this: arrays lie too deep in each other", file=name, line=None) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise TomlError(f"is no TOML that can be read: {error}", file=name, line=None) from error


def _shown(value: object, key: str) -> str:
    if isinstance(value, dict):
        return f"the table [{key}]"
    if _is_list(value, dict) and value:
        return f"tables, each under [[{key}]]"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float | list) else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} ..."
