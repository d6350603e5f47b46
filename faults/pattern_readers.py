"""Reads a store by a pattern, as other engines do, beside all that changes it: each session old or new, or an error."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exports import run
from injection import WrongOutcomeError, require
from stores import write_large

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PATTERN = "sessions/*/measurements-*.parquet"
_ALONE, _PACKED = 150, 64
State = dict[str, tuple[int, float]]
"""Rows and sum of the values, by session."""


def _rows(name: str, value: float) -> str:
    line = {"session_id": name, "timestamp": "2026-11-24T16:00:00Z", "metric": "rtt", "value": value, "unit": "ms"}
    return "".join(json.dumps(line | {"sequence": at}) + "\n" for at in range(3))


def _read(store: str) -> State | str:
    """Read the store with DuckDB, which knows nothing of it but the pattern."""
    import duckdb  # noqa: PLC0415 - in the process that reads

    # A connection of its own, for one remembers what it has seen of files.
    with duckdb.connect() as connection:
        try:
            rows = connection.sql(
                f"SELECT session_id, count(*), sum(value) FROM read_parquet('{store}/{PATTERN}', union_by_name = true) "
                "GROUP BY session_id"
            ).fetchall()
        except duckdb.Error as error:
            return type(error).__name__
    return {name: (count, total) for name, count, total in rows}


def _reader(store: str, pipe: Connection) -> None:
    """Read again and again from each word to the next; then give what was read."""
    while pipe.recv():
        found = [_read(store)]
        pipe.send("reading")
        while not pipe.poll():
            found.append(_read(store))
        pipe.recv()
        pipe.send(found)


class _Store:
    """A store of small sessions in packs and in directories of their own, and a large one, that changes."""

    def __init__(self, directory: Path, draw: random.Random) -> None:
        self.path = directory / "store"
        self._source = directory / "rows.ndjson"
        self._draw = draw
        self._value = 0.0
        self._number = 0
        large = write_large(directory / "large.csv", 3.5)
        _require_done(["import", str(large), "--to", str(self.path)])
        self.state = {"large": (10_000, 35_000.0)}
        self.change("packed")
        self.change("alone")

    def change(self, kind: str) -> State:
        """Change the store; gives what it holds then."""
        self._value += 1
        match kind:
            case "packed" | "alone":
                number = _PACKED if kind == "packed" else _ALONE
                # Fewer than share a directory come in one import.
                for start in range(0, number, number if kind == "packed" else 50):
                    stop = min(start + 50, number) if kind == "alone" else number
                    names = [f"s{self._number + at:05}" for at in range(start, stop)]
                    self._import(names, "error")
                self._number += number
            case "replace":
                self._import(self._draw.sample(sorted(self.state.keys() - {"large"}), 20), "replace")
            case "delete":
                names = self._draw.sample(sorted(self.state.keys() - {"large"}), 20)
                words = [word for name in names for word in ("--session", name)]
                _require_done(["delete", str(self.path), *words, "--yes"])
                self.state = {name: one for name, one in self.state.items() if name not in names}
            case "compact":
                _require_done(["compact", str(self.path)])
        return self.state

    def _import(self, names: list[str], if_exists: str) -> None:
        self._source.write_text("".join(_rows(name, self._value) for name in names), encoding="utf-8")
        _require_done(["import", str(self._source), "--to", str(self.path), "--if-exists", if_exists])
        self.state = self.state | dict.fromkeys(names, (3, 3 * self._value))


def _require_done(words: list[str]) -> None:
    status, said = run([*words, "--quiet"])
    require(status == 0, f"{words[0]}: {said}")


def _judge(kind: str, read: State | str, before: State, after: State) -> str:
    """Name what was read beside a change.

    Raises:
        WrongOutcomeError: a session is neither as before nor as after, or is missing without having been deleted.
    """
    if isinstance(read, str):
        return read
    for name in before.keys() | after.keys() | read.keys():
        allowed: set[Any] = {before.get(name), after.get(name)}
        require(read.get(name) in allowed, f"beside {kind}: {name} is {read.get(name)}, not of {allowed}")
    return "as before" if read == before else "as after" if read == after else "between"


def read_beside_changes(directory: Path, *, reads: int, seed: int = 1) -> Counter[str]:
    """Change a store until it has been read so often beside that.

    Args:
        directory: a new directory.
        reads: how often.
        seed: of what is changed.

    Returns:
        how often each outcome was seen; the names of errors are the engine's.

    Raises:
        WrongOutcomeError: what was read is a mixture.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
    store = _Store(directory, draw)
    outcomes: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    reader = context.Process(target=_reader, args=(str(store.path), there), daemon=True)
    reader.start()
    try:
        kinds = ["compact", "packed", "replace", "delete", "alone"]
        at = 0
        while sum(outcomes.values()) < reads:
            kind = kinds[at % len(kinds)]
            at += 1
            before = dict(store.state)
            here.send("begin")
            here.recv()
            after = store.change(kind)
            here.send("stop")
            outcomes.update(_judge(kind, read, before, after) for read in here.recv())
            _require_done(["verify", str(store.path)])
    finally:
        reader.kill()
        reader.join()
    return outcomes


def main() -> None:
    """Run it as often as the options say, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pattern-readers-") as directory:
        try:
            outcomes = read_beside_changes(Path(directory), reads=options.reads, seed=options.seed)
        except WrongOutcomeError as error:
            sys.exit(f"WRONG: {error}")
    for outcome, count in outcomes.most_common():
        print(f"{count:6,}  {outcome}")


if __name__ == "__main__":
    main()
