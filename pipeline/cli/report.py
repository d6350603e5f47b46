"""`pipeline report`: what a source holds, as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import (
    add_grouping,
    add_output_file,
    add_quiet,
    add_session_selection,
    add_source,
    add_tuning,
    session_selection_of,
)
from pipeline.cli.output import size
from pipeline.cli.progress import Progress
from pipeline.cli.streams import reporting, warn

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_output_file(parser, "the page, .html", "replace a report that is there")
    parser.add_argument("--targets", metavar="FILE", help="TOML file of targets, whose verdicts come first")
    parser.add_argument("--baseline", metavar="SQL", help="sessions to compare with: those for which this holds")
    parser.add_argument("--candidate", metavar="SQL", help="sessions that are compared")
    add_grouping(parser)
    parser.add_argument("--metric", action="append", default=[], metavar="M", help="only this metric; repeatable")
    parser.add_argument(
        "--redact", action="append", default=[], metavar="PATH", help="hide configuration.PATH; repeatable"
    )
    add_session_selection(parser)
    add_quiet(parser)
    add_tuning(parser, batch_size=False)


def _run(options: argparse.Namespace) -> int:
    from pathlib import Path  # noqa: PLC0415

    from pipeline.notebook.charts import write_report  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    warnings: list[str] = []
    with (
        named_sources(options.source, options.input_format) as named,
        Progress("planning", quiet=options.quiet),
    ):
        is_new = write_report(
            named.paths,
            options.to,
            targets=options.targets,
            baseline=options.baseline,
            candidate=options.candidate,
            by=options.by,
            kinds=options.kind,
            lost=options.lost,
            metrics=options.metric,
            redact=options.redact,
            overwrite=options.overwrite,
            threads=options.threads,
            memory_limit=options.memory_limit,
            on_warning=warnings.append,
            **session_selection_of(options),
        )
    warn(warnings)
    if not options.quiet:
        with reporting("the report is written"):
            done = "" if is_new else "is this report already; nothing to do, "
            print(f"{options.to}: {done}{size(Path(options.to).stat().st_size)}")
    return 0


COMMAND = Command(
    name="report",
    help="write a page of figures and charts, one HTML file",
    example="pipeline report STORE --to report.html --by network_profile",
    usage="SOURCE... --to FILE.html",
    add_options=_add_options,
    run=_run,
    undone="no report was written",
)
