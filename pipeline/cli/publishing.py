"""What the commands that publish a package share: their options, their action, and what they tell."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import (
    add_engine,
    add_package,
    add_selection,
    add_tuning,
    engine_of,
    package_of,
    selection_of,
    tuning_of,
)
from pipeline.cli.output import counted, duration, size
from pipeline.cli.progress import Progress
from pipeline.cli.streams import json_line, reporting, tell, warn
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pipeline.export.result import ExportResult


def add_publishing(parser: argparse.ArgumentParser) -> None:
    """Add the options that every export has, behind its own."""
    add_selection(parser)
    add_package(parser)
    add_engine(parser)
    add_tuning(parser)


def publish(
    options: argparse.Namespace,
    export: Callable[..., ExportResult],
    **own: Any,  # noqa: ANN401 - a command's own options
) -> int:
    """Run an export with the options of all exports and its own, and tell what it wrote."""
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    _check_terminal(options)
    with (
        named_sources(options.source, options.input_format) as named,
        Progress("planning", quiet=options.quiet) as progress,
    ):
        result = export(
            named.paths,
            options.to,
            on_progress=progress.update,
            scope=options.scope,
            format=options.format,
            compression=options.compression,
            **own,
            **selection_of(options),
            **package_of(options),
            **engine_of(options),
            **tuning_of(options),
        )
    with reporting("the package is there already" if result.is_unchanged else "the package is published"):
        _print(result, as_json=options.json, quiet=options.quiet)
    return 0


def _check_terminal(options: argparse.Namespace) -> None:
    binary = options.format in {"parquet", "arrow", "xlsx"} or options.compression not in {None, "none"}
    if options.to == "-" and binary and sys.stdout.isatty():
        raise UsageError("--to - would write bytes to the terminal; redirect it to a file")


def _print(result: ExportResult, *, as_json: bool, quiet: bool) -> None:
    """Tell what an export wrote; beside an export to standard output this goes to standard error."""
    say = tell if result.to == "-" else sys.stdout.write
    warn(result.warnings)
    if quiet:
        return
    if as_json:
        value = asdict(result) | {"rows": result.rows, "bytes": result.bytes}
        say(json_line(value))
        return
    name_width = max(len(file.name) for file in result.files)
    for file in result.files:
        rows = "" if file.table == "report" else counted(file.rows, "row")
        say(f"{file.name:<{name_width}}  {rows:>16}  {size(file.bytes):>10}\n")
    figures = f"{counted(len(result.files), 'file')}, {counted(result.rows, 'row')}, {size(result.bytes)}"
    if result.is_unchanged:
        say(f"{result.to}: is this package already, complete; nothing to do ({figures})\n")
    else:
        sessions = counted(result.sessions, "session")
        say(f"{result.to}: {figures} of {sessions} in {duration(result.seconds)}\n")
