"""`pipeline delete`: sessions go from a store."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output, add_wait
from pipeline.cli.output import counted, duration
from pipeline.cli.progress import Progress
from pipeline.cli.streams import json_line, reporting, tell, warn
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.store.deletion import DeletionResult


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="the store")
    parser.add_argument("--session", action="append", default=[], metavar="ID", help="a session; repeatable")
    parser.add_argument("--where-session", metavar="SQL", help="sessions for which this holds")
    parser.add_argument("--dry-run", action="store_true", help="say which sessions would be deleted")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-record", action="store_true", help="write nothing into deletions.ndjson of the store")
    add_wait(parser)
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.api import delete_sessions  # noqa: PLC0415

    chosen = {"sessions": options.session, "where_session": options.where_session}
    if not (options.yes or options.dry_run):
        with Progress("reading records", quiet=options.quiet):
            found = delete_sessions(options.store, **chosen, dry_run=True)
        _ask(found)
    with Progress("reading records" if options.dry_run else "deleting", quiet=options.quiet):
        result = delete_sessions(
            options.store,
            **chosen,
            dry_run=options.dry_run,
            recorded=not options.no_record,
            wait_seconds=options.wait,
        )
    done = "would be deleted" if result.is_dry_run else "deleted"
    with reporting(f"{counted(len(result.deleted), 'session')} {done}"):
        _print(result, done, as_json=options.json, quiet=options.quiet)
    return 0


def _ask(found: DeletionResult) -> None:
    """Let the user confirm.

    Raises:
        UsageError: nobody can, or the answer is no.
    """
    figures = f"{counted(len(found.deleted), 'session')}, {counted(found.rows, 'row')}"
    if not sys.stdin.isatty():
        raise UsageError(f"delete: {found.store}: {figures} would be deleted, and nobody can be asked; give --yes")
    tell(f"{found.store}: delete {figures}? [y/N] ")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("delete: nothing was deleted")


def _print(result: DeletionResult, done: str, *, as_json: bool, quiet: bool) -> None:
    from pipeline.store.deletion import NOT_COVERED  # noqa: PLC0415

    if result.deleted and not result.is_dry_run:
        warn([NOT_COVERED])
    if quiet:
        return
    if as_json:
        sys.stdout.write(json_line(asdict(result)))
        return
    for session_id in result.deleted:
        print(session_id)
    figures = f"{counted(len(result.deleted), 'session')}, {counted(result.rows, 'row')}"
    print(f"{result.store}: {figures} {done} in {duration(result.seconds)}")


COMMAND = Command(
    name="delete",
    help="delete sessions from a store",
    example="pipeline delete STORE --session lan-20261124T180601Z-13",
    usage="STORE --session ID | --where-session SQL",
    add_options=_add_options,
    run=_run,
    undone="nothing was deleted",
)
