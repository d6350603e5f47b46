"""Options that several commands share, in groups; nothing here imports an engine."""

from __future__ import annotations

import argparse
import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("ndjson", "json", "csv", "parquet", "arrow", "influx", "xlsx")
COMPRESSIONS = ("none", "gzip", "zstd")
ENGINES = ("local", "spark")
SCOPES = ("per-session", "cross-session")
INPUT_FORMATS = ("ndjson", "csv", "parquet", "arrow", "duckdb")
LIST_FORMATS = ("table", "csv", "json", "ndjson")


def add_source(parser: argparse.ArgumentParser, *, standard_input: bool = True) -> None:
    """Add the sources; `named_sources` of `pipeline.sources.standard_input` takes them."""
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="stores, or CSV, NDJSON, Parquet, Arrow, DuckDB files or globs"
        + ("; - is standard input" if standard_input else ""),
    )
    if standard_input:
        add_input_format(parser)


def add_input_format(parser: argparse.ArgumentParser) -> None:
    """Add what standard input holds."""
    parser.add_argument(
        "--input-format", choices=INPUT_FORMATS, metavar="F", help=f"of standard input: {', '.join(INPUT_FORMATS)}"
    )


def add_list_format(parser: argparse.ArgumentParser) -> None:
    """Add the format of a list on standard output."""
    add_choice(parser, "--format", LIST_FORMATS, "table", metavar="F")


def add_target(parser: argparse.ArgumentParser, *, scope: str, format: str) -> None:  # noqa: A002 - the option's name
    """Add where an export goes, and in which form.

    Args:
        parser: of the command.
        scope: the default scope.
        format: the default format.
    """
    parser.add_argument(
        "-o", "--to", required=True, metavar="DIR", help="the directory to publish; - is standard output"
    )
    add_choice(parser, "--scope", SCOPES, scope, metavar="SCOPE")
    add_choice(parser, "--format", FORMATS, format, metavar="F")
    parser.add_argument(
        "--compression",
        choices=COMPRESSIONS,
        metavar="C",
        help="none, gzip, zstd (default: none; inside Parquet: zstd)",
    )


