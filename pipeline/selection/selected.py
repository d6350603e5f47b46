"""Which sessions, rows and columns of a scan are wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.arrays import from_bools, from_strings, integers
from pipeline.model.columns import CORE_COLUMNS, measurements_schema
from pipeline.rows.batches import select_columns
from pipeline.runtime.threads import ScannedAhead, cores
from pipeline.scan.inventory import OpenedInventory, use_what_is_there
from pipeline.scan.scan import FILES, TOUCHED, fingerprint_of_all
from pipeline.selection.conditions import RowCondition
from pipeline.selection.redaction import path_steps, redact
from pipeline.selection.touched import find_touched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model.session import Session
    from pipeline.scan.inventory import Inventory
    from pipeline.scan.scan import Scan
    from pipeline.selection.options import Selection


_BUSY_CORES = 2
"""So many are busy anyhow: with scanning, and with aggregating or encoding."""


@dataclass(frozen=True)
class Selected:
    """A selection applied to a scan.

    Attributes:
        inventory: what the source holds.
        scan: the sessions of it that are touched.
        sessions: the same, in order, redacted.
        selection: what was asked for.
        warnings: what its reader should know, a sentence each.
        batch_size: rows of a batch, at most.
        threads: how many may be busy with the rows.
    """

    inventory: Inventory
    scan: Scan
    sessions: tuple[Session, ...]
    selection: Selection
    warnings: tuple[str, ...]
    batch_size: int
    threads: int

    @property
    def row_count(self) -> int:
        """Rows of the selected sessions, before conditions on rows."""
        return sum(session.measurement_count for session in self.sessions)

    @property
    def takes_all_rows(self) -> bool:
        """Whether there is no condition on rows."""
        asked = self.selection
        return asked.where is None and not (asked.metrics or asked.since or asked.until)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what is touched, as it may be published: a hash of what is redacted could be guessed from."""
        return replace(self.scan, sessions=self.sessions).fingerprint

    @property
    def earlier_fingerprint(self) -> str:
        """Fingerprint of the whole source, by the rule that packages were made by before."""
        sessions = self.inventory.sessions(range(len(self.inventory.session_ids)))
        redacted, _ = redact(sessions, self.selection.redact)
        return fingerprint_of_all(redacted, self.scan.timestamp_unit)

    def fingerprint_as(self, other: str) -> str:
        """Fingerprint by the rule that another was made by; rows are read where that rule needs them.

        Raises:
            DisorderError: the rows are out of order.
            SourceError: they cannot be read.
        """
        if self.scan.files_sha256 is None or other.startswith(FILES):
            return self.fingerprint if other.startswith((FILES, TOUCHED)) else self.earlier_fingerprint
        known = self.completed()
        if not other.startswith(TOUCHED):
            return known.earlier_fingerprint
        return replace(known.scan, sessions=known.sessions, files_sha256=None).fingerprint

    @property
    def takes_whole_sessions(self) -> bool:
        """Whether it takes all columns of all rows of its sessions."""
        names = self.scan.schema.names
        return self.takes_all_rows and set(self.choose_columns(names)) == set(names)

    def described(self, sessions: Sequence[Session], digests: Mapping[str, str]) -> Sequence[Session]:
        """Give sessions with what their rows say of them; these have passed by then, if they had not before.

        Args:
            sessions: some of the sessions.
            digests: of all rows and columns of sessions, by id, for those of which nothing but the rows has one.
        """
        if self.scan.passing is None:
            return sessions
        known = self.scan.passing.complete(sessions)
        return [replace(one, content_digest=one.content_digest or digests.get(one.session_id)) for one in known]

    def completed(self, digests: Mapping[str, str] | None = None, *, digested: bool = True) -> Selected:
        """Give it with all that is known of the sessions; where the rows have not passed, they are read for that.

        Args:
            digests: as in `described`.
            digested: make digests of rows that are read for that.

        Raises:
            DisorderError: the rows are out of order.
            SourceError: they cannot be read.
        """
        passing = self.scan.passing
        if passing is None:
            return self
        scan = self.scan.completed(digested=digested)
        inventory = OpenedInventory(replace(scan, sessions=passing.complete(passing.planned)))
        return replace(
            self, inventory=inventory, scan=scan, sessions=tuple(self.described(self.sessions, digests or {}))
        )

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
        for batch in self.scan.batches(
            self.sessions,
            sorted(needed),
            batch_size=self.batch_size,
            times=self._time_bounds,
            ahead=partial(ScannedAhead, ahead=1) if self.threads > 1 else None,
            beside=ScannedAhead if self.threads > _BUSY_CORES else None,
        ):
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
            batch = batch.filter(self._condition.matching(self._with_unheld(batch)))
        return batch

    def _with_unheld(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the columns that conditions may name although no session that is touched has them: they are null."""
        for field in list(self._condition_schema)[len(self.scan.schema) :]:
            batch = batch.append_column(field, pa.nulls(batch.num_rows, field.type))
        return batch

    @cached_property
    def _condition_schema(self) -> pa.Schema:
        unheld = measurements_schema(self.scan.timestamp_unit, self.scan.unheld)
        return pa.schema([*self.scan.schema, *list(unheld)[len(CORE_COLUMNS) :]])

    @cached_property
    def _time_bounds(self) -> tuple[int | None, int | None]:
        return self.selection.tick_bounds(self.scan.timestamp_unit)

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
            self._condition.check(self._condition_schema)


def select(
    inventory: Inventory,
    selection: Selection,
    *,
    batch_size: int,
    columns: Sequence[str] = (),
    may_be_missing: bool = False,
    threads: int | None = None,
) -> Selected:
    """Apply a selection to a source, and open the sessions that it touches.

    Args:
        inventory: what the source holds.
        selection: what is wanted.
        batch_size: rows of a batch, at most.
        columns: those that are read besides the columns that the selection names.
        may_be_missing: a source without sessions, and a session that is named and not there, are no errors.
        threads: how many may be busy with the rows, None for one per core.

    Raises:
        SourceError: the source has no session, or a session, column or path that is named does not exist; or what is
            touched is damaged.
        UsageError: a time or SQL cannot be read.
    """
    touch = partial(find_touched, selection=selection, may_be_missing=may_be_missing)
    read = partial(_select, selection=selection, batch_size=batch_size, columns=columns, threads=threads or cores())
    return use_what_is_there(inventory, lambda there: read(there, touch(there)))


def _select(
    inventory: Inventory,
    found: tuple[Sequence[int], Sequence[int]],
    selection: Selection,
    batch_size: int,
    columns: Sequence[str],
    threads: int,
) -> Selected:
    asked, touched = found
    named = [*(selection.columns or ()), *selection.exclude, *columns]
    scan = inventory.open(touched, columns=named)
    known = sorted({name for place in asked for name in inventory.metrics[place]})
    warnings = [
        *inventory.warnings,
        *(
            f"no selected session has metric {metric!r}; {suggest(metric, known, noun='metrics')}"
            for metric in selection.metrics
            if metric not in known
        ),
    ]
    redacted, paths = redact(scan.sessions, selection.redact)
    missing = [path for path in selection.redact if path not in paths]
    if missing and asked:
        # A typing error must not publish a secret.
        _, elsewhere = redact(inventory.sessions(asked), missing)
        for path in missing:
            if path not in elsewhere:
                raise SourceError(f"--redact {path!r}: no selected session has this path")
    selected = Selected(inventory, scan, tuple(redacted), selection, tuple(warnings), batch_size, threads)
    selected.check()
    return selected
