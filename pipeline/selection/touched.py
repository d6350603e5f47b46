"""Which sessions of a source a selection touches, as far as their records tell; files of others are not opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.scan.inventory import Inventory
    from pipeline.selection.options import Selection


def find_touched(
    inventory: Inventory, selection: Selection, *, may_be_missing: bool = False
) -> tuple[Sequence[int], Sequence[int]]:
    """Find the sessions that a selection touches.

    They are those that are asked for by id and condition, have one of the metrics, and whose rows reach into the
    time range. Conditions on rows, and columns, do not count: whether they meet a row is known when it is read.

    Args:
        inventory: what the source holds.
        selection: what is wanted.
        may_be_missing: a source without sessions, and a session that is named and not there, are no errors.

    Returns:
        the places of those that are asked for, and of those that are touched, rising.

    Raises:
        SourceError: the source has no session, or one that is named does not exist.
        UsageError: a time or SQL cannot be read.
    """
    ids = inventory.session_ids
    if not ids and not may_be_missing:
        raise SourceError(f"{inventory.name}: holds no session; import some first")
    keep = np.ones(len(ids), np.bool_)
    if selection.sessions:
        keep &= _named(ids, selection.sessions, may_be_missing=may_be_missing)
    if selection.where_session is not None and ids:
        from pipeline.selection.conditions import sessions_where  # noqa: PLC0415 - needs DuckDB

        wanted = sessions_where(inventory.table(), selection.where_session)
        keep &= np.fromiter((session_id in wanted for session_id in ids), np.bool_, len(ids))
    asked = np.flatnonzero(keep)
    if selection.metrics:
        metrics = set(selection.metrics)
        keep &= np.fromiter((not metrics.isdisjoint(held) for held in inventory.metrics), np.bool_, len(ids))
    since, until = selection.tick_bounds(inventory.timestamp_unit)
    if since is not None or until is not None:
        times = inventory.times
        keep &= ~times.is_empty
        if since is not None:
            keep &= times.last >= since
        if until is not None:
            keep &= times.first < until
    touched = np.flatnonzero(keep)
    if len(touched) < len(asked):
        inventory.require_sound(np.setdiff1d(asked, touched).tolist())
    return asked.tolist(), touched.tolist()


def _named(ids: Sequence[str], wanted: Sequence[str], *, may_be_missing: bool) -> NDArray[np.bool_]:
    places = {session_id: place for place, session_id in enumerate(ids)}
    keep = np.zeros(len(ids), np.bool_)
    for session_id in wanted:
        if session_id in places:
            keep[places[session_id]] = True
        elif not may_be_missing:
            raise SourceError(f"no session {session_id!r}; {suggest(session_id, ids, noun='sessions')}")
    return keep
