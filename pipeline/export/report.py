"""The report of an export, a page in the package beside the files of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.package.attached import AttachedFile
from pipeline.package.names import attached_name
from pipeline.report.gathering import GatheringOptions
from pipeline.report.run import write_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.export.options import ExportOptions
    from pipeline.export.result import ReportedFile
    from pipeline.publish.stage import Stage
    from pipeline.rows.content import Content
    from pipeline.selection.selected import Selected


def attach_report(
    options: ExportOptions,
    selected: Selected,
    stage: Stage,
    times: Content,
    files: Sequence[ReportedFile],
    temporary_directory: Path,
) -> AttachedFile:
    """Write the report of what a package holds into it; the rows are read again.

    Args:
        options: of the export; groups, kinds and lost samples are those of its statistics.
        selected: what it takes; all is known of its sessions.
        stage: of the package.
        times: time range of the package.
        files: the files that it holds.
        temporary_directory: where groups and values may spill.

    Raises:
        SourceError: the source cannot be read.
    """
    statistics = options.statistics
    kinds = [kind for kind in statistics.kinds if "=" in kind]
    text = write_page(
        selected,
        GatheringOptions(by=statistics.by, kinds=kinds, lost=statistics.lost),
        temporary_directory=temporary_directory,
        budget_bytes=options.budget_bytes,
        ahead=options.threads != 1,
        targets=options.targets,
        files={file.name: file.sha256 for file in files},
    )
    name = attached_name("report", times.first_timestamp, times.last_timestamp, selected.scan.timestamp_unit)
    with stage.create(name) as out:
        out.write(text.encode())
    return AttachedFile(kind="report", name=name, bytes=out.bytes, sha256=out.sha256)
