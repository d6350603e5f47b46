"""`pipeline init-job`: a job file to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.streams import reporting

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB.toml", help="the file, which is not there yet")


def _run(options: argparse.Namespace) -> int:
    from pipeline.jobs.example import dry_run_of, write_example  # noqa: PLC0415

    write_example(options.job)
    with reporting("the job file is written"):
        print(f"{options.job}: edit it, then see what it would do: {dry_run_of(options.job)}")
    return 0


COMMAND = Command(
    name="init-job",
    help="write a job file with comments, to begin with",
    example="pipeline init-job nightly.toml",
    usage="JOB.toml",
    add_options=_add_options,
    run=_run,
)
