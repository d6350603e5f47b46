"""`pipeline stages`: what interrupted exports left."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.output import counted, size
from pipeline.cli.streams import json_line, reporting, writing_to_standard_output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.publish.leftovers import StagedPackage


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="where packages are published, or the --to of one")
    parser.add_argument("--remove", action="store_true", help="remove what no run is working on")
    parser.add_argument("--json", action="store_true", help="print them as a line of JSON")


def _run(options: argparse.Namespace) -> int:
    from pipeline.publish.leftovers import list_stages  # noqa: PLC0415

    found = list_stages(options.directory, remove=options.remove)
    with reporting("the stages are removed") if options.remove else writing_to_standard_output():
        _print(found, as_json=options.json)
    return 0


def _print(found: Sequence[StagedPackage], *, as_json: bool) -> None:
    """Tell which stages there are, and what became of them."""
    if as_json:
        sys.stdout.write(json_line([asdict(one) for one in found]))
        return
    for one in found:
        state = "held by a run" if one.is_held else "removed" if one.is_removed else "left by a run that has ended"
        if one.stranger is not None and not one.is_held:
            state += f", and holds {one.stranger!r}, which no export wrote; move it away first"
        figures = f"{counted(one.files, 'finished file')}, {size(one.bytes)}, last written {one.changed_at}"
        print(f"{one.destination}: {state} ({figures})")


COMMAND = Command(
    name="stages",
    help="list what interrupted exports left, and remove it",
    example="pipeline stages exports --remove",
    usage="DIR",
    add_options=_add_options,
    run=_run,
)
