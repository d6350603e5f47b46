"""The history of jobs, out of the packages themselves: what each was made for, when and why, and what it replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.arguments import check_arguments
from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import read_json
from pipeline.errors import DestinationError, SourceError
from pipeline.package.job_note import noted_job
from pipeline.package.layout import DESCRIPTOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class PublishedPeriod:
    """A package that a run of a job published, which may have been replaced since.

    Attributes:
        at: the instant of the run, RFC 3339.
        run: id of the run.
        job: name of the job.
        export: name of the export.
        period: name of the period.
        reason: why it was made, a word.
        sessions: of how many sessions, None where it was replaced.
        rows: measurements in it, or that its statistics were made of; None where nobody knows.
        bytes: of its files, None where it was replaced, or does not say it.
        replaced_by: why it was replaced, None where it lies there.
        path: where it lies, or lay.
    """

    at: str | None
    run: str | None
    job: str
    export: str
    period: str
    reason: str | None
    sessions: int | None
    rows: int | None
    bytes: int | None
    replaced_by: str | None
    path: str


def list_runs(directory: str | Path) -> list[PublishedPeriod]:
    """List what runs of jobs published in a directory and below it, in order of time.

    Args:
        directory: where packages are.

    Raises:
        DestinationError: it cannot be read.
        UsageError: it is a URL.
    """
    check_arguments(locals())
    found = [one for path in _packages(local_path(directory)) for one in _of_package(path)]
    return sorted(found, key=lambda one: (one.at or "", one.job, one.export, one.period))


def _packages(directory: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise DestinationError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for path, directories, names in os.walk(directory, onerror=stop):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        if DESCRIPTOR in names:
            directories.clear()
            yield Path(path)


def _of_package(path: Path) -> Iterator[PublishedPeriod]:
    try:
        descriptor = read_json(path / DESCRIPTOR)
    except SourceError:
        return
    noted = noted_job(descriptor) if isinstance(descriptor, dict) else None
    if noted is None:
        return
    of = {"job": noted.identity["name"], "export": noted.identity["export"], "period": noted.identity["period"]}
    for one in noted.replaced:
        yield PublishedPeriod(
            **of,
            at=_text(one, "at") or _text(one, "created"),
            run=_text(one, "runId"),
            reason=_text(one, "reason"),
            sessions=None,
            rows=_count(one.get("rowCount")),
            bytes=None,
            replaced_by=_text(one, "because"),
            path=str(path),
        )
    yield PublishedPeriod(
        **of,
        at=noted.at,
        run=noted.run_id,
        reason=noted.reason,
        sessions=len(noted.made_of),
        rows=sum(noted.rows.values()),
        bytes=_size(descriptor.get("resources")),
        replaced_by=None,
        path=str(path),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _size(resources: object) -> int | None:
    """Add up the sizes of files, None where a descriptor that others changed does not have them."""
    if not isinstance(resources, list):
        return None
    sizes = [_count(one.get("bytes")) if isinstance(one, dict) else None for one in resources]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _text(value: Mapping[str, Any], key: str) -> str | None:
    found = value.get(key)
    return None if found is None else str(found)
