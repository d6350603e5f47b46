"""Comparisons of the sessions of one side with those of the other, one figure a session."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pipeline.arguments import check_arguments, time_text
from pipeline.compare.comparison import Comparison, SessionFigure
from pipeline.compare.configurations import configuration_differences
from pipeline.compare.verdicts import Sides, judge_all
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.model.sessions_table import sessions_table
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.conditions import sessions_where
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_source
from pipeline.targets.figures import Figures, Group, Pass
from pipeline.targets.limits import parse_figure
from pipeline.targets.measures import is_latency, measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from pipeline.model.metric_facts import Better
    from pipeline.model.session import Session
    from pipeline.scan.inventory import Inventory
    from pipeline.selection.selected import Selected
    from pipeline.targets.limits import Figure

DEFAULT_FIGURES = ("p50", "p95")
_BETTER_FIGURES: dict[str, Better] = {"loss": "lower", "null_count": "lower"}
"""Figures of which one way is better, whatever the metric is."""
_UNDIRECTED = {"stddev", "count", "non_finite_count", "rate"}
"""Figures of which nobody knows that, whatever is better for the metric."""
_Sides = dict[tuple[str, str | None, str], tuple[list[SessionFigure], list[SessionFigure]]]


def compare_sessions(
    source: Source,
    baseline: str | None = None,
    candidate: str | None = None,
    *,
    baseline_source: Source | None = None,
    figures: Sequence[str] = DEFAULT_FIGURES,
    better: Literal["lower", "higher"] | None = None,
    min_effect: str | float = 0.02,
    sessions: Sequence[str] = (),
    metrics: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    timezone: str | None = None,
) -> Comparison:
    """Compare sessions with others, by one figure a session.

    Args:
        source: a store, files, globs or a DuckDB file.
        baseline: SQL condition on sessions, of those to compare with; all where they are of another source.
        candidate: SQL condition on the sessions that are compared; all where the baseline is of another source.
        baseline_source: the source of the baseline; the same by default.
        figures: figures of a session, as in targets.
        better: which way is better for metrics of which the records do not say it.
        min_effect: smallest shift that counts, as a part of the baseline: 0.02, or `2%`.
        sessions: ids of the sessions to take; all by default.
        metrics: names of the metrics to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.

    Raises:
        UsageError: an option cannot be read, a side has no session, or a session is on both; or scipy is missing.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
    """
    check_arguments(locals())
    if baseline_source is None and (baseline is None or candidate is None):
        raise UsageError("name both sides, --baseline and --candidate, or give the baseline a source of its own")
    asked = list({figure.text: figure for figure in map(_figure, figures)}.values())
    if not asked:
        raise UsageError("--figure: name one at least, such as p50")
    smallest = _part(min_effect)
    selection = Selection(
        sessions=tuple(sessions),
        metrics=tuple(metrics),
        since=time_text(since),
        until=time_text(until),
        where=where,
        where_session=where_session,
        timezone=timezone,
    )
    times = selection.resolved_times()  # `7d` is one instant for all passes
    selection = replace(selection, since=times["since"], until=times["until"])
    with ExitStack() as stack:
        inventory = stack.enter_context(open_source(source, timezone=timezone, hold=True))
        other = inventory
        if baseline_source is not None:
            other = stack.enter_context(open_source(baseline_source, timezone=timezone, hold=True))
        sides = (
            _side(other, selection, baseline, "--baseline"),
            _side(inventory, selection, candidate, "--candidate"),
        )
        if baseline_source is None:
            _require_apart(*(side.sessions for side in sides))
        found: _Sides = {}
        for at, side in enumerate(sides):
            for key, figure in _figures_of(side, asked):
                of_both = found.setdefault(key, ([], []))
                if figure is not None:
                    of_both[at].append(figure)
    facts = _directions([one for side in sides for one in side.sessions])
    names = [figure.text for figure in asked]
    keys = sorted(found, key=lambda key: (key[0], key[1] or "", names.index(key[2])))
    directed = [_better(metric, asked[names.index(name)], facts, better) for metric, _, name in keys]
    rows = judge_all([Sides(*key, way, *found[key]) for key, way in zip(keys, directed, strict=True)], smallest)
    return Comparison(
        source=inventory.name,
        baseline_source=other.name,
        baseline=tuple(one.session_id for one in sides[0].sessions),
        candidate=tuple(one.session_id for one in sides[1].sessions),
        rows=rows,
        configuration=configuration_differences(*(side.sessions for side in sides)),
        tests=sum(one.p is not None for one in rows),
        min_effect=smallest,
        warnings=tuple(dict.fromkeys(one for side in sides for one in side.warnings)),
    )


def _figure(text: str) -> Figure:
    try:
        return parse_figure(text)
    except ValueError as error:
        raise UsageError(f"--figure {error}") from error


def _part(given: str | float) -> float:
    """Read a part of a whole, such as `2%` or 0.02."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(%?)", str(given).strip(), re.ASCII)
    if match is None:
        raise UsageError(f"--min-effect {given!r}: give a part of the baseline from 0 on, such as 2% or 0.02")
    return float(match[1]) / (100 if match[2] else 1)


