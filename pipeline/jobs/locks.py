"""What a run of a job holds: a hidden directory beside the packages of each export, free when the process ends."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pipeline.disk.files import writing_errors
from pipeline.disk.locks import DirectoryLock
from pipeline.errors import BusyError, DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.jobs.job import Job, JobExport

_PAUSE_SECONDS = 0.1


def directory_of(job: Job, export: JobExport) -> Path:
    """Where the runs of an export keep what they hold and know, beside its packages."""
    return export.destination.root / f".{job.name}.{export.name}.job"


@contextmanager
def holding(
    job: Job, exports: Sequence[JobExport], *, wait_seconds: float
) -> Iterator[dict[str, Path | DestinationError]]:
    """Hold exports of a job, so that no other run of it works on them.

    Args:
        job: the job.
        exports: of it.
        wait_seconds: how long to wait for another run.

    Yields:
        by name of the export its directory, or why that cannot be made.

    Raises:
        BusyError: another run holds one of them, and does not let it go in that time.
    """
    deadline = time.monotonic() + wait_seconds
    held: dict[str, Path | DestinationError] = {}
    with ExitStack() as stack:
        for export in exports:
            directory = directory_of(job, export)
            try:
                stack.callback(_hold(job, directory, deadline).release)
                held[export.name] = directory
            except BusyError:
                raise
            except DestinationError as error:
                held[export.name] = error
        yield held


def _hold(job: Job, directory: Path, deadline: float) -> DirectoryLock:
    while True:
        try:
            with writing_errors(directory):
                directory.parent.mkdir(parents=True, exist_ok=True)
                return DirectoryLock(directory, held_as=directory.parent)
        except BusyError as error:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"{job.path}: another run of job {job.name!r} holds {directory.parent}; --wait SECONDS waits for it"
                ) from error
        time.sleep(_PAUSE_SECONDS)
