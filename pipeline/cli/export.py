"""`pipeline export`: raw measurements as a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_source, add_target
from pipeline.cli.publishing import add_publishing, publish

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_target(parser, scope="cross-session", format="ndjson")
    parser.add_argument("--with-statistics", action="store_true", help="add the statistics of each session, as CSV")
    add_publishing(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.api import export_measurements  # noqa: PLC0415

    return publish(options, export_measurements, with_statistics=options.with_statistics)


COMMAND = Command(
    name="export",
    help="export raw measurements as a package",
    example="pipeline export STORE --to exports --format json --scope per-session",
    usage="SOURCE... --to DIR|-",
    add_options=_add_options,
    run=_run,
    undone="nothing was published",
)
