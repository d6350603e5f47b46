"""`pipeline help`: what `--help` shows, of the program or of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, parser_of

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="the command to describe")


def _run(options: argparse.Namespace) -> int:
    root: argparse.ArgumentParser = options.root
    (root if options.command is None else parser_of(root, options.command)).print_help()
    return 0


COMMAND = Command(
    name="help",
    help="show the commands, or the options of one",
    example="pipeline help export",
    usage="[COMMAND]",
    add_options=_add_options,
    run=_run,
)
