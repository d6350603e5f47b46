"""Targets for tests: their files, and sessions with records for them to be checked against."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count

from samples import write_ndjson

from pipeline import check_targets

START = datetime(2026, 11, 24, 16, 0, 0, 250_000, tzinfo=UTC)
_numbers = count()


def time_text(seconds):
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rows_at(seconds, values, session_id="s1", metric="control_rtt", unit="ms"):
    """Rows at seconds from the start of their session."""
    return [
        {
            "session_id": session_id,
            "sequence": at,
            "timestamp": time_text(second),
            "metric": metric,
            "value": value,
            "unit": unit,
        }
        for at, (second, value) in enumerate(zip(seconds, values, strict=True))
    ]


def write_session(directory, rows, *, lasts, session_id="s1", **record):
    """A file of rows and the record beside it, which says how long the session lasts."""
    path = write_ndjson(directory / f"{session_id}.ndjson", rows)
    times = {"started_at": time_text(0), "ended_at": time_text(lasts)}
    (directory / f"{session_id}.session.json").write_text(json.dumps({"session_id": session_id, **times, **record}))
    return path


def write_values(directory, values, *, session_id="s1", lasts=None, unit="ms", metric="control_rtt", **record):
    """A session of a sample a second."""
    rows = rows_at(range(len(values)), values, session_id, metric, unit)
    lasts = len(values) if lasts is None else lasts
    return write_session(directory, rows, lasts=lasts, session_id=session_id, **record)


def write_targets(directory, *targets):
    """A file of targets; what is not given is plain."""
    path = directory / f"targets-{next(_numbers)}.toml"
    lines = []
    for at, given in enumerate(targets):
        plain = {"name": f"target {at}", "metric": "control_rtt", "figure": "p50", "limit": "< 50 ms"}
        lines += ["[[target]]", *(f"{key} = {json.dumps(value)}" for key, value in (plain | given).items())]
    path.write_text("\n".join(lines) + "\n")
    return path


def check(source, directory, *targets, **options):
    """Verdicts on targets, in their order."""
    return check_targets(source, write_targets(directory, *targets), **options).targets


def only_group(source, directory, **target):
    """The verdict on the one group of one target."""
    (found,) = check(source, directory, target)
    (group,) = found.groups
    return group
