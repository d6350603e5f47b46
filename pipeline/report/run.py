"""A report: the rows of a selection are gathered, and become one page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.model.timestamps import format_timestamp
from pipeline.package.descriptor import versions
from pipeline.report.comparison import comparison_section
from pipeline.report.gathering import gather, shown_sessions
from pipeline.report.page import Section, page
from pipeline.report.sections import curves_section, dots_section, figures_section, heatmaps_section
from pipeline.report.session_tables import sessions_section
from pipeline.report.verdicts import verdicts_section
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.targets.check import check_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.compare.comparison import Comparison
    from pipeline.model.session import Session
    from pipeline.report.gathering import GatheringOptions
    from pipeline.selection.selected import Selected
    from pipeline.targets.target_file import Target

NO_ROWS = "nothing matches the selection; the report has no figures"


def write_page(
    selected: Selected,
    options: GatheringOptions,
    *,
    temporary_directory: Path,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    ahead: bool = True,
    on_batch: Callable[[pa.RecordBatch], None] | None = None,
    targets: Sequence[Target] = (),
    comparison: Comparison | None = None,
    files: Mapping[str, str | None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> str:
    """Read the rows of a selection once, and write the page of their report; the same content gives the same page.

    Args:
        selected: what to report; the times of its sessions are known.
        options: which figures.
        temporary_directory: where groups and values may spill.
        budget_bytes: memory of each kind of figures.
        ahead: scan in a thread of its own.
        on_batch: is shown every batch, for progress.
        targets: what the sessions have to meet; rows pass again for them.
        comparison: of sides that the options name.
        files: of the package that it lies in: SHA-256 by name.
        on_warning: is called with what the reader of the figures should know beside the warnings of the selection.

    Raises:
        DisorderError: the rows are out of order.
        SourceError: the rows cannot be read, or an attribute that is grouped by does not exist.
        UsageError: an option cannot be used.
    """
    selected.check_redacted(options.by)
    gathered = gather(
        selected,
        options,
        temporary_directory=temporary_directory,
        budget_bytes=budget_bytes,
        ahead=ahead,
        on_batch=on_batch,
    )
    notes = [] if gathered.rows else [NO_ROWS]
    if notes and on_warning is not None:
        on_warning(NO_ROWS)
    selected = selected.completed(digested=False)
    sessions = selected.sessions
    check = check_rows(selected.inventory, selected.selection, targets) if targets else None
    asked = (
        verdicts_section(check, sessions, gathered.by) if check else None,
        figures_section(gathered, options),
        curves_section(gathered),
        heatmaps_section(gathered),
        comparison_section(comparison, gathered) if comparison else None,
        dots_section(gathered, len(sessions)),
        sessions_section(sessions, shown_sessions(sessions)),
        _provenance(selected, options, files or {}),
    )
    made_by = versions()["pipeline:program"]
    return page(
        f"Measurements of {selected.scan.name}",
        _summary(sessions, [*selected.warnings, *notes]),
        [one for one in asked if one is not None],
        f"Made by {made_by['name']} {made_by['version']}. This page needs no network and no JavaScript.",
    )


def _summary(sessions: Sequence[Session], warnings: Sequence[str]) -> list[str]:
    rows = sum(one.measurement_count for one in sessions)
    lost = sum(one.null_count for one in sessions)
    told = [f"{len(sessions):,} session{'s' * (len(sessions) != 1)} with {rows:,} measurements, {lost:,} of them lost"]
    times = [
        (one.first_timestamp, one.last_timestamp, one.timestamp_unit)
        for one in sessions
        if one.first_timestamp is not None and one.last_timestamp is not None
    ]
    if times:
        first, last = min(one[0] for one in times), max(one[1] for one in times)
        told.append(f"from {_moment(first, times[0][2])} to {_moment(last, times[0][2])}")
    return [", ".join(told) + ".", *(f"Note: {warning}." for warning in warnings)]


def _moment(ticks: int, unit: str) -> str:
    return f"{format_timestamp(ticks, unit)[:19].replace('T', ' ')} UTC"


def _provenance(selected: Selected, options: GatheringOptions, files: Mapping[str, str | None]) -> Section:
    """Say of what, by what and how the page was made."""
    asked = selected.selection
    made = versions()
    times = asked.resolved_times()
    chosen: dict[str, Any] = {
        "sessions": asked.sessions,
        "metrics": asked.metrics,
        "since": times["since"],
        "until": times["until"],
        "where": asked.where,
        "where session": asked.where_session,
        "redacted": asked.redact,
        "groups by": options.by,
        "kinds": options.kinds,
        "lost samples": options.lost,
    }
    facts = {
        "source": selected.scan.name,
        "fingerprint": selected.fingerprint,
        "program": f"{made['pipeline:program']['name']} {made['pipeline:program']['version']}",
        "engines": ", ".join(f"{name} {version}" for name, version in made["pipeline:engines"].items()),
    }
    facts |= {name: value if isinstance(value, str) else ", ".join(value) for name, value in chosen.items() if value}
    facts |= {name: f"SHA-256 {digest}" if digest else "in the package" for name, digest in files.items()}
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    return Section(name="provenance", title="Provenance", body=f"<dl>{listed}</dl>")
