"""`pipeline import`: sessions come into a store."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.memory import loading, share_one_heap
from pipeline.cli.options import add_input_format, add_output, add_wait
from pipeline.cli.output import counted, duration, without_rows
from pipeline.cli.progress import Progress
from pipeline.cli.streams import json_line, reporting, tell, warn

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from pipeline.importers.result import ImportResult

_FEWEST_ALIKE = 4


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="result files of harnesses, files of measurements, stores, packages; or globs; - is standard input",
    )
    add_input_format(parser)
    parser.add_argument("-o", "--to", required=True, metavar="STORE", help="the store; it is created if need be")
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
    parser.add_argument("--header", metavar="A,B,C", help="names of the columns of CSV files without a header line")
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the files do not say, such as unit=us; repeatable",
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
        "--timestamp-unit",
        choices=("us", "ns"),
        metavar="U",
        help="us, ns: of a new store (default: us, or as stores and packages have it)",
    )
    parser.add_argument("--skip-bad", action="store_true", help="leave out rows that break a rule, and count them")
    parser.add_argument(
        "--allow-empty", action="store_true", help="take a harness file without samples as a session of 0 rows"
    )
    parser.add_argument(
        "--skip-unknown", action="store_true", help="import the files that are known, and tell of the others"
    )
    add_wait(parser)
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    with ExitStack() as ahead:
        with loading():
            from pipeline.importers.ahead import engine_ahead  # noqa: PLC0415

            ahead.enter_context(engine_ahead(options.files))
            from pipeline.importers.run import import_sessions  # noqa: PLC0415
            from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

        share_one_heap()
        with (
            named_sources(options.files, options.input_format, content_tells=True) as named,
            Progress("importing", quiet=options.quiet) as progress,
        ):
            result = import_sessions(
                named.paths,
                options.to,
                session_id=options.session_id,
                configuration=options.configuration,
                if_exists=options.if_exists,
                timezone=options.timezone,
                started_at=options.started_at,
                timestamp_unit=options.timestamp_unit,
                skip_bad=options.skip_bad,
                allow_empty=options.allow_empty,
                skip_unknown=options.skip_unknown,
                importer=options.importer,
                mapping=options.map,
                header=options.header,
                assume=options.assume,
                wait_seconds=options.wait,
                on_progress=progress.update,
            )
    with reporting(f"{counted(len(result.imported), 'session')} imported"):
        _print(_told(result, named.told), as_json=options.json, quiet=options.quiet)
    return 0


def _told(result: ImportResult, told: Callable[[str], str]) -> ImportResult:
    """Call standard input by its name where files are named."""
    return replace(
        result,
        warnings=tuple(map(told, result.warnings)),
        unknown=tuple(map(told, result.unknown)),
        files=tuple(replace(file, file=told(file.file)) for file in result.files),
        ignored={told(file): names for file, names in result.ignored.items()},
    )


def _print(result: ImportResult, *, as_json: bool, quiet: bool) -> None:
    from pipeline.importers.result import MAX_TOLD, left_out, more_files  # noqa: PLC0415

    warnings = [*result.warnings, *left_out(result)]
    if result.skipped_rows:
        warnings.append(f"{counted(result.skipped_rows, 'bad row')} left out")
    if result.dropped_digits:
        warnings.append(
            f"{counted(result.dropped_digits, 'time')} had digits below the store's unit, which were dropped"
        )
    if result.empty:
        warnings.append(without_rows(result.empty))
    warn(_folded(warnings))
    if quiet:
        return
    if as_json:
        sys.stdout.write(json_line(asdict(result)))
        return
    for session_id in result.imported:
        print(session_id)
    tell("".join(f"{file}\n" for file in result.files[:MAX_TOLD]))
    if len(result.files) > MAX_TOLD:
        tell(f"{more_files(result)}\n")
    skipped = f", {counted(len(result.unchanged), 'session')} there already" if result.unchanged else ""
    figures = f"{counted(len(result.imported), 'session')}, {counted(result.rows, 'row')}"
    print(f"{result.to}: {figures} imported{skipped} in {duration(result.seconds)}")


def _folded(warnings: Sequence[str]) -> list[str]:
    """Tell what is said of many files once, of the first of them."""
    files: dict[str, list[str]] = {}
    for warning in warnings:
        file, _, told = warning.partition(": ")
        files.setdefault(told or warning, []).append(file)
    alike = {told: f"{of[0]} and {len(of) - 1:,} more files" for told, of in files.items() if len(of) >= _FEWEST_ALIKE}
    folded = []
    for warning in warnings:
        told = warning.partition(": ")[2]
        folded.append(f"{alike[told]}: {told}" if told in alike else warning)
    return list(dict.fromkeys(folded))


COMMAND = Command(
    name="import",
    help="add sessions to a store from files, stores and packages",
    example="pipeline import 'results/*.json' --to STORE",
    usage="FILE... --to STORE",
    add_options=_add_options,
    run=_run,
    undone="nothing was imported",
)
