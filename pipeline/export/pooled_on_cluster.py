"""Statistics over all sessions on a cluster: tasks part the rows by group, others aggregate a partition each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.disk.temporary import temporary_directory
from pipeline.publish.work_directory import part_file
from pipeline.rows.content import Content
from pipeline.statistics.partitions import PartitionedRows
from pipeline.statistics.reduction import check_windows, in_order, reduce_partition
from pipeline.tables.statistics import Aggregated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.export.cluster_tasks import Aggregating
    from pipeline.selection.selected import Selected
    from pipeline.spark.plans import SourcePlan, TaskPlan, TaskPlans
    from pipeline.spark.tasks import Answered
    from pipeline.spark.worker import Attempt
    from pipeline.statistics.options import StatisticsOptions

    Answers = Callable[[str, "TaskPlans | Partitions", Callable[..., Any], object], Iterator[Answered]]

_MAX_PARTITIONS = 256
_GROUPS = 1_024  # of a batch in a file


@dataclass(frozen=True, kw_only=True)
class Parting:
    """How all tasks part rows.

    Attributes:
        rows: what they read.
        options: what is aggregated, with the kinds that the records of all sessions say.
        partitions: how many there are.
        target: what the destination is called in errors.
    """

    rows: SourcePlan
    options: StatisticsOptions
    partitions: int
    target: str


def part_rows(plan: TaskPlan, attempt: Attempt) -> dict[str, Any]:
    """Part the rows of whole sessions by their groups, into a file in the work directory.

    Returns:
        its name as `part`, `rows` of each partition, and figures of the measurements as `times`, a record of `Content`.

    Raises:
        SourceError: the rows cannot be read, or are not those that were imported.
        DestinationError: the file cannot be written.
    """
    how: Parting = attempt.shared
    selected = plan.select(how.rows)
    places = {session.session_id: (plan.first + at, session.started_at) for at, session in enumerate(plan.sessions)}
    times = Content(digested=False)
    path = attempt.path("rows")
    with part_file(path, how.target, sync=False, hashed=False) as out:
        rows = PartitionedRows(out, selected.scan.schema, how.options, partitions=how.partitions)
        for batch in selected.batches(rows.columns):
            times.add(batch, columns=[])
            session, start = places[batch.column("session_id")[0].as_py()]
            rows.add(batch, session=session, start=start)
        rows.finish()
    return {"part": path.name, "rows": rows.rows.tolist(), "times": times.record()}


@dataclass(frozen=True, kw_only=True)
class Reducing:
    """How all tasks aggregate partitions.

    Attributes:
        files: names of the files of all partitions, in the order of their sessions.
        schema: of the measurements.
        starts: when each of all sessions starts, for windows that begin there; else empty.
        how: the rest.
    """

    files: Sequence[str]
    schema: pa.Schema
    starts: Sequence[int]
    how: Aggregating


def reduce_rows(partition: int, attempt: Attempt) -> dict[str, Any]:
    """Aggregate a partition, into an Arrow stream in the work directory.

    Returns:
        its name as `part`.

    Raises:
        SourceError: a file is not as it was written.
        DestinationError: something cannot be read or written.
    """
    shared: Reducing = attempt.shared
    path = attempt.path("statistics")
    with temporary_directory() as spill:
        batches = reduce_partition(
            [attempt.directory / name for name in shared.files],
            partition,
            shared.schema,
            shared.how.options,
            batch_size=_GROUPS,
            temporary_directory=spill,
            starts=shared.starts,
            budget_bytes=shared.how.budget_bytes,
        )
        first = next(batches)  # a partition that is aggregated has rows
        with (
            part_file(path, shared.how.target, sync=False, hashed=False) as out,
            pa.ipc.new_stream(out, first.schema) as stream,
        ):
            stream.write_batch(first)
            for batch in batches:
                stream.write_batch(batch)
    return {"part": path.name}


@dataclass(frozen=True)
class Partitions:
    """Plans of the tasks that aggregate partitions: those that have rows.

    Attributes:
        numbers: of the partitions.
        counts: how many rows each has.
    """

    numbers: Sequence[int]
    counts: Sequence[int]

    def __len__(self) -> int:
        """How many tasks there are."""
        return len(self.numbers)

    def rows(self, task: int) -> int:
        """Count the rows of a task."""
        return self.counts[task]

    def __getitem__(self, task: int) -> int:
        """Give the plan of a task, its partition."""
        return self.numbers[task]


def aggregate_in_partitions(
    selected: Selected, plans: TaskPlans, how: Aggregating, work: Path, answers: Answers
) -> Aggregated:
    """Aggregate rows whose groups span tasks: the rows are read once, parted by group, and aggregated by partition.

    Args:
        selected: the rows.
        plans: the tasks that read them.
        how: what to aggregate, over all sessions.
        work: the work directory.
        answers: runs tasks: what they do in a word, their plans, entry, and what all of them need.

    Raises:
        SourceError: a window reaches beyond the times that can be counted.
        PipelineError: a task failed.
    """
    schema, options = selected.scan.schema, how.options
    count = min(len(plans), _MAX_PARTITIONS)
    parting = Parting(rows=how.rows, options=options, partitions=count, target=how.target)
    parted = [answered.value for answered in sorted(answers("reading", plans, part_rows, parting))]
    times = united([one["times"] for one in parted])
    if times.first_timestamp is not None and times.last_timestamp is not None:
        check_windows(times.first_timestamp, times.last_timestamp, schema, options)
    rows = np.sum([one["rows"] for one in parted], axis=0)
    held = np.flatnonzero(rows)
    reducing = Reducing(
        files=[one["part"] for one in parted],
        schema=schema,
        starts=[session.started_at for session in selected.sessions] if options.is_from_start else (),
        how=how,
    )
    partitions = Partitions(held.tolist(), rows[held].tolist())
    reduced = [answered.value for answered in sorted(answers("aggregating", partitions, reduce_rows, reducing))]
    return Aggregated(in_order([read_part(work / one["part"]) for one in reduced], schema, options), times)


def read_part(path: Path) -> Iterator[pa.RecordBatch]:
    """Read the Arrow stream that a task left."""
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        yield from stream


def united(records: Sequence[Mapping[str, Any]]) -> Content:
    """Unite the figures of the measurements of tasks, in their order."""
    whole = Content(digested=False)
    for record in records:
        whole.include(Content.restored(record))
    return whole
