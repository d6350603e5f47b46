"""When all have stopped: what a user runs after a crash, and whether nothing is lost and nothing is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from arena import BATCH_ROWS, SHARED, ask_catalog, connect, run_command
from promises import OTHER_PACKAGE, OTHER_STAGE, REPLACED_IDS, Figures, any_of, judge_ending, judge_figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from arena import Place
    from crowd import Runner
    from promises import Told


def put_right(place: Place, runner: Runner, unfinished: list[list[str]]) -> Iterator[str]:
    """Run the same commands again, recover, remove stages; give what is wrong then.

    Args:
        place: where all happened; nobody works there now.
        runner: runs the commands.
        unfinished: those that were interrupted, killed or refused, and not repeated since.
    """
    store, out = str(place.store), str(place.out)
    replace = ["import", str(place.version("one")), "--to", store, "--if-exists", "replace", "--quiet"]
    yield from _done(runner, replace)
    for words in map(list, dict.fromkeys(map(tuple, unfinished))):  # what several did is done once
        told: Told = {}
        if words[0] != "import":
            told = any_of(
                {} if "--overwrite" in words else OTHER_PACKAGE, OTHER_STAGE if "--keep-stage" in words else {}
            )
        yield from _done(runner, words, told)
    yield from _done(runner, ["recover", store])
    yield from _done(runner, ["catalog", store, "--to", f"{out}/catalog.duckdb", "--overwrite", "--quiet"])
    for directory in (place.out, *(place.directory / "own").iterdir()):
        if any(path.name.startswith(".") for path in directory.iterdir()):
            yield from _done(runner, ["stages", str(directory), "--remove"])
    targets = [place.out / name for name in SHARED]
    targets += [path / "package" for path in (place.directory / "own").iterdir() if (path / "package").exists()]
    for target in targets:
        if not target.exists():
            yield from _done(runner, ["export", store, "--to", str(target), "--quiet"])
        yield from _done(runner, ["verify", str(target), "--quiet"])
    yield from _judge_sessions(place, runner)
    yield from _judge_left(place)


def _done(runner: Runner, words: list[str], told: Told | None = None) -> Iterator[str]:
    ending = runner.run(run_command, words)
    for wrong in judge_ending(ending, told or {}):
        yield f"afterwards: {' '.join(words)}: {wrong}: status {ending.status}: {ending.said}"


def _judge_sessions(place: Place, runner: Runner) -> Iterator[str]:
    """Check that the store has exactly the sessions that were brought, and what recorders synced."""
    ending = runner.run(connect, [str(place.store)])
    told = runner.run(ask_catalog, [str(place.out / "catalog.duckdb")])
    if ending.status or told.status:
        yield f"afterwards: the store or the catalog cannot be asked: {ending.said}{told.said}"
        return
    if sorted(ending.out.splitlines()) != sorted(told.out.splitlines()):
        yield f"afterwards: the catalog has other rows than the store: {told.out} for {ending.out}"
    figures = [Figures(*json.loads(line)) for line in ending.out.splitlines()]
    brought = {f"{path.stem}-{part}" for path in place.imports.iterdir() for part in ("a", "b")} | {*REPLACED_IDS}
    known = brought | {path.name for path in place.known.iterdir()}
    recorded = {path.stem for path in place.recorded.iterdir()}
    yield from (f"afterwards: the store {wrong}" for wrong in judge_figures(figures, known))
    if strange := {one.session_id for one in figures} - known - recorded:
        yield f"afterwards: the store has {sorted(strange)}, which nobody brought"
    rows = {one.session_id: one.rows for one in figures}
    for session_id in sorted(recorded):
        accepted, synced = (_number(place.recorded / f"{session_id}.{what}") for what in ("accepted", "synced"))
        wanted = max(synced, accepted - BATCH_ROWS)
        if rows.get(session_id, 0) < wanted:
            yield (
                f"afterwards: {session_id} has {rows.get(session_id)} rows, its recorder had accepted {accepted} and "
                f"synced {synced}"
            )


def _number(path: Path) -> int:
    return int(path.read_bytes() or 0) if path.exists() else 0


def _judge_left(place: Place) -> Iterator[str]:
    """Check that nothing lies beside what is there for good."""
    allowed = {
        place.directory: {"store", "out", "own", "temporary", "notes", "still", "scratch"},
        place.out: {*SHARED, "catalog.duckdb"},
        place.temporary: set(),
        place.store: {"store.json", "index.parquet", "sessions", "staging", "recordings"},
        place.store / "staging": {"lock"},
        place.store / "recordings": set(),
        **{path: {"package"} for path in (place.directory / "own").iterdir()},
    }
    for directory, names in allowed.items():
        left = {path.name for path in directory.iterdir()} - names if directory.is_dir() else set()
        if left:
            yield f"afterwards: {directory.relative_to(place.directory)} holds {sorted(left)}"
