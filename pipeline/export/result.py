"""What an export did."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.display import html_table, quantity
from pipeline.errors import EmptyExportError
from pipeline.package.attached import ATTACHED_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.package.attached import AttachedFile
    from pipeline.package.written_file import WrittenFile
    from pipeline.selection.selected import Selected


@dataclass(frozen=True, kw_only=True)
class ReportedFile:
    """A file that an export wrote: its name, table, rows and bytes, its hash where it was computed."""

    name: str
    table: str
    rows: int
    bytes: int
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """What an export did.

    Attributes:
        to: where it was written to.
        files: the files of tables, in the order of the package.
        sessions: how many sessions it describes.
        seconds: how long it took.
        is_unchanged: the package was there already, complete, so nothing was written.
        warnings: what its reader should know, a sentence each.
        verdict: on the targets that were checked: `pass`, `fail`, `no-data` or `cannot-tell`; None without targets.
    """

    to: str
    files: tuple[ReportedFile, ...]
    sessions: int
    seconds: float
    is_unchanged: bool = False
    warnings: tuple[str, ...] = ()
    verdict: str | None = None

    @property
    def rows(self) -> int:
        """Rows of the exported tables; the sessions that describe them do not count."""
        return sum(file.rows for file in self.files if file.table != "sessions")

    @property
    def bytes(self) -> int:
        """Bytes of all files of tables."""
        return sum(file.bytes for file in self.files)

    def _repr_html_(self) -> str:
        done = "was there already" if self.is_unchanged else f"written in {self.seconds:.2f} s"
        return html_table(
            f"{self.to}: {quantity(len(self.files), 'file')}, {quantity(self.rows, 'row')}, "
            f"{quantity(self.bytes, 'byte')}, {done}",
            ("file", "table", "rows", "bytes", "sha256"),
            [(file.name, file.table, file.rows, file.bytes, file.sha256) for file in self.files],
            [f"warning: {warning}" for warning in self.warnings],
        )


def report_existing(descriptor: Mapping[str, Any]) -> list[ReportedFile]:
    """Report the files of a package that was there already."""
    return [
        ReportedFile(
            name=resource["path"],
            table=resource.get("pipeline:table") or resource[ATTACHED_KEY],
            rows=resource.get("pipeline:rowCount", 0),
            bytes=resource["bytes"],
            sha256=resource["hash"].removeprefix("sha256:") if "hash" in resource else None,
        )
        for resource in descriptor["resources"]
    ]


def make_result(
    to: str | Path,
    files: Sequence[ReportedFile],
    selected: Selected,
    *,
    started: float,
    fail_if_empty: bool,
    warnings: Sequence[str],
    is_unchanged: bool = False,
) -> ExportResult:
    """Say what an export did.

    Args:
        to: where it was written to.
        files: its files.
        selected: what was selected.
        started: when it began, of the monotonic clock.
        fail_if_empty: take it for an error that there is no row.
        warnings: what its reader should know of the options.
        is_unchanged: nothing was written.

    Raises:
        EmptyExportError: there is no row, and that is an error.
    """
    result = ExportResult(
        to=str(to),
        files=tuple(files),
        sessions=len(selected.sessions),
        seconds=time.monotonic() - started,
        is_unchanged=is_unchanged,
        warnings=(*warnings, *selected.warnings),
    )
    if result.rows:
        return result
    if fail_if_empty:
        raise EmptyExportError("nothing matches the selection, and --fail-if-empty is given; nothing was published")
    warning = "nothing matches the selection; the files are valid and hold no rows"
    return replace(result, warnings=(*result.warnings, warning))


def report_written(named: Mapping[str, WrittenFile], attached: Sequence[AttachedFile] = ()) -> list[ReportedFile]:
    """Report the files that an export wrote, by name."""
    tables = [
        ReportedFile(name=name, table=one.file.table, rows=one.file.content.rows, bytes=one.bytes, sha256=one.sha256)
        for name, one in named.items()
    ]
    return tables + [
        ReportedFile(name=one.name, table=one.kind, rows=0, bytes=one.bytes, sha256=one.sha256) for one in attached
    ]
