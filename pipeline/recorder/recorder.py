"""Records a session from within a harness: cheap for the harness, and what was written survives a crash."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from pipeline.disk.local_path import local_path
from pipeline.disk.safe_names import safe_name
from pipeline.display import html_table, quantity
from pipeline.errors import BusyError, DestinationError, UsageError
from pipeline.model.timestamps import TICKS_PER_SECOND, format_compact
from pipeline.recorder.recording import DIRECTORY, RecordingFile
from pipeline.recorder.recovery import finish_recording
from pipeline.recorder.rows import Attribute, Row, RowRules, exact_number
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from pipeline.model.columns import TimestampUnit

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


def record_session(
    to: str | Path,
    *,
    session_id: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    harness: str | None = None,
    harness_version: str | None = None,
    timestamp_unit: TimestampUnit | None = None,
    batch_rows: int = 16_384,
    flush_seconds: float = 1.0,
) -> Recorder:
    """Record a session into a store; use it in a `with` statement.

    Measurements are written in batches, by a thread, and synced to disk. If the process is killed, at most the last
    `batch_rows` measurements are lost, and none older than about `flush_seconds`; `recover_sessions` makes a session
    of the others, marked as incomplete.

    Args:
        to: the store, which is created where it is not there.
        session_id: its id; by default the time and a random number.
        configuration: the test configuration, any JSON object.
        attributes: what holds for the whole session.
        harness: the program that records.
        harness_version: its version.
        timestamp_unit: `us` or `ns`, of a new store.
        batch_rows: measurements that may be lost.
        flush_seconds: how long measurements may wait.

    Raises:
        UsageError: an option does not fit.
        DestinationError: the store cannot be written, or has the session.
    """
    if batch_rows < 2 or flush_seconds <= 0:
        raise UsageError("batch_rows must be 2 or more, flush_seconds above 0")
    record = {
        "session_id": session_id,
        "harness": {"name": harness, "version": harness_version},
        "configuration": dict(configuration or {}),
        "attributes": dict(attributes or {}),
    }
    return Recorder(local_path(to), timestamp_unit, _checked(record), batch_rows, flush_seconds)


def _hold(path: Path, unit: TimestampUnit | None) -> StoreWriter:
    """Hold a store for a moment; others hold it for a moment too, except imports.

    Raises:
        BusyError: another holds it, and does not end.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return StoreWriter(path, unit)
        except BusyError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """Check that a record is JSON, and give it back as JSON has it."""
    from pipeline.model.session_record import SessionRecord  # noqa: PLC0415 - its errors are of files

    try:
        checked: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
        json.dumps(checked, ensure_ascii=False).encode()
        SessionRecord.parse(checked)
    except Exception as error:
        raise UsageError(f"record_session: {error}") from error
    return checked


