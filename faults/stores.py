"""Imports into a store and recordings of a session, into which faults are injected."""

from __future__ import annotations

import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import zstandard
from exports import COMMAND, run
from injection import Scenario, contents, empty, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from injection import Place

PACK_RECORDS = "sessions.ndjson.zst"
_PACKED, _LARGE_ROWS = 64, 10_000  # so many sessions share a directory, one of so many rows has its own
_FIRST_NS = 1_764_000_000_000_000_000
_RECORDED = "recorded"
_ROWS, _BATCH_ROWS = 40, 20


def write_rows(path: Path, values: Sequence[float], *, sessions: int = 3, prefix: str = "s") -> Path:
    """Write a file of sessions, called by a prefix and their number, that all have these values."""
    with path.open("w", encoding="utf-8") as file:
        for session in range(sessions):
            for sequence, value in enumerate(values):
                line = {
                    "session_id": f"{prefix}{session}",
                    "sequence": sequence,
                    "timestamp": f"2026-11-24T16:00:{sequence:02}Z",
                    "metric": "control_rtt",
                    "value": value,
                    "unit": "ms",
                }
                file.write(json.dumps(line) + "\n")
    return path


def write_large(path: Path, value: float) -> Path:
    """Write a file of one session of many rows, which comes before others by name."""
    lines = (f"large,{at},2026-11-24T16:00:00Z,control_rtt,{value},ms\n" for at in range(_LARGE_ROWS))
    path.write_text("session_id,sequence,timestamp,metric,value,unit\n" + "".join(lines), encoding="utf-8")
    return path


def write_harness_file(path: Path, value: float) -> Path:
    """Write a result file of fio."""
    path.write_text(f"1, {value:.0f}, 0, 4096, 0, 0\n2, {value + 1:.0f}, 0, 4096, 4096, 0\n", encoding="utf-8")
    return path


def _unnumbered(files: dict[str, bytes] | None) -> dict[str, bytes] | None:
    """Leave out how often a session was replaced: the number of its file, which its record has, and so its checksum."""
    if files is None:
        return None
    return {
        re.sub(r"-\d{4}", "", name): re.sub(rb'measurements-\d{4}|"record_sha256": ?"\w+"', b"", _plain(name, data))
        for name, data in files.items()
    }


def require_sound(store: Path, where: str) -> None:
    """Require that all rows of a store are those that its records tell of, and that its index tells the same."""
    from pipeline import verify_store  # noqa: PLC0415 - after the environment is set

    problems = verify_store(store).problems
    require(not problems, f"{where}: {problems}")


def _plain(name: str, data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data) if name.endswith(".zst") else data


def _session_count(files: dict[str, bytes] | None) -> int:
    """How many sessions lie in a directory: as many as the records of a pack have lines, but for the first."""
    return files.get(PACK_RECORDS, b"\n\n").count(b"\n") - 1 if files else 0


