"""The attribute columns of files and sessions: their names, their types, united."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS, UNTYPED, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa

MAX_COLUMNS = 5_000
"""More are samples that lie in columns; every one costs work in each batch, however few rows have it."""


def check_column_names(names: Sequence[str]) -> None:
    """Refuse names that cannot be told apart, or that are no names.

    Raises:
        SourceError: two names are equal, or equal but for case, which SQL does not see; a name is empty or holds NUL;
            there are too many.
    """
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"has {len(names):,} columns; {MAX_COLUMNS:,} can be read, is each sample a row?")
    seen: dict[str, str] = {}
    counts = Counter(names)
    for name in names:
        if not name:
            raise SourceError("a column has no name; give it one")
        if "\0" in name:
            raise SourceError("a column name holds the character NUL; rename it")
        before = seen.setdefault(name.lower(), name)
        if counts[name] > 1:
            raise SourceError(f"column {name!r} occurs {counts[name]} times; keep one of them")
        if before != name:
            raise SourceError(f"columns {before!r} and {name!r} differ only in case; rename one of them")


def merge_attributes(
    known: Mapping[str, str], found: Mapping[str, str], *, where: str = "", widen: bool = False
) -> dict[str, str]:
    """Unite the attributes of two sets of rows by name.

    Args:
        known: type name by column, so far.
        found: the same of the rows that come in addition.
        where: what the added rows are called in the error; empty where others say it.
        widen: int64 and float64 together are float64, as in formats that know only numbers.

    Raises:
        SourceError: an attribute has two types.
    """
    merged = dict(known)
    place = f"{where}: " if where else ""
    for name, kind in found.items():
        before = merged.get(name, UNTYPED)
        if UNTYPED in (before, kind):
            merged[name] = kind if before == UNTYPED else before
        elif widen and {before, kind} == {"int64", "float64"}:
            merged[name] = "float64"
        elif before != kind:
            raise SourceError(f"{place}attribute {name!r} is {kind}, elsewhere it is {before}; give it one type")
    try:
        check_column_names([*CORE_COLUMNS, *merged])
    except SourceError as error:
        raise SourceError(f"{place}{error}") from error
    return merged


def unite_columns(columns: Iterable[Mapping[str, str]], where: Callable[[int], object]) -> dict[str, str]:
    """Unite the attributes of many sessions, which mostly have the same; each set of columns is looked at once.

    Args:
        columns: type name by attribute column, of each.
        where: says what the one of a number is called in the error.

    Raises:
        SourceError: an attribute has two types.
    """
    attributes: dict[str, str] = {}
    seen: set[tuple[tuple[str, str], ...]] = set()
    for at, held in enumerate(columns):
        shape = tuple(held.items())
        if shape not in seen:
            seen.add(shape)
            attributes = merge_attributes(attributes, held, where=str(where(at)))
    return attributes


class AttributesOfSessions:
    """The attributes of many sessions, united by name, of which some may be left out again.

    Sessions mostly have the same columns, so it counts sessions by their columns; the work for one does not depend on
    how many there are.
    """

    def __init__(self, columns: Iterable[tuple[str, Mapping[str, str]]], *, where: str) -> None:
        """Take all sessions.

        Args:
            columns: id, and type name by attribute column, of each.
            where: what they are called in errors.
        """
        self._where = where
        self._shapes: dict[str, tuple[tuple[str, str], ...]] = {}
        shapes: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
        for session_id, held in columns:
            shape = tuple(held.items())
            self._shapes[session_id] = shapes.setdefault(shape, shape)
        self._counts = Counter(self._shapes.values())
        self._united: dict[str, str] | None = None

    def leave_out(self, session_id: str) -> None:
        """Leave a session out from now on; nothing is done where it is not among them."""
        shape = self._shapes.pop(session_id, None)
        if shape is None:
            return
        self._counts[shape] -= 1
        if not self._counts[shape]:
            del self._counts[shape]
            self._united = None

    def united(self, *, without: str | None = None) -> dict[str, str]:
        """Type name by attribute column of the sessions that are left.

        Args:
            without: a session that does not count this time.

        Raises:
            SourceError: an attribute has two types.
        """
        alone = None if without is None else self._shapes.get(without)
        if alone is not None and self._counts[alone] == 1:
            return self._unite(shape for shape in self._counts if shape != alone)
        if self._united is None:
            self._united = self._unite(self._counts)
        return self._united

    def _unite(self, shapes: Iterable[tuple[tuple[str, str], ...]]) -> dict[str, str]:
        attributes: dict[str, str] = {}
        for shape in shapes:
            attributes = merge_attributes(attributes, dict(shape), where=self._where)
        return attributes


def attributes_of(schema: pa.Schema) -> dict[str, str]:
    """Type name by attribute column of a schema of the model."""
    return {f.name: type_name(f.type) for f in schema if f.name not in CORE_COLUMNS}
