"""Metrics of a job's runs in Prometheus' text format, for the textfile collector of node_exporter.

Written whole, without timestamps, each sample once: the collector drops other files without an error.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.files import writing_errors
from pipeline.disk.regular import read_regular, require_regular
from pipeline.errors import DestinationError
from pipeline.jobs.result import MISSED
from pipeline.publish.file_stage import published_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.jobs.job import Job
    from pipeline.jobs.result import JobResult

_LAST_SUCCESS = "pipeline_job_last_success_timestamp_seconds"
_BEGIN = "# HELP pipeline_job_"
_OUTCOMES = ("published", "taken over", "unchanged", "empty", "removed", "failed")


class _Family(NamedTuple):
    name: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


def write_metrics(job: Job, result: JobResult, *, ended_at: float) -> None:
    """Write the metrics of a run; the time of the last success is kept where this run is none.

    Args:
        job: the job, which names the file.
        result: what the run did.
        ended_at: when, in seconds since the epoch.

    Raises:
        DestinationError: the file cannot be written.
        BusyError: another run is writing it.
    """
    if job.metrics is None:
        return
    success = ended_at if result.exit_status in {0, 8} else _last_success(job.metrics, job.name)
    text = "".join(map(_text, _families(job, result, ended_at, success)))
    with writing_errors(job.metrics):
        job.metrics.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            require_regular(job.metrics.stat(), job.metrics)  # a device would be replaced, too
            _require_own(job)
    with published_file(job.metrics, overwrite=True) as made:
        made.write_text(text, encoding="utf-8")


def _require_own(job: Job) -> None:
    """Leave alone what is no file of metrics of this job: each run replaces it.

    Raises:
        DestinationError: it is none.
        OSError: it cannot be read.
    """
    path = job.metrics
    if path is None:
        return
    if path.is_symlink():
        raise DestinationError(f"{path}: is a symbolic link, which would be replaced; name the file itself")
    text = read_regular(path).decode(errors="replace")
    if text and not text.startswith(_BEGIN):
        raise DestinationError(f"{path}: holds no metrics of a job, and is left as it is; choose another `metrics`")
    whose = re.search(r"\{job_name=(\"(?:[^\"\\]|\\.)*\")", text)
    if whose is not None and whose[1] != _quoted(job.name):
        raise DestinationError(f"{path}: holds the metrics of job {whose[1]}; give each job its own file, or remove it")


def _families(job: Job, result: JobResult, ended_at: float, success: float | None) -> list[_Family]:
    own = {"job_name": job.name}
    counts = Counter((one.export, one.outcome) for one in result.periods)
    missed = Counter(one.export for one in result.periods if one.status == MISSED)
    rows: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for one in result.periods:
        rows[one.export] += one.rows
        size[one.export] += one.bytes
    exports = [export.name for export in job.exports]
    memory = max((one.peak_memory_bytes for one in result.periods), default=0)

    def by_export(values: Mapping[str, float]) -> list[tuple[Mapping[str, str], float]]:
        return [({**own, "export": name}, values.get(name, 0)) for name in exports]

    return [
        _Family("pipeline_job_last_run_timestamp_seconds", "When the last run ended.", [(own, ended_at)]),
        _Family(
            _LAST_SUCCESS,
            "When the last run ended in which nothing failed.",
            [] if success is None else [(own, success)],
        ),
        _Family("pipeline_job_exit_status", "Exit status of the last run.", [(own, result.exit_status)]),
        _Family("pipeline_job_duration_seconds", "How long the last run took.", [(own, round(result.seconds, 3))]),
        _Family(
            "pipeline_job_peak_memory_bytes", "Most memory of the last run that published something.", [(own, memory)]
        ),
        _Family("pipeline_job_problems", "What failed in the last run beside periods.", [(own, len(result.problems))]),
        _Family(
            "pipeline_job_periods",
            "Periods of the last run, by what became of them.",
            [({**own, "export": name, "outcome": out}, counts[name, out]) for name in exports for out in _OUTCOMES],  # type: ignore[index] # words of both
        ),
        _Family(
            "pipeline_job_missed_periods",
            "Periods of the last run that did not meet all targets.",
            by_export(missed),
        ),
        _Family("pipeline_job_rows", "Rows that the last run published.", by_export(rows)),
        _Family("pipeline_job_bytes", "Bytes that the last run published.", by_export(size)),
        _Family(
            "pipeline_job_imported_sessions",
            "Sessions that the last run imported.",
            [(own, result.imported.get("sessions", 0))],
        ),
    ]


def _text(family: _Family) -> str:
    lines = [
        f"{family.name}{{{','.join(f'{name}={_quoted(value)}' for name, value in labels.items())}}} {number!r}\n"
        for labels, number in family.samples
    ]
    return f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n{''.join(lines)}" if lines else ""


def _quoted(value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _last_success(path: Path, name: str) -> float | None:
    """When the file says that a run succeeded, None where it says nothing."""
    try:
        text = read_regular(path).decode()
    except (OSError, ValueError):
        return None
    found = re.search(rf"^{_LAST_SUCCESS}\{{job_name={re.escape(_quoted(name))}\}} (\S+)$", text, re.MULTILINE)
    try:
        return None if found is None else float(found[1])
    except ValueError:
        return None
