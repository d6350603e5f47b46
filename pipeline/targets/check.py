"""Checks: targets against the sessions of a source, whose rows pass as often as their groups differ."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.arguments import check_arguments, time_text
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.model.sessions_table import sessions_table
from pipeline.model.timestamps import format_timestamp
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.conditions import sessions_where
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_source, source_paths
from pipeline.targets.bounds import Bounds
from pipeline.targets.figures import Figures, Group, Pass
from pipeline.targets.judging import Place, judge, told
from pipeline.targets.measures import is_latency
from pipeline.targets.target_file import read_targets
from pipeline.targets.verdicts import Check, TargetVerdict, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.model.metric_facts import MetricFacts
    from pipeline.model.session import Session
    from pipeline.scan.inventory import Inventory
    from pipeline.selection.selected import Selected
    from pipeline.targets.figures import Row
    from pipeline.targets.target_file import Target
    from pipeline.targets.verdicts import GroupVerdict


def check_targets(
    source: Source,
    targets: str | Path,
    *,
    sessions: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    timezone: str | None = None,
) -> Check:
    """Check whether sessions meet targets.

    Args:
        source: a store, files, globs or a DuckDB file.
        targets: TOML file of the targets, each a table `[[target]]`; docs/targets.md has its keys.
        sessions: ids of the sessions to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.

    Returns:
        a verdict on each target and on each of its groups; `is_met` says whether all pass.

    Raises:
        UsageError: the file of targets or an option cannot be understood; nothing was read then.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
    """
    check_arguments(locals())
    source_paths(source)  # what is no path is said before the file of targets is read
    wanted = read_targets(targets)
    selection = Selection(
        sessions=tuple(sessions),
        since=time_text(since),
        until=time_text(until),
        where=where,
        where_session=where_session,
        timezone=timezone,
    )
    with open_source(source, timezone=timezone, hold=True) as inventory:
        return check_rows(inventory, selection, wanted)


def check_rows(
    inventory: Inventory,
    selection: Selection,
    targets: Sequence[Target],
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    may_be_missing: bool = False,
) -> Check:
    """Check targets against the rows that a selection takes of a source that is open.

    Between `since` and `until` a session lasts as long as it lies there: that is what a rate is of, and windows that
    do not lie there as a whole are left out.

    Args:
        inventory: what the source holds; opened with `hold`, so that sessions stay what they are.
        selection: which sessions and rows; its metrics, columns and paths to redact are passed over.
        targets: what is asked, see `read_targets`.
        batch_size: rows of a batch, at most.
        may_be_missing: as of `select`.

    Raises:
        TomlError: a condition on sessions, or the unit of a limit, cannot be understood.
        SourceError: the source holds bad data, or cannot be read.
    """
    # What is redacted may be what a condition of a target asks for; `7d` is one instant for all passes.
    times = selection.resolved_times()
    of_rows = replace(
        selection, metrics=(), columns=None, exclude=(), redact=(), since=times["since"], until=times["until"]
    )
    selected = select(inventory, of_rows, batch_size=batch_size, may_be_missing=may_be_missing)
    chosen: dict[str | None, tuple[Session, ...]] = {None: selected.sessions}
    for target in targets:
        if target.sessions not in chosen:
            chosen[target.sessions] = _chosen(target, target.sessions or "", selected)
    asked = [_asked(target, chosen[target.sessions]) for target in targets]
    passes: dict[Pass, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for one in asked:
        metrics, quantiles = passes[one.first_pass]
        metrics.add(one.target.metric)
        if one.target.figure.quantile is not None:
            quantiles.add(str(one.target.figure.quantile))
    with temporary_directory() as directory:
        judge_of = _Judge(Figures(selected, passes, directory))
        verdicts = tuple(judge_of.verdict(one) for one in asked)
    return Check(source=selected.scan.name, targets=verdicts, warnings=selected.warnings)


@dataclass(frozen=True)
class _Asked:
    """A target, and the sessions that it is about.

    Attributes:
        target: the target.
        chosen: the sessions for which its condition holds.
        sessions: those of them in which the metric is no aggregate.
    """

    target: Target
    chosen: tuple[Session, ...]
    sessions: tuple[Session, ...]

    @property
    def begins_infinite(self) -> bool:
        """Whether lost samples count as infinite as long as nobody knows the unit; other figures do not ask."""
        return self.target.figure.kind != "quantile" or self.target.lost != "exclude"

    def is_lost_infinite(self, rows: Sequence[Row]) -> bool:
        """Whether lost samples of a group count as infinite."""
        if self.target.lost is not None:
            return self.target.lost == "infinite"
        return is_latency(self._facts, rows[0]["unit"] if rows else None)

    @cached_property
    def _facts(self) -> set[MetricFacts | None]:
        return {one.metric_facts.get(self.target.metric) for one in self.sessions}

    @cached_property
    def first_pass(self) -> Pass:
        """The pass over the rows that its figure comes from, as long as nobody knows the unit."""
        return self.pass_over(is_lost_infinite=self.begins_infinite)

    def pass_over(self, *, is_lost_infinite: bool) -> Pass:
        """Give the pass over the rows that its figure comes from."""
        return Pass(
            session_ids=tuple(one.session_id for one in self.sessions),
            is_pooled=self.target.per == "all",
            window_seconds=self.target.window_seconds,
            lost="infinite" if is_lost_infinite else "exclude",
            share=self.target.figure.threshold,
        )

    @cached_property
    def reason(self) -> str:
        """Why no session is asked."""
        if self.chosen:
            return f"{self.target.metric} is an aggregate: its values stand for many samples each"
        return "no session" if self.target.sessions is None else f"no session where {self.target.sessions}"


def _chosen(target: Target, condition: str, selected: Selected) -> tuple[Session, ...]:
    """Choose the sessions for which the condition of a target holds."""
    table = sessions_table(selected.sessions, selected.scan.timestamp_unit, for_sql=True)
    try:
        ids = sessions_where(table, condition)
    except UsageError as error:
        raise target.error(f"sessions {str(error).removeprefix('--where-session ')}", "sessions") from error
    return tuple(one for one in selected.sessions if one.session_id in ids)


def _asked(target: Target, chosen: tuple[Session, ...]) -> _Asked:
    def is_aggregate(session: Session) -> bool:
        facts = session.metric_facts.get(target.metric)
        return facts is not None and facts.is_aggregate

    return _Asked(target, chosen, tuple(one for one in chosen if not is_aggregate(one)))


class _Judge:
    """Judges targets by the rows of one selection."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._bounds = Bounds(figures)

    def verdict(self, asked: _Asked) -> TargetVerdict:
        """Judge a target."""
        target = asked.target
        groups = tuple(self._groups(asked, self._figures.rows(asked.first_pass))) if asked.sessions else ()
        return TargetVerdict(
            name=target.name,
            metric=target.metric,
            figure=target.figure.text,
            limit=target.limit.text,
            per=target.per,
            sessions=target.sessions,
            confidence=target.confidence,
            lost=target.lost,
            verdict=worst(group.verdict for group in groups),
            groups=groups,
            reason="" if groups else asked.reason,
        )

    def _groups(self, asked: _Asked, rows: Mapping[Group, Sequence[Row]]) -> Iterator[GroupVerdict]:
        """Judge each group of a target, in the order of sessions and time."""
        metric, extents = asked.target.metric, self._figures.extents
        if asked.target.per == "all":
            seconds = sum((extents[one.session_id].seconds for one in asked.sessions), Fraction())
            group = Group(None, None, metric)
            yield self._judged(asked, group, Place(None, seconds), rows.get(group, ()))
        elif asked.target.window_seconds is None:
            for session in asked.sessions:
                group = Group(session.session_id, None, metric)
                place = Place(session.session_id, extents[session.session_id].seconds)
                yield self._judged(asked, group, place, rows.get(group, ()))
        else:
            with_rows = {group.session_id for group in rows if group.metric == metric}
            for session in asked.sessions:
                yield from self._windows(asked, session, rows, has_rows=session.session_id in with_rows)

    def _windows(
        self, asked: _Asked, session: Session, rows: Mapping[Group, Sequence[Row]], *, has_rows: bool
    ) -> Iterator[GroupVerdict]:
        target, extent = asked.target, self._figures.extents[session.session_id]
        seconds = target.window_seconds or 0
        places = extent.windows(seconds)
        whole = Place(session.session_id, extent.seconds)
        if not places:
            lasts = f"{float(extent.seconds):g} s of the session"
            yield told(whole, "cannot-tell", f"no window of {target.per} fits into the {lasts}")
        elif not has_rows:
            yield told(whole, "no-data", "no sample")
        for at in places if has_rows else ():
            start = extent.start + at * seconds * extent.scale
            ends = (start, start + seconds * extent.scale)
            times = (format_timestamp(one, session.timestamp_unit) for one in ends)
            place = Place(session.session_id, Fraction(seconds), *times)
            group = Group(session.session_id, at, target.metric)
            yield self._judged(asked, group, place, rows.get(group, ()))

    def _judged(self, asked: _Asked, group: Group, place: Place, rows: Sequence[Row]) -> GroupVerdict:
        """Judge a group, whose lost samples count as infinite where they are those of a latency."""
        target, of = asked.target, asked.first_pass
        is_infinite = asked.is_lost_infinite(rows)
        if target.figure.quantile is not None and rows and is_infinite != asked.begins_infinite:
            of = asked.pass_over(is_lost_infinite=is_infinite)
            rows = self._figures.rows_for(of, target.metric, str(target.figure.quantile))[group]
        bound = None if target.confidence is None else self._bounds.bound(target, of, group)
        return judge(target, place, rows, is_lost_infinite=is_infinite, bound=bound)
