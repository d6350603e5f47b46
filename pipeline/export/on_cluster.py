"""The driver of an export on a cluster: workers fill the stage, or aggregate; then the ordinary run goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.disk.safe_names import safe_names
from pipeline.errors import UsageError
from pipeline.export.cluster_tasks import Aggregating, Writing, aggregate_sessions, write_measurements
from pipeline.export.pooled_on_cluster import aggregate_in_partitions, read_part, united
from pipeline.export.writing import whole_scopes
from pipeline.publish.work_directory import move_part, new_part, part_file, sync_parts, work_directory
from pipeline.rows.content import Content
from pipeline.runtime.progress import phase
from pipeline.runtime.threads import WrittenBehind
from pipeline.sources.open import part_stores, source_paths
from pipeline.spark.client import connected, require_listening
from pipeline.spark.plans import DEFAULT_ROWS, TaskPlans, plan_source
from pipeline.spark.tasks import tasks_on
from pipeline.tables.statistics import Aggregated
from pipeline.tables.table_file import provisional_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.export.options import ExportOptions
    from pipeline.export.pooled_on_cluster import Partitions
    from pipeline.model.session import Session
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
        """Let workers write the files of measurements that the stage lacks.

        Args:
            selected: the rows.
            source: name and fingerprint of the source.

        Raises:
            PipelineError: a task failed.
        """
        selected.check_redacted(selected.choose_columns(selected.scan.schema.names))
        is_joined = self.options.scope == "cross-session"
        how = Writing(
            rows=plan_source(selected),
            form=self.options.form("measurements"),
            source=source,
            is_joined=is_joined,
            rows_of_a_part=self.options.rows_of_a_part,
            digested=self.options.digested,
            hashed=self.options.hashed and not is_joined,
            sync=self.options.sync and not is_joined,
            target=str(self.options.to),
        )
        (self._join if is_joined else self._take_files)(selected, how)

    def _take_files(self, selected: Selected, how: Writing) -> None:
        """Take the files of each session as soon as they are answered."""
        names = safe_names(session.session_id for session in selected.sessions)
        whole = whole_scopes(self.stage, is_split=self.options.rows_of_a_part is not None)
        left = [one for one in selected.sessions if f"session-{names[one.session_id]}" not in whole]
        plans = self._plans(selected, left, names)
        for answered in self._answers("writing", plans, write_measurements, how):
            self.stage.adopt({self.work / record["part"]: _recorded(record) for record in answered.value})

    def _join(self, selected: Selected, how: Writing) -> None:
        """Put the files of all tasks one behind the other, in their order, as they are answered."""
        name = provisional_name("measurements", "cross-session", 1)
        if name in self.stage.finished:
            return
        plans = self._plans(selected)
        if not len(plans):
            return  # a file without rows is written here
        content = Content(digested=self.options.digested)
        waiting: dict[int, Mapping[str, Any]] = {}
        joined = 0
        target, sync = str(self.options.to), self.options.sync
        path = new_part(self.work, name)
        with part_file(path, target, sync=sync, hashed=self.options.hashed) as out, WrittenBehind(*out.split()) as sink:
            for answered in self._answers("writing", plans, write_measurements, how):
                (waiting[answered.task],) = answered.value
                while (record := waiting.pop(joined, None)) is not None:
                    move_part(self.work / record["part"], sink, target)
                    content.include(Content.restored(record["content"]))
                    joined += 1
        if sync:
            sync_parts(self.work, target)
        known = {"bytes": out.bytes, "sha256": out.sha256, "content": content.record()}
        self.stage.adopt({path: {"name": name, **known}})

    def aggregate(self, selected: Selected, options: StatisticsOptions) -> Aggregated:
        """Let workers aggregate the rows; their statistics lie in the work directory.

        Args:
            selected: the rows.
            options: what to aggregate by, with the kinds that records say.

        Raises:
            PipelineError: a task failed.
        """
        plans = self._plans(selected)
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

    def _plans(
        self,
        selected: Selected,
        sessions: Sequence[Session] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> TaskPlans:
        """Cut sessions into tasks, all by default; where they have no files of their own, their names are their ids."""
        chosen = selected.sessions if sessions is None else sessions
        named = names or {session.session_id: session.session_id for session in chosen}
        return TaskPlans(selected, chosen, named, self.options.rows_per_task or DEFAULT_ROWS)

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
