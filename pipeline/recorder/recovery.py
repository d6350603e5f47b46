"""Makes sessions of recordings: of those that end, and of those whose recorder was killed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.arguments import check_arguments
from pipeline.disk.safe_names import is_safe
from pipeline.disk.strict_json import read_json
from pipeline.errors import BusyError, DestinationError, PipelineError, RecoveryError, SourceError
from pipeline.model.columns import measurements_schema
from pipeline.model.metric_facts import facts_of
from pipeline.model.session import Session
from pipeline.model.session_record import SessionRecord
from pipeline.model.timestamps import COUNTABLE
from pipeline.recorder.recording import BATCHES, DIRECTORY, PATIENCE_SECONDS, RECORD, lock_recording, read_batches
from pipeline.rows.attributes import attributes_of, merge_attributes
from pipeline.rows.normalise import conform_to
from pipeline.rows.rules import check_rows
from pipeline.rows.summary import SessionSummary
from pipeline.runtime.progress import phase
from pipeline.runtime.signals import telling
from pipeline.store.own_files import OF_RECORDING
from pipeline.store.reading import require_store
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.columns import TimestampUnit

_PAUSE_SECONDS = 0.05
_PASSES = 2
"""Over the rows of a recording: what attributes there are is known behind the first."""
_ELSEWHERE = "move the recording into recordings/ of another store, and recover it there"


def finish_recording(
    store: StoreWriter, directory: Path, *, ended_at: int | None, reason: str | None
) -> Session | None:
    """Make a recording a session of the store, and remove it.

    Args:
        store: the store that it lies in.
        directory: the recording.
        ended_at: when the session ended; its last measurement where nobody knows.
        reason: why it is incomplete; None where it is complete.

    Returns:
        the session; None where it was one already, and whoever had made it one did not come to remove the recording.

    Raises:
        SourceError: it is no recording, cannot be read, or has an attribute that does not fit the store.
        DestinationError: the store cannot be written, or has another session of this id; the recording stays then.
    """
    record, session_id, start = _read_record(directory / RECORD, store)
    if session_id in store:
        _require_recorded(store, session_id, start, directory)
        store.discard(directory)
        return None
    attributes: dict[str, str] = {}
    for batch in read_batches(directory):
        attributes = merge_attributes(attributes, attributes_of(batch.schema), where=session_id, widen=True)
    try:
        merge_attributes(store.attributes, attributes, where=f"session {session_id!r}")
    except SourceError as error:  # another session brought the attribute since it was recorded
        raise SourceError(f"{error}; {_ELSEWHERE}") from error
    schema = measurements_schema(store.timestamp_unit, attributes)
    summary = SessionSummary()

    def rows() -> Iterator[pa.RecordBatch]:
        for raw in read_batches(directory):
            batch = conform_to(raw, schema)
            check_rows(batch)
            summary.add(batch, attributes)
            yield batch

    def describe() -> Session:
        return Session(
            session_id=session_id,
            timestamp_unit=store.timestamp_unit,
            started_at=start,
            ended_at=summary.end_after(start) if ended_at is None else max(start, ended_at),
            harness_name=record.harness_name,
            harness_version=record.harness_version,
            configuration=record.configuration,
            attributes=record.attributes,
            **summary.figures(),
            metric_facts=facts_of(summary.metrics, record.metric_facts),
            columns=dict(attributes),
            origin={"recorder": "pipeline", "is_complete": reason is None, "incomplete_because": reason},
        )

    stage = store.stage(describe, rows(), schema)
    session = describe()
    store.publish(stage, [session])
    store.discard(directory)
    return session


def _read_record(path: Path, store: StoreWriter) -> tuple[SessionRecord, str, int]:
    """Read what was known of a session when it started: with its id, and its start in the unit of the store."""
    value = read_json(path)
    try:
        start, unit = value.pop("started_at"), value.pop("timestamp_unit", store.timestamp_unit)
        record = SessionRecord.parse(value)
    except (AttributeError, KeyError, TypeError, SourceError) as error:
        raise SourceError(f"{path}: is no record of a recording ({error!r})") from error
    if record.session_id is None or type(start) is not int or start not in COUNTABLE[store.timestamp_unit]:
        raise SourceError(f"{path}: is no record of a recording, which has an id and a start")
    if unit != store.timestamp_unit:
        raise SourceError(f"{path}: counts time in {unit}, the store in {store.timestamp_unit}; {_ELSEWHERE}")
    return record, record.session_id, start


def _require_recorded(store: StoreWriter, session_id: str, start: int, directory: Path) -> None:
    """Refuse to replace a session that was not made of the recording."""
    session = None if store.inventory is None else store.inventory.find(session_id)
    if session is not None and ("recorder" not in session.origin or session.started_at != start):
        raise DestinationError(
            f"{store.path}: has session {session_id!r} already, which does not come from the recording in "
            f"{directory}; move the session away, then pipeline recover"
        )


@dataclass(frozen=True)
class Recovery:
    """What became of the recordings of a store.

    Attributes:
        recovered: ids of the sessions that were made of them.
        empty: those of them that have no rows.
        error: what is wrong with the recordings that were left; None where all were recovered.
    """

    recovered: Sequence[str]
    empty: Sequence[str]
    error: RecoveryError | None


def recover_sessions(to: str | Path) -> list[str]:
    """Make sessions of the recordings whose recorder is gone, marked as incomplete.

    Args:
        to: the store.

    Returns:
        ids of the sessions.

    Raises:
        RecoveryError: some recordings cannot be recovered, and stay as they are; all others are.
        SourceError: it is no store.
        DestinationError: it cannot be written.
        UsageError: it is a URL.
    """
    check_arguments(locals())
    recovery = recover_recordings(to)
    if recovery.error is not None:
        raise recovery.error
    return list(recovery.recovered)


def recover_recordings(to: str | Path) -> Recovery:
    """Do as `recover_sessions` does, and say what is wrong with recordings that are left in place of raising it.

    Raises:
        SourceError: it is no store.
        DestinationError: it cannot be written.
        UsageError: it is a URL.
    """
    path = require_store(to)
    recovered: list[str] = []
    empty: list[str] = []
    failures: list[PipelineError] = []
    with telling(recovered, verb="recovered", rest="the same command recovers the others"):
        directories = _recordings(path / DIRECTORY)
        with phase("recovering", _PASSES * sum(map(_size, directories)), "bytes"):
            for directory in directories:
                try:
                    session = _recover(path, directory)
                except (BusyError, MemoryError):  # the others would fare no better
                    raise
                except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are sound
                    failures.append(_named(error, directory))
                    continue
                if session is not None:
                    recovered.append(session.session_id)
                    if not session.measurement_count:
                        empty.append(session.session_id)
    if not failures:
        return Recovery(recovered, empty, None)
    left = RecoveryError(path, recovered, failures)
    left.__cause__ = failures[0]
    return Recovery(recovered, empty, left)


def _size(directory: Path) -> int:
    try:
        return (directory / BATCHES).lstat().st_size
    except OSError:  # it has just begun or ended, or whoever reads it says so
        return 0


def _recordings(directory: Path) -> list[Path]:
    """List the recordings, those that have not begun included; what others put among them is passed by."""
    try:
        entries = sorted(entry for entry in directory.iterdir() if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DestinationError(f"{directory}: cannot be read ({error.strerror})") from error
    return [entry for entry in entries if _is_recording(entry)]


def _is_recording(directory: Path) -> bool:
    """Whether a directory is a recording; one that has not begun holds nothing but files of one, or nothing at all."""
    try:
        names = {entry.name for entry in directory.iterdir()}
    except FileNotFoundError:
        return False
    except OSError:
        return is_safe(directory.name)  # not lost+found; a recording that cannot be read is told
    if RECORD in names:
        return True
    return all(map(OF_RECORDING.fullmatch, names)) and is_safe(directory.name) and not directory.is_symlink()


def hold_store(path: Path, unit: TimestampUnit | None) -> StoreWriter:
    """Hold a store for a moment; others hold it for a moment too, except imports.

    Raises:
        BusyError: another holds it, and does not end.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return StoreWriter(path, unit)
        except BusyError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _recover(path: Path, directory: Path) -> Session | None:
    """Make a session of a recording, unless its recorder runs, or it is one already, or it ended before it began."""
    lock = lock_recording(directory)
    if lock is None:
        return None
    try:
        with hold_store(path, None) as store:
            if not (directory / RECORD).exists():
                _require_no_rows(directory)
                store.discard(directory)
                return None
            return finish_recording(store, directory, ended_at=None, reason="its recorder ended early")
    finally:
        lock.release()


def _require_no_rows(directory: Path) -> None:
    """Refuse to remove rows: a recorder writes none before its record is whole, so somebody has taken that away."""
    try:
        size = (directory / BATCHES).lstat().st_size
    except FileNotFoundError:
        return
    if size:
        raise SourceError(f"{directory}: has no {RECORD}, without which its {BATCHES} cannot be read; put it back")


def _named(error: Exception, directory: Path) -> PipelineError:
    """Let an error name the recording."""
    if isinstance(error, PipelineError) and str(directory) in str(error):
        return error
    kind = DestinationError if isinstance(error, DestinationError) else SourceError
    reason = error if isinstance(error, PipelineError) else f"cannot be recovered, {error!r:.500}"
    named = kind(f"{directory}: {reason}")
    named.__cause__ = error
    return named
