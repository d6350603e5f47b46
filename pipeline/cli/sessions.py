"""`pipeline sessions`: lists the sessions of a source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.cli.options import add_list_format, add_source, sole
from pipeline.cli.streams import write_bytes, writing_to_standard_output
from pipeline.cli.table import print_table

if TYPE_CHECKING:
    import argparse

    from pipeline.model.session import Session


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument("--where-session", metavar="SQL", help="only sessions for which this holds")
    add_list_format(parser)
    parser.add_argument("--timezone", metavar="TZ", help="zone of times that name none")


def _run(options: argparse.Namespace) -> int:
    if options.format in {"json", "ndjson"}:
        _print_json(options)
    else:
        _print_table(options)
    return 0


def _print_json(options: argparse.Namespace) -> None:
    from pipeline.api import list_sessions  # noqa: PLC0415

    sessions = list_sessions(sole(options.source), where_session=options.where_session, timezone=options.timezone)
    with writing_to_standard_output():
        if options.format == "json":
            print(json.dumps(sessions, ensure_ascii=False, indent=2))
        else:
            for session in sessions:
                print(json.dumps(session, ensure_ascii=False, separators=(",", ":")))


def _print_table(options: argparse.Namespace) -> None:
    """Print the sessions as a table for people, or as CSV."""
    from pipeline.model.sessions_table import sessions_table  # noqa: PLC0415
    from pipeline.scan.scan import DEFAULT_BATCH_SIZE  # noqa: PLC0415
    from pipeline.selection.options import Selection  # noqa: PLC0415
    from pipeline.selection.selected import select  # noqa: PLC0415
    from pipeline.sources.open import open_source  # noqa: PLC0415
    from pipeline.writers.text import encode_csv, encode_csv_header  # noqa: PLC0415

    selection = Selection(where_session=options.where_session, timezone=options.timezone)
    with open_source(sole(options.source), timezone=options.timezone) as scan:
        selected = select(scan, selection, batch_size=DEFAULT_BATCH_SIZE)
        if options.format == "csv":
            table = sessions_table(selected.sessions, scan.timestamp_unit)
            write_bytes([encode_csv_header(table.schema), *map(encode_csv, table.to_batches())])
            return
        header = ("session_id", "started_at", "duration", "measurements", "metrics", "harness")
        print_table(header, [_row(session) for session in selected.sessions])


def _row(session: Session) -> list[str]:
    from pipeline.model.timestamps import TICKS_PER_SECOND, format_timestamp  # noqa: PLC0415

    seconds = (session.ended_at - session.started_at) / TICKS_PER_SECOND[session.timestamp_unit]
    harness = " ".join(text for text in (session.harness_name, session.harness_version) if text)
    return [
        session.session_id,
        format_timestamp(session.started_at, session.timestamp_unit),
        f"{seconds:.1f} s",
        f"{session.measurement_count:,}",
        str(len(session.metrics)),
        harness,
    ]


COMMAND = Command(
    name="sessions",
    help="list the sessions of a source",
    example="pipeline sessions STORE --format json",
    usage="SOURCE...",
    add_options=_add_options,
    run=_run,
)
