"""The import of a job: what is new comes into the store, what cannot be read is told and stops nothing."""

from __future__ import annotations

import glob
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.hashing import file_sha256
from pipeline.errors import BusyError, PipelineError, SourceError, UsageError
from pipeline.importers.run import import_sessions
from pipeline.sources.files import find_files
from pipeline.sources.sidecar import sidecar_path
from pipeline.store.imported_files import ImportedFileState, read_imported, write_imported
from pipeline.store.reading import is_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.importers.result import ImportResult
    from pipeline.jobs.job import Job, JobImport

_FILES_AT_ONCE = 500


@dataclass
class JobImported:
    """What the import of a run did.

    Attributes:
        files: how many were imported.
        sessions: ids of the sessions that came.
        rows: how many.
        waiting: files that are too young.
        warnings: what the reader of the measurements should know.
        problems: files that could not be read, or what ended the import.
        pending: of a dry run, files that would be imported.
    """

    files: int = 0
    sessions: list[str] = field(default_factory=list)
    rows: int = 0
    waiting: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[PipelineError] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)


def run_import(job: Job, imports: JobImport, *, dry_run: bool) -> JobImported:
    """Import the files that are new or changed.

    Args:
        job: the job.
        imports: its import.
        dry_run: only say which they are.
    """
    done = JobImported()
    known = read_imported(job.source)
    news: list[ImportedFileState] = []
    for path in _found(imports, done):
        try:
            now = _state(path)
        except OSError as error:
            done.problems.append(SourceError(f"{path}: cannot be read ({error.strerror})"))
            continue
        before = known.get(now.path)
        if before is not None and before.is_as(now) and not _is_taken_now(before, imports):
            if before.state == "left":
                done.warnings.append(_left(now.path))
        elif _is_young(now, imports.settle_seconds):
            done.waiting.append(now.path)
        else:
            news.append(now)
    if dry_run:
        done.pending = [one.path for one in news]
        return done
    _import_news(job, imports, news, known, done)
    return done


def _found(imports: JobImport, done: JobImported) -> list[Path]:
    paths: dict[Path, None] = {}
    for pattern in imports.files:
        is_pattern = glob.has_magic(pattern) and not os.path.lexists(pattern)  # brackets may be those of a name
        if is_pattern and not glob.glob(pattern, recursive=True):  # noqa: PTH207 - a pattern of a user
            continue  # nothing came tonight
        try:
            paths.update(dict.fromkeys(find_files([Path(pattern)], walks=True)))
        except SourceError as error:
            done.problems.append(error)
    return list(paths)


def _state(path: Path) -> ImportedFileState:
    """Say what shows of a file without reading it.

    Raises:
        OSError: it is not there.
    """
    status = path.stat()
    try:
        record = sidecar_path(path).stat()
        beside: tuple[int, ...] = (record.st_size, record.st_mtime_ns)
    except OSError:
        beside = ()
    return ImportedFileState(
        path=str(path), bytes=status.st_size, mtime_ns=status.st_mtime_ns, beside=beside, sha256=""
    )


def _is_young(file: ImportedFileState, settle_seconds: int) -> bool:
    newest = max([file.mtime_ns, *file.beside[1:]])
    return time.time_ns() - newest < settle_seconds * 1_000_000_000


def _is_only_touched(before: ImportedFileState, now: ImportedFileState) -> bool:
    return (before.sha256, before.beside) == (now.sha256, now.beside)


def _is_taken_now(before: ImportedFileState, imports: JobImport) -> bool:
    """Whether a file that was left as it was is to be taken after all."""
    return before.state == "left" and imports.options["if_exists"] == "replace"


def _left(path: str) -> str:
    return f'{path}: has changed, and its sessions in the store were left as they are; if_exists = "replace" takes it'


def _import_news(
    job: Job,
    imports: JobImport,
    news: Sequence[ImportedFileState],
    known: dict[str, ImportedFileState],
    done: JobImported,
) -> None:
    changed = False
    try:
        for some in _groups(_hashed(news, known, done)):
            before = known.get(some[0].path)
            if before is not None and _is_only_touched(before, some[0]) and not _is_taken_now(before, imports):
                known[before.path] = replace(some[0], state=before.state)
            else:
                _import_group(job, imports, some, known, done)
            changed = True
    except PipelineError as error:  # the store is held, or the disk is full: no other file would fare better
        done.problems.append(error)
    finally:
        if changed and is_store(job.source):
            write_imported(job.source, known)


def _hashed(
    news: Sequence[ImportedFileState], known: dict[str, ImportedFileState], done: JobImported
) -> Iterator[tuple[ImportedFileState, bool]]:
    """Hash files; with each comes whether it is to be looked at alone, since it was imported before."""
    for one in news:
        try:
            yield replace(one, sha256=file_sha256(Path(one.path))), one.path in known
        except OSError as error:
            done.problems.append(SourceError(f"{one.path}: cannot be read ({error.strerror})"))


def _groups(files: Iterator[tuple[ImportedFileState, bool]]) -> Iterator[list[ImportedFileState]]:
    group: list[ImportedFileState] = []
    for one, is_alone in files:
        if is_alone:
            yield [one]
            continue
        group.append(one)
        if len(group) == _FILES_AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _import_group(
    job: Job,
    imports: JobImport,
    files: Sequence[ImportedFileState],
    known: dict[str, ImportedFileState],
    done: JobImported,
) -> None:
    """Import files together; where that fails, those of a half, until the one that cannot be read stands alone."""
    try:
        result = import_sessions(
            [Path(one.path) for one in files], job.source, timezone=job.timezone, **imports.options
        )
    except BusyError:
        raise
    except (SourceError, UsageError) as error:
        if len(files) == 1:
            done.problems.append(error)
            return
        half = len(files) // 2
        for some in (files[:half], files[half:]):
            _import_group(job, imports, some, known, done)
        return
    done.files += len(files)
    done.sessions += result.imported
    done.rows += result.rows
    done.warnings += result.warnings
    for one in files:
        was_left = one.path in known and len(files) == 1 and _left_all(result)
        known[one.path] = replace(one, state="left" if was_left else "imported")
        if was_left:
            done.files -= 1
            done.warnings.append(_left(one.path))


def _left_all(result: ImportResult) -> bool:
    """Whether sessions were left as they were, and none came."""
    return bool(result.unchanged) and not result.imported