class Import(Scenario):
    """An import of files to a store, new or existing, whose sessions are replaced."""

    function = COMMAND

    def __init__(self, directory: Path, *, existing: bool, harness: bool = False, packed: bool = False) -> None:
        """Import it once undisturbed.

        Args:
            directory: see `Scenario`.
            existing: whether the store has the sessions.
            harness: import two files of a harness, a session each, instead of three sessions in one file.
            packed: import so many sessions that they share a directory, and a large one.
        """
        super().__init__(directory)
        kind = "harness, " if harness else "packed, " if packed else ""
        self.name = f"import, {kind}{'replacing' if existing else 'new'}"
        self._existing = existing
        self.out = directory / "out"
        self._store = self.out / "store"
        old, new = directory / "old-files", directory / "new-files"
        for place, factor in ((old, 1), (new, 2)):
            empty(place)
            if harness:
                for name in ("first_lat.log", "second_lat.log"):
                    write_harness_file(place / name, factor * len(name))
            else:
                sessions = _PACKED if packed else 3
                write_rows(place / "source.ndjson", [factor * at / 7 for at in range(30)], sessions=sessions)
            if packed:
                write_large(place / "large.csv", factor)
        options = ["--to", str(self._store), "--if-exists", "replace", "--quiet"]
        options += ["--from", "fio-log", "--started-at", "2026-11-24T16:00:00Z"] if harness else []
        self.words = ["import", *map(str, sorted(new.iterdir())), *options]
        self.arguments = [self.words]
        self._old: dict[str, Any] = {}
        if existing:
            empty(self.out)
            status, said = run(["import", *map(str, sorted(old.iterdir())), *options])
            require(status == 0, f"{self.name}: the old sessions: {said}")
            shutil.copytree(self._store, directory / "old")
            self._old = self._sessions()
        self.prepare()
        status, said = run(self.words)
        require(status == 0, f"{self.name}: undisturbed: {said}")
        self._new = self._sessions()
        changed = all(self._new[name] != self._old.get(name) for name in self._new)
        require(len(self._new) > 1 and changed, f"{self.name}: the import wrote nothing new")

    def _sessions(self) -> dict[str, dict[str, bytes] | None]:
        directory = self._store / "sessions"
        return (
            {path.name: _unnumbered(contents(path)) for path in sorted(directory.iterdir())}
            if directory.exists()
            else {}
        )

    def prepare(self) -> None:
        """Make the store as it was."""
        empty(self.out)
        if self._existing:
            shutil.copytree(self.directory / "old", self._store)

    def judge(self, where: str, place: Place | None = None) -> str:
        """Give `before`, `new` or `some new` for the sessions that are there."""
        del place
        found = self._sessions()
        for name, session in found.items():
            require(session in (self._old.get(name), self._new[name]), f"{where}: {name} is neither old nor new")
        for name in self._old:
            require(name in found, f"{where}: {name} is gone")
        are_new = [found.get(name) == session for name, session in self._new.items()]
        require(are_new == sorted(are_new, reverse=True), f"{where}: not the first sessions are new: {are_new}")
        self._read(where, found)
        status, said = run(self.words)
        require(status == 0, f"{where}: the same command: {said}")
        self.judge_done(f"{where}, then again")
        return "new" if all(are_new) else "some new" if any(are_new) else "before"

    def _read(self, where: str, found: dict[str, Any]) -> None:
        """Check that a reader sees these sessions."""
        from pipeline.store.inventory import take_stock  # noqa: PLC0415 - after the environment is set

        if (self._store / "store.json").exists():
            listed = take_stock(self._store).open().sessions
            there = sum(map(_session_count, found.values()))
            require(len(listed) == there, f"{where}: lists {len(listed)} sessions of {there}")
            require_sound(self._store, where)
        else:
            require(not found, f"{where}: has sessions and is no store")

    def judge_error(self, where: str, said: str) -> None:
        """Check that the message says how many sessions are new, and that nothing is left in `staging/`."""
        found = self._sessions()
        new = sum(_session_count(session) for name, session in self._new.items() if found.get(name) == session)
        told = re.search(r"(\d+) sessions? (was|were) imported before; the same command imports the others", said)
        require((int(told[1]) if told else 0) == new, f"{where}: {new} sessions are new, it says {said}")
        self._require_clear(where)

    def _require_clear(self, where: str) -> None:
        staging = self._store / "staging"
        left = [path.name for path in staging.iterdir()] if staging.exists() else []
        require(not left, f"{where}: leaves {left} in staging/")

    def judge_done(self, where: str) -> None:
        """Check that all sessions are the new ones."""
        require(self._sessions() == self._new, f"{where}: status 0, but the sessions are others")
        self._require_clear(where)


def recover(store: str) -> int:
    """Recover sessions without telling which."""
    from pipeline import PipelineError, recover_sessions  # noqa: PLC0415 - after the environment is set

    try:
        recover_sessions(store)
    except PipelineError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def record(store: str) -> int:
    """Record a session as a harness does; give the status with which a command would end."""
    from pipeline import PipelineError, record_session  # noqa: PLC0415 - in the process that records

    try:
        # Nothing is flushed by the clock, so that the calls are always the same.
        with record_session(store, session_id=_RECORDED, batch_rows=_BATCH_ROWS, flush_seconds=3600) as recorder:
            for at in range(_ROWS):
                recorder.record("control_rtt", at / 7, unit="ms", at=_FIRST_NS + at * 1_000_000)
    except PipelineError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return error.exit_status
    return 0


