"""What tasks read: whole sessions of stores, planned by the driver so that no worker opens a store."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.scan.data_file import DataFile, replaced
from pipeline.scan.inventory import OpenedInventory
from pipeline.scan.scan import Scan
from pipeline.selection.selected import Selected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session
    from pipeline.selection.options import Selection

DEFAULT_ROWS = 2_000_000
_PATIENCE = 2
"""How many times its rows a task may have before it ends within a pack, which others read, too, then."""


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """What a task has to know of all sessions.

    Attributes:
        name: what the source is called in packages.
        timestamp_unit: unit of all timestamps.
        attributes: type name by attribute column of all sessions together.
        all_attributes: the same of all sessions of the source, None where these are all.
        dictionaries: string columns that are read as dictionaries, which the first file tells.
        selection: what is taken, its times resolved.
        batch_size: rows of a batch, at most.
    """

    name: str
    timestamp_unit: TimestampUnit
    attributes: Mapping[str, str]
    all_attributes: Mapping[str, str] | None
    dictionaries: frozenset[str]
    selection: Selection
    batch_size: int


class TaskPlan(NamedTuple):
    """What is of one task.

    Attributes:
        first: place of its first session among those of all tasks.
        sessions: in order, redacted.
        files: those that hold their rows.
        names: of the sessions in names of files, by id.
    """

    first: int
    sessions: tuple[Session, ...]
    files: tuple[DataFile, ...]
    names: dict[str, str]

    def select(self, source: SourcePlan) -> Selected:
        """Give the selected rows of the task."""
        scan = Scan(
            name=source.name,
            timestamp_unit=source.timestamp_unit,
            sessions=self.sessions,
            files=tuple(replace(file, look_again=partial(_require_there, file)) for file in self.files),
            attributes=source.attributes,
            all_attributes=source.all_attributes,
            dictionaries=source.dictionaries,
        )
        return Selected(OpenedInventory(scan), scan, self.sessions, source.selection, (), source.batch_size, threads=1)


def _require_there(file: DataFile) -> DataFile:
    """Tell a file that is damaged from one that a compaction has moved, or an import has replaced."""
    if not file.path.exists() and file.path.parents[1].is_dir():
        raise replaced(file.path.parent)
    return file


def plan_source(selected: Selected) -> SourcePlan:
    """Plan what all tasks have to know of a selection.

    Raises:
        SourceError: the first file cannot be read.
        UsageError: a time of the selection cannot be read.
    """
    scan, asked = selected.scan, selected.selection
    times = asked.resolved_times()
    return SourcePlan(
        name=scan.name,
        timestamp_unit=scan.timestamp_unit,
        attributes=dict(scan.attributes),
        all_attributes=None if scan.all_attributes is None else dict(scan.all_attributes),
        dictionaries=frozenset(scan.repeated),
        selection=replace(asked, since=times["since"], until=times["until"]),
        batch_size=selected.batch_size,
    )


class TaskPlans:
    """Cuts sessions into tasks.

    A task has so many rows at least, and ends where a pack ends, so that each pack is read, and its hash compared, by
    one task. Where packs overlap for long, it ends within one.
    """

    def __init__(self, selected: Selected, sessions: Sequence[Session], names: Mapping[str, str], rows: int) -> None:
        """Cut.

        Args:
            selected: what is taken, of stores.
            sessions: those of it that are to be read, in order.
            names: of sessions in names of files, by id.
            rows: that a task has, at least, but for the last.
        """
        self._sessions = sessions
        self._names = names
        places = {session.session_id: at for at, session in enumerate(sessions)}
        self._files: list[list[DataFile]] = [[] for _ in sessions]
        last_of = list(range(len(sessions)))
        for file in selected.scan.files:
            held = [places[one] for one in file.session_ids if one in places and one not in file.without]
            for at in held:
                self._files[at].append(file)
                last_of[at] = max(last_of[at], *held) if len(held) > 1 else last_of[at]
        self._cuts = _cuts([one.measurement_count for one in sessions], list(accumulate(last_of, max)), rows)

    def __len__(self) -> int:
        """How many tasks there are."""
        return len(self._cuts)

    def rows(self, task: int) -> int:
        """Count the rows that a task reads."""
        return sum(session.measurement_count for session in self._sessions[slice(*self._cuts[task])])

    def __getitem__(self, task: int) -> TaskPlan:
        """Give the plan of a task; one behind the last is an IndexError, which ends a loop."""
        start, stop = self._cuts[task]
        sessions = tuple(self._sessions[start:stop])
        files = dict.fromkeys(file for of_one in self._files[start:stop] for file in of_one)
        return TaskPlan(
            start,
            sessions,
            tuple(map(_for_workers, files)),
            {one.session_id: self._names[one.session_id] for one in sessions},
        )


def _cuts(counts: Sequence[int], reach: Sequence[int], rows: int) -> list[tuple[int, int]]:
    """Say where tasks begin and end.

    Args:
        counts: rows of each session.
        reach: of each, the last session that is in a file with it or one before it.
        rows: of a task, at least.
    """
    cuts: list[tuple[int, int]] = []
    start = gathered = 0
    for at, count in enumerate(counts):
        gathered += count
        if (gathered >= rows and reach[at] == at) or gathered >= _PATIENCE * rows:
            cuts.append((start, at + 1))
            start, gathered = at + 1, 0
    if start < len(counts):
        cuts.append((start, len(counts)))
    return cuts


def _for_workers(file: DataFile) -> DataFile:
    """Give a file as another process finds it, in another working directory."""
    return replace(
        file,
        path=Path(os.path.abspath(file.path)),  # noqa: PTH100 - links are looked at elsewhere
        held=None,
        look_again=None,
        rows=None if file.rows is None else dict(file.rows),
    )
