"""Compaction of a store, and deletion from one, into which faults are injected."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from exports import COMMAND, run
from injection import Scenario, empty, require
from stores import require_sound, write_large, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from injection import Place

_PACKED = 64  # so many sessions of an import share a directory
_ALONE = 3
_DELETED = ("p0", "p1", "s1-0", "large")


class StoreChange(Scenario):
    """A command that changes which sessions a store has, or where they lie."""

    function = COMMAND

    def __init__(self, directory: Path, *, deletes: bool) -> None:
        """Do it once undisturbed.

        Args:
            directory: see `Scenario`.
            deletes: delete sessions of a pack and others; else compact a pack and sessions that came one by one.
        """
        super().__init__(directory)
        self.name = "delete" if deletes else "compact"
        self._deletes = deletes
        self.out = directory / "out"
        self._store = self.out / "store"
        empty(self.out)
        for file in self._sources():
            status, said = run(["import", str(file), "--to", str(self._store), "--quiet"])
            require(status == 0, f"{self.name}: {said}")
        self._before = self._digests()
        shutil.copytree(self._store, directory / "before")
        if deletes:
            ids = ", ".join(map(repr, _DELETED))
            self.words = ["delete", str(self._store), "--where-session", f"session_id IN ({ids})", "--yes", "--quiet"]
        else:
            self.words = ["compact", str(self._store), "--quiet"]
        self.arguments = [self.words]
        status, said = run(self.words)
        require(status == 0, f"{self.name}: undisturbed: {said}")
        gone = _DELETED if deletes else ()
        self._after = {name: digest for name, digest in self._before.items() if name not in gone}
        self._directories = self._names()
        self.judge_done(self.name)

    def _sources(self) -> list[Path]:
        """Files of sessions of a pack, of some that come one by one, and of a large one."""
        found = [write_rows(self.directory / "packed.ndjson", [1.0, 2.0], sessions=_PACKED, prefix="p")]
        found += [
            write_rows(self.directory / f"alone-{at}.ndjson", [at + 0.5], sessions=1, prefix=f"s{at}-")
            for at in range(_ALONE)
        ]
        found.append(write_large(self.directory / "large.csv", 3.5))
        return found

    def _digests(self) -> dict[str, str]:
        from pipeline import list_sessions  # noqa: PLC0415 - after the environment is set

        return {one["session_id"]: one["content_digest"] for one in list_sessions(self._store)}

    def _names(self) -> set[str]:
        """The directories of sessions, but for names that are kept of those that have moved."""
        return {path.name for path in (self._store / "sessions").iterdir() if not (path / "moved-into-a-pack").exists()}

    def prepare(self) -> None:
        """Make the store as it was."""
        empty(self.out)
        shutil.copytree(self.directory / "before", self._store)

    def judge(self, where: str, place: Place | None = None) -> str:
        """Give `before`, `new` or `some new`."""
        del place
        outcome = self._judge_sessions(where)
        status, said = run(self.words)
        require(status == 0, f"{where}: the same command: {said}")
        self.judge_done(f"{where}, then again")
        return outcome

    def _judge_sessions(self, where: str) -> str:
        require_sound(self._store, where)
        found = self._digests()
        require(found.items() <= self._before.items(), f"{where}: sessions are others")
        require(found.keys() >= self._after.keys(), f"{where}: {self._after.keys() - found.keys()} are gone")
        noted = self._noted()
        require(self._before.keys() - found.keys() <= noted, f"{where}: not all that is gone is noted: {noted}")
        if not self._deletes:
            return "new" if self._names() == self._directories else "before"
        return "new" if found == self._after else "before" if found == self._before else "some new"

    def _noted(self) -> set[str]:
        path = self._store / "deletions.ndjson"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        # A line that a kill cut is followed by whole ones.
        return {json.loads(line)["session_id"] for line in lines if line.endswith("}")}

    def judge_error(self, where: str, said: str) -> None:
        """Check that the sessions are those of before, of after or some of both, and that nothing is left."""
        del said
        self._judge_sessions(where)
        self._require_clear(where)

    def _require_clear(self, where: str) -> None:
        left = [path.name for path in (self._store / "staging").iterdir()]
        require(not left, f"{where}: leaves {left} in staging/")

    def judge_done(self, where: str) -> None:
        """Check that the store is as it is to be."""
        require(self._judge_sessions(where) == "new", f"{where}: status 0, but the store is as before")
        self._require_clear(where)
