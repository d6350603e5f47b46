"""`pipeline runs`: the history of jobs, out of their packages."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.output import size
from pipeline.cli.streams import json_line, writing_to_standard_output
from pipeline.cli.table import print_table

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="where the packages of jobs are, at any depth")
    parser.add_argument("--json", action="store_true", help="print them as a line of JSON")


def _run(options: argparse.Namespace) -> int:
    from pipeline.jobs.history import list_runs  # noqa: PLC0415

    found = list_runs(options.directory)
    if options.json:
        with writing_to_standard_output():
            sys.stdout.write(json_line([asdict(one) for one in found]))
        return 0
    rows = [
        (
            "" if one.at is None else f"{one.at[:19]}Z",
            one.job,
            one.export,
            one.period,
            one.reason or "",
            "" if one.sessions is None else f"{one.sessions:,}",
            "" if one.rows is None else f"{one.rows:,}",
            "" if one.bytes is None else size(one.bytes),
            "" if one.replaced_by is None else f"replaced ({one.replaced_by})",
        )
        for one in found
    ]
    print_table(("at", "job", "export", "period", "reason", "sessions", "rows", "size", "since then"), rows)
    return 0


COMMAND = Command(
    name="runs",
    help="list what jobs published, when and why, out of the packages themselves",
    example="pipeline runs published",
    usage="DIR",
    add_options=_add_options,
    run=_run,
)
