"""What to take of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.model.timestamps import format_timestamp, parse_instant, parse_zone

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to take of a source; the defaults take everything.

    Attributes:
        sessions: ids of sessions.
        metrics: names of metrics.
        since: earliest time, inclusive: RFC 3339, a date, `today` or `yesterday`.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        columns: columns of the exported table, in this order.
        exclude: columns to leave out.
        redact: paths such as `configuration.network.address`, whose values are replaced in all metadata.
        timezone: IANA name of the zone of days and of times that name none.
    """

    sessions: Sequence[str] = ()
    metrics: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    where: str | None = None
    where_session: str | None = None
    columns: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    redact: Sequence[str] = ()
    timezone: str | None = None

    def __post_init__(self) -> None:
        """Refuse a text where a list of names is meant: its letters would be taken for names."""
        for name in ("sessions", "metrics", "columns", "exclude", "redact"):
            if isinstance(getattr(self, name), str):
                raise UsageError(f"{name} must be a list of names, not one text")

    def resolved_times(self) -> dict[str, str | None]:
        """Give `since` and `until` as RFC 3339: `today` means another day tomorrow."""
        return {
            name: None if ticks is None else format_timestamp(ticks, "ns")
            for name, ticks in zip(("since", "until"), self.time_bounds(), strict=True)
        }

    def time_bounds(self) -> tuple[int | None, int | None]:
        """Give `since` and `until` as nanoseconds since the epoch.

        Raises:
            UsageError: one of them cannot be read, or nothing lies between them.
        """
        zone = parse_zone(self.timezone or "UTC")
        since, until = (
            None if text is None else parse_instant(text, option=option, zone=zone)
            for option, text in (("--since", self.since), ("--until", self.until))
        )
        if since is not None and until is not None and since >= until:
            raise UsageError("--since is not before --until; nothing lies between them")
        return since, until
