"""Attributes that a file holds as JSON objects, spread to columns; the same object is looked at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.arrays import from_strings
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT_OBJECTS = 65_536


class UnseenKeyError(Exception):
    """An object has a key that was not expected: the keys of the whole file must be found first."""


class Tags:
    """Spreads objects to columns of text: strings as they are, all else as JSON."""

    def __init__(self, names: Sequence[str]) -> None:
        """Set the keys.

        Args:
            names: all keys that may come, in the order of the columns.
        """
        self._places = {name: place for place, name in enumerate(names)}
        self._known: dict[str, list[str | None]] = {}

    def spread(self, objects: pa.Array) -> list[pa.Array]:
        """Make the columns.

        Args:
            objects: JSON texts, null where there are none.

        Returns:
            a dictionary array of strings for each name.

        Raises:
            UnseenKeyError: there is another key.
            SourceError: a text is no JSON object.
        """
        encoded = objects.dictionary_encode()
        rows = [self._values(text) for text in encoded.dictionary.to_pylist()]
        columns = []
        for place in range(len(self._places)):
            values = from_strings([row[place] for row in rows]).dictionary_encode()
            columns.append(pa.DictionaryArray.from_arrays(values.indices.take(encoded.indices), values.dictionary))
        return columns

    def _values(self, text: str) -> list[str | None]:
        values = self._known.get(text)
        if values is None:
            if len(self._known) >= _KEPT_OBJECTS:
                self._known.clear()
            values = self._known[text] = self._parse(text)
        return values

    def _parse(self, text: str) -> list[str | None]:
        values: list[str | None] = [None] * len(self._places)
        for name, value in _pairs(text):
            place = self._places.get(name)
            if place is None:
                raise UnseenKeyError(name)
            if values[place] is not None:
                raise SourceError(f"attribute {name!r} occurs twice in {text:.80}")
            values[place] = value if isinstance(value, str | None) else _text(value)
        return values


def keys_of(objects: pa.Array) -> set[str]:
    """Find the keys of JSON objects; what is none has none."""
    values = (json.loads(text) for text in objects.unique().to_pylist() if text is not None)
    return {name for value in values if isinstance(value, dict) for name in value}


def _pairs(text: str) -> list[tuple[str, Any]]:
    outermost: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal outermost
        outermost = pairs
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=keep)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise SourceError(f"attributes {text:.80} are no JSON object")
    return outermost


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
