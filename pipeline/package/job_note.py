"""What the descriptor of a package says of the job that made it, and of what sessions it was made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.model.sessions_table import JSON_COLUMNS, SQL_SESSION_DESCRIPTIONS, sessions_table
from pipeline.model.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

RESULTS_VERSION = 1
"""Raised only when equal input and options give other values; packages of jobs are made anew then."""
RESULTS_KEY = "pipeline:resultsVersion"
JOB_KEY = "pipeline:job"
_SESSIONS_AT_ONCE = 2_000


class MadeOf(NamedTuple):
    """A session as a package was made of it.

    Attributes:
        content_digest: of all rows of the session, None where its record has none.
        record_sha256: of its record as it is published, redacted: of the row of the table of sessions, as JSON.
    """

    content_digest: str | None
    record_sha256: str


def made_of(table: pa.Table) -> Iterator[tuple[str, MadeOf]]:
    """Say of what a package is made, session by session: what the fingerprint of its source covers in one hash.

    Args:
        table: of sessions as they are published, with the columns that SQL has.

    Yields:
        the id of each session, and what is published of it.
    """
    canonical = lru_cache(maxsize=1_000)(_canonical)
    for batch in table.select(list(SQL_SESSION_DESCRIPTIONS)).to_batches(max_chunksize=_SESSIONS_AT_ONCE):
        columns = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = (column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
            columns.append([canonical(text) for text in values] if name in JSON_COLUMNS else values)
        ids, digests = (columns[batch.schema.names.index(name)] for name in ("session_id", "content_digest"))
        for session_id, digest, row in zip(ids, digests, zip(*columns, strict=True), strict=True):
            yield session_id, MadeOf(digest, hashlib.sha256(json.dumps(row).encode()).hexdigest())


def _canonical(text: str) -> str:
    """Write JSON with its keys in order: whoever writes a configuration in another order has written the same."""
    return json.dumps(json.loads(text), sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class JobNote:
    """For which period of which job a package is made.

    Attributes:
        job: name of the job.
        export: name of the export in it.
        period: name of the period.
        since: its first moment, RFC 3339, None where it has none.
        until: the moment after it.
        run_id: of the run.
        at: the instant of the run, RFC 3339.
        reason: why the package is made.
        replaced: what was there before and is replaced, the latest last.
    """

    job: str
    export: str
    period: str
    since: str | None
    until: str | None
    run_id: str
    at: str
    reason: str
    replaced: tuple[Mapping[str, Any], ...] = ()

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it the package of this period; all else tells of one run."""
        return {"name": self.job, "export": self.export, "period": self.period}

    def describe(self, sessions: Iterable[Session], unit: TimestampUnit, rows: Mapping[str, int]) -> dict[str, Any]:
        """Describe it as JSON values.

        Args:
            sessions: those that the package was made of, as they are published.
            unit: of their times.
            rows: of each in the package, by id.
        """
        return {
            **self.identity,
            "from": self.since,
            "to": self.until,
            "runId": self.run_id,
            "at": self.at,
            "reason": self.reason,
            "madeOf": [
                {
                    "session_id": session_id,
                    "contentDigest": one.content_digest,
                    "recordSha256": one.record_sha256,
                    "rowCount": rows.get(session_id, 0),
                }
                for session_id, one in made_of(sessions_table(sessions, unit, for_sql=True))
            ],
            "replaced": [dict(one) for one in self.replaced],
        }


@dataclass(frozen=True, kw_only=True)
class NotedJob:
    """What a descriptor says of the job that made a package.

    Attributes:
        identity: name of the job, of the export and of the period.
        since: first moment of the period, RFC 3339, None where it has none.
        until: the moment after it.
        run_id: of the run.
        at: the instant of that run.
        reason: why it was made.
        made_of: the sessions, by id.
        rows: how many of each are in it, by id.
        replaced: what was there before, the latest last.
        results_version: of the program that made it.
    """

    identity: Mapping[str, Any]
    since: str | None
    until: str | None
    run_id: str
    at: str
    reason: str
    made_of: Mapping[str, MadeOf]
    rows: Mapping[str, int]
    replaced: tuple[Mapping[str, Any], ...]
    results_version: int


def noted_job(descriptor: Mapping[str, Any]) -> NotedJob | None:
    """Read what a descriptor says of its job; None where no job made the package, or what it says cannot be read."""
    noted = descriptor.get(JOB_KEY)
    if not isinstance(noted, dict):
        return None
    try:
        sessions = {one["session_id"]: one for one in noted["madeOf"]}
        return NotedJob(
            identity={name: str(noted[name]) for name in ("name", "export", "period")},
            since=_time_or_none(noted["from"]),
            until=_time_or_none(noted["to"]),
            run_id=str(noted["runId"]),
            at=str(noted["at"]),
            reason=str(noted["reason"]),
            made_of={name: MadeOf(one["contentDigest"], str(one["recordSha256"])) for name, one in sessions.items()},
            rows={name: int(one["rowCount"]) for name, one in sessions.items()},
            replaced=tuple(dict(one) for one in noted["replaced"]),
            results_version=int(descriptor.get(RESULTS_KEY, 1)),
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _time_or_none(value: object) -> str | None:
    """Take a time as it was written; what is none is a ValueError."""
    if value is None:
        return None
    parse_timestamp(str(value), "us")  # which counts all years
    return str(value)
