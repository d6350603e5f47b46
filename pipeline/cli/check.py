"""`pipeline check`: whether sessions meet targets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_choice, add_session_selection, add_source, session_selection_of

if TYPE_CHECKING:
    import argparse

    from pipeline.targets.verdicts import Check

MISSED = 6
"""The exit status of a target that is missed, has no data or cannot be told."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--targets", required=True, metavar="FILE", help="TOML file of the targets")
    add_choice(parser, "--format", ("table", "json", "junit"), "table", metavar="F")
    add_session_selection(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.cli.progress import Progress  # noqa: PLC0415
    from pipeline.cli.streams import warn  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415
    from pipeline.targets.check import check_targets  # noqa: PLC0415

    with (
        named_sources(options.source, options.input_format) as named,
        Progress("checking targets", quiet=False),
    ):
        check = check_targets(named.paths, options.targets, **session_selection_of(options))
    warn(check.warnings)
    _print(check, options.format)
    return 0 if check.is_met else MISSED


def _print(check: Check, form: str) -> None:
    from pipeline.cli.streams import json_line, writing_to_standard_output  # noqa: PLC0415
    from pipeline.cli.table import print_table  # noqa: PLC0415
    from pipeline.targets.junit import junit_lines  # noqa: PLC0415
    from pipeline.targets.verdicts import HEADER  # noqa: PLC0415

    if form == "table":
        print_table(HEADER, check.rows(), [check.summary()])
        return
    with writing_to_standard_output():
        if form == "json":
            sys.stdout.write(json_line(check.describe()))
        else:
            print("\n".join(junit_lines(check)))


COMMAND = Command(
    name="check",
    help="check whether sessions meet targets",
    example="pipeline check STORE --targets targets.toml",
    usage="SOURCE... --targets FILE",
    add_options=_add_options,
    run=_run,
)
