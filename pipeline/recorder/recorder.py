"""Records a session from within a harness: cheap for the harness, and what was written survives a crash."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, Self
from weakref import WeakSet

from pipeline.arguments import check_arguments
from pipeline.disk.local_path import local_path
from pipeline.disk.safe_names import safe_name
from pipeline.disk.strict_json import parse_json
from pipeline.display import html_table, quantity
from pipeline.errors import DestinationError, UsageError
from pipeline.model.columns import MAX_ROW_BYTES, TimestampUnit
from pipeline.model.timestamps import TICKS_PER_SECOND, format_compact
from pipeline.recorder.recording import DIRECTORY, RecordingFile
from pipeline.recorder.recovery import finish_recording, hold_store
from pipeline.recorder.rows import EXACT_INTEGERS, Attribute, Row, RowRules, exact_number

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path
    from types import TracebackType

_MAX_DEPTH = 500
"""Of a record; whoever reads it takes it level by level, with a limit of the interpreter's."""
_OTHER_PROCESS = "this recorder belongs to the process that made it; record a session of its own in each process"


def record_session(
    to: str | Path,
    *,
    session_id: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    metric_facts: Mapping[str, Mapping[str, Any]] | None = None,
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
        metric_facts: by metric, an object with `kind` (gauge, counter, duration or event), `better` (lower, higher or
            None) and `is_aggregate`; the last two may be missing.
        harness: the program that records.
        harness_version: its version.
        timestamp_unit: `us` or `ns`, of a new store.
        batch_rows: measurements that may be lost.
        flush_seconds: how long measurements may wait.

    Raises:
        UsageError: an option does not fit.
        DestinationError: the store cannot be written, or has the session.
    """
    check_arguments(locals())
    record = {
        "session_id": session_id,
        "harness": {"name": harness, "version": harness_version},
        "configuration": configuration or {},
        "attributes": attributes or {},
        **({"metric_facts": metric_facts} if metric_facts else {}),
    }
    return Recorder(local_path(to), timestamp_unit, _checked(record), batch_rows, flush_seconds)


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """Check that a record is JSON that can be read again, and give it back as JSON has it."""
    from pipeline.model.session_record import SessionRecord  # noqa: PLC0415 - its errors are of files

    try:
        text = json.dumps(record, allow_nan=False, default=_as_object)
        checked: dict[str, Any] = parse_json(text.encode())
        SessionRecord.parse(checked)
    except Exception as error:
        raise UsageError(f"record_session: {error}") from error
    if _depth(checked) > _MAX_DEPTH:
        raise UsageError(f"record_session: the configuration is nested deeper than {_MAX_DEPTH} levels")
    return checked


def _as_object(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth += 1
    return depth


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
        with hold_store(to, unit) as store:
            self._unit: TimestampUnit = store.timestamp_unit
            self._per_ns = 1_000_000_000 // TICKS_PER_SECOND[self._unit]
            started = self._now()
            name = record["session_id"] or f"{format_compact(started, self._unit)}-{secrets.token_hex(4)}"
            self.session_id: str = name
            if name in store:
                raise DestinationError(f"{to}: has session {name!r} already; choose another id")
            self._rules = RowRules(name, self._unit, record["attributes"], store.attributes)
            store.create()
        self._record = record | {"session_id": name, "started_at": started, "timestamp_unit": self._unit}
        # One half is filled while the other is written.
        self._half = batch_rows // 2
        self._flush_seconds = min(flush_seconds, threading.TIMEOUT_MAX)
        self._sequence = self._recorded = 0
        self._rows: list[Row] = []
        self._bytes = 0  # of their long texts
        self._failure: Exception | None = None
        self._closed_as: str | None = "the session has not begun; use it in a `with` statement"
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._full: list[Row] = []
        self._is_writing = False
        self._file: RecordingFile | None = None
        _recorders.add(self)

    def __enter__(self) -> Self:
        """Start recording.

        Raises:
            UsageError: it has begun before, or belongs to another process.
            DestinationError: the store cannot be written, or the session is being recorded.
        """
        if self._file is not None or self._closed_as == _OTHER_PROCESS:
            raise UsageError(f"record_session: {self._closed_as or 'the session has begun'}")
        directory = self._to / DIRECTORY / safe_name(self.session_id, set())
        try:
            self._file = file = RecordingFile(directory, self._record)
        except FileExistsError as error:
            raise DestinationError(
                f"{directory}: session {self.session_id!r} is being recorded, or was when its recorder ended; "
                "pipeline recover makes a session of it"
            ) from error
        except OSError as error:
            raise DestinationError(f"{directory}: cannot be written ({error.strerror or error})") from error
        self._closed_as = None
        self._thread = threading.Thread(target=self._write_all, args=[file], name="pipeline-recorder", daemon=True)
        self._thread.start()
        return self

    def record(  # noqa: C901 - it is called for each measurement, and a call costs more than a branch
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
            UsageError: a value does not fit, the row has more than 64 MiB of text, or this process was forked from
                that of the recorder; nothing is recorded then.
            DestinationError: what was recorded before cannot be written.
        """
        if self._closed_as is not None:
            self._fail()
        rules = self._rules
        texts, kinds = rules.texts, rules.kinds
        size, is_new = rules.constant_bytes, False
        if type(value) is not float and value is not None:
            value = exact_number(value)
        if metric not in texts:
            size += rules.check_text("metric", metric)
        if unit is not None and unit not in texts:
            size += rules.check_text("unit", unit)
        for name, given in attributes.items():
            kind = type(given)
            if kinds.get(name) is not kind:
                is_new = is_new or given is not None
            elif kind is int and given not in EXACT_INTEGERS:
                is_new = True
            if kind is str and given not in texts:
                size += rules.check_text(name, given)
        ticks = self._now() if at is None else rules.ticks(at)
        if is_new or size > rules.free_bytes:
            rules.admit(metric, unit, attributes, size)
        with self._lock:
            if self._failure is not None or self._closed_as is not None:
                self._fail()
            self._recorded += 1
            self._bytes += size
            self._rows.append((ticks, metric, value, unit, attributes, size))  # type: ignore[arg-type] # nulls are left out
            if len(self._rows) >= self._half or self._bytes >= MAX_ROW_BYTES:
                self._hand_over()

    def _repr_html_(self) -> str:
        state = "being recorded" if self._closed_as is None else "ended" if self._file else "not begun"
        title = f"{self.session_id}: {state} into {self._to}, {quantity(self._recorded, 'measurement')}"
        return html_table(
            title, ("attribute", "type"), [(name, kind.__name__) for name, kind in self._rules.kinds.items()]
        )

    def _now(self) -> int:
        return time.time_ns() // self._per_ns

    def _fail(self) -> None:
        if self._failure is not None:
            raise DestinationError(f"{self._to}: cannot be written ({self._failure})") from self._failure
        raise UsageError(f"record: {self._closed_as}")

    def _hand_over(self) -> None:
        """Give the rows to the thread that writes, when it has written those before; the lock is held."""
        while (self._full or self._is_writing) and self._failure is None:
            self._changed.wait()
        # Another thread may have handed them over meanwhile.
        if self._rows:
            self._take()
            self._changed.notify_all()

    def _take(self) -> None:
        self._full, self._rows, self._bytes = self._rows, [], 0

    def _write_all(self, file: RecordingFile) -> None:
        while True:
            with self._lock:
                if not self._full and self._closed_as is None:
                    self._changed.wait(self._flush_seconds)
                if not self._full:
                    self._take()
                rows, self._full = self._full, []
                if not rows and self._closed_as is not None:
                    return
                self._is_writing = True
            try:
                for batch in self._rules.batches(rows, self._sequence):
                    file.write(batch)
                    self._sequence += batch.num_rows
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
        if self._closed_as == _OTHER_PROCESS:
            return
        with self._lock:
            self._closed_as = "the session has ended"
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
            reason = None if kind is None else _sound(f"{kind.__name__}: {error}".rstrip(": "))
            with hold_store(self._to, self._unit) as store:
                finish_recording(store, self._file.directory, ended_at=self._now(), reason=reason)
        finally:
            with suppress(DestinationError):  # an earlier error is the one to hear of
                self._file.close()
            self._file.unlock()

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process."""
        raise UsageError(f"record: {_OTHER_PROCESS}")


_recorders: WeakSet[Recorder] = WeakSet()


def _leave_to_parent() -> None:
    """Let recorders be those of the parent alone, in a process that was just forked."""
    for recorder in list(_recorders):
        # No lock is taken: a thread may have held it that is not here.
        recorder._closed_as = _OTHER_PROCESS  # noqa: SLF001 - they are of one file


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _sound(text: str) -> str:
    """Write out what no text of a record may hold."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
