"""`pipeline recover`: recordings whose recorder was killed become sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.output import counted, without_rows
from pipeline.cli.progress import Progress
from pipeline.cli.streams import reporting, warn

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="the store that they were recorded into")


def _run(options: argparse.Namespace) -> int:
    from pipeline.recorder.recovery import recover_recordings  # noqa: PLC0415

    with Progress("recovering", quiet=False):
        recovery = recover_recordings(options.store)
    warn([without_rows(recovery.empty)] if recovery.empty else [])
    _show(options.store, recovery.recovered, left=len(recovery.error.problems) if recovery.error else 0)
    if recovery.error is not None:
        raise recovery.error
    return 0


def _show(store: str, sessions: Sequence[str], left: int = 0) -> None:
    with reporting(f"{counted(len(sessions), 'session')} recovered"):
        for session_id in sessions:
            print(session_id)
        rest = f", {counted(left, 'recording')} left" if left else ""
        print(f"{store}: {counted(len(sessions), 'session')} recovered{rest}", flush=True)


COMMAND = Command(
    name="recover",
    help="make sessions of recordings whose recorder was killed",
    example="pipeline recover STORE",
    usage="STORE",
    add_options=_add_options,
    run=_run,
)
