"""How to read files and databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from pipeline.model.columns import TimestampUnit


@dataclass(frozen=True, kw_only=True)
class PlainOptions:
    """How to read files and databases.

    Attributes:
        timestamp_unit: unit to arrive at; None takes the coarsest that loses nothing.
        zone: zone of times that name none.
        session_id: session of rows that have no such column.
        configuration: of sessions without a record.
        started_at: of sessions whose record does not say, as text.
        skip_bad: leave out rows that cannot be read or break a rule.
        attributes: type name by attribute column where it is known already; text is read as such where it can be.
        kept_attributes: those of them that rows must agree with.
        memory_limit: bytes that sorting may use.
        threads: threads that sorting may use.
    """

    timestamp_unit: TimestampUnit | None = None
    zone: tzinfo | None = None
    session_id: str | None = None
    configuration: Mapping[str, Any] | None = None
    started_at: str | None = None
    skip_bad: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    kept_attributes: Mapping[str, str] = field(default_factory=dict)
    memory_limit: str | None = None
    threads: int | None = None
