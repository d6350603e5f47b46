"""What an actor does: commands that write the same few things, each with what is promised of how it ends."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import readings
from arena import RECORDED_ROWS, SHARED, Doing, identity, record, run_command
from exports import VARIANTS
from promises import (
    BUSY,
    NEW_ROWS,
    NEW_VALUE,
    NOTHING_THERE,
    OTHER_PACKAGE,
    OTHER_STAGE,
    REPLACED,
    REPLACED_IDS,
    VERSIONS,
    Ending,
    Told,
    any_of,
    judge_ending,
    judge_package,
    write_session_rows,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from arena import Place

_MAX_SESSIONS = 60
"""Beyond these no new ones come, or reading the store would take all the time."""
_OPTIONS = {"--verify": 0.2, "--no-sync": 0.3, "--discard-stage": 0.5, "--overwrite": 0.75}
"""Of exports, how often each is given."""
_SAME_BYTES = {"--overwrite", "--discard-stage", "--keep-stage", "--no-sync"}


class Actor:
    """Draws what to do.

    Attributes:
        unfinished: commands that did not end well and were not repeated since, by what they write.
    """

    def __init__(self, number: int, place: Place, draw: random.Random) -> None:
        self._number, self._place, self._draw = number, place, draw
        self._serial = 0
        self._first_sums: dict[str, bytes] = {}
        self.unfinished: dict[str, list[str]] = {}
        place.own(number).mkdir(parents=True, exist_ok=True)

    def next(self) -> Doing:
        """Draw the next command."""
        self._serial += 1
        (drawn,) = self._draw.choices(_DOINGS, [often for often, _ in _DOINGS])
        return drawn[1](self)

    def _chance(self, probability: float) -> bool:
        return self._draw.random() < probability

    def _is_full(self) -> bool:
        return len(self._place.known_ids()) > _MAX_SESSIONS

    def _keep(self, what: str, words: list[str], ending: Ending) -> None:
        """Keep a command that did not end well, to repeat it."""
        self.unfinished.pop(what, None)
        if ending.status:
            self.unfinished[what] = words

    def replace(self) -> Doing:
        """Import the sessions that are there, with the same rows or others."""
        source = self._place.version(self._draw.choice(list(VERSIONS)))
        words = ["import", str(source), "--to", str(self._place.store), "--if-exists", "replace", "--quiet"]

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, BUSY)
            self._keep("replace", words, ending)
            if ending.status == 0:
                self._place.note_known(REPLACED_IDS)

        return Doing("import --if-exists replace", run_command, words, judge)

    def bring(self) -> Doing:
        """Import new sessions, or some again whose import did not end well."""
        place = self._place
        again = [what for what in self.unfinished if what.startswith("n")]
        if self._is_full() and not again:
            return self.replace()
        is_again = again and (self._is_full() or self._chance(0.7))
        name = self._draw.choice(again) if is_again else f"n{self._number}-{self._serial}"
        ids = [f"{name}-{part}" for part in ("a", "b")]
        source = place.imports / f"{name}.ndjson"
        if not is_again:
            write_session_rows(source, ids, NEW_ROWS, NEW_VALUE)
        words = ["import", str(source), "--to", str(place.store), "--if-exists", "skip", "--quiet"]
        before = place.rows_of(ids)

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, BUSY)
            self._keep(name, words, ending)
            there = place.rows_of(ids)
            if not before.items() <= there.items() or set(there.values()) - {NEW_ROWS}:
                yield f"before {before} were there, now {there}"
            new = len(there) - len(before)
            if ending.status == 0:
                place.note_known(ids)
            # What is said counts those of this command alone, and a kill says nothing.
            told = next((count for count in (1, 2) if f"{count} session" in ending.said), 0)
            if new != (len(ids) - len(before) if ending.status == 0 else told) and ending.status != -signal.SIGKILL:
                yield f"before {before} were there, now {there}, which is not what it says"

        return Doing("import, new sessions", run_command, words, judge)

    def record(self) -> Doing:
        """Record a session."""
        if self._is_full():
            return self.recover()
        place, session_id = self._place, f"c{self._number}-{self._serial}"
        pause = self._draw.choice((0.0, 0.01, 0.05))
        arguments = [str(place.store), session_id, str(place.recorded / session_id), pause]

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, BUSY, is_command=False)
            if ending.status == 0:
                place.note_known([session_id])
                if (rows := place.rows_of([session_id])) != {session_id: RECORDED_ROWS}:
                    yield f"status 0, but the session has {rows} rows"

        return Doing("record_session", record, arguments, judge)

    def recover(self) -> Doing:
        """Recover recordings."""
        told = BUSY if self._place.known_ids() else any_of(BUSY, NOTHING_THERE)
        return Doing("recover", run_command, ["recover", str(self._place.store)], partial(judge_ending, told=told))

    def _export_words(self, source: Path, target: Path) -> list[str]:
        command, *chosen = VARIANTS[self._draw.choice(list(VARIANTS))]
        words = [command, str(source), "--to", str(target), "--quiet", *chosen, "--threads", self._draw.choice("12")]
        if command == "export" and self._chance(0.5):
            words[words.index("--scope") + 1] = "cross-session"
            words += ["--rows-per-file", "900"]
        elif source == self._place.store:  # a file a session costs a sync each
            words += ["--where-session", "session_id LIKE 'r%'"]
        words += [option for option, often in _OPTIONS.items() if self._chance(often)]
        return words if "--discard-stage" in words or self._chance(0.7) else [*words, "--keep-stage"]

    def _told_of_export(self, words: list[str]) -> Told:
        told = [] if "--overwrite" in words else [OTHER_PACKAGE]
        told += [OTHER_STAGE] if "--keep-stage" in words else []
        told += [] if self._place.known_ids() else [NOTHING_THERE]
        return any_of(*told)

    def export(self) -> Doing:
        """Export to a destination that others write, too."""
        target = self._place.out / self._draw.choice(SHARED)
        words = self._export_words(self._place.store, target)
        told = any_of(BUSY, self._told_of_export(words))

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, told)
            if ending.hit:
                self.unfinished[str(target)] = words
            if ending.status == 0 and not target.is_dir():
                yield "status 0, but there is no package"

        return Doing(words[0], run_command, words, judge)

    def export_alone(self) -> Doing:
        """Export to a destination that nobody else writes, often what was interrupted."""
        target = self._place.own(self._number) / "package"
        words = self.unfinished.get(str(target), [])
        if not words or self._chance(0.3):
            words = self._export_words(self._place.store if self._chance(0.4) else self._place.still, target)
        told = self._told_of_export(words)
        before = identity(target)

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, told)
            self._keep(str(target), words, ending)
            is_new = identity(target) != before
            is_published = ending.status == 0 or "the package is published" in ending.said
            if is_new or is_published:
                yield from judge_package(target)
            if is_published and "--overwrite" in words and not is_new:
                yield "says that the package is published, but it is the one of before"
            if is_new and not is_published and ending.status != -signal.SIGKILL:
                yield "does not say that the package is published, but it is another than before"
            if ending.status == 0:
                yield from self._judge_done(words, target)

        return Doing(f"{words[0]}, alone", run_command, words, judge)

    def _judge_done(self, words: list[str], target: Path) -> Iterator[str]:
        left = sorted({path.name for path in target.parent.iterdir()} - {target.name})
        if left:
            yield f"status 0, but leaves {left}"
        if words[1] == str(self._place.still):
            key = " ".join(word for word in words if word not in _SAME_BYTES)
            sums = (target / "SHA256SUMS").read_bytes()
            if self._first_sums.setdefault(key, sums) != sums:
                yield "the package has other bytes than the same command gave before"

    def catalog(self) -> Doing:
        """Write a catalog over that of others."""
        target = self._place.out / "catalog.duckdb"
        words = ["catalog", str(self._place.store), "--to", str(target), "--overwrite", "--quiet"]
        told = any_of(BUSY, REPLACED, {} if self._place.known_ids() else NOTHING_THERE)

        def judge(ending: Ending) -> Iterator[str]:
            yield from judge_ending(ending, told)
            if ending.status == 0 and not target.is_file():
                yield "status 0, but there is no catalog"

        return Doing("catalog", run_command, words, judge)

    def stages(self) -> Doing:
        """List what interrupted exports left, or remove it."""
        more = ["--remove"] if self._chance(0.5) else []
        words = ["stages", str(self._place.out), *more]
        return Doing(" ".join(["stages", *more]), run_command, words, partial(judge_ending, told={}))

    def read(self) -> Doing:
        """Read the store, or verify a destination."""
        return self._draw.choice(readings.ALL)(self._place, self._draw)


_DOINGS: tuple[tuple[float, Callable[[Actor], Doing]], ...] = (
    (3, Actor.replace),
    (3, Actor.bring),
    (3, Actor.record),
    (2, Actor.recover),
    (5, Actor.export),
    (3, Actor.export_alone),
    (1, Actor.catalog),
    (2, Actor.stages),
    (6, Actor.read),
)
"""How often each is drawn."""
