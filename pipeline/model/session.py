"""One recorded run: what its harness says of it, and what its rows hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.model.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.metric_facts import MetricFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One recorded run: what its harness says of it, and what its rows hold.

    Times count `timestamp_unit`s since the Unix epoch, UTC.

    Attributes:
        metrics: names of its metrics, sorted.
        metric_facts: what is known of them, by name.
        first_timestamp: earliest time of a row, None without rows.
        last_timestamp: latest time of a row, None without rows.
        null_count: rows whose value is null.
        backward_timestamp_count: rows whose time is earlier than that of the row before.
        dropped_digit_count: rows whose time had digits below the timestamp unit.
        columns: type name by attribute column, in order.
        content_digest: digest of the rows' values, see `pipeline.rows.digest`; None where none was made.
        origin: of a session from a harness file: which file, and how it was read; else empty.
    """

    session_id: str
    timestamp_unit: TimestampUnit
    started_at: int
    ended_at: int
    harness_name: str | None = None
    harness_version: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    measurement_count: int = 0
    metrics: tuple[str, ...] = ()
    metric_facts: Mapping[str, MetricFacts] = field(default_factory=dict)
    first_timestamp: int | None = None
    last_timestamp: int | None = None
    null_count: int = 0
    backward_timestamp_count: int = 0
    dropped_digit_count: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    content_digest: str | None = ""
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sort_key(self) -> tuple[int, str]:
        """Sessions come in this order everywhere: by start, then by id."""
        return self.started_at, self.session_id

    def in_unit(self, unit: TimestampUnit, **figures: Any) -> Session:  # noqa: ANN401 - values of its fields
        """Give it with its times in another unit, digits below it dropped.

        Args:
            unit: the unit.
            figures: what is another then, by field.
        """
        if unit == self.timestamp_unit:
            return self if not figures else replace(self, **figures)

        def ticks(found: int | None) -> int | None:
            return found if found is None else found * 1_000 if unit == "ns" else found // 1_000

        times = {
            name: ticks(getattr(self, name)) for name in ("started_at", "ended_at", "first_timestamp", "last_timestamp")
        }
        return replace(self, **{"timestamp_unit": unit, **times, **figures})

    def describe(self) -> dict[str, Any]:
        """Describe the session as JSON values, the way every export and command shows it."""

        def text(ticks: int | None) -> str | None:
            return None if ticks is None else format_timestamp(ticks, self.timestamp_unit)

        facts = {name: one.describe() for name, one in self.metric_facts.items()}
        return {
            "session_id": self.session_id,
            "started_at": text(self.started_at),
            "ended_at": text(self.ended_at),
            "harness": {"name": self.harness_name, "version": self.harness_version},
            "configuration": dict(self.configuration),
            "attributes": dict(self.attributes),
            "measurement_count": self.measurement_count,
            "null_count": self.null_count,
            "first_timestamp": text(self.first_timestamp),
            "last_timestamp": text(self.last_timestamp),
            "backward_timestamp_count": self.backward_timestamp_count,
            "dropped_digit_count": self.dropped_digit_count,
            "metrics": list(self.metrics),
            "content_digest": self.content_digest,
            **({"metric_facts": facts} if facts else {}),
            **({"origin": dict(self.origin)} if self.origin else {}),
        }
