"""What is promised of commands that run at the same time: how each may end, and what readers and packages may hold."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

REPLACED_IDS = ("r1", "r2", "r3")
VERSIONS = {"one": (400, 1.0), "two": (300, 2.0)}
"""Rows of a session that is replaced, and the value that all of them have, by the name of its version."""
NEW_ROWS, NEW_VALUE = 60, 3.0
"""Of a session that comes once; those of a recorder are numbered from 0."""

_ALARMS = (
    "damaged",
    "Traceback",
    "fault of the program",
    "unexpected",
    "no export wrote",
    "not a package",
    "is not a store",
    "is no session record",
    "does not name it",
)
"""What a line may never say: nobody damages anything here, nor puts anything of others beside it."""
Told = dict[int, str]
"""What an error may say, a pattern by status."""
BUSY: Told = {7: r"another run (is writing it|has just removed it)"}
REPLACED: Told = {3: r"was replaced while it was (read|verified); run it again"}
NOTHING_THERE: Told = {3: r"is no store|but no store|no such|No such|does not exist|has no sessions|no files|holds no"}
OTHER_PACKAGE: Told = {4: r"holds a package of another source or other options"}
OTHER_STAGE: Told = {4: r"holds what an interrupted run left, of "}


class Ending(NamedTuple):
    """How a command ended.

    Attributes:
        status: its exit status, negative where a signal ended it.
        sent: the signals that were sent while it ran.
        said: what it said on standard error.
        out: what it wrote to standard output.
        is_hung: it had to be ended, for it did not end by itself.
    """

    status: int
    sent: tuple[int, ...]
    said: str
    out: str
    is_hung: bool

    @property
    def hit(self) -> int:
        """The signal that ended it, 0 where none did."""
        return next((one for one in self.sent if self.status in {-one, 128 + one}), 0)


class Figures(NamedTuple):
    """What a reader gave of a session: its rows, their least and greatest value, the rows that its record says."""

    session_id: str
    rows: int
    least: float | None
    greatest: float | None
    recorded: int | None


def any_of(*all_told: Told) -> Told:
    """Join what may be told."""
    joined: Told = {}
    for told in all_told:
        for status, pattern in told.items():
            joined[status] = f"{joined[status]}|{pattern}" if status in joined else pattern
    return joined


def judge_ending(ending: Ending, told: Mapping[int, str], *, is_command: bool = True) -> Iterator[str]:
    """Say what is wrong with how a command ended.

    Args:
        ending: how it did.
        told: what it may tell, a pattern by status.
        is_command: it is one of the program's, which says in a line that it was interrupted.
    """
    status, said = ending.status, ending.said
    lines = said.splitlines()
    yield from (f"says {alarm!r}" for alarm in _ALARMS if alarm in said)
    if ending.is_hung:
        yield "does not end"
    elif status == 0:
        if any(not line.startswith("pipeline: warning: ") for line in lines):
            yield "status 0, but an error is said"
    elif -status in ending.sent:
        # It may have been about to tell of an error; before it has begun, a signal that it would catch ends it, too.
        if len(lines) > 1 or (status != -signal.SIGKILL and lines):
            yield f"ended by a signal, but {len(lines)} lines are said"
    elif status - 128 in ending.sent:
        if is_command and (len(lines) != 1 or not said.startswith("pipeline: interrupted")):
            yield "interrupted, but not said so in one line"
    elif status not in told:
        yield f"status {status} is not promised"
    elif len(lines) != 1 or not said.startswith("pipeline: ") or not re.search(told[status], said):
        yield f"status {status}, but what is said is not what is promised"


def judge_figures(figures: Iterable[Figures], known: Collection[str]) -> Iterator[str]:
    """Say what is wrong with the sessions that a reader gave.

    Args:
        figures: of all sessions.
        known: ids of sessions that were there before it began.
    """
    given = list(figures)
    ids = [one.session_id for one in given]
    if len(set(ids)) < len(ids):
        yield f"gives a session twice: {sorted(ids)}"
    if missing := set(known) - set(ids):
        yield f"does not give {sorted(missing)}, which were there before"
    for one in given:
        if one.recorded not in {None, one.rows}:
            yield f"rows are not those of the record: {one}"
        if not _is_whole(one):
            yield f"is no version as a whole: {one}"


def _is_whole(one: Figures) -> bool:
    kind = one.session_id[0]
    if kind == "c":  # recorded: its values count from 0
        return (one.least, one.greatest) == ((0, one.rows - 1) if one.rows else (None, None))
    if kind == "n":
        return (one.rows, one.least, one.greatest) == (NEW_ROWS, NEW_VALUE, NEW_VALUE)
    versions = [(rows, value, value) for rows, value in VERSIONS.values()]
    return one.session_id in REPLACED_IDS and (one.rows, one.least, one.greatest) in versions


def figures_of_rows(lines: Iterable[str]) -> list[Figures]:
    """Figures of rows in NDJSON."""
    values: dict[str, list[float]] = {}
    for row in map(json.loads, lines):
        values.setdefault(row["session_id"], []).append(row["value"])
    return [Figures(one, len(all_), min(all_), max(all_), None) for one, all_ in values.items()]


def judge_package(directory: Path) -> Iterator[str]:
    """Say what is wrong with a package that nobody else writes, by its SHA256SUMS."""
    try:
        lines = (directory / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        named = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
        there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}
    except OSError as error:
        yield f"the package is not there or not whole: {error}"
        return
    there.pop("SHA256SUMS", None)
    if there != named:
        yield f"the package is not what its SHA256SUMS says: {sorted(there.items() ^ named.items())}"


def write_session_rows(path: Path, session_ids: Collection[str], rows: int, value: float) -> Path:
    """Write a file of sessions whose rows all have one value."""
    rest = {"metric": "m", "value": value, "unit": "ms"}
    lines = [
        json.dumps({"session_id": one, "sequence": at, "timestamp": f"2026-11-24T16:00:00.{at:06}Z", **rest}) + "\n"
        for one in session_ids
        for at in range(rows)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path
