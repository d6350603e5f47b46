"""`pipeline completion`: a script that completes commands, options, their choices and files in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, parsers_of
from pipeline.cli.streams import writing_to_standard_output

if TYPE_CHECKING:
    import argparse

_SHELLS = ("bash", "zsh", "fish")
_PATHS = {"SOURCE", "SOURCE... SQL", "FILE", "FILE.json", "HARNESS|FILE.sql", "DIR", "STORE"}
"""What the help calls values that are files or directories."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS))


def _run(options: argparse.Namespace) -> int:
    import shtab  # noqa: PLC0415 - only needed here

    root: argparse.ArgumentParser = options.root
    commands = parsers_of(root)
    for parser in commands.values():
        for action in parser._actions:  # noqa: SLF001 - where shtab looks, too
            if action.metavar in _PATHS:
                action.complete = shtab.FILE  # type: ignore[attr-defined] # what shtab asks an action for
            elif action.dest == "command":
                action.choices = list(commands)
    with writing_to_standard_output():
        print(shtab.complete(root, options.shell))
    return 0


COMMAND = Command(
    name="completion",
    help="print a script that completes commands and options in a shell",
    example='eval "$(pipeline completion bash)"',
    usage="bash|zsh|fish",
    add_options=_add_options,
    run=_run,
)
