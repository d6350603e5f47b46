"""The options of all commands, in groups; nothing here imports an engine."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, NoReturn

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMATS = ("ndjson", "json", "csv", "parquet", "arrow", "influx", "xlsx")
COMPRESSIONS = ("none", "gzip", "zstd")
SCOPES = ("per-session", "cross-session")
LIST_FORMATS = ("table", "csv", "json", "ndjson")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.removeprefix('pipeline').strip()}: {message}".lstrip(": "))


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


def build_parser() -> argparse.ArgumentParser:
    """Make the parser; the chosen command's function is `options.run`."""
    from pipeline.cli import commands  # noqa: PLC0415 - both need each other's names

    parser = _Parser(
        prog="pipeline",
        description="Export measurement sessions, raw and aggregated, complete, exact and reproducible.",
        epilog="Example: pipeline export STORE --to exports\n'pipeline COMMAND --help' shows a command's options.",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    _import(add, commands.run_import)
    _sessions(add, commands.run_sessions)
    _export(add, commands.run_export)
    _statistics(add, commands.run_statistics)
    _query(add, commands.run_query)
    _catalog(add, commands.run_catalog)
    _recover(add, commands.run_recover)
    _verify(add, commands.run_verify)
    _stages(add, commands.run_stages)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata  # noqa: PLC0415 - only needed here

        print(f"pipeline {metadata.version('measurement-export-pipeline')}")
        parser.exit()


def _command(
    add: argparse._SubParsersAction[_Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,  # noqa: A002 - argparse's name
    example: str,
    usage: str,
) -> _Parser:
    parser = add.add_parser(
        name,
        usage=f"pipeline {name} {usage} [options]",
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=f"Example: {example}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def _import(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "import",
        run,
        "add sessions to a store from files of harnesses or of measurements",
        "pipeline import 'results/*.json' --to STORE",
        "FILE... --to STORE",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="result files of harnesses, or files of measurements; or globs"
    )
    parser.add_argument("--to", required=True, metavar="STORE", help="the store; it is created if need be")
    parser.add_argument(
        "--from",
        dest="importer",
        metavar="HARNESS|FILE.sql",
        help="what wrote the files (default: their content tells)",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="ROLE=COLUMN[:UNIT]",
        help="of any CSV or NDJSON: value, metric, unit, time, offset; repeatable",
    )
    parser.add_argument("--session-id", metavar="ID", help="session of rows that have no session_id")
    parser.add_argument("--configuration", metavar="FILE.json", help="configuration of sessions without a record")
    parser.add_argument(
        "--if-exists",
        choices=("error", "skip", "replace"),
        default="error",
        metavar="WHAT",
        help="of a session that is there: error, skip, replace (default: error)",
    )
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")
    parser.add_argument("--started-at", metavar="T", help="start of sessions whose record says none")
    parser.add_argument(
        "--timestamp-unit", choices=("us", "ns"), metavar="U", help="us, ns: of a new store (default: us)"
    )
    parser.add_argument("--skip-bad", action="store_true", help="leave out rows that break a rule, and count them")
    _add_output(parser)


def _sessions(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "sessions",
        run,
        "list the sessions of a source",
        "pipeline sessions STORE --format json",
        "SOURCE...",
    )
    _add_source(parser)
    parser.add_argument("--where-session", metavar="SQL", help="only sessions for which this holds")
    _add_choice(parser, "--format", LIST_FORMATS, "table", metavar="F")
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")


def _export(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "export",
        run,
        "export raw measurements as a package",
        "pipeline export STORE --to exports --format json --scope per-session",
        "SOURCE... --to DIR|-",
    )
    _add_source(parser)
    _add_target(parser, scope="cross-session", format="ndjson")
    parser.add_argument("--with-statistics", action="store_true", help="add the statistics of each session, as CSV")
    _add_groups(parser)


def _statistics(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "statistics",
        run,
        "export aggregated statistics as a package",
        "pipeline statistics STORE --to statistics --window 1m --quantile 0.999",
        "SOURCE... --to DIR|-",
    )
    _add_source(parser)
    _add_target(parser, scope="per-session", format="csv")
    parser.add_argument("--by", action="append", default=[], metavar="COLUMN", help="group by this attribute too")
    parser.add_argument("--window", metavar="LENGTH", help="aggregate in windows: 10s, 1m, 2h, 1d")
    parser.add_argument("--quantile", action="append", default=[], metavar="Q", help="a further quantile, 0 to 1")
    parser.add_argument(
        "--lost",
        choices=("exclude", "infinite"),
        default="exclude",
        metavar="HOW",
        help="exclude, infinite: lost samples in quantiles (default: exclude)",
    )
    _add_groups(parser)


def _query(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "query",
        run,
        "run SQL on the views measurements and sessions of a source",
        'pipeline query STORE "SELECT metric, count(*) FROM measurements GROUP BY ALL"',
        'SOURCE... "SELECT ..."',
    )
    _add_source(parser)
    parser.add_argument("sql", metavar="SQL", help="one SELECT, in DuckDB's SQL")
    _add_choice(parser, "--format", LIST_FORMATS, "table", metavar="F")
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")
    parser.add_argument(
        "--no-verify", action="store_true", help="do not compare a store's files with their SHA-256 first"
    )
    _add_tuning(parser, batch_size=False)


def _catalog(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "catalog",
        run,
        "write a DuckDB file of views on a source, for any DuckDB client",
        "pipeline catalog STORE --to measurements.duckdb",
        "SOURCE... --to FILE.duckdb",
    )
    _add_source(parser)
    parser.add_argument("--to", required=True, metavar="FILE", help="the DuckDB file")
    parser.add_argument("--overwrite", action="store_true", help="replace a DuckDB file that is there")
    parser.add_argument("--quiet", action="store_true", help="print no report, only warnings and errors")


def _recover(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "recover",
        run,
        "make sessions of recordings whose recorder was killed",
        "pipeline recover STORE",
        "STORE",
    )
    parser.add_argument("store", metavar="STORE", help="the store that they were recorded into")


def _verify(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "verify",
        run,
        "verify that a package is complete and undamaged",
        "pipeline verify exports",
        "DIR",
    )
    parser.add_argument("directory", metavar="DIR", help="the package")
    parser.add_argument("--quick", action="store_true", help="compare names, sizes and hashes; read no rows")
    _add_output(parser)


def _stages(add: argparse._SubParsersAction[_Parser], run: Callable[[argparse.Namespace], int]) -> None:
    parser = _command(
        add,
        "stages",
        run,
        "list what interrupted exports left, and remove it",
        "pipeline stages exports --remove",
        "DIR",
    )
    parser.add_argument("directory", metavar="DIR", help="where packages are published, or the --to of one")
    parser.add_argument("--remove", action="store_true", help="remove what no run is working on")
    parser.add_argument("--json", action="store_true", help="print them as JSON")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="a store, or CSV, NDJSON, Parquet, Arrow, DuckDB files or globs",
    )


def _add_target(parser: argparse.ArgumentParser, *, scope: str, format: str) -> None:  # noqa: A002 - the option's name
    parser.add_argument("--to", required=True, metavar="DIR", help="the directory to publish; - is standard output")
    _add_choice(parser, "--scope", SCOPES, scope, metavar="SCOPE")
    _add_choice(parser, "--format", FORMATS, format, metavar="F")
    parser.add_argument(
        "--compression",
        choices=COMPRESSIONS,
        metavar="C",
        help="none, gzip, zstd (default: none; inside Parquet: zstd)",
    )


def _add_choice(
    parser: argparse.ArgumentParser, option: str, choices: Sequence[str], default: str, *, metavar: str
) -> None:
    shown = f"{', '.join(choices)} (default: {default})"
    parser.add_argument(option, choices=choices, default=default, metavar=metavar, help=shown)


def _add_groups(parser: argparse.ArgumentParser) -> None:
    selection = parser.add_argument_group("selection")
    selection.add_argument("--session", action="append", default=[], metavar="ID", help="only this session; repeatable")
    selection.add_argument("--metric", action="append", default=[], metavar="M", help="only this metric; repeatable")
    selection.add_argument("--since", metavar="T", help="from this time on: RFC 3339, a date, today, yesterday")
    selection.add_argument("--until", metavar="T", help="before this time")
    selection.add_argument("--where", metavar="SQL", help="only rows for which this holds")
    selection.add_argument("--where-session", metavar="SQL", help="only sessions for which this holds")
    selection.add_argument("--columns", type=_names, metavar="C,...", help="only these columns, in this order")
    selection.add_argument("--exclude", type=_names, default=[], metavar="C,...", help="not these columns")
    selection.add_argument(
        "--redact", action="append", default=[], metavar="PATH", help="hide configuration.PATH; repeatable"
    )
    selection.add_argument("--timezone", metavar="TZ", help="zone of days, and of times that name none (default: UTC)")
    package = parser.add_argument_group("package")
    package.add_argument("--overwrite", action="store_true", help="replace a package that an export wrote")
    package.add_argument("--rows-per-file", type=_count, metavar="N", help="split files after N rows")
    package.add_argument("--spreadsheet", action="store_true", help="CSV for spreadsheets: BOM, formula guard")
    package.add_argument("--package-metadata", metavar="FILE", help="JSON: title, licenses, contributors, ...")
    package.add_argument("--fail-if-empty", action="store_true", help="exit with 3 if no row is selected")
    package.add_argument("--verify", action="store_true", help="read the package back before publishing it")
    package.add_argument("--discard-stage", action="store_true", help="do not continue an interrupted run")
    package.add_argument("--no-sync", action="store_true", help="do not wait for the disk")
    package.add_argument("--no-hash", action="store_true", help="compute no SHA-256 and no digest")
    _add_output(package)
    _add_tuning(parser)


def _add_output(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.add_argument("--quiet", action="store_true", help="print no report, only warnings and errors")


def _add_tuning(parser: argparse.ArgumentParser, *, batch_size: bool = True) -> None:
    tuning = parser.add_argument_group("tuning")
    tuning.add_argument("--threads", type=_count, metavar="N", help="threads of the engine (default: one per core)")
    if batch_size:
        tuning.add_argument("--batch-size", type=_count, metavar="ROWS", help="rows of a batch (default: 32768)")
    tuning.add_argument("--memory-limit", metavar="SIZE", help="of sorting and statistics, such as 128MB")


def _names(text: str) -> list[str]:
    """Split at commas; a name with a comma in it stands in double quotes."""
    names = [quoted.replace('""', '"') or plain for quoted, plain in re.findall(r'"((?:[^"]|"")+)"|([^,"]+)', text)]
    if not names:
        raise argparse.ArgumentTypeError("give names with commas between them")
    return names


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
