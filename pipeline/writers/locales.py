"""Locales of spreadsheet programs: what stands between the fields of a CSV and before the decimals of a number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Locale:
    """How programs of a language read CSV.

    Attributes:
        delimiter: what stands between fields.
        decimal: the decimal sign.
    """

    delimiter: str
    decimal: str


_POINT, _COMMA = Locale(",", "."), Locale(";", ",")
PLAIN = _POINT
"""That of CSV for other programs, and where none is named."""
LOCALES = {
    "en": _POINT,
    "de": _COMMA,
    "de-CH": Locale(";", "."),
    "fr": _COMMA,
    "es": _COMMA,
    "it": _COMMA,
    "nl": _COMMA,
    "pt": _COMMA,
    "pl": _COMMA,
    "cs": _COMMA,
    "da": _COMMA,
    "sv": _COMMA,
    "nb": _COMMA,
    "fi": _COMMA,
}
"""By language, its usual country where none is said. A program may be set up otherwise."""
