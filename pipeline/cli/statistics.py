"""`pipeline statistics`: aggregated statistics as a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_kinds, add_lost, add_source, add_target
from pipeline.cli.publishing import add_publishing, publish

if TYPE_CHECKING:
    import argparse


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_target(parser, scope="per-session", format="csv")
    parser.add_argument("--by", action="append", default=[], metavar="COLUMN", help="group by this attribute too")
    parser.add_argument("--window", metavar="LENGTH", help="aggregate in windows: 10s, 1m, 2h, 1d")
    parser.add_argument(
        "--window-origin",
        choices=("epoch", "session"),
        default="epoch",
        metavar="ORIGIN",
        help="epoch, session: windows from the start of each session (default: epoch)",
    )
    parser.add_argument("--quantile", action="append", default=[], metavar="Q", help="a further quantile, 0 to 1")
    add_lost(parser)
    add_kinds(parser)
    add_publishing(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.api import export_statistics  # noqa: PLC0415

    return publish(
        options,
        export_statistics,
        by=options.by,
        window=options.window,
        quantiles=options.quantile,
        lost=options.lost,
        window_origin=options.window_origin,
        kinds=options.kind,
    )


COMMAND = Command(
    name="statistics",
    help="export aggregated statistics as a package",
    example="pipeline statistics STORE --to statistics --window 1m --quantile 0.999",
    usage="SOURCE... --to DIR|-",
    add_options=_add_options,
    run=_run,
    undone="nothing was published",
)
