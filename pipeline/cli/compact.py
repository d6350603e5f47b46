"""`pipeline compact`: many small sessions of a store come to share directories."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output, add_wait
from pipeline.cli.output import counted, duration
from pipeline.cli.progress import Progress
from pipeline.cli.streams import json_line, reporting

if TYPE_CHECKING:
    import argparse

    from pipeline.store.compaction import CompactionResult


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="the store")
    parser.add_argument("--dry-run", action="store_true", help="say how many sessions would be packed")
    parser.add_argument(
        "--rebuild-index", action="store_true", help="make the index anew, of all records, although it seems right"
    )
    add_wait(parser)
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.store.compaction import compact_store  # noqa: PLC0415

    with Progress("planning", quiet=options.quiet):
        result = compact_store(
            options.store, dry_run=options.dry_run, rebuild_index=options.rebuild_index, wait_seconds=options.wait
        )
    with reporting("the store is as it should be"):
        _print(result, as_json=options.json, quiet=options.quiet)
    return 0


def _print(result: CompactionResult, *, as_json: bool, quiet: bool) -> None:
    if quiet:
        return
    if as_json:
        sys.stdout.write(json_line(asdict(result)))
        return
    if not result.sessions:
        print(f"{result.store}: nothing to compact")
        return
    figures = f"{counted(result.sessions, 'session')}, {counted(result.rows, 'row')}"
    done = f"{figures} packed" if not result.is_dry_run else f"{figures} would be packed"
    now = f", now {result.directories_after:,}" if result.directories_after is not None else ""
    directories = "1 directory" if result.directories_before == 1 else f"{result.directories_before:,} directories"
    print(f"{result.store}: {done} (there were {directories}{now}) in {duration(result.seconds)}")


COMMAND = Command(
    name="compact",
    help="let many small sessions of a store share directories",
    example="pipeline compact STORE",
    usage="STORE",
    add_options=_add_options,
    run=_run,
    undone="nothing was compacted",
)
