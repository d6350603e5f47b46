"""`pipeline catalog`: a DuckDB file of the views, for any DuckDB client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output_file, add_quiet, add_source
from pipeline.cli.output import counted
from pipeline.cli.progress import Progress
from pipeline.cli.streams import reporting

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser, standard_input=False)
    add_output_file(parser, "the DuckDB file", "replace a DuckDB file that is there")
    add_quiet(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.notebook.catalog import write_catalog  # noqa: PLC0415

    with Progress("reading records", quiet=options.quiet):
        sessions = write_catalog(options.source, options.to, overwrite=options.overwrite)
    if not options.quiet:
        with reporting("the file is written"):
            print(f"{options.to}: views measurements and sessions, {counted(sessions, 'session')}")
    return 0


COMMAND = Command(
    name="catalog",
    help="write a DuckDB file of views on a source, for any DuckDB client",
    example="pipeline catalog STORE --to measurements.duckdb",
    usage="SOURCE... --to FILE.duckdb",
    add_options=_add_options,
    run=_run,
)
