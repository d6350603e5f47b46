"""`pipeline run`: runs a scheduled job."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_output, add_wait
from pipeline.cli.output import counted, duration, size
from pipeline.cli.progress import Progress
from pipeline.cli.streams import json_line, reporting, warn, writing_to_standard_output
from pipeline.cli.table import print_table
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.jobs.result import JobResult, PeriodResult


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "job", metavar="JOB.toml", help="the file of the job; `pipeline init-job` writes one to begin with"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and why")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="of the exports, only this one; repeatable"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="in place of the file's: source=..., import.settle=5m, EXPORT.keep=30d; repeatable",
    )
    parser.add_argument("--refresh", action="store_true", help="publish the periods from --from to --to anew")
    parser.add_argument("--from", dest="since", metavar="T", help="only periods that reach beyond this time")
    parser.add_argument("--to", dest="until", metavar="T", help="only periods that begin before this time")
    parser.add_argument("--at", metavar="T", help="the instant by which periods have ended (default: now)")
    parser.add_argument("--report-unchanged", action="store_true", help="exit with 8 where nothing was to do")
    add_wait(parser, holding="works on the job")
    add_output(parser)


def _run(options: argparse.Namespace) -> int:
    from pipeline.jobs.run import run_job  # noqa: PLC0415

    with Progress("planning", quiet=options.quiet) as progress:

        def on_period(result: PeriodResult) -> None:
            if not options.dry_run and (result.error is not None or not options.quiet):
                progress.say(_line(result, as_json=options.json))

        result = run_job(
            options.job,
            at=options.at,
            only=options.only,
            settings=dict(map(_setting, options.settings)),
            dry_run=options.dry_run,
            refresh=options.refresh,
            since=options.since,
            until=options.until,
            report_unchanged=options.report_unchanged,
            wait_seconds=options.wait,
            on_period=on_period,
        )
        for problem in result.problems:
            told = {"job": result.job, "run": result.run_id, **asdict(problem)}
            progress.say(json_line(told) if options.json else f"pipeline: {problem.where}: {problem.error}\n")
    warn(result.warnings)
    with writing_to_standard_output() if options.dry_run else reporting("the job has run"):
        _print(result, as_json=options.json, quiet=options.quiet)
    return result.exit_status


def _setting(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UsageError(f"--set {text}: give KEY=VALUE, such as timezone=UTC or daily.keep=30d")
    return key, value


def _line(one: PeriodResult, *, as_json: bool) -> str:
    if as_json:
        return json_line(asdict(one))
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    what = f"{one.export} {one.period} {one.reason}: {one.outcome}"
    if one.error is not None:
        return f"{time} {what}: {one.error}\n"
    figures = f", {counted(one.rows, 'row')}, {size(one.bytes)}" if one.outcome not in {"empty", "removed"} else ""
    figures += f", targets: {one.verdict}" if one.verdict is not None else ""
    warnings = "".join(f"; warning: {warning}" for warning in one.warnings)
    return f"{time} {what}{figures} in {duration(one.seconds)}{warnings}\n"


def _print(result: JobResult, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        value = result.describe()
        if result.is_dry_run:
            value["plan"] = [
                {
                    name: asdict(one)[name]
                    for name in ("export", "period", "reason", "outcome", "sessions", "to", "error")
                }
                for one in result.periods
            ]
        sys.stdout.write(json_line(value))
    elif result.is_dry_run:
        _print_plan(result)
    elif not quiet:
        print(f"{result.job}: {_summary(result)} in {duration(result.seconds)}")


def _print_plan(result: JobResult) -> None:
    notes = [f"at {result.at[:19]}Z: {_summary(result)}"]
    here = Path.cwd()
    rows = [
        (one.export, one.period, one.reason, f"{one.sessions:,}", str(_relative(Path(one.to), here)))
        for one in result.periods
    ]
    print_table(("export", "period", "reason", "sessions", "to"), rows, notes)


def _relative(path: Path, here: Path) -> Path:
    return path.relative_to(here) if path.is_relative_to(here) else path


def _summary(result: JobResult) -> str:
    parts = []
    pending, sessions = result.imported.get("pending", 0), result.imported.get("sessions", 0)
    if pending:
        parts.append(f"{counted(pending, 'file')} to import")
    if waiting := result.imported.get("waiting", 0):
        parts.append(f"{counted(waiting, 'file')} too young")
    if sessions:
        parts.append(f"{counted(sessions, 'session')} imported")
    for outcome, periods in result.describe()["periods"].items():
        parts.append(f"{counted(periods, 'period')} {outcome}")
    if result.problems:
        parts.append(counted(len(result.problems), "problem"))
    return ", ".join(parts) or "nothing to do"


COMMAND = Command(
    name="run",
    help="run a job: publish what of a store is new or changed, period by period",
    example="pipeline run nightly.toml --dry-run",
    usage="JOB.toml",
    add_options=_add_options,
    run=_run,
    undone="nothing was published",
)
