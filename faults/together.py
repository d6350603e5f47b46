"""Readers beside an import that replaces sessions again and again: each gives the rows of before or of after.

    just together --seconds 60

One process imports other rows, or the same again, under the same ids. Others read the store all the while, each in its
way, and each session that they give must be one version as a whole. "Told" is the plain error that a session was
replaced while it was read, which is right where files cannot be held open; that a sound store is damaged never is.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from injection import require

import pipeline
from pipeline.cli import main as run_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SESSIONS = ("s1", "s2", "s3")
ROWS_BY_VALUE = {1.0: 2_000, 2.0: 1_500}
"""Rows of a session by the value that all of them have; each such version replaces the other, or itself."""
_PAUSE_SECONDS = 0.15  # who reads by names needs a moment in which nothing is replaced
TOLD = "was replaced while it was read; run it again"
_FIGURES = """SELECT session_id, min(value), max(value), count(*), any_value(measurement_count)
    FROM measurements JOIN sessions USING (session_id) GROUP BY ALL"""

Figures = list[tuple[str, float, float, int, int]]
"""By session: its least and its greatest value, its rows, and the rows that its record says it has."""


def run_together(place: Path, readers: list[str], seconds: float, *, is_held: bool = True) -> dict[str, Counter[str]]:
    """Let readers run beside a writer.

    Args:
        place: an empty directory.
        readers: names of `READERS`, a process each.
        seconds: how long, each from when it has loaded what it needs.
        is_held: readers may hold files open.

    Returns:
        how often each reader was right or told, by its name, and how often `import` replaced all sessions.

    Raises:
        AssertionError: a reader said or gave something else.
    """
    sources = {value: _write_source(place / f"{value:.0f}.ndjson", value) for value in ROWS_BY_VALUE}
    store = place / "store"
    pipeline.import_sessions(sources[1.0], store)
    players = {
        name: subprocess.Popen(
            [sys.executable, __file__, "--play", name, str(place), str(seconds), *([] if is_held else ["--not-held"])],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in readers
    }
    outcomes: dict[str, Counter[str]] = {"import": Counter()}
    for value in itertools.cycle((1.0, 1.0, 2.0, 2.0)):
        if all(player.poll() is not None for player in players.values()):
            break
        pipeline.import_sessions(sources[value], store, if_exists="replace")
        outcomes["import"]["replaced"] += 1
        time.sleep(_PAUSE_SECONDS)
    for name, player in players.items():
        said, _ = player.communicate(timeout=60)
        outcomes[name] = Counter(_judge(name, json.loads(line)) for line in said.splitlines())
        require(player.returncode == 0, f"{name}: ended with {player.returncode}")
    return outcomes


def _write_source(path: Path, value: float) -> Path:
    row = {"metric": "m", "value": value, "unit": "ms"}
    lines = [
        json.dumps({"session_id": one, "sequence": at, "timestamp": f"2026-11-24T16:00:00.{at:06}Z", **row}) + "\n"
        for one in SESSIONS
        for at in range(ROWS_BY_VALUE[value])
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _judge(name: str, read: dict[str, Any]) -> str:
    if "error" in read:
        require(read["status"] == 3 and TOLD in read["error"], f"{name}: {read['error']}")
        return "told"
    figures = read["figures"]
    require([one for one, *_ in figures] == list(SESSIONS), f"{name}: gave the sessions {figures}")
    for session_id, least, greatest, rows, recorded in figures:
        whole = least == greatest and rows == recorded == ROWS_BY_VALUE.get(least)
        require(whole, f"{name}: a mixture in {session_id!r}: {figures}")
    return "right"


def _connect(store: Path, _: Path) -> Figures:
    with pipeline.connect(store) as connection:
        time.sleep(0.02)  # sessions may be replaced meanwhile
        return connection.sql(_FIGURES).fetchall()


def _scan(store: Path, _: Path) -> Figures:
    frame = pipeline.scan(store)
    time.sleep(0.02)
    return _figures((one["session_id"], one["value"]) for one in frame.collect().to_dicts())


def _query(store: Path, scratch: Path) -> Figures:
    said = _said(["query", str(store), _FIGURES, "--format", "ndjson"], scratch)
    return [tuple(json.loads(line).values()) for line in said.splitlines()]


def _export(store: Path, scratch: Path) -> Figures:
    rows = map(json.loads, _said(["export", str(store), "--to", "-", "--quiet"], scratch).splitlines())
    return _figures((row["session_id"], row["value"]) for row in rows)


def _package(store: Path, scratch: Path) -> Figures:
    result = pipeline.export_measurements(store, scratch / "out", overwrite=True, sync=False, with_statistics=True)
    lines = (scratch / "out" / result.files[0].name).read_text(encoding="utf-8").splitlines()
    return _figures((row["session_id"], row["value"]) for row in map(json.loads, lines))


def _statistics(store: Path, scratch: Path) -> Figures:
    said = _said(["statistics", str(store), "--to", "-", "--quiet", "--format", "ndjson"], scratch)
    rows = map(json.loads, said.splitlines())
    return [(row["session_id"], row["min"], row["max"], row["count"], row["count"]) for row in rows]


def _sessions(store: Path, _: Path) -> Figures:
    values = {rows: value for value, rows in ROWS_BY_VALUE.items()}
    counts = [(one["session_id"], one["measurement_count"]) for one in pipeline.list_sessions(store)]
    return [(one, values[rows], values[rows], rows, rows) for one, rows in counts]


READERS: dict[str, Callable[[Path, Path], Figures]] = {
    "connect": _connect,
    "scan": _scan,
    "query": _query,
    "export": _export,
    "package": _package,
    "statistics": _statistics,
    "sessions": _sessions,
}
"""By name: reads a store and gives its figures; the other directory is its own."""
READ_LATER = {"connect", "scan"}
"""What these give is read by an engine, with its own errors; they are right only where files are held open."""


def _figures(values: Iterator[tuple[str, float]]) -> Figures:
    found: dict[str, list[float]] = {}
    for session_id, value in values:
        found.setdefault(session_id, []).append(value)
    return [(one, min(all_), max(all_), len(all_), len(all_)) for one, all_ in found.items()]


def _said(arguments: list[str], scratch: Path) -> str:
    """Run a command in this process and give what it writes to standard output.

    Raises:
        SourceError: it fails; the message is what it says.
    """
    with _into(scratch / "said", sys.stdout) as said, _into(scratch / "error", sys.stderr) as error:
        status = run_command(arguments)
    if status:
        raise _CommandError(status, error.read_text(encoding="utf-8"))
    return said.read_text(encoding="utf-8")


class _CommandError(Exception):
    """A command failed."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said.strip())
        self.exit_status = status


