"""The commented job file that `pipeline init-job` writes."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from pipeline.disk.local_path import local_path
from pipeline.errors import DestinationError
from pipeline.jobs.job_file import JOB_NAME

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = """\
# A job of `pipeline run`: what of a store is new or changed is published, period by period.
# Try it with `{command}`; docs/jobs.md explains each key.
# Relative paths begin at the directory of this file; ${{NAME}} is a variable of the environment.

{name}source = "results"                     # the store; [import] below makes it where it is not there
timezone = "Europe/Berlin"             # of days, weeks and months; UTC where nothing is said
# metrics = "{job}.prom"              # figures of the last run, for Prometheus' node_exporter

[import]                               # first, what came comes into the store; leave it out if something else does it
files = ["incoming/*"]
settle = "1m"                          # younger files wait: they may be half copied
# if_exists = "replace"                # a file that has grown replaces its sessions; else that is a warning

[[export]]                             # one package a day of all measurements
name = "measurements"
kind = "measurements"
period = "day"                         # 1h 2h 3h 4h 6h 8h 12h, day, week, month, session, all
to = "published/measurements/{{period}}"
format = "parquet"                     # and all other options of `pipeline export`, with _ for -
grace = "2h"                           # a day is published when it has been over for so long
# keep = "90d"                         # older packages are removed; or a number of periods; else all are kept

[[export]]                             # and one a week of statistics in windows of an hour
name = "statistics"
kind = "statistics"
period = "week"
to = "published/statistics/{{period}}"
window = "1h"
grace = "2h"
"""


def dry_run_of(path: str | Path) -> str:
    """Give the command that says what a job would do, as a shell takes it; in one line, whatever the file is called."""
    name = f"./{path}" if os.fspath(path).startswith("-") else os.fspath(path)
    return f"pipeline run {shlex.quote(name) if name.isprintable() else 'JOB.toml'} --dry-run"


def write_example(path: str | Path) -> None:
    """Write a job file with comments, to begin with.

    Args:
        path: the file, which is not there yet.

    Raises:
        DestinationError: it is there already, or cannot be written.
        UsageError: it is a URL.
    """
    file = local_path(path)
    job = _job_name(file.stem)
    # What the file is called is the job's name, where it can be.
    name = "" if job == file.stem else f'name = "{job}"  # the name of this file cannot stand in packages\n'
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(EXAMPLE.format(command=dry_run_of(path), job=job, name=name))
    except FileExistsError as error:
        raise DestinationError(f"{path}: is there already; choose another name") from error
    except OSError as error:
        raise DestinationError(f"{path}: cannot be written ({error.strerror})") from error


def _job_name(stem: str) -> str:
    """Give the name of a job whose file is called so."""
    if JOB_NAME.fullmatch(stem):
        return stem
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:64] or "job"
