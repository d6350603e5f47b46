"""Makes sessions of recordings: of those that end, and of those whose recorder was killed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.disk.files import writing_errors
from pipeline.disk.local_path import local_path
from pipeline.disk.strict_json import read_json
from pipeline.errors import DestinationError, SourceError
from pipeline.model.columns import measurements_schema
from pipeline.model.session import Session
from pipeline.recorder.recording import DIRECTORY, RECORD, lock_recording, read_batches
from pipeline.rows.attributes import attributes_of, merge_attributes
from pipeline.rows.normalise import conform_to
from pipeline.rows.rules import check_rows
from pipeline.rows.summary import SessionSummary
from pipeline.runtime.signals import telling
from pipeline.store.reading import is_store
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa


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
        SourceError: it is no recording, or cannot be read.
        DestinationError: the store cannot be written, or has another session of this id; the recording stays then.
    """
    record = read_json(directory / RECORD)
    try:
        session_id, start = str(record["session_id"]), int(record["started_at"])
        harness = record["harness"]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{directory / RECORD}: is no record of a recording ({error!r})") from error
    if session_id in store:
        _require_recorded(store, session_id, start, directory)
        store.discard(directory)
        return None
    attributes: dict[str, str] = {}
    for batch in read_batches(directory):
        attributes = merge_attributes(attributes, attributes_of(batch.schema), where=session_id, widen=True)
    merge_attributes(store.attributes_without({session_id}), attributes, where=f"session {session_id!r}")
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
            harness_name=harness["name"],
            harness_version=harness["version"],
            configuration=record["configuration"],
            attributes=record["attributes"],
            **summary.figures(),
            columns=dict(attributes),
            origin={"recorder": "pipeline", "is_complete": reason is None, "incomplete_because": reason},
        )

    stage = store.stage(describe, rows(), schema)
    store.publish(stage, session_id)
    store.discard(directory)
    return describe()


def _require_recorded(store: StoreWriter, session_id: str, start: int, directory: Path) -> None:
    """Refuse to replace a session that was not made of the recording."""
    for session in store.sessions:
        if session.session_id == session_id and ("recorder" not in session.origin or session.started_at != start):
            raise DestinationError(
                f"{store.path}: has session {session_id!r} already, which does not come from the recording in "
                f"{directory}; move the session away, then pipeline recover"
            )


def recover_sessions(to: str | Path) -> list[str]:
    """Make sessions of the recordings whose recorder is gone, marked as incomplete.

    Args:
        to: the store.

    Returns:
        ids of the sessions.

    Raises:
        SourceError: it is no store.
        DestinationError: it cannot be written.
        UsageError: it is a URL.
    """
    path = local_path(to)
    if not is_store(path):
        raise SourceError(f"{path}: is no store, it has no store.json")
    recovered: list[str] = []
    with telling(recovered, verb="recovered", rest="the same command recovers the others"):
        for directory in sorted((path / DIRECTORY).glob("*/")):
            session = _recover(path, directory)
            if session is not None:
                recovered.append(session.session_id)
    return recovered


def _recover(path: Path, directory: Path) -> Session | None:
    """Make a session of a recording, unless its recorder runs, or it is one already, or it ended before it began."""
    with writing_errors(directory):
        lock = lock_recording(directory)
    if lock is None:
        return None
    try:
        with StoreWriter(path, None) as store:
            if not (directory / RECORD).exists():
                store.discard(directory)
                return None
            return finish_recording(store, directory, ended_at=None, reason="its recorder ended early")
    finally:
        with suppress(OSError):  # nothing was written through it
            lock.close()
