"""Layouts of CSV files without a header line: the names of their fields, and what each of them may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ColumnType: TypeAlias = Literal["BIGINT", "DOUBLE"]
_KINDS = {
    "INTEGER": r"[+-]?\d+",
    "POSITIVE": r"0*[1-9]\d*",
    "ABOVE9": r"[1-9]\d+",
    "LARGE": r"[1-9]\d{3,}",
    "HEX": r"0x[0-9a-fA-F]+",
    "BOOLEAN": r"(?i:true|false)",
    "TEXT": r"(?![+-]?\d+$).*",
}


class Layout(NamedTuple):
    """One order of fields that a tool writes.

    Attributes:
        names: of the fields.
        kinds: what each may hold, None where it may hold anything.
    """

    names: tuple[str, ...]
    kinds: tuple[re.Pattern[str] | None, ...]

    @property
    def is_telling(self) -> bool:
        """Whether it says what fields hold, so that a line of names does not fit it."""
        return any(kind is not None for kind in self.kinds)

    def fits(self, fields: Sequence[str]) -> bool:
        """Whether a record has as many fields, and each is of its kind."""
        return len(fields) == len(self.names) and all(
            kind is None or kind.fullmatch(field) for kind, field in zip(self.kinds, fields, strict=True)
        )


def parse_columns(text: str) -> tuple[tuple[str, ...], Mapping[str, ColumnType]]:
    """Read the line `-- columns:` of an importer.

    Args:
        text: names with commas between them; behind one may stand the type that the column of a plain file has.

    Returns:
        the names, and the types by names in small letters.
    """
    names: list[str] = []
    types: dict[str, ColumnType] = {}
    for item in text.split(","):
        name, _, kind = item.strip().rpartition(" ")
        if kind in {"BIGINT", "DOUBLE"} and name:
            types[name.strip().lower()] = "BIGINT" if kind == "BIGINT" else "DOUBLE"
            names.append(name.strip())
        else:
            names.append(item.strip())
    return tuple(names), types


def layout_of_names(names: Sequence[str]) -> Layout:
    """Make a layout of fields that may hold anything."""
    return Layout(tuple(names), (None,) * len(names))


def parse_layout(text: str, *, where: str) -> Layout:
    """Read a line `-- layout:` of an importer.

    Args:
        text: fields with commas between them: a name, or a name and what the field holds, such as `direction 0|1|2`.
        where: the importer, for errors.

    Raises:
        UsageError: a field cannot be read.
    """
    names, kinds = [], []
    for item in text.split(","):
        name, _, kind = item.strip().partition(" ")
        choices = [_KINDS[one] if one in _KINDS else re.escape(one) for one in kind.strip().split("|") if one]
        if not name or any(one[:1].isupper() and one not in _KINDS for one in kind.strip().split("|")):
            kinds_text = ", ".join(_KINDS)
            raise UsageError(
                f"{where}: '-- layout:' cannot read {item.strip()!r}; write NAME or NAME KIND: {kinds_text}"
            )
        names.append(name)
        kinds.append(re.compile("|".join(f"(?:{one})" for one in choices), re.DOTALL) if choices else None)
    return Layout(tuple(names), tuple(kinds))