def add_choice(
    parser: argparse._ActionsContainer, option: str, choices: Sequence[str], default: str, *, metavar: str
) -> None:
    """Add an option of few values, which its help lists."""
    shown = f"{', '.join(choices)} (default: {default})"
    parser.add_argument(option, choices=choices, default=default, metavar=metavar, help=shown)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add what is taken of a source."""
    selection = parser.add_argument_group("selection")
    _add_sessions(selection)
    selection.add_argument("--metric", action="append", default=[], metavar="M", help="only this metric; repeatable")
    _add_rows(selection)
    selection.add_argument("--columns", type=names, metavar="C,...", help="only these columns, in this order")
    selection.add_argument("--exclude", type=names, default=[], metavar="C,...", help="not these columns")
    selection.add_argument(
        "--redact", action="append", default=[], metavar="PATH", help="hide configuration.PATH; repeatable"
    )
    _add_zone(selection)


def _add_sessions(selection: argparse._ActionsContainer) -> None:
    selection.add_argument("--session", action="append", default=[], metavar="ID", help="only this session; repeatable")


def _add_rows(selection: argparse._ActionsContainer) -> None:
    selection.add_argument("--since", metavar="T", help="from this time on: RFC 3339, a date, today, now, 7d, 36h")
    selection.add_argument("--until", metavar="T", help="before this time")
    selection.add_argument("--where", metavar="SQL", help="only rows for which this holds")
    selection.add_argument(
        "--where-session", metavar="SQL", help="only sessions for which this holds: columns, attributes, configuration"
    )


def _add_zone(selection: argparse._ActionsContainer) -> None:
    selection.add_argument("--timezone", metavar="TZ", help="zone of days, and of times that name none (default: UTC)")


def add_session_selection(parser: argparse.ArgumentParser) -> None:
    """Add what is taken of a source where metrics and columns are named otherwise."""
    selection = parser.add_argument_group("selection")
    _add_sessions(selection)
    _add_rows(selection)
    _add_zone(selection)


def selection_of(options: argparse.Namespace) -> dict[str, Any]:
    """Give the options of a selection by their names in Python."""
    return {
        "sessions": tuple(options.session),
        "metrics": tuple(options.metric),
        "since": options.since,
        "until": options.until,
        "where": options.where,
        "where_session": options.where_session,
        "columns": tuple(options.columns) if options.columns else None,
        "exclude": tuple(options.exclude),
        "redact": tuple(options.redact),
        "timezone": options.timezone,
    }


def session_selection_of(options: argparse.Namespace) -> dict[str, Any]:
    """Give the options of `add_session_selection` by their names in Python."""
    return {
        "sessions": tuple(options.session),
        "since": options.since,
        "until": options.until,
        "where": options.where,
        "where_session": options.where_session,
        "timezone": options.timezone,
    }


def add_package(parser: argparse.ArgumentParser) -> None:
    """Add how a package is published, and what is told of it."""
    package = parser.add_argument_group("package")
    package.add_argument("--overwrite", action="store_true", help="replace a package that an export wrote")
    package.add_argument("--rows-per-file", type=count, metavar="N", help="split files after N rows")
    package.add_argument("--spreadsheet", action="store_true", help="CSV for spreadsheets: BOM, guarded text")
    package.add_argument("--locale", metavar="L", help="their language, such as de: decimal sign and delimiter")
    package.add_argument("--package-metadata", metavar="FILE", help="JSON: title, licenses, contributors, ...")
    package.add_argument("--fail-if-empty", action="store_true", help="exit with 3 if no row is selected")
    package.add_argument("--verify", action="store_true", help="read the package back before publishing it")
    package.add_argument("--report", action="store_true", help="add the report of what the package holds")
    package.add_argument("--discard-stage", action="store_true", help="do not continue an interrupted run")
    package.add_argument("--keep-stage", action="store_true", help="refuse where one cannot be continued")
    package.add_argument("--no-sync", action="store_true", help="do not wait for the disk")
    package.add_argument("--no-hash", action="store_true", help="compute no SHA-256 and no digest")
    add_output(package)


def add_kinds(parser: argparse._ActionsContainer) -> None:
    """Add what metrics are."""
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="METRIC=KIND",
        help="gauge, counter, duration or event, or: recorded; counters get a rate",
    )


def add_grouping(parser: argparse.ArgumentParser, *, kinds: bool = True) -> None:
    """Add how the figures of charts are made.

    Args:
        parser: of the command.
        kinds: with what metrics are.
    """
    parser.add_argument("--by", action="append", default=[], metavar="COLUMN", help="group by this attribute too")
    add_lost(parser)
    if kinds:
        add_kinds(parser)


def add_lost(parser: argparse.ArgumentParser) -> None:
    """Add what lost samples count for."""
    parser.add_argument(
        "--lost",
        choices=("exclude", "infinite"),
        default="exclude",
        metavar="HOW",
        help="exclude, infinite: lost samples in quantiles (default: exclude)",
    )


def add_output_file(parser: argparse.ArgumentParser, what: str, overwrite: str) -> None:
    """Add the file to write.

    Args:
        parser: of the command.
        what: the file, in words.
        overwrite: what `--overwrite` does, in words.
    """
    parser.add_argument("-o", "--to", required=True, metavar="FILE", help=what)
    parser.add_argument("--overwrite", action="store_true", help=overwrite)


def package_of(options: argparse.Namespace) -> dict[str, Any]:
    """Give the options of a package by their names in Python."""
    return {
        "overwrite": options.overwrite,
        "rows_per_file": options.rows_per_file,
        "spreadsheet": options.spreadsheet,
        "locale": options.locale,
        "package_metadata": options.package_metadata,
        "fail_if_empty": options.fail_if_empty,
        "sync": not options.no_sync,
        "hashed": not options.no_hash,
        "verify": options.verify,
        "report": options.report,
        "discard_stage": options.discard_stage,
        "keep_stage": options.keep_stage,
    }


def add_output(parser: argparse._ActionsContainer) -> None:
    """Add how it is told what was done."""
    parser.add_argument("--json", action="store_true", help="print what was done as a line of JSON")
    add_quiet(parser)


def add_wait(parser: argparse._ActionsContainer, *, holding: str = "holds the store") -> None:
    """Add how long to wait for another that holds something."""
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help=f"wait for another run that {holding} (default: 0)",
    )


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 on")


def add_quiet(parser: argparse._ActionsContainer) -> None:
    """Add the option to say nothing but what is wrong."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print no report, only warnings and errors")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add where the work is done."""
    engine = parser.add_argument_group("engine")
    add_choice(engine, "--engine", ENGINES, "local", metavar="E")
    engine.add_argument("--master", metavar="URL", help="server of a cluster, for --engine spark: sc://HOST:PORT")
    engine.add_argument("--rows-per-task", type=count, metavar="N", help="rows of a task there (default: 2000000)")


def engine_of(options: argparse.Namespace) -> dict[str, Any]:
    """Give the options of an engine by their names in Python."""
    return {"engine": options.engine, "master": options.master, "rows_per_task": options.rows_per_task}


def add_tuning(parser: argparse.ArgumentParser, *, batch_size: bool = True) -> None:
    """Add what an engine may use."""
    tuning = parser.add_argument_group("tuning")
    tuning.add_argument("--threads", type=count, metavar="N", help="threads of the engine (default: one per core)")
    if batch_size:
        tuning.add_argument("--batch-size", type=count, metavar="ROWS", help="rows of a batch (default: 32768)")
    tuning.add_argument("--memory-limit", metavar="SIZE", help="of sorting and statistics, such as 128MB")


def tuning_of(options: argparse.Namespace) -> dict[str, Any]:
    """Give the tuning by its names in Python."""
    given = {"threads": options.threads, "memory_limit": options.memory_limit}
    return given if options.batch_size is None else {**given, "batch_size": options.batch_size}


def names(text: str) -> list[str]:
    """Split at commas; a name with a comma in it stands in double quotes."""
    names = [quoted.replace('""', '"') or plain for quoted, plain in re.findall(r'"((?:[^"]|"")+)"|([^,"]+)', text)]
    if not names:
        raise argparse.ArgumentTypeError("give names with commas between them")
    return names


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    if not re.fullmatch(r"\d{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