class Recorder:
    """A session that is being recorded.

    Attributes:
        session_id: its id.
    """

    def __init__(
        self, to: Path, unit: TimestampUnit | None, record: dict[str, Any], batch_rows: int, flush_seconds: float
    ) -> None:
        self._to = to
        # The store is held at the start and at the end, so that others can write it meanwhile.
        with _hold(to, unit) as store:
            store.create()
            self._unit: TimestampUnit = store.timestamp_unit
            self._per_ns = 1_000_000_000 // TICKS_PER_SECOND[self._unit]
            started = self._now()
            name = record["session_id"] or f"{format_compact(started, self._unit)}-{secrets.token_hex(4)}"
            self.session_id: str = name
            if name in store:
                raise DestinationError(f"{to}: has session {name!r} already; choose another id")
        self._record = record | {"session_id": self.session_id, "started_at": started}
        # One half is filled while the other is written.
        self._half = batch_rows // 2
        self._flush_seconds = flush_seconds
        self._rules = RowRules(record["attributes"])
        self._sequence = self._recorded = 0
        self._rows: list[Row] = []
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._full: list[Row] = []
        self._is_writing = self._is_closed = False
        self._file: RecordingFile | None = None
        self._thread = threading.Thread(target=self._write_all, name="pipeline-recorder", daemon=True)

    def __enter__(self) -> Self:
        """Start recording.

        Raises:
            DestinationError: the store cannot be written, or the session is being recorded.
        """
        directory = self._to / DIRECTORY / safe_name(self.session_id, set())
        try:
            self._file = RecordingFile(directory, self._record)
        except FileExistsError as error:
            raise DestinationError(
                f"{directory}: session {self.session_id!r} is being recorded, or was when its recorder ended; "
                "pipeline recover makes a session of it"
            ) from error
        except OSError as error:
            raise DestinationError(f"{directory}: cannot be written ({error.strerror or error})") from error
        self._thread.start()
        return self

    def record(
        self,
        metric: str,
        value: float | None,
        *,
        unit: str | None = None,
        at: dt.datetime | int | None = None,
        **attributes: Attribute | None,
    ) -> None:
        """Record one measurement. Threads may call this at the same time.

        Args:
            metric: what was measured.
            value: the value; None where the sample was lost.
            unit: UCUM code of its unit.
            at: when it was taken, a datetime with a time zone or nanoseconds since 1970; now, by default.
            attributes: its attributes.

        Raises:
            UsageError: a value does not fit; nothing is recorded then.
            DestinationError: what was recorded before cannot be written.
        """
        texts, kinds = self._rules.texts, self._rules.kinds
        if type(value) is not float and value is not None:
            value = exact_number(value)
        if metric not in texts:
            self._rules.check_text("metric", metric)
        if unit is not None and unit not in texts:
            self._rules.check_text("unit", unit)
        for name, given in attributes.items():
            if given is not None and kinds.get(name) is not type(given):
                self._rules.learn(name, given)
            if type(given) is str and given not in texts:
                self._rules.check_text(name, given)
        ticks = self._now() if at is None else self._ticks(at)
        with self._lock:
            if self._failure is not None or self._is_closed:
                self._fail()
            self._recorded += 1
            self._rows.append((ticks, metric, value, unit, attributes))  # type: ignore[arg-type] # nulls are left out
            if len(self._rows) >= self._half:
                self._hand_over()

    def _repr_html_(self) -> str:
        with self._lock:
            rows = self._recorded
            state = "ended" if self._is_closed else "being recorded"
        title = f"{self.session_id}: {state} into {self._to}, {quantity(rows, 'measurement')}"
        return html_table(
            title, ("attribute", "type"), [(name, kind.__name__) for name, kind in self._rules.kinds.items()]
        )

    def _now(self) -> int:
        return time.time_ns() // self._per_ns

    def _ticks(self, at: dt.datetime | int) -> int:
        if isinstance(at, int):
            return at // self._per_ns
        if at.tzinfo is None:
            raise UsageError(f"record: at={at!r} has no time zone")
        past = at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return (past // dt.timedelta(microseconds=1)) * 1000 // self._per_ns

    def _fail(self) -> None:
        if self._failure is not None:
            raise DestinationError(f"{self._to}: cannot be written ({self._failure})") from self._failure
        raise UsageError("record: the session has ended")

    def _hand_over(self) -> None:
        """Give the rows to the thread that writes, when it has written those before; the lock is held."""
        while (self._full or self._is_writing) and self._failure is None:
            self._changed.wait()
        # Another thread may have handed them over meanwhile.
        if self._rows:
            self._full, self._rows = self._rows, []
            self._changed.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._lock:
                if not self._full and not self._is_closed:
                    self._changed.wait(self._flush_seconds)
                if not self._full:
                    self._full, self._rows = self._rows, []
                rows, self._full = self._full, []
                if not rows and self._is_closed:
                    return
                self._is_writing = True
            try:
                if rows and self._file is not None:
                    self._file.write(self._rules.batch(rows, self.session_id, self._sequence, self._unit))
                    self._sequence += len(rows)
            except Exception as error:  # noqa: BLE001 - whatever it is, the harness must hear of it
                self._failure = error
            with self._lock:
                self._is_writing = False
                self._changed.notify_all()
                if self._failure is not None:
                    return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write what is left and make a session of it, marked as incomplete where an exception ended it."""
        del traceback
        with self._lock:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        assert self._file is not None, "it was entered"  # noqa: S101 - the order of calls
        try:
            if self._failure is not None:
                if error is None:
                    self._fail()
                return
            self._file.close()
            if not self._file.directory.exists():  # nothing in a store says where it lies, so it can be moved
                raise DestinationError(
                    f"{self._file.directory}: is gone; where its store was moved, pipeline recover there makes a "
                    f"session of what was recorded of {self.session_id!r}"
                )
            reason = None if kind is None else f"{kind.__name__}: {error}".rstrip(": ")
            with _hold(self._to, self._unit) as store:
                finish_recording(store, self._file.directory, ended_at=self._now(), reason=reason)
        finally:
            with suppress(DestinationError):  # an earlier error is the one to hear of
                self._file.close()
            self._file.unlock()
