"""Tasks on a cluster: plans go out as files, small answers come back; the engine carries little more than numbers."""

from __future__ import annotations

import json
import os
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import ClusterError, DestinationError
from pipeline.spark.failures import raise_answered
from pipeline.spark.versions import versions_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

_ANSWER = "task bigint, answer binary"
_ENTRY = "pipeline.spark.worker:work"


class Answered(NamedTuple):
    """A task that is done.

    Attributes:
        task: its number, the place of its plan.
        value: what its entry gave, a JSON value.
    """

    task: int
    value: Any


def tasks_on(
    session: Any,  # noqa: ANN401 - of a client that is loaded where it is used
    work_directory: Path,
    plans: Iterable[object],
    entry: str,
    *,
    shared: object = None,
) -> Iterator[Answered]:
    """Run an entry once for each plan, at least once: an engine tries again what a lost worker left.

    The entry is called as `function(plan, attempt)` on a worker, which has our package, and sees the work directory
    under the same path. What it leaves for others lies in files whose names `attempt.path(name)` gives, unique to the
    attempt; it names them in its answer. Only the attempts that are answered count; what others leave is removed with
    the work directory.

    Args:
        session: what `connected` gives.
        work_directory: where plans lie, and what the attempts leave; an absolute path.
        plans: objects that can be pickled, one a task; they are asked for once.
        entry: names the function, `module:function`; it gives a JSON value of a few kB.
        shared: what all of them need, once; `attempt.shared` has it.

    Yields:
        the answers, as they come; each task's once.

    Raises:
        PipelineError: the first that a task ended with, of the same class and text.
        ClusterError: a task failed again and again, or got lost.
        DestinationError: a plan cannot be written.
    """
    stage = os.urandom(4).hex()
    count = _write_plans(work_directory, stage, plans, shared)
    if not count:
        return
    run = _runner(str(work_directory), stage, entry, versions_here())
    answered: set[int] = set()
    # One row a partition, one partition a task: all that both engines have in common.
    for row in session.range(0, count, 1, count).mapInArrow(run, _ANSWER).toLocalIterator():
        answer = json.loads(bytes(row.answer))
        if "error" in answer:
            raise_answered(answer["error"])
        answered.add(row.task)
        yield Answered(row.task, answer["value"])
    if len(answered) != count:
        raise ClusterError(f"the cluster answered {len(answered)} of {count} tasks; run it again")


def _write_plans(directory: Path, stage: str, plans: Iterable[object], shared: object) -> int:
    """Write the plans, and count them."""
    count = 0
    try:
        (directory / f"{stage}-shared").write_bytes(pickle.dumps(shared))
        for plan in plans:
            (directory / f"{stage}-plan-{count}").write_bytes(pickle.dumps(plan))
            count += 1
    except OSError as error:
        raise DestinationError(f"{directory}: cannot be written ({error.strerror or error})") from error
    return count


def _runner(
    directory: str, stage: str, entry: str, versions: dict[str, str]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Make what the engine calls: pickled by value, it needs nothing of ours to be there before it has looked."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import importlib  # noqa: PLC0415 - it is another process
        import json  # noqa: PLC0415
        import socket  # noqa: PLC0415

        import pyarrow as pa  # noqa: PLC0415

        for batch in batches:
            for task in batch.column(0).to_pylist():
                try:
                    work = importlib.import_module("pipeline.spark.worker").work
                except ImportError as error:
                    text = f"the worker {socket.gethostname()} has no measurement-export-pipeline of this version"
                    answer = {"error": {"class": "UsageError", "text": f"{text} ({error}); install it there"}}
                else:
                    answer = work(directory, stage, task, entry, versions)
                told = json.dumps(answer).encode()
                yield pa.RecordBatch.from_pydict(
                    {"task": pa.array([task], pa.int64()), "answer": pa.array([told], pa.binary())}
                )

    return run
