"""What an actor does that writes nothing: readers of the store and of destinations, and what each has to give."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from arena import FIGURES, SHARED, Doing, connect, run_command
from promises import (
    NEW_ROWS,
    NEW_VALUE,
    NOTHING_THERE,
    REPLACED,
    VERSIONS,
    Ending,
    Figures,
    Told,
    any_of,
    figures_of_rows,
    judge_ending,
    judge_figures,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from arena import Place


def _reading(
    place: Place,
    kind: str,
    words: list[str],
    figures: Callable[[list[str]], list[Figures]],
    *,
    told: Told | None = None,
    gives_empty: bool = True,
) -> Doing:
    """Make a reader of the store.

    Args:
        place: where the store lies.
        kind: what it is called.
        words: of the command.
        figures: gives the figures from the lines that it writes.
        told: what it may tell of an error.
        gives_empty: it gives sessions that have no rows.
    """
    known = place.known_ids()
    told = told or {}
    told = told if known else any_of(told, NOTHING_THERE)

    def judge(ending: Ending) -> Iterator[str]:
        yield from judge_ending(ending, told)
        if ending.status == 0:
            empty = set() if gives_empty else {one for one, rows in place.rows_of(known).items() if rows == 0}
            yield from judge_figures(figures(ending.out.splitlines()), known - empty)

    return Doing(kind, run_command, words, judge)


def query(place: Place, _: random.Random) -> Doing:
    """Ask in SQL."""
    words = ["query", str(place.store), FIGURES, "--format", "ndjson"]
    return _reading(place, "query", words, _of_objects, told=REPLACED)


def _of_objects(lines: list[str]) -> list[Figures]:
    return [Figures(*json.loads(line).values()) for line in lines]


def list_sessions(place: Place, _: random.Random) -> Doing:
    """List the sessions, which tells how many rows they have; what it does not tell is taken for right."""
    values = dict([*VERSIONS.values(), (NEW_ROWS, NEW_VALUE)])

    def figures(lines: list[str]) -> list[Figures]:
        counts = {one["session_id"]: one["measurement_count"] for one in map(json.loads, lines)}
        return [
            Figures(one, rows, *((0, rows - 1) if one[0] == "c" and rows else [values.get(rows)] * 2), rows)
            for one, rows in counts.items()
        ]

    return _reading(place, "sessions", ["sessions", str(place.store), "--format", "ndjson"], figures)


def export_to_output(place: Place, _: random.Random) -> Doing:
    """Export to standard output."""
    words = ["export", str(place.store), "--to", "-", "--quiet"]
    return _reading(place, "export --to -", words, figures_of_rows, gives_empty=False)


def statistics_to_output(place: Place, _: random.Random) -> Doing:
    """Write statistics to standard output."""

    def figures(lines: list[str]) -> list[Figures]:
        rows = map(json.loads, lines)
        return [Figures(row["session_id"], row["count"], row["min"], row["max"], None) for row in rows]

    words = ["statistics", str(place.store), "--to", "-", "--quiet", "--format", "ndjson"]
    return _reading(place, "statistics --to -", words, figures, gives_empty=False)


def ask_connection(place: Place, _: random.Random) -> Doing:
    """Ask a connection that is open for a while."""

    def figures(lines: list[str]) -> list[Figures]:
        return [Figures(*json.loads(line)) for line in lines]

    return _reading(place, "connect", [str(place.store)], figures)._replace(function=connect)


def verify(place: Place, draw: random.Random) -> Doing:
    """Verify a destination that others write."""
    target = place.out / draw.choice(SHARED)
    words = ["verify", str(target), *draw.choice(([], [], ["--quick"]))]
    told = REPLACED if target.exists() else any_of(REPLACED, NOTHING_THERE)
    return Doing("verify", run_command, words, partial(judge_ending, told=told))


ALL = (query, list_sessions, export_to_output, statistics_to_output, ask_connection, verify)
