"""`pipeline sessions`: lists the sessions of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_list_format, add_source, count, names

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--where-session", metavar="SQL", help="only sessions for which this holds")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="M", help="only sessions that have this metric; repeatable"
    )
    parser.add_argument("--since", metavar="T", help="only sessions with measurements from this time on")
    parser.add_argument("--until", metavar="T", help="only sessions with measurements before this time")
    parser.add_argument(
        "--columns", type=names, metavar="C,...", help="these columns, attributes and values of the configuration"
    )
    parser.add_argument("--limit", type=count, metavar="N", help="the first N sessions")
    add_list_format(parser)
    parser.add_argument("--timezone", metavar="TZ", help="zone of days, and of times that name none (default: UTC)")


def _run(options: argparse.Namespace) -> int:
    from pipeline.api import find_sessions  # noqa: PLC0415
    from pipeline.cli.progress import Progress  # noqa: PLC0415
    from pipeline.cli.session_rows import print_session_table, print_sessions  # noqa: PLC0415
    from pipeline.cli.streams import warn  # noqa: PLC0415
    from pipeline.selection.options import Selection  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    selection = Selection(
        metrics=tuple(options.metric),
        since=options.since,
        until=options.until,
        where_session=options.where_session,
        timezone=options.timezone,
    )
    with named_sources(options.source, options.input_format) as named, Progress("reading records", quiet=False):
        found = find_sessions(named.paths, selection)
    warn(found.warnings)
    sessions = found.sessions[: options.limit]
    if options.format == "table":
        print_session_table(sessions, options.columns, total=len(found.sessions))
    else:
        print_sessions(sessions, found.inventory.timestamp_unit, options.columns, options.format)
    return 0


COMMAND = Command(
    name="sessions",
    help="list the sessions of a source",
    example="pipeline sessions STORE --format json",
    usage="SOURCE...",
    add_options=_add_options,
    run=_run,
)
