"""`pipeline compare`: whether sessions differ from others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.cli.check import MISSED
from pipeline.cli.command import Command
from pipeline.cli.options import add_choice, add_session_selection, add_source, session_selection_of

if TYPE_CHECKING:
    import argparse

    from pipeline.compare.comparison import Comparison


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--baseline", metavar="SQL", help="sessions to compare with: those for which this holds")
    parser.add_argument("--candidate", metavar="SQL", help="sessions that are compared")
    parser.add_argument(
        "--baseline-source", action="append", default=[], metavar="SOURCE", help="where the baseline is; repeatable"
    )
    parser.add_argument(
        "--figure", action="append", default=[], metavar="F", help="of a session; repeatable (default: p50 and p95)"
    )
    parser.add_argument("--metric", action="append", default=[], metavar="M", help="only this metric; repeatable")
    parser.add_argument(
        "--better", choices=("lower", "higher"), metavar="WAY", help="lower, higher: where records do not say it"
    )
    parser.add_argument("--min-effect", default="2%", metavar="PART", help="smallest shift that counts (default: 2%%)")
    parser.add_argument(
        "--fail-on", choices=("regression",), metavar="WHAT", help="regression: exit with 6 if there is one"
    )
    add_choice(parser, "--format", ("table", "json"), "table", metavar="F")
    add_session_selection(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.cli.progress import Progress  # noqa: PLC0415
    from pipeline.cli.streams import warn  # noqa: PLC0415
    from pipeline.compare.run import DEFAULT_FIGURES, compare_sessions  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    with named_sources(options.source, options.input_format) as named, Progress("comparing", quiet=False):
        found = compare_sessions(
            named.paths,
            options.baseline,
            options.candidate,
            baseline_source=options.baseline_source or None,
            figures=options.figure or DEFAULT_FIGURES,
            better=options.better,
            min_effect=options.min_effect,
            metrics=options.metric,
            **session_selection_of(options),
        )
    warn(found.warnings)
    _print(found, options.format)
    return MISSED if options.fail_on == "regression" and found.regressions else 0


def _print(found: Comparison, form: str) -> None:
    from pipeline.cli.streams import json_line, writing_to_standard_output  # noqa: PLC0415
    from pipeline.cli.table import print_table  # noqa: PLC0415
    from pipeline.compare.comparison import CONFIGURATION_HEADER, HEADER  # noqa: PLC0415

    if form == "json":
        with writing_to_standard_output():
            sys.stdout.write(json_line(found.describe()))
        return
    print_table(HEADER, [one.row() for one in found.rows], [found.summary()])
    if found.configuration:
        print()
        print_table(CONFIGURATION_HEADER, [one.row() for one in found.configuration])


COMMAND = Command(
    name="compare",
    help="compare sessions with others, one figure a session",
    example="pipeline compare STORE --baseline \"version = '1.4'\" --candidate \"version = '1.5'\"",
    usage="SOURCE... --baseline SQL --candidate SQL",
    add_options=_add_options,
    run=_run,
)
