"""`pipeline plot`: one chart alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import (
    add_grouping,
    add_output_file,
    add_quiet,
    add_session_selection,
    add_source,
    add_tuning,
    session_selection_of,
)
from pipeline.cli.progress import Progress
from pipeline.cli.streams import reporting, warn
from pipeline.errors import UsageError, suggest

if TYPE_CHECKING:
    import argparse

    from pipeline.report.plots import PlotKind

CHARTS: tuple[PlotKind, ...] = ("percentiles", "ecdf", "heatmap", "sessions")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--metric", required=True, metavar="M", help="the metric to draw")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help=f"{', '.join(CHARTS)} (default: {CHARTS[0]}); or METRIC=KIND, as in report",
    )
    add_output_file(parser, "the picture, .svg or .png", "replace a chart that is there")
    add_grouping(parser, kinds=False)
    add_session_selection(parser)
    add_quiet(parser)
    add_tuning(parser, batch_size=False)


def _run(options: argparse.Namespace) -> int:
    from pipeline.notebook.charts import plot  # noqa: PLC0415
    from pipeline.sources.standard_input import named_sources  # noqa: PLC0415

    charts = [kind for kind in options.kind if "=" not in kind]
    for kind in charts:
        if kind not in CHARTS:
            raise UsageError(f"--kind {kind!r}: {suggest(kind, CHARTS, noun='charts')}")
    if len(charts) > 1:
        raise UsageError(f"--kind: one chart is drawn at a time, not {' and '.join(charts)}")
    warnings: list[str] = []
    with (
        named_sources(options.source, options.input_format) as named,
        Progress("planning", quiet=options.quiet),
    ):
        chart = plot(
            named.paths,
            options.metric,
            kind=charts[0] if charts else CHARTS[0],
            to=options.to,
            by=options.by,
            kinds=[kind for kind in options.kind if "=" in kind],
            lost=options.lost,
            overwrite=options.overwrite,
            threads=options.threads,
            memory_limit=options.memory_limit,
            on_warning=warnings.append,
            **session_selection_of(options),
        )
    warn(warnings)
    if not options.quiet:
        with reporting("the chart is written"):
            print(f"{options.to}: {chart.title}")
    return 0


COMMAND = Command(
    name="plot",
    help="draw one chart of a metric, as SVG or PNG",
    example="pipeline plot STORE --metric control_rtt --by network_profile --to control_rtt.svg",
    usage="SOURCE... --metric M --to FILE.svg|png",
    add_options=_add_options,
    run=_run,
    undone="no chart was written",
)
