"""How to read files and databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session_record import SessionRecord


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
        records: of the sessions of each file; None where they are looked for beside and in the files.
        memory_limit: bytes that sorting may use.
        threads: threads that sorting may use.
        told_by: what tells files that are read where they lie from others: their `rows`, read through first, or their
            `bytes`.
        reads_once: read such files once, in passing, where the rows are in order: what only they say of their sessions
            is known at the end.
        knows_order: look at the order of the rows before they pass.
    """

    timestamp_unit: TimestampUnit | None = None
    zone: tzinfo | None = None
    session_id: str | None = None
    configuration: Mapping[str, Any] | None = None
    started_at: str | None = None
    skip_bad: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    kept_attributes: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[Path, Sequence[SessionRecord]] | None = None
    memory_limit: str | None = None
    threads: int | None = None
    told_by: Literal["rows", "bytes"] = "rows"
    reads_once: bool = False
    knows_order: bool = False