class Recording(Scenario):
    """A recording of a session, or the recovery of one, in a store of another session."""

    def __init__(self, directory: Path, *, recover: bool) -> None:
        """Prepare it.

        Args:
            directory: see `Scenario`.
            recover: make a session of a recording that was killed, instead of recording.
        """
        super().__init__(directory)
        self.name = "recover" if recover else "record"
        self.out = directory / "out"
        self._store = self.out / "store"
        empty(self.out)
        source = write_rows(directory / "source.ndjson", [1.0, 2.0], sessions=1)
        self._import = ["import", str(source), "--to", str(self._store), "--if-exists", "skip", "--quiet"]
        status, said = run(self._import)
        require(status == 0, f"{self.name}: {said}")
        shutil.copytree(self.out, directory / "before")
        self.function, self.arguments = "stores:record", [str(self._store)]
        self.places = self.find_places()
        require(self._values() == self._wanted(_ROWS), f"{self.name}: records {self._values()}")
        if recover:
            batches = str(self._store / "recordings" / _RECORDED / "batches")
            closing = [place for place in self.places if place.path == batches and place.call == "close"]
            self.kill_only(closing[-1])
            shutil.rmtree(directory / "before")
            shutil.copytree(self.out, directory / "before")
            self.function, self.arguments = "stores:recover", [str(self._store)]
            self.places = self.find_places()
            require(self._values() == self._wanted(_ROWS), f"{self.name}: recovers {self._values()}")
        self._recovers = recover

    def _wanted(self, rows: int) -> list[float]:
        return [at / 7 for at in range(rows)]

    def _values(self) -> list[float] | None:
        """Values of the session in the store, None where it has none; the other one must be whole."""
        import pipeline  # noqa: PLC0415 - after the environment is set

        with pipeline.connect(str(self._store)) as connection:
            query = "SELECT session_id, value FROM measurements ORDER BY session_id, sequence"
            rows = connection.sql(query).fetchall()
            there = {name for (name,) in connection.sql("SELECT session_id FROM sessions").fetchall()}
        require(
            [value for name, value in rows if name == "s0"] == [1.0, 2.0], f"{self.name}: the other session changed"
        )
        return [value for name, value in rows if name == _RECORDED] if _RECORDED in there else None

    def prepare(self) -> None:
        """Make the store as it was."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.directory / "before", self.out)

    def judge(self, where: str, place: Place) -> str:
        """Give `before`, `new`, `some recovered` or `all recovered`."""
        found = self._values()
        require(found in (None, self._wanted(_ROWS)), f"{where}: the session has {found}")
        require(recover(str(self._store)) == 0, f"{where}: recover fails")
        values = self._values() or []
        # What was synced before is kept, in order.
        synced = _ROWS if self._recovers or found else self._synced_before(place)
        require(len(values) >= synced and values == self._wanted(len(values)), f"{where}: {synced} rows, then {values}")
        # What was being cleared away is removed by the next one that holds the store.
        status, said = run(self._import)
        require(status == 0, f"{where}: import says {said}")
        left = [path.name for name in ("recordings", "staging") for path in self._listed(name)]
        require(not left, f"{where}: leaves {left}")
        if found:
            return "new"
        return "before" if not values else "all recovered" if len(values) == _ROWS else "some recovered"

    def _listed(self, name: str) -> list[Path]:
        directory = self._store / name
        return list(directory.iterdir()) if directory.exists() else []

    def _synced_before(self, place: Place) -> int:
        before = self.places[: self.places.index(place)]
        synced = [one for one in before if one.call == "fsync" and one.path.endswith("/batches")]
        return len(synced) * _BATCH_ROWS // 2

    def judge_error(self, where: str, said: str) -> None:
        """Check that nothing is left in `staging/`; the recording stays."""
        del said
        left = [path.name for path in self._listed("staging")]
        require(not left, f"{where}: leaves {left} in staging/")

    def judge_done(self, where: str) -> None:
        """Check that the session is whole."""
        require(self._values() == self._wanted(_ROWS), f"{where}: status 0, but the session has {self._values()}")
