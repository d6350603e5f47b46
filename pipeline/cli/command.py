"""What a command is: its options, its help with an example, its action; and the parser of them all."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pipeline.cli.streams import writing_to_standard_output
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import SupportsWrite


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command, which is one file of this folder.

    Attributes:
        name: as it is called.
        help: what it does, in a line that begins with a verb in lower case.
        example: a call of it.
        usage: what must be given, as usage lines show it.
        add_options: adds its options to a parser.
        run: does it, and returns the exit status; engines are imported there.
        undone: what an interruption says where nothing more is known.
    """

    name: str
    help: str
    example: str
    usage: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    undone: str | None = None


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Write help and version, whose place is standard output; argparse itself hears no error."""
        del file
        with writing_to_standard_output():
            sys.stdout.write(message)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.removeprefix('pipeline').strip()}: {message}".lstrip(": "))


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


def build_parser(commands: Iterable[Command]) -> argparse.ArgumentParser:
    """Make the parser; the chosen command's action is `options.run`."""
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
    for command in commands:
        own = add.add_parser(
            command.name,
            usage=f"pipeline {command.name} {command.usage} [options]",
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"Example: {command.example}",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        own.set_defaults(run=command.run)
        command.add_options(own)
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata  # noqa: PLC0415 - only needed here

        with writing_to_standard_output():
            print(f"pipeline {metadata.version('measurement-export-pipeline')}")
        parser.exit()
