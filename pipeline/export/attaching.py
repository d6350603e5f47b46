"""Files beside the tables of a package: verdicts on targets, a report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.disk.strict_json import read_json
from pipeline.errors import SourceError
from pipeline.export.result import report_written
from pipeline.package.attached import AttachedFile
from pipeline.package.names import attached_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.export.options import ExportOptions
    from pipeline.package.written_file import WrittenFile
    from pipeline.publish.stage import Stage
    from pipeline.rows.content import Content
    from pipeline.selection.selected import Selected


def attach_files(
    options: ExportOptions,
    selected: Selected,
    stage: Stage,
    times: Content,
    named: Mapping[str, WrittenFile],
    temporary_directory: Path,
) -> tuple[list[AttachedFile], str | None]:
    """Write what is asked for beside the tables into a package.

    Args:
        options: of the export.
        selected: what it takes; all is known of its sessions.
        stage: of the package.
        times: time range of the package.
        named: files of tables by name.
        temporary_directory: where a report may spill.

    Returns:
        the files, and the verdict on all targets; none without targets.
    """
    attached, verdict = _attach_verdicts(options, selected, stage, times)
    if options.report:
        from pipeline.export.report import attach_report  # noqa: PLC0415 - exports without a report need none of it

        files = report_written(named, attached)
        attached.append(attach_report(options, selected, stage, times, files, temporary_directory))
    return attached, verdict


def _attach_verdicts(
    options: ExportOptions, selected: Selected, stage: Stage, times: Content
) -> tuple[list[AttachedFile], str | None]:
    """Check the rows of an export against its targets, and write the verdicts into the package.

    Args:
        options: of the export.
        selected: what it takes.
        stage: of the package.
        times: time range of the package.

    Returns:
        the file, and the verdict on all targets; none without targets.

    Raises:
        TomlError: a target does not fit the source.
        SourceError: the source cannot be read.
    """
    if not options.targets:
        return [], None
    from pipeline.targets.check import check_rows  # noqa: PLC0415 - exports without targets need none of it

    # A target may ask for another metric than those that are exported; of the same sessions.
    ids = tuple(session.session_id for session in selected.sessions)
    selection = replace(options.selection, sessions=ids) if options.selection.metrics else options.selection
    check = check_rows(
        selected.inventory,
        selection,
        options.targets,
        batch_size=options.batch_size,
        may_be_missing=options.job is not None,
    )
    name = attached_name("verdicts", times.first_timestamp, times.last_timestamp, selected.scan.timestamp_unit)
    with stage.create(name) as out:
        out.write(json.dumps(check.describe(), ensure_ascii=False, indent=2).encode() + b"\n")
    return [AttachedFile(kind="verdicts", name=name, bytes=out.bytes, sha256=out.sha256)], check.verdict


def told_verdict(package: Path) -> str | None:
    """Read the verdict that a package holds, None where it holds none."""
    for path in package.glob("verdicts_*.json"):
        try:
            return str(read_json(path)["verdict"])
        except (SourceError, LookupError, TypeError):
            return None
    return None
