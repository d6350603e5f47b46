"""What a command is: its options, its help with an example, its action; and the parser of them all."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, cast

from pipeline.cli.streams import writing_to_standard_output
from pipeline.errors import UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from _typeshed import SupportsWrite


_COMMAND = "COMMAND"


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

    def parse_known_args(  # type: ignore[override] # the namespace is always argparse's own
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and say which option or command is near to one that does not exist.

        Raises:
            UsageError: there is none of that name.
        """
        words = list(sys.argv[1:] if args is None else args)
        self._check_options(words)
        parsed, rest = super().parse_known_args(words, namespace)
        # argparse fills a list of positionals at once, and leaves those behind an option.
        lists = [one.dest for one in self._actions if not one.option_strings and one.nargs == "+"]
        for dest in lists[:1]:
            getattr(parsed, dest).extend(word for word in rest if not word.startswith("-"))
            rest = [word for word in rest if word.startswith("-")]
        return parsed, rest

    def _check_options(self, words: Sequence[str]) -> None:
        """Find an option that does not exist before argparse misses one that is required."""
        known = self._option_string_actions
        for word in words:
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                return  # what follows are no options, or those of a command
            name = word.partition("=")[0]
            # A word with a space is no option to argparse either.
            if word.startswith("--") and name not in known and " " not in word:
                self.error(
                    f"no option {name}; {suggest(name, [one for one in known if one[1] == '-'], noun='options')}"
                )

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            if action.metavar == _COMMAND:
                self.error(f"no command {value!r}; {suggest(str(value), action.choices, noun='commands')}")
            raise argparse.ArgumentError(action, f"{value!r}: {suggest(str(value), action.choices, noun='choices')}")

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
    add = parser.add_subparsers(title="commands", metavar=_COMMAND, required=True, parser_class=_Parser)
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
        own.set_defaults(run=command.run, root=parser)
        command.add_options(own)
    return parser


def parsers_of(root: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Give the parsers of all commands by name."""
    choices = next(one.choices for one in root._actions if one.metavar == _COMMAND)  # noqa: SLF001 - the only place
    return cast("Mapping[str, argparse.ArgumentParser]", choices)


def parser_of(root: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    """Give the parser of a command.

    Raises:
        UsageError: there is none of that name.
    """
    known = parsers_of(root)
    if name not in known:
        raise UsageError(f"no command {name!r}; {suggest(name, known, noun='commands')}")
    return known[name]


class _Version(argparse.Action):
    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata  # noqa: PLC0415 - only needed here

        with writing_to_standard_output():
            print(f"pipeline {metadata.version('measurement-export-pipeline')}")
        parser.exit()
