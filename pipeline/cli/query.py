"""`pipeline query`: SQL on the views of a source."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_input_format, add_quiet, add_tuning
from pipeline.errors import SourceError, UsageError

if TYPE_CHECKING:
    import argparse

_FORMATS = ("table", "csv", "json", "ndjson", "parquet", "arrow")
_SUFFIXES = {f".{name}": name for name in _FORMATS[1:]} | {".jsonl": "ndjson"}
_STANDARD_INPUT = "-"


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE... SQL",
        help="a store or files, then one SELECT in DuckDB's SQL; - reads it from standard input",
    )
    add_input_format(parser)
    parser.add_argument("--file", metavar="FILE", help="take the SQL from this file; - is standard input")
    parser.add_argument("-o", "--to", metavar="FILE", help="write all rows to this file; - is standard output")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        metavar="F",
        help=f"{', '.join(_FORMATS)} (default: as the file is called, else table)",
    )
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")
    parser.add_argument(
        "--no-verify", action="store_true", help="do not compare a store's files with their SHA-256 first"
    )
    add_quiet(parser)
    add_tuning(parser, batch_size=False)


def _run(options: argparse.Namespace) -> int:
    sources, sql = _sources_and_sql(options)
    format_name = options.format or _format_of(options.to)
    if options.to is not None and format_name == "table":
        raise UsageError(f"query: --to {options.to} takes --format csv, json, ndjson, parquet or arrow")

    from pipeline.cli.output import counted  # noqa: PLC0415
    from pipeline.cli.progress import Progress  # noqa: PLC0415
    from pipeline.cli.query_rows import STANDARD_OUTPUT, check_target, first_rows, print_rows, write_rows  # noqa: PLC0415
    from pipeline.cli.streams import reporting, warn  # noqa: PLC0415
    from pipeline.notebook.queries import open_query  # noqa: PLC0415
    from pipeline.runtime.progress import phase  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    to = STANDARD_OUTPUT if options.to is None else options.to
    check_target(to, format_name, overwrite=options.overwrite)
    with (
        named_sources(sources, options.input_format) as named,
        Progress("reading records", then="querying", quiet=options.quiet) as progress,
        open_query(
            named.paths,
            sql,
            timezone=options.timezone,
            threads=options.threads,
            memory_limit=options.memory_limit,
            verify=not options.no_verify,
            names_apart=format_name not in {"table", "csv"},
        ) as (schema, batches, warnings),
        phase("querying") as querying,
    ):
        passing = querying.passing(batches)
        if format_name == "table":
            shown, total = first_rows(passing)
            progress.end()
            warn(warnings)
            print_rows(schema.names, shown, total)
            return 0
        if to == STANDARD_OUTPUT and sys.stdout.isatty():
            progress.end()  # the rows show themselves
        try:
            rows = write_rows(schema, passing, to, format_name, overwrite=options.overwrite)
        finally:
            progress.end()
            warn(warnings)
    if to != STANDARD_OUTPUT and not options.quiet:
        with reporting("the file is written"):
            print(f"{to}: {counted(rows, 'row')}")
    return 0


def _format_of(to: str | None) -> str:
    if to is None or to == "-":
        return "table"
    found = _SUFFIXES.get(Path(to).suffix.lower())
    if found is None:
        raise UsageError(f"query: --to {to}: its name says no format; end it in .csv or .parquet, or say --format")
    return found


def _sources_and_sql(options: argparse.Namespace) -> tuple[list[str], str]:
    """Tell the sources from the SQL, which stands behind them or in a file."""
    if [*options.source, options.file].count(_STANDARD_INPUT) > 1:
        raise UsageError("query: standard input is the source or the SQL, and can be read once")
    if options.file is not None:
        return options.source, _read(options.file)
    *sources, sql = options.source
    if not sources:
        raise UsageError("query: give a source, and then the SQL: 'SELECT ...', - for standard input, or --file FILE")
    return sources, _read(sql) if sql == _STANDARD_INPUT else sql


def _read(file: str) -> str:
    from pipeline.disk.local_path import local_path  # noqa: PLC0415

    try:
        data = sys.stdin.buffer.read() if file == _STANDARD_INPUT else local_path(file).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{file}: is no text in UTF-8") from error


COMMAND = Command(
    name="query",
    help="run SQL on the views measurements and sessions of a source",
    example='pipeline query STORE "SELECT metric, count(*) FROM measurements GROUP BY ALL"',
    usage='SOURCE... "SELECT ..."',
    add_options=_add_options,
    run=_run,
)
