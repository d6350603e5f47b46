"""What workers of a cluster do of an export: write files of measurements, aggregate sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.temporary import temporary_directory
from pipeline.export.writing import TableWriter
from pipeline.publish.work_directory import part_file, sync_parts
from pipeline.statistics.aggregation import statistics_schema
from pipeline.tables.measurements import measurement_files
from pipeline.tables.statistics import aggregated_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.export.options import Form
    from pipeline.spark.plans import SourcePlan, TaskPlan
    from pipeline.spark.worker import Attempt
    from pipeline.statistics.options import StatisticsOptions


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How all tasks write measurements.

    Attributes:
        rows: what they read.
        form: of the files.
        source: name and fingerprint of the source.
        is_joined: each writes one file, which is put behind that of the task before; else one a session.
        rows_of_a_part: rows after which a file ends.
        digested: compute digests.
        hashed: compute SHA-256.
        sync: make files durable.
        target: what the destination is called in errors.
    """

    rows: SourcePlan
    form: Form
    source: Mapping[str, str]
    is_joined: bool
    rows_of_a_part: int | None
    digested: bool
    hashed: bool
    sync: bool
    target: str


def write_measurements(plan: TaskPlan, attempt: Attempt) -> list[dict[str, Any]]:
    """Write the files of some sessions.

    Returns:
        the record of each file as a stage has it, `part`, which names it in the work directory, and of files of one
        session each, `parts`: how many the session has.

    Raises:
        SourceError: the rows cannot be read, or are not those that were imported.
        DestinationError: a file cannot be written.
    """
    how: Writing = attempt.shared
    selected = plan.select(how.rows)
    writer = TableWriter(
        lambda _: how.form,
        selected.described,
        source=lambda: how.source,
        timestamp_unit=how.rows.timestamp_unit,
        threads=1,  # a slot of a cluster is one core
        continues=how.is_joined and plan.first > 0,
    )
    records: list[dict[str, Any]] = []
    parts, sessions = Counter[str](), list[str]()
    for file in measurement_files(
        selected,
        per_session=not how.is_joined,
        rows_per_file=how.rows_of_a_part,
        digested=how.digested,
        ahead=False,
        finished={},
        names=plan.names,
    ):
        path = attempt.path(file.provisional_name)
        with part_file(path, how.target, sync=how.sync, hashed=how.hashed) as out:
            writer.rows(file, out)
        known = {"bytes": out.bytes, "sha256": out.sha256, "content": file.content.record()}
        records.append({"name": file.provisional_name, "part": path.name, **known})
        parts[file.sessions[0].session_id] += 1
        sessions.append(file.sessions[0].session_id)
    if how.sync:
        sync_parts(attempt.directory, how.target)
    return [{**record, "parts": parts[one]} for record, one in zip(records, sessions, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Aggregating:
    """How all tasks aggregate.

    Attributes:
        rows: what they read.
        options: what to aggregate by, with the kinds that the records of all sessions say.
        budget_bytes: memory for it.
        target: what the destination is called in errors.
    """

    rows: SourcePlan
    options: StatisticsOptions
    budget_bytes: int
    target: str


def aggregate_sessions(plan: TaskPlan, attempt: Attempt) -> dict[str, Any]:
    """Aggregate whole sessions, into an Arrow stream in the work directory.

    Returns:
        its name as `part`, and figures of the measurements as `times`, a record of `Content`.

    Raises:
        SourceError: the rows cannot be read, or are not those that were imported.
        DestinationError: something cannot be written.
    """
    how: Aggregating = attempt.shared
    selected = plan.select(how.rows)
    path = attempt.path("statistics")
    with temporary_directory() as spill:
        batches, times = aggregated_rows(
            selected, how.options, temporary_directory=spill, budget_bytes=how.budget_bytes, ahead=False
        )
        schema = statistics_schema(how.options, selected.scan.schema)
        with (
            part_file(path, how.target, sync=False, hashed=False) as out,
            pa.ipc.new_stream(out, schema) as stream,
        ):
            for batch in batches:
                stream.write_batch(batch)
    return {"part": path.name, "times": times.record()}
