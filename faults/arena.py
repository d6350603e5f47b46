"""Where many commands run at the same time, and what they are: of the program, of a recorder, of a notebook."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from promises import REPLACED_IDS, VERSIONS, Ending, write_session_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SHARED = ("one", "two", "three")
"""Destinations that all write."""
BATCH_ROWS = 20
"""What a recorder may lose when it is killed."""
RECORDED_ROWS = 400
_FIRST_NS = 1_764_000_000_000_000_000
FIGURES = """SELECT session_id, count(sequence), min(value), max(value), any_value(measurement_count)
    FROM sessions LEFT JOIN measurements USING (session_id) GROUP BY ALL"""
"""Asks for the figures of all sessions."""


@dataclass(frozen=True)
class Place:
    """The directory in which all happens, and what lies in it."""

    directory: Path

    @property
    def store(self) -> Path:
        """The store that all share."""
        return self.directory / "store"

    @property
    def still(self) -> Path:
        """A store that nobody writes."""
        return self.directory / "still" / "store"

    @property
    def out(self) -> Path:
        """Where the destinations lie that all share."""
        return self.directory / "out"

    @property
    def temporary(self) -> Path:
        """Where temporary files go."""
        return self.directory / "temporary"

    def own(self, number: int) -> Path:
        """Where the destination lies that only one actor writes."""
        return self.directory / "own" / str(number)

    @property
    def known(self) -> Path:
        """An empty file for each session that is there for good, as a command said."""
        return self.directory / "notes" / "known"

    @property
    def imports(self) -> Path:
        """Files of new sessions."""
        return self.directory / "notes" / "imports"

    @property
    def recorded(self) -> Path:
        """What recorders were told: rows accepted, rows synced, a number in a file each."""
        return self.directory / "notes" / "recorded"

    def make(self) -> None:
        """Make the directories, and the sources."""
        for one in (self.out, self.temporary, self.known, self.imports, self.recorded):
            one.mkdir(parents=True)
        for name, (rows, value) in VERSIONS.items():
            write_session_rows(self.version(name), REPLACED_IDS, rows, value)

    def version(self, name: str) -> Path:
        """The file of a version of the sessions that are replaced."""
        return self.directory / "notes" / f"{name}.ndjson"

    def known_ids(self) -> set[str]:
        """Ids of sessions that are there for good."""
        return {path.name for path in self.known.iterdir()}

    def note_known(self, session_ids: Iterable[str]) -> None:
        """Note that sessions are there for good."""
        for one in session_ids:
            (self.known / one).touch()

    def rows_of(self, session_ids: Iterable[str]) -> dict[str, int]:
        """Rows of the sessions that are there, by their records; for sessions that are never replaced."""
        rows = {}
        for one in session_ids:
            with suppress(FileNotFoundError):
                record = json.loads((self.store / "sessions" / one / "session.json").read_bytes())
                rows[one] = int(record["measurement_count"])
        return rows


class Doing(NamedTuple):
    """A command: its kind, a function and its arguments, and what is wrong with how it ended."""

    kind: str
    function: Callable[..., int]
    arguments: list[Any]
    judge: Callable[[Ending], Iterator[str]]


def run_command(*words: str) -> int:
    """Run a command of the program."""
    from pipeline.cli import main  # noqa: PLC0415 - after the environment is set

    return main(words)


def record(store: str, session_id: str, notes: str, pause: float) -> int:
    """Record a session as a harness does, and note what was accepted and what was synced."""
    from pipeline import PipelineError, record_session  # noqa: PLC0415 - after the environment is set
    from pipeline.recorder.recording import RecordingFile  # noqa: PLC0415

    accepted, synced = (os.open(f"{notes}.{one}", os.O_WRONLY | os.O_CREAT, 0o666) for one in ("accepted", "synced"))
    write = RecordingFile.write
    rows = 0

    def write_and_note(self: RecordingFile, batch: Any) -> None:  # noqa: ANN401 - a batch of Arrow
        nonlocal rows
        write(self, batch)
        rows += batch.num_rows
        os.pwrite(synced, b"%8d" % rows, 0)

    RecordingFile.write = write_and_note  # type: ignore[method-assign]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with record_session(store, session_id=session_id, batch_rows=BATCH_ROWS, flush_seconds=0.05) as recorder:
            for at in range(RECORDED_ROWS):
                recorder.record("m", float(at), unit="ms", at=_FIRST_NS + at * 1_000_000)
                os.pwrite(accepted, b"%8d" % (at + 1), 0)
                if at % BATCH_ROWS == 0:
                    time.sleep(pause)
    except PipelineError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def connect(store: str) -> int:
    """Ask a connection that is open for a while, as a notebook does; print the figures."""
    from pipeline import PipelineError, connect  # noqa: PLC0415 - after the environment is set

    # This process ends without what its parent has registered, so what is registered here is kept and called.
    at_exit: list[Callable[[], None]] = []
    atexit.register = at_exit.append  # type: ignore[assignment]
    try:
        with connect(store) as connection:
            time.sleep(0.05)
            for row in connection.sql(FIGURES).fetchall():
                print(json.dumps(row))
    except PipelineError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return error.exit_status
    for close in at_exit:
        close()
    return 0


def ask_catalog(path: str) -> int:
    """Ask a catalog as any client of DuckDB does; print the figures."""
    import duckdb  # noqa: PLC0415 - after the environment is set

    with duckdb.connect(path, read_only=True) as connection:
        for row in connection.sql(FIGURES).fetchall():
            print(json.dumps(row))
    return 0


def identity(path: Path) -> int | None:
    """Which directory lies there, None where none does."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
