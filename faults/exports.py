"""Exports into which faults are injected, in each format and compression."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
from typing import TYPE_CHECKING, ClassVar

from injection import Scenario, SmallDisk, contents, empty, require

if TYPE_CHECKING:
    from pathlib import Path

    from injection import Place

_SESSIONS = ["export", "--scope", "per-session", "--format"]
_STATISTICS = ["statistics", "--scope", "per-session", "--rows-per-file", "2", "--format"]
VARIANTS = {
    "ndjson": [*_SESSIONS, "ndjson"],
    "ndjson, many files": [*_SESSIONS, "ndjson"],
    "ndjson.gz": [*_SESSIONS, "ndjson", "--compression", "gzip"],
    "ndjson.zst": [*_SESSIONS, "ndjson", "--compression", "zstd"],
    "json": [*_SESSIONS, "json"],
    "csv": [*_SESSIONS, "csv"],
    "csv.gz": [*_SESSIONS, "csv", "--compression", "gzip"],
    "parquet": [*_SESSIONS, "parquet"],
    "arrow": [*_SESSIONS, "arrow"],
    "arrow.zst": [*_SESSIONS, "arrow", "--compression", "zstd"],
    "influx": [*_SESSIONS, "influx"],
    "influx.zst": [*_SESSIONS, "influx", "--compression", "zstd"],
    "xlsx": [*_SESSIONS, "xlsx"],
    "statistics.xlsx": [*_STATISTICS, "xlsx"],
    "statistics.parquet": [*_STATISTICS, "parquet"],
    "statistics.csv.gz": [*_STATISTICS, "csv", "--compression", "gzip"],
}
MANY_FILES = {"ndjson, many files": 50}
"""Sessions, and so files, at least: as many as give several groups that are synced and recorded together."""
STAGE = ".package.stage"
COMMAND = "pipeline.cli:main"


def make_store(directory: Path, *, sessions: int, rows: int) -> Path:
    """Import sessions of random values."""
    import pipeline  # noqa: PLC0415 - after the environment is set

    draw = random.Random(0)  # noqa: S311 - repeatable on purpose
    path = directory / "source.ndjson"
    directory.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for session in range(sessions):
            for sequence in range(rows):
                line = {
                    "session_id": f"s{session}",
                    "sequence": sequence,
                    "timestamp": f"2026-11-24T16:{sequence // 60 % 60:02}:{sequence % 60:02}.000000Z",
                    "metric": "control_rtt",
                    "value": draw.random(),
                    "unit": "ms",
                }
                file.write(json.dumps(line) + "\n")
    pipeline.import_sessions(path, directory / "store")
    return directory / "store"


def words_of(variant: str, store: Path, package: Path, *options: str) -> list[str]:
    """Words of the command that exports a store in a variant."""
    command, *chosen = VARIANTS[variant]
    return [command, str(store), "--to", str(package), *chosen, "--quiet", *options]


def run(words: list[str]) -> tuple[int, str]:
    """Run a command undisturbed, in this process; give its status and what it said."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    from pipeline.cli import main  # noqa: PLC0415 - after the environment is set

    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = main(words)
    return status, said.getvalue()


class Export(Scenario):
    """An export of a store to a destination, new or existing, in one variant.

    Attributes:
        new: the package that it publishes.
    """

    function = COMMAND
    statuses: ClassVar = {0, 4}

    def __init__(self, store: Path, directory: Path, variant: str, *, existing: bool, threads: int = 1) -> None:
        """Export it once undisturbed.

        Args:
            store: what is exported.
            directory: see `Scenario`.
            variant: name of one of `VARIANTS`.
            existing: whether a package is there, which is replaced.
            threads: of the export; with one, all is done in turn.
        """
        super().__init__(directory)
        self.name = f"{variant}, {'replacing' if existing else 'new'}"
        self._store, self._variant, self._existing = store, variant, existing
        self._options = ["--threads", str(threads), *(["--overwrite"] if existing else [])]
        self.old: dict[str, bytes] | None = None
        self.place(directory / "out")
        if existing:
            empty(self.out)
            other = ["--exclude", "unit"] if VARIANTS[variant][0] == "export" else ["--quantile", "0.42"]
            self._require_done(run([*self.words, *other]), "the old package")
            shutil.copytree(self.package, directory / "old")
            self.old = contents(self.package)
        self.prepare()
        self._require_done(run(self.words), "the new package")
        self.new = contents(self.package)
        require(self.new and self.new != self.old, "the export wrote nothing new")

    def place(self, out: Path) -> None:
        """Choose where the package goes."""
        self.out = out
        self.package = out / "package"
        self.words = words_of(self._variant, self._store, self.package, *self._options)
        self.arguments = [self.words]

    def _require_done(self, outcome: tuple[int, str], what: str) -> None:
        require(outcome[0] == 0, f"{self.name}: {what}: {outcome[1]}")

    def prepare(self) -> None:
        """Make the destination as it was."""
        empty(self.out)
        if self._existing:
            shutil.copytree(self.directory / "old", self.package)

    def judge(self, where: str, place: Place | None = None) -> str:
        """Give `before` or `new` for the package that is there."""
        del place
        found = contents(self.package)
        require(found in (self.old, self.new), f"{where}: left {found and sorted(found)}")
        self._require_done(run(self.words), f"{where}: the same command")
        require(contents(self.package) == self.new, f"{where}: the same command gives another package")
        names = sorted(path.name for path in self.out.iterdir())
        require(names == ["package"], f"{where}: leaves {names}")
        return "new" if found == self.new else "before"

    def judge_error(self, where: str, said: str) -> None:
        """Check that nothing lies beside the package."""
        del said
        names = {path.name for path in self.out.iterdir()}
        require(names <= {"package"}, f"{where}: leaves {names}")

    def judge_done(self, where: str) -> None:
        """Check that the package is the new one."""
        require(contents(self.package) == self.new, f"{where}: status 0, but the package is another")


def fill(export: Export, disk: SmallDisk, kilobytes: int, *, inodes: int = 0) -> str:
    """Export to a disk that is too small or just not, or takes so many files; give `before` or `done`."""
    disk.resize(kilobytes, inodes=inodes)
    export.place(disk.directory)
    status, said = run(export.words)
    where = f"{export.name}: a disk of {kilobytes} kB" + (f" and {inodes} inodes" if inodes else "")
    if status == 0:
        export.judge_done(where)
        return "done"
    require(status == 4, f"{where}: status {status}: {said}")
    require("No space left on device" in said, f"{where}: says {said}")
    require(len(said.splitlines()) == 1, f"{where}: says {said}")
    require(not list(disk.directory.iterdir()), f"{where}: leaves {list(disk.directory.iterdir())}")
    disk.grow(100_000)
    require(run(export.words)[0] == 0, f"{where}: with more room it fails")
    require(contents(export.package) == export.new, f"{where}: with more room it gives another package")
    return "before"
