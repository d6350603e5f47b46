"""`pipeline recover`: recordings whose recorder was killed become sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.output import counted
from pipeline.cli.streams import reporting

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="the store that they were recorded into")


def _run(options: argparse.Namespace) -> int:
    from pipeline.recorder.recovery import recover_sessions  # noqa: PLC0415

    sessions = recover_sessions(options.store)
    with reporting(f"{counted(len(sessions), 'session')} recovered"):
        for session_id in sessions:
            print(session_id)
        print(f"{options.store}: {counted(len(sessions), 'session')} recovered")
    return 0


COMMAND = Command(
    name="recover",
    help="make sessions of recordings whose recorder was killed",
    example="pipeline recover STORE",
    usage="STORE",
    add_options=_add_options,
    run=_run,
)