@contextmanager
def _into(path: Path, stream: Any) -> Iterator[Path]:  # noqa: ANN401 - standard output or error
    stream.flush()
    kept = os.dup(stream.fileno())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    try:
        yield path
    finally:
        stream.flush()
        os.dup2(kept, stream.fileno())
        os.close(kept)


def _play(name: str, place: Path, seconds: float, *, is_held: bool) -> None:
    """Read again and again, and print what comes of it, a JSON object a line."""
    if not is_held:
        from pipeline.disk import held  # noqa: PLC0415 - what is before it has none

        held._limit = lambda: 0  # noqa: SLF001 - as if the process had no file left to open
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        while time.monotonic() < end:
            try:
                read = {"figures": sorted(READERS[name](place / "store", Path(scratch)))}
            except Exception as error:  # noqa: BLE001 - it is judged by what it says
                read = {"error": f"{type(error).__name__}: {error}", "status": getattr(error, "exit_status", None)}
            print(json.dumps(read), flush=True)


def main() -> int:
    """Run all readers beside a writer, twice, and print how often each was right or told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long, each time")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS), help="which; all by default")
    parser.add_argument("--play", nargs=3, metavar=("NAME", "PLACE", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--not-held", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        name, place, seconds = options.play
        _play(name, Path(place), float(seconds), is_held=not options.not_held)
        return 0
    for is_held in (True, False):
        readers = [name for name in options.readers if is_held or name not in READ_LATER]
        print("files are held open" if is_held else "files go by their names", flush=True)
        with tempfile.TemporaryDirectory() as place:
            found = run_together(Path(place), readers, options.seconds, is_held=is_held)
        for name, outcomes in found.items():
            print(f"  {name:<12}", ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
