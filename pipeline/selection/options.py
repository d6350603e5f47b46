"""What to take of a source."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.model.timestamps import format_timestamp, parse_instant, parse_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model.columns import TimestampUnit


_OF_ROWS = re.compile(
    r"started_at|ended_at|null_count|(first|last)_timestamp|backward_timestamp_count|metrics|metric_facts"
    r"|content_digest|columns|[*#]",
    re.IGNORECASE,
)
"""Columns of the sessions table that only rows may tell, and what may stand for any column."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to take of a source; the defaults take everything.

    Attributes:
        sessions: ids of sessions.
        metrics: names of metrics.
        since: earliest time, inclusive: RFC 3339, a date, `2026-11-24 18:00`, `now`, `today`, `yesterday`, `tomorrow`,
            or how long ago, such as `7d` or `36h`.
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

    @property
    def asks_of_rows(self) -> bool:
        """Whether sessions may be chosen by what only their rows say, where no record does."""
        by_rows = self.where_session is not None and _OF_ROWS.search(self.where_session) is not None
        return by_rows or bool(self.metrics or self.since or self.until)

    @cached_property
    def _now(self) -> int:
        """The one instant of a run, in nanoseconds: what the clock says means the same however often it is asked."""
        return time.time_ns()

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
        zone = parse_zone(self.timezone) if self.timezone else UTC
        since, until = (
            None if text is None else parse_instant(text, option=option, zone=zone, now=self._now)
            for option, text in (("--since", self.since), ("--until", self.until))
        )
        if since is not None and until is not None and since >= until:
            raise UsageError("--since is not before --until; nothing lies between them")
        return since, until

    def tick_bounds(self, unit: TimestampUnit) -> tuple[int | None, int | None]:
        """Give `since` and `until` in ticks; what lies between two of them counts as the later one.

        Raises:
            UsageError: as for `time_bounds`.
        """
        scale = 1 if unit == "ns" else 1000
        since, until = (None if ns is None else -(-ns // scale) for ns in self.time_bounds())
        return since, until