def _side(inventory: Inventory, selection: Selection, condition: str | None, option: str) -> Selected:
    """Select the sessions of a side.

    Raises:
        UsageError: its condition cannot be read, or there is none.
    """
    selected = select(inventory, selection, batch_size=DEFAULT_BATCH_SIZE)
    if condition is not None:
        try:
            ids = sessions_where(sessions_table(selected.sessions, inventory.timestamp_unit, for_sql=True), condition)
        except UsageError as error:
            raise UsageError(str(error).replace("--where-session", option, 1)) from error
        selected = replace(selected, sessions=tuple(one for one in selected.sessions if one.session_id in ids))
    if not selected.sessions:
        raise UsageError(f"{option}{'' if condition is None else f' {condition!r}'}: selects no session")
    return selected


def _require_apart(baseline: Sequence[Session], candidate: Sequence[Session]) -> None:
    on_both = {one.session_id for one in baseline} & {one.session_id for one in candidate}
    if on_both:
        named = ", ".join(sorted(on_both)[:3]) + (", ..." if len(on_both) > 3 else "")
        raise UsageError(f"--baseline and --candidate share {len(on_both):,} of their sessions: {named}")


def _figures_of(
    side: Selected, asked: Sequence[Figure]
) -> Iterator[tuple[tuple[str, str | None, str], SessionFigure | None]]:
    """Give the figures of each session of a side, by metric, unit and figure; None where a session has none.

    Aggregates are left out.
    """
    ids = tuple(one.session_id for one in side.sessions)
    wanted = {name for one in side.sessions for name in one.metrics}
    wanted &= set(side.selection.metrics) or wanted
    quantiles = {str(figure.quantile) for figure in asked if figure.quantile is not None}
    passes = {
        threshold: Pass(ids, is_pooled=False, window_seconds=None, lost="infinite", share=threshold)
        for threshold in dict.fromkeys(figure.threshold for figure in asked)
    }
    with temporary_directory() as directory:
        figures = Figures(side, dict.fromkeys(passes.values(), (wanted, quantiles)), directory)
        for session in side.sessions:
            for metric in sorted(wanted & set(session.metrics)):
                facts = session.metric_facts.get(metric)
                if facts is not None and facts.is_aggregate:
                    continue
                group = Group(session.session_id, None, metric)
                seconds = figures.extents[session.session_id].seconds
                for figure in asked:
                    of = passes[figure.threshold]
                    for at, row in enumerate(figures.rows(of).get(group, [])):
                        is_infinite = is_latency([facts], row["unit"])
                        if figure.quantile is not None and not is_infinite and row["null_count"]:
                            exclude = of._replace(lost="exclude")
                            row = figures.rows_for(exclude, metric, str(figure.quantile))[group][at]  # noqa: PLW2901
                        found = measure(figure, row, seconds, is_lost_infinite=is_infinite)
                        key = (metric, row["unit"], figure.text)
                        if found.value is None or found.unknown:
                            yield key, None
                            continue
                        yield (
                            key,
                            SessionFigure(
                                session_id=session.session_id,
                                value=found.value,
                                count=found.count,
                                lost_count=row["null_count"],
                            ),
                        )


def _directions(sessions: Sequence[Session]) -> dict[str, Better]:
    """Say of which metrics the records know which way is better; not of those of which two say different things."""
    said: dict[str, set[Better | None]] = {}
    for session in sessions:
        for name, facts in session.metric_facts.items():
            said.setdefault(name, set()).add(facts.better)
    return {name: way for name, ways in said.items() if len(ways) == 1 for way in ways if way is not None}


def _better(metric: str, figure: Figure, known: dict[str, Better], otherwise: Better | None) -> Better | None:
    """Say which way is better for a figure of a metric; None where nobody knows."""
    if figure.text in _BETTER_FIGURES:
        return _BETTER_FIGURES[figure.text]
    of_metric = known.get(metric, otherwise)
    if of_metric is None or figure.text in _UNDIRECTED:
        return None
    if figure.threshold is None:
        return of_metric
    # A share of what is good is better when it is larger.
    return "higher" if figure.threshold.is_upper == (of_metric == "lower") else "lower"
