"""What each command does; engines are imported when a command runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pipeline.cli.output import (
    Progress,
    counted,
    print_export,
    print_import,
    print_stages,
    print_verification,
    writing_to_standard_output,
)
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pipeline.export.result import ExportResult


def run_import(options: argparse.Namespace) -> int:
    """Run `pipeline import`."""
    from pipeline.importers.run import import_sessions  # noqa: PLC0415

    with Progress(quiet=options.quiet) as progress:
        report = import_sessions(
            options.files,
            options.to,
            session_id=options.session_id,
            configuration=options.configuration,
            if_exists=options.if_exists,
            timezone=options.timezone,
            started_at=options.started_at,
            timestamp_unit=options.timestamp_unit,
            skip_bad=options.skip_bad,
            importer=options.importer,
            mapping=options.map,
            on_progress=progress.update,
        )
    with writing_to_standard_output():
        print_import(report, as_json=options.json, quiet=options.quiet)
    return 0


def run_recover(options: argparse.Namespace) -> int:
    """Run `pipeline recover`."""
    from pipeline.recorder.recovery import recover_sessions  # noqa: PLC0415

    sessions = recover_sessions(options.store)
    with writing_to_standard_output():
        for session_id in sessions:
            print(session_id)
        print(f"{options.store}: {counted(len(sessions), 'session')} recovered")
    return 0


def run_export(options: argparse.Namespace) -> int:
    """Run `pipeline export`."""
    from pipeline.api import export_measurements  # noqa: PLC0415

    return _publish(options, export_measurements, with_statistics=options.with_statistics)


def run_statistics(options: argparse.Namespace) -> int:
    """Run `pipeline statistics`."""
    from pipeline.api import export_statistics  # noqa: PLC0415

    return _publish(
        options,
        export_statistics,
        by=options.by,
        window=options.window,
        quantiles=options.quantile,
        lost=options.lost,
    )


def _publish(options: argparse.Namespace, export: Callable[..., ExportResult], **own: Any) -> int:  # noqa: ANN401 - a command's own options
    """Run an export with the options of all exports and its own, and tell what it wrote."""
    _check_terminal(options)
    with Progress(quiet=options.quiet) as progress:
        report = export(_sole(options.source), options.to, on_progress=progress.update, **own, **_common(options))
    with writing_to_standard_output():
        print_export(report, as_json=options.json, quiet=options.quiet)
    return 0


def run_sessions(options: argparse.Namespace) -> int:
    """Run `pipeline sessions`."""
    if options.format in {"json", "ndjson"}:
        from pipeline.api import list_sessions  # noqa: PLC0415

        sessions = list_sessions(_sole(options.source), where_session=options.where_session, timezone=options.timezone)
        with writing_to_standard_output():
            if options.format == "json":
                print(json.dumps(sessions, ensure_ascii=False, indent=2))
            else:
                for session in sessions:
                    print(json.dumps(session, ensure_ascii=False, separators=(",", ":")))
        return 0
    from pipeline.cli.listing import print_sessions  # noqa: PLC0415

    print_sessions(
        _sole(options.source),
        where_session=options.where_session,
        timezone=options.timezone,
        as_csv=options.format == "csv",
    )
    return 0


def run_query(options: argparse.Namespace) -> int:
    """Run `pipeline query`."""
    from pipeline.cli.listing import print_query  # noqa: PLC0415

    print_query(
        _sole(options.source),
        options.sql,
        format=options.format,
        timezone=options.timezone,
        threads=options.threads,
        memory_limit=options.memory_limit,
        verify=not options.no_verify,
    )
    return 0


def run_catalog(options: argparse.Namespace) -> int:
    """Run `pipeline catalog`."""
    from pipeline.notebook.catalog import write_catalog  # noqa: PLC0415

    sessions = write_catalog(_sole(options.source), options.to, overwrite=options.overwrite)
    if not options.quiet:
        with writing_to_standard_output():
            print(f"{options.to}: views measurements and sessions, {counted(sessions, 'session')}")
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Run `pipeline verify`."""
    from pipeline.errors import VerificationError  # noqa: PLC0415
    from pipeline.verify.verification import verify_package  # noqa: PLC0415

    with Progress(quiet=options.quiet) as progress:
        found = verify_package(options.directory, quick=options.quick, on_progress=progress.update)
    with writing_to_standard_output():
        print_verification(found, as_json=options.json, quiet=options.quiet)
        sys.stdout.flush()
    if found.problems:
        first = found.problems[0]
        more = f", and {counted(len(found.problems) - 1, 'more problem')}" if len(found.problems) > 1 else ""
        raise VerificationError(f"{options.directory}: {first.file}: {first.problem}{more}; take it from a copy")
    return 0


def run_stages(options: argparse.Namespace) -> int:
    """Run `pipeline stages`."""
    from pipeline.publish.leftovers import list_stages  # noqa: PLC0415

    found = list_stages(options.directory, remove=options.remove)
    with writing_to_standard_output():
        print_stages(found, as_json=options.json)
    return 0


def _sole(source: list[str]) -> str | list[str]:
    return source[0] if len(source) == 1 else source


def _check_terminal(options: argparse.Namespace) -> None:
    binary = options.format in {"parquet", "arrow", "xlsx"} or options.compression not in {None, "none"}
    if options.to == "-" and binary and sys.stdout.isatty():
        raise UsageError("--to - would write bytes to the terminal; redirect it to a file")


def _common(options: argparse.Namespace) -> dict[str, Any]:
    given = {
        "scope": options.scope,
        "format": options.format,
        "compression": options.compression,
        "sessions": tuple(options.session),
        "metrics": tuple(options.metric),
        "since": options.since,
        "until": options.until,
        "where": options.where,
        "where_session": options.where_session,
        "columns": tuple(options.columns) if options.columns else None,
        "exclude": tuple(options.exclude),
        "redact": tuple(options.redact),
        "timezone": options.timezone,
        "overwrite": options.overwrite,
        "rows_per_file": options.rows_per_file,
        "spreadsheet": options.spreadsheet,
        "package_metadata": options.package_metadata,
        "fail_if_empty": options.fail_if_empty,
        "sync": not options.no_sync,
        "hashed": not options.no_hash,
        "verify": options.verify,
        "discard_stage": options.discard_stage,
        "threads": options.threads,
        "memory_limit": options.memory_limit,
    }
    if options.batch_size is not None:
        given["batch_size"] = options.batch_size
    return given
