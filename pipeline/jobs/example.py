"""The commented job file that `pipeline init-job` writes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.disk.local_path import local_path
from pipeline.errors import DestinationError

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = """\
# A job of `pipeline run`: what of a store is new or changed is published, period by period.
# Try it with `pipeline run {file} --dry-run`; docs/jobs.md explains each key.
# Relative paths begin at the directory of this file; ${{NAME}} is a variable of the environment.

source = "results"                     # the store; [import] below makes it where it is not there
timezone = "Europe/Berlin"             # of days, weeks and months; UTC where nothing is said
# metrics = "{stem}.prom"              # figures of the last run, for Prometheus' node_exporter

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


def write_example(path: str | Path) -> None:
    """Write a job file with comments, to begin with.

    Args:
        path: the file, which is not there yet.

    Raises:
        DestinationError: it is there already, or cannot be written.
        UsageError: it is a URL.
    """
    file = local_path(path)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(EXAMPLE.format(file=os.fspath(path), stem=file.stem))
    except FileExistsError as error:
        raise DestinationError(f"{path}: is there already; choose another name") from error
    except OSError as error:
        raise DestinationError(f"{path}: cannot be written ({error.strerror})") from error
