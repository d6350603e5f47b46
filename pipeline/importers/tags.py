"""Attributes that a file holds as JSON objects, spread to columns; the same object is looked at once."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import from_bools, from_numbers, from_places, from_strings, is_null, places
from pipeline.native import distinct_texts
from pipeline.rows.distinct import encode_repeated, taken_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

_KEPT_OBJECTS = 65_536
_KEPT_BYTES = 1 << 20  # of their texts; what is made of them takes as much again, several times
# The first of each is the type's own.
_KINDS_THAT_FIT: dict[type, tuple[str, ...]] = {
    bool: ("bool",),
    int: ("int64", "float64"),
    float: ("float64",),
    str: ("string",),
    list: ("string",),
    dict: ("string",),
}


class UnseenKeyError(Exception):
    """An object has a key that was not expected: the keys of the whole file must be found first."""


class Tags:
    """Spreads objects to columns: of text, strings as they are and all else as JSON, or of one type."""

    def __init__(self, kinds: Mapping[str, str], *, are_final: bool) -> None:
        """Set the keys.

        Args:
            kinds: type name by key, of all keys that may come, in the order of the columns.
            are_final: all rows were looked at for them.
        """
        self._places = {name: place for place, name in enumerate(kinds)}
        self._kinds = tuple(kinds.values())
        self._are_final = are_final
        self._known: dict[str, list[Any]] = {}
        self._known_bytes = 0

    def spread(self, objects: pa.Array) -> list[pa.Array]:
        """Make the columns.

        Args:
            objects: JSON texts, or a dictionary of such, null where there are none.

        Returns:
            an array for each key; strings are in dictionaries.

        Raises:
            UnseenKeyError: there is another key, or a value of another type.
            SourceError: a text is no JSON object, or a value does not fit its type.
        """
        texts, narrow = _distinct(objects)
        rows = [self._values(text) for text in texts]
        codes = narrow.astype(np.intp)  # what numpy takes without converting it for each column
        columns = []
        for place, kind in enumerate(self._kinds):
            values = _array([row[place] for row in rows], kind)
            if kind == "string":
                columns.append(_repeated(encode_repeated(values), codes))
            else:
                columns.append(taken_rows(values, codes))
        return columns

    def _values(self, text: str | None) -> list[Any]:
        if text is None:
            return [None] * len(self._places)
        values = self._known.get(text)
        if values is None:
            self._known_bytes += len(text)
            if len(self._known) >= _KEPT_OBJECTS or self._known_bytes > _KEPT_BYTES:
                self._known.clear()
                self._known_bytes = len(text)
            values = self._known[text] = self._parse(text)
        return values

    def _parse(self, text: str) -> list[Any]:
        values: list[Any] = [None] * len(self._places)
        for name, value in _pairs(text):
            place = self._places.get(name)
            if place is None:
                raise UnseenKeyError(name)
            if values[place] is not None:
                raise SourceError(f"attribute {name!r} occurs twice in {text:.80}")
            kind = self._kinds[place]
            if value is not None and kind not in ("string", *_KINDS_THAT_FIT[type(value)]) and not self._are_final:
                raise UnseenKeyError(name)
            values[place] = _fitted(name, value, kind)
        return values


def kinds_of(objects: pa.Array) -> dict[str, set[str]]:
    """Find the keys of JSON objects and the types of their values; what is no object has no keys."""
    kinds: dict[str, set[str]] = {}
    for text in _distinct(objects)[0]:
        value = None if text is None else json.loads(text)
        for name, held in value.items() if isinstance(value, dict) else ():
            kinds.setdefault(name, set()).update(() if held is None else _KINDS_THAT_FIT[type(held)][:1])
    return kinds


def _distinct(objects: pa.Array) -> tuple[list[str | None], NDArray[np.integer[Any]]]:
    """Give the distinct texts, of which null is one, and the place of each row's among them."""
    if not pa.types.is_dictionary(objects.type):
        codes, firsts = distinct_texts(objects)
        return [objects[row].as_py() for row in firsts.tolist()], codes
    texts, codes = objects.dictionary.to_pylist(), places(objects)
    if not objects.null_count:
        return texts, codes
    return [*texts, None], np.where(is_null(objects), len(texts), codes)


def common_kind(kinds: Collection[str]) -> str:
    """Choose the type that holds values of several; text holds all."""
    if set(kinds) == {"int64", "float64"}:
        return "float64"
    return next(iter(kinds)) if len(kinds) == 1 else "string"


def _repeated(distinct: pa.DictionaryArray, codes: NDArray[np.intp]) -> pa.DictionaryArray:
    """Give each row one of the distinct values, by its code."""
    absent = is_null(distinct)[codes] if distinct.null_count else None
    return from_places(places(distinct)[codes], distinct.dictionary, absent)


def _array(values: list[Any], kind: str) -> pa.Array:
    if kind == "string":
        return from_strings(values)
    absent = np.array([value is None for value in values], np.bool_)
    if kind == "bool":
        return from_bools(np.array([bool(value) for value in values], np.bool_), absent)
    numbers = [value or 0 for value in values]
    if kind == "int64":
        return from_numbers(np.array(numbers, np.int64), pa.int64(), absent)
    return from_numbers(np.array(numbers, np.float64), pa.float64(), absent)


def _fitted(name: str, value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON value
    """Make a value fit a column, without loss."""
    if value is None:
        return value
    if kind == "string":
        text = value if isinstance(value, str) else _text(value)
        if not text.isascii():
            _check_unicode(text)
        return text
    if kind not in _KINDS_THAT_FIT[type(value)]:
        raise SourceError(f"attribute {name!r}: {_text(value):.60} is no {kind}")
    if kind == "int64" and not -(2**63) <= value < 2**63:
        raise SourceError(f"attribute {name!r}: {value} does not fit int64")
    if kind == "float64" and isinstance(value, int):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number) or int(number) != value:
            raise SourceError(f"attribute {name!r}: {_text(value):.60} does not fit float64 without loss")
        return number
    if kind == "float64" and math.isinf(value):
        raise SourceError(f"attribute {name!r}: a number beyond the range of float64")
    return value


def _pairs(text: str) -> list[tuple[str, Any]]:
    outermost: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal outermost
        outermost = pairs
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=keep)
    for name, _ in outermost:
        _check_unicode(name)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise SourceError(f"attributes {text:.80} are no JSON object")
    return outermost


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SourceError(f"attributes: {text!r:.60} holds half of a surrogate pair") from error


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
