"""Session records as JSON: what a harness says of its sessions, beside the file of their rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.errors import SourceError, suggest
from pipeline.model.columns import MAX_SESSION_ID_CHARACTERS
from pipeline.model.metric_facts import MetricFacts, parse_metric_facts
from pipeline.model.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

METADATA_KEY = b"pipeline:metadata"
"""Key of what describes the rows in the schema of Parquet and Arrow files."""
_KEYS = (
    "session_id",
    "started_at",
    "ended_at",
    "harness",
    "configuration",
    "attributes",
    "metric_facts",
    "measurement_count",
)
# What describes a session beside these is found in its rows again.
_DERIVED_KEYS = (
    "null_count",
    "first_timestamp",
    "last_timestamp",
    "backward_timestamp_count",
    "dropped_digit_count",
    "metrics",
    "content_digest",
    "origin",
)


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """What is recorded of a session beside its rows. Times are texts; all but the id may be missing.

    Attributes:
        is_described: it is what a store or a package says of the session: attributes are columns of the rows already.
        described_count: of such a record, how many rows the session had, of which a package may hold some.
        content_digest: of the rows, where they are all and of the same unit.
        dropped_digit_count: rows whose time had lost digits before.
        origin: where the session came from.
    """

    session_id: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    harness_name: str | None = None
    harness_version: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    metric_facts: Mapping[str, MetricFacts] = field(default_factory=dict)
    measurement_count: int | None = None
    is_described: bool = False
    described_count: int | None = None
    content_digest: str | None = None
    dropped_digit_count: int = 0
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def described(cls, value: object, *, is_whole: bool = False) -> SessionRecord:
        """Make a record of what `Session.describe` gave.

        Args:
            value: decoded JSON.
            is_whole: the rows are all of the session, with all columns, in the same unit of times.

        Raises:
            SourceError: it is no such description.
        """
        if not isinstance(value, dict):
            raise SourceError("a session record must be a JSON object")
        given = {key: found for key, found in value.items() if key in _KEYS or key in _DERIVED_KEYS}
        record = cls.parse(given)
        count, dropped, origin = record.measurement_count, given.get("dropped_digit_count", 0), given.get("origin", {})
        if type(dropped) is not int or not isinstance(origin, dict):
            raise SourceError("'dropped_digit_count' must be an integer, and 'origin' an object")
        return replace(
            record,
            measurement_count=count if is_whole else None,
            is_described=True,
            described_count=count,
            content_digest=given.get("content_digest") or None if is_whole else None,
            dropped_digit_count=dropped,
            origin=origin,
        )

    @classmethod
    def parse(cls, value: object) -> SessionRecord:
        """Check a decoded JSON value and make a record of it.

        Raises:
            SourceError: a key is unknown or a value is of the wrong type.
        """
        if not isinstance(value, dict):
            raise SourceError("a session record must be a JSON object")
        for key in value:
            if key not in _KEYS and key not in _DERIVED_KEYS:
                hint = suggest(key, _KEYS, noun="keys")
                raise SourceError(
                    f"unknown key {key!r}; {hint}; what else is known of a session goes into its configuration"
                )
        given = {key: value[key] for key in _KEYS if value.get(key) is not None}
        for key, kind, noun in (
            ("session_id", str, "a string"),
            ("started_at", str, "an RFC 3339 string"),
            ("ended_at", str, "an RFC 3339 string"),
            ("harness", dict, "an object with name and version"),
            ("configuration", dict, "an object"),
            ("attributes", dict, "an object"),
            ("measurement_count", int, "an integer"),
        ):
            if key in given and type(given[key]) is not kind:
                raise SourceError(f"{key!r} must be {noun}")
        harness = given.pop("harness", {})
        if harness.keys() - {"name", "version"} or not all(isinstance(text, str | None) for text in harness.values()):
            raise SourceError("'harness' must be an object with the strings name and version, and no more")
        session_id = given.get("session_id", "x")
        if not 1 <= len(session_id) <= MAX_SESSION_ID_CHARACTERS:
            raise SourceError(f"'session_id' must have 1 to {MAX_SESSION_ID_CHARACTERS} characters")
        names = [*given.get("attributes", {}), *(text for text in harness.values() if text), session_id]
        if any("\0" in text for text in names) or "" in names:
            raise SourceError("a name in it is empty or holds the character NUL")
        facts = parse_metric_facts(given.pop("metric_facts", {}))
        return cls(
            harness_name=harness.get("name"), harness_version=harness.get("version"), metric_facts=facts, **given
        )

    @property
    def scalar_attributes(self) -> dict[str, Any]:
        """The attributes that are to become columns."""
        if self.is_described:
            return {}
        return {k: v for k, v in self.attributes.items() if isinstance(v, str | int | float | bool)}

    def ticks(self, which: str, unit: str, zone: tzinfo | None) -> int | None:
        """Read `started_at` or `ended_at` as a count of units, None where it is missing."""
        text = getattr(self, which)
        if text is None:
            return None
        try:
            return parse_timestamp(text, unit, zone)[0]
        except ValueError as error:
            raise SourceError(f"session {self.session_id!r}: {which}: {error}") from error


def parse_records(values: list[Any], *, where: str) -> list[SessionRecord]:
    """Make records of decoded JSON values, naming in errors where they came from."""
    try:
        return [SessionRecord.parse(value) for value in values]
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from error
