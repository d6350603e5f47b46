"""`pipeline verify`: whether a package, or a store, is complete and undamaged."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output
from pipeline.cli.output import counted, duration, size
from pipeline.cli.progress import Progress
from pipeline.cli.streams import ReportError, json_line, reporting, warn
from pipeline.errors import VerificationError

if TYPE_CHECKING:
    import argparse

    from pipeline.store.checking import StoreCheck
    from pipeline.verify.verification import Verification


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="the package or the store")
    parser.add_argument("--quick", action="store_true", help="compare names, sizes and hashes; read no rows")
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.disk.local_path import local_path  # noqa: PLC0415
    from pipeline.store.reading import is_store  # noqa: PLC0415

    of_store = is_store(local_path(options.directory))
    what = "store" if of_store else "package"
    with Progress("verifying", quiet=options.quiet) as progress:
        found = (_verify_store if of_store else _verify_package)(options, progress)
    # Damage decides the status, whether the report of it can be written or not.
    with suppress(ReportError) if found.problems else nullcontext(), reporting(f"the {what} is complete and undamaged"):
        if not found.is_hashed and not found.problems:
            warn([f"the {what} was written without hashes; not all damage can be found"])
        _print(options.directory, found, as_json=options.json, quiet=options.quiet)
    if found.problems:
        where, problem = astuple(found.problems[0])
        more = f", and {counted(len(found.problems) - 1, 'more problem')}" if len(found.problems) > 1 else ""
        raise VerificationError(f"{options.directory}: {where}: {problem}{more}; take it from a copy")
    return 0


def _verify_package(options: argparse.Namespace, progress: Progress) -> Verification:
    from pipeline.verify.verification import verify_package  # noqa: PLC0415

    return verify_package(options.directory, quick=options.quick, on_progress=progress.update)


def _verify_store(options: argparse.Namespace, progress: Progress) -> StoreCheck:
    from pipeline.store.checking import verify_store  # noqa: PLC0415

    return verify_store(options.directory, quick=options.quick, on_progress=progress.update)


def _print(name: str, found: Verification | StoreCheck, *, as_json: bool, quiet: bool) -> None:
    """Tell what was found, a line for each problem."""
    if as_json:
        sys.stdout.write(json_line(asdict(found)))
        return
    for where, problem in map(astuple, found.problems):
        print(f"{where}: {problem}")
    if found.problems or quiet:
        return
    how = "names, sizes and hashes" if found.is_quick else f"{counted(found.rows, 'row')} read back"
    files = f"{counted(found.files, 'file')}, {size(found.bytes)}, {how}"
    print(f"{name}: is complete and undamaged ({files}) in {duration(found.seconds)}")


COMMAND = Command(
    name="verify",
    help="verify that a package or a store is complete and undamaged",
    example="pipeline verify exports",
    usage="DIR",
    add_options=_add_options,
    run=_run,
)
