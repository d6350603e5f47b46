"""`pipeline verify`: whether a package is complete and undamaged."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output
from pipeline.cli.output import Progress, counted, duration, size
from pipeline.cli.streams import ReportError, reporting, warn
from pipeline.errors import VerificationError

if TYPE_CHECKING:
    import argparse

    from pipeline.verify.verification import Verification


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="the package")
    parser.add_argument("--quick", action="store_true", help="compare names, sizes and hashes; read no rows")
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.verify.verification import verify_package  # noqa: PLC0415

    with Progress(quiet=options.quiet) as progress:
        found = verify_package(options.directory, quick=options.quick, on_progress=progress.update)
    # Damage decides the status, whether the report of it can be written or not.
    with suppress(ReportError) if found.problems else nullcontext(), reporting("the package is complete and undamaged"):
        _print(found, as_json=options.json, quiet=options.quiet)
    if found.problems:
        first = found.problems[0]
        more = f", and {counted(len(found.problems) - 1, 'more problem')}" if len(found.problems) > 1 else ""
        raise VerificationError(f"{options.directory}: {first.file}: {first.problem}{more}; take it from a copy")
    return 0


def _print(found: Verification, *, as_json: bool, quiet: bool) -> None:
    """Tell what was found, a line for each problem."""
    if not found.is_hashed and not found.problems:
        warn(["the package was written without hashes; not all damage can be found"])
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
        return
    for problem in found.problems:
        print(f"{problem.file}: {problem.problem}")
    if found.problems or quiet:
        return
    what = "names, sizes and hashes" if found.is_quick else f"{counted(found.rows, 'row')} read back"
    figures = f"{counted(found.files, 'file')}, {size(found.bytes)}, {what}"
    print(f"{found.directory}: is complete and undamaged ({figures}) in {duration(found.seconds)}")


COMMAND = Command(
    name="verify",
    help="verify that a package is complete and undamaged",
    example="pipeline verify exports",
    usage="DIR",
    add_options=_add_options,
    run=_run,
)
