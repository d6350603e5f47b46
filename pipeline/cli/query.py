"""`pipeline query`: SQL on the views of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_list_format, add_source, add_tuning, sole

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("sql", metavar="SQL", help="one SELECT, in DuckDB's SQL")
    add_list_format(parser)
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")
    parser.add_argument(
        "--no-verify", action="store_true", help="do not compare a store's files with their SHA-256 first"
    )
    add_tuning(parser, batch_size=False)


def _run(options: argparse.Namespace) -> int:
    from pipeline.cli.query_rows import print_query  # noqa: PLC0415

    print_query(
        sole(options.source),
        options.sql,
        format=options.format,
        timezone=options.timezone,
        threads=options.threads,
        memory_limit=options.memory_limit,
        verify=not options.no_verify,
    )
    return 0


COMMAND = Command(
    name="query",
    help="run SQL on the views measurements and sessions of a source",
    example='pipeline query STORE "SELECT metric, count(*) FROM measurements GROUP BY ALL"',
    usage='SOURCE... "SELECT ..."',
    add_options=_add_options,
    run=_run,
)
