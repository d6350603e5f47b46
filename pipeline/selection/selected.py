"""Which sessions, rows and columns of a scan are wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.arrays import from_bools, from_strings, integers
from pipeline.rows.batches import select_columns
from pipeline.selection.conditions import RowCondition, sessions_where
from pipeline.selection.redaction import path_steps, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan
    from pipeline.selection.options import Selection


@dataclass(frozen=True)
class Selected:
    """A selection applied to a scan.

    Attributes:
        scan: the source.
        sessions: the selected sessions, in order, redacted.
        selection: what was asked for.
        warnings: what its reader should know, a sentence each.
        batch_size: rows of a batch, at most.
    """

    scan: Scan
    sessions: tuple[Session, ...]
    selection: Selection
    warnings: tuple[str, ...]
    batch_size: int

    @property
    def row_count(self) -> int:
        """Rows of the selected sessions, before conditions on rows."""
        return sum(session.measurement_count for session in self.sessions)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the source as it may be published: a hash of what is redacted could be guessed from."""
        redacted, _ = redact(self.scan.sessions, self.selection.redact)
        return replace(self.scan, sessions=tuple(redacted)).fingerprint

    def check_redacted(self, columns: Sequence[str]) -> None:
        """Refuse to publish in a column what is redacted in the metadata.

        Raises:
            UsageError: an attribute is redacted, and one of the columns shows it.
        """
        for path in self.selection.redact:
            steps = path_steps(path)
            if steps[0] == "attributes" and steps[1] in columns:
                raise UsageError(f"--redact {path}: the column {steps[1]!r} shows it too; leave it out (--exclude)")

    def choose_columns(self, names: Sequence[str]) -> list[str]:
        """Apply `columns` and `exclude` to the columns of a table.

        Raises:
            SourceError: one of them does not exist.
            UsageError: no column is left.
        """
        for option, wanted in (
            ("--columns", self.selection.columns or ()),
            ("--exclude", self.selection.exclude),
        ):
            for name in wanted:
                if name not in names:
                    raise SourceError(f"{option}: no column {name!r}; {suggest(name, names, noun='columns')}")
        chosen = dict.fromkeys(names if self.selection.columns is None else self.selection.columns)
        kept = [name for name in chosen if name not in self.selection.exclude]
        if not kept:
            raise UsageError("--columns and --exclude leave no column")
        return kept

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the selected rows in order.

        Args:
            columns: those to read; session_id and sequence always come too.

        Yields:
            batches of rows of one session each; none is empty.
        """
        needed = {*columns, *self._filter_columns}
        kept = [name for name in self.scan.schema.names if name in {*columns, "session_id", "sequence"}]
        for batch in self.scan.batches(self.sessions, sorted(needed), batch_size=self.batch_size):
            rows = self._filter(batch)
            if rows.num_rows:
                yield select_columns(rows, kept)

    @property
    def _filter_columns(self) -> list[str]:
        if self.selection.where is not None:
            return list(self.scan.schema.names)
        times = ["timestamp"] if self.selection.since or self.selection.until else []
        return times + (["metric"] if self.selection.metrics else [])

    def _filter(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        low, high = self._time_bounds
        if low is not None or high is not None:
            ticks = integers(batch.column("timestamp"))
            keep = np.ones(len(ticks), bool)
            if low is not None:
                keep &= ticks >= low
            if high is not None:
                keep &= ticks < high
            batch = batch.filter(from_bools(keep))
        if self.selection.metrics:
            import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

            batch = batch.filter(pc.is_in(batch.column("metric"), from_strings(self.selection.metrics)))
        if self._condition is not None and batch.num_rows:
            batch = batch.filter(self._condition.matching(batch))
        return batch

    @cached_property
    def _time_bounds(self) -> tuple[int | None, int | None]:
        scale = 1 if self.scan.timestamp_unit == "ns" else 1000
        since, until = (None if ns is None else -(-ns // scale) for ns in self.selection.time_bounds())
        return since, until

    @cached_property
    def _condition(self) -> RowCondition | None:
        return None if self.selection.where is None else RowCondition(self.selection.where)

    def check(self) -> None:
        """Find errors in the selection before anything is read or written.

        Raises:
            UsageError: a time or the SQL of `where` cannot be read.
        """
        _ = self._time_bounds
        if self._condition is not None:
            self._condition.check(self.scan.schema)


def select(scan: Scan, selection: Selection, *, batch_size: int) -> Selected:
    """Apply a selection to a scan.

    Raises:
        SourceError: the source has no session, or a session, column or path that is named does not exist.
        UsageError: a time or SQL cannot be read.
    """
    if not scan.sessions:
        raise SourceError(f"{scan.name}: holds no session; import some first")
    sessions = list(scan.sessions)
    ids = [session.session_id for session in sessions]
    for wanted in selection.sessions:
        if wanted not in ids:
            raise SourceError(f"no session {wanted!r}; {suggest(wanted, ids, noun='sessions')}")
    if selection.sessions:
        sessions = [session for session in sessions if session.session_id in selection.sessions]
    if selection.where_session is not None:
        sessions = sessions_where(sessions, scan.timestamp_unit, selection.where_session)
    warnings = [
        f"no selected session has metric {metric!r}; {suggest(metric, known, noun='metrics')}"
        for known in [sorted({name for session in sessions for name in session.metrics})]
        for metric in selection.metrics
        if metric not in known
    ]
    redacted, found = redact(sessions, selection.redact)
    for path in selection.redact:
        # A typing error must not publish a secret.
        if sessions and path not in found:
            raise SourceError(f"--redact {path!r}: no selected session has this path")
    selected = Selected(scan, tuple(redacted), selection, tuple(warnings), batch_size)
    selected.check()
    return selected
