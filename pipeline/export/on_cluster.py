"""The driver of an export on a cluster: workers fill the stage, or aggregate; then the ordinary run goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.disk.safe_names import safe_names
from pipeline.errors import UsageError
from pipeline.export.cluster_tasks import Aggregating, Writing, aggregate_sessions, write_measurements
from pipeline.export.pooled_on_cluster import aggregate_in_partitions, read_part, united
from pipeline.export.writing import whole_scopes
from pipeline.publish.work_directory import work_directory
from pipeline.runtime.progress import phase
from pipeline.sources.open import part_stores, source_paths
from pipeline.spark.client import connected, require_listening
from pipeline.spark.plans import DEFAULT_ROWS, TaskPlans, plan_source
from pipeline.spark.tasks import tasks_on
from pipeline.tables.statistics import Aggregated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pipeline.export.options import ExportOptions
    from pipeline.export.pooled_on_cluster import Partitions
    from pipeline.publish.stage import Stage
    from pipeline.selection.selected import Selected
    from pipeline.spark.tasks import Answered
    from pipeline.statistics.options import StatisticsOptions

    OnProgress = Callable[[int, int, int], None]


def require_cluster(options: ExportOptions) -> None:
    """Refuse sources that no worker can read, and look whether there is a server, before anything is opened.

    Raises:
        UsageError: the source is no store.
        ClusterError: no server answers.
    """
    _, others = part_stores(source_paths(options.source))
    if others:
        raise UsageError(
            f"--engine spark reads stores, whose sessions are in order and known; {others[0]} is none: "
            "bring it into one with `pipeline import`, or leave --engine out"
        )
    require_listening(str(options.master))


@contextmanager
def on_cluster(options: ExportOptions, stage: Stage, on_progress: OnProgress | None) -> Iterator[Cluster]:
    """Connect to the cluster of an export.

    Args:
        options: of the export.
        stage: of the package, which is held.
        on_progress: is called with the rows done, the rows there are, and the bytes written.

    Raises:
        ClusterError: no server answers, or it is lost.
        UsageError: the client is not installed.
    """
    with work_directory(stage.target) as work, connected(str(options.master)) as session:
        yield Cluster(options, session, work, stage, on_progress)


class Cluster(NamedTuple):
    """A cluster, connected, for one export.

    Attributes:
        options: of the export.
        session: of the client.
        work: the work directory.
        stage: of the package.
        on_progress: is told of it.
    """

    options: ExportOptions
    session: Any
    work: Path
    stage: Stage
    on_progress: OnProgress | None

    def write_measurements(self, selected: Selected, source: Mapping[str, str]) -> None:
        """Let workers write the files of sessions that the stage lacks, and take each as soon as it is answered.

        Args:
            selected: the rows.
            source: name and fingerprint of the source.

        Raises:
            PipelineError: a task failed.
        """
        selected.check_redacted(selected.choose_columns(selected.scan.schema.names))
        names = safe_names(session.session_id for session in selected.sessions)
        whole = whole_scopes(self.stage, is_split=self.options.rows_of_a_part is not None)
        left = [one for one in selected.sessions if f"session-{names[one.session_id]}" not in whole]
        plans = TaskPlans(selected, left, names, self.options.rows_per_task or DEFAULT_ROWS)
        how = Writing(
            rows=plan_source(selected),
            form=self.options.form("measurements"),
            source=source,
            rows_of_a_part=self.options.rows_of_a_part,
            digested=self.options.digested,
            hashed=self.options.hashed,
            sync=self.options.sync,
            target=str(self.options.to),
        )
        for answered in self._answers("writing", plans, write_measurements, how):
            self.stage.adopt({self.work / record["part"]: _recorded(record) for record in answered.value})

    def aggregate(self, selected: Selected, options: StatisticsOptions) -> Aggregated:
        """Let workers aggregate the rows; their statistics lie in the work directory.

        Args:
            selected: the rows.
            options: what to aggregate by, with the kinds that records say.

        Raises:
            PipelineError: a task failed.
        """
        names = {session.session_id: session.session_id for session in selected.sessions}
        plans = TaskPlans(selected, selected.sessions, names, self.options.rows_per_task or DEFAULT_ROWS)
        how = Aggregating(
            rows=plan_source(selected),
            options=options,
            budget_bytes=self.options.budget_bytes,
            target=str(self.options.to),
        )
        if options.pooled and len(plans) > 1:
            return aggregate_in_partitions(selected, plans, how, self.work, self._answers)
        answers = sorted(self._answers("aggregating", plans, aggregate_sessions, how))
        parts = [self.work / answered.value["part"] for answered in answers]
        batches = (batch for part in parts for batch in read_part(part))
        return Aggregated(batches, united([answered.value["times"] for answered in answers]))

    def _answers(
        self, doing: str, plans: TaskPlans | Partitions, entry: Callable[..., Any], shared: object
    ) -> Iterator[Answered]:
        """Give the answers of tasks as they come, and tell how far the work is."""
        total = sum(map(plans.rows, range(len(plans))))
        done = 0
        with phase(doing, total) as current:
            current.note = f"0 of {len(plans)} tasks"
            each = (plans[task] for task in range(len(plans)))
            answers = tasks_on(self.session, self.work, each, f"{entry.__module__}:{entry.__name__}", shared=shared)
            for count, answered in enumerate(answers, 1):
                yield answered
                current.note = f"{count} of {len(plans)} tasks"
                current.add(plans.rows(answered.task))
                done += plans.rows(answered.task)
                if self.on_progress is not None:
                    self.on_progress(done, total, self.stage.bytes)


def _recorded(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "part"}
