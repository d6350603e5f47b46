"""Stores, packages and stages that strangers come to lie in, and the commands that meet them there."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judging import run_in_limits
from strangers import DATA, RECORD, Near

import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CAPABILITIES = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_RIGHTS_OF_ROOT = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
_ROWS = "SELECT session_id, sequence, metric, value FROM measurements ORDER BY ALL"
_KILLED = """
import os, sys
import pipeline
recorder = pipeline.record_session(sys.argv[1], session_id="r1", batch_rows=2, flush_seconds=0.01).__enter__()
recorder.record("m", 1.0, at=1_764_000_000_000_000_000)
while not os.path.getsize(sys.argv[1] + "/recordings/r1/batches"):
    pass
os._exit(9)
"""
_FIRST_NS = 1_764_000_000_000_000_000

COMMANDS = {
    "import, new": "import new.ndjson --to store",
    "import, replace": "import again.ndjson --to store --if-exists replace",
    "import, skip": "import again.ndjson --to store --if-exists skip",
    "sessions": "sessions store --format json",
    "export, new": "export store --to new --no-sync",
    "export, replace": "export store --to package --overwrite --format csv --no-sync",
    "export, again": "export store --to package --no-sync",
    "statistics": "statistics store --to new --no-sync",
    "query": "query store ROWS --format ndjson",
    "connect": "company:connect store",
    "scan": "company:scan store",
    "catalog": "catalog store --to c.db",
    "recover": "recover store",
    "record": "company:record store",
    "verify": "verify {package}",
    "verify, quick": "verify {package} --quick",
    "stages": "stages .",
    "stages, remove": "stages . --remove",
    "export, continue": "export store --to out --scope per-session --no-sync",
    "export, discard": "export store --to out --discard-stage --no-sync",
    "package, again": "export store --to package --no-sync",
    "package, replace": "export store --to package --overwrite --format csv --no-sync",
    "each, again": "export store --to each --scope per-session --format csv --no-sync",
    "each, replace": "export store --to each --overwrite --no-sync",
    "figures, again": "statistics store --to figures --no-sync",
    "figures, replace": "statistics store --to figures --overwrite --window 1s --no-sync",
    "signed, again": "export store --to signed --format parquet --no-sync",
    "signed, replace": "export store --to signed --overwrite --no-sync",
}
"""By what they are called: their words, or the function that stands for them."""

_OF_STORES = tuple(name for name in tuple(COMMANDS)[: tuple(COMMANDS).index("verify")] if name != "scan")
_OF_STAGES = ("stages", "stages, remove", "export, continue", "export, discard")
_SOME = ("import, new", "export, new", "export, replace", "statistics", "query", "connect", "catalog", "verify")
_BESIDE = ("export, new", "export, replace", "statistics", "catalog", "verify", "sessions", "recover", *_OF_STAGES)


@dataclass(frozen=True)
class Place:
    """Where a stranger comes to lie.

    Attributes:
        directory: in the world.
        file: one of ours that lies there, of which others make copies.
        commands: those that meet it.
    """

    directory: str
    file: str
    commands: tuple[str, ...]


def _package(name: str) -> Place:
    commands = ("verify", "verify, quick", f"{name}, again", f"{name}, replace")
    return Place(name, "datapackage.json", commands)


PLACES = {
    "store": Place("store", "store.json", _OF_STORES),
    "sessions": Place("store/sessions", f"s1/{DATA}", (*_OF_STORES, "scan")),
    "a session": Place("store/sessions/s1", DATA, _OF_STORES),
    "staging": Place("store/staging", f"../sessions/s1/{RECORD}", _OF_STORES),
    "recordings": Place("store/recordings", "r1/recording.json", _OF_STORES),
    "a recording": Place("store/recordings/r1", "batches", _OF_STORES),
    "package": _package("package"),
    "figures": _package("figures"),
    "each": _package("each"),
    "signed": _package("signed"),
    "stage": Place(".out.stage", "journal", _OF_STAGES),
    "package of a stage": Place(".out.stage/package", "../journal", _OF_STAGES),
    "TMPDIR": Place("tmp", "../new.ndjson", _SOME),
    "beside": Place(".", "new.ndjson", _BESIDE),
}
"""By what they are called."""


def words_of(command: str, place: Place) -> tuple[list[str], str]:
    """Give the words of a command and the function that takes them."""
    package = place.directory if "verify, quick" in place.commands else "package"
    words = [_ROWS if word == "ROWS" else word.format(package=package) for word in COMMANDS[command].split()]
    return (words[1:], words[0]) if ":" in words[0] else (words, "pipeline.cli:main")


def build(base: Path) -> None:
    """Make the world and what lies outside of it, in an empty directory; commands run in `world`."""
    world = base / "world"
    (world / "tmp").mkdir(parents=True)
    for name, sessions, value in (("first", "s1 s2", 1.5), ("again", "s1 s2", 2.5), ("new", "s3", 3.5)):
        rows = [_row(session, at, value + at) for session in sessions.split() for at in range(5)]
        (world / f"{name}.ndjson").write_text("".join(rows), encoding="utf-8")
    pipeline.import_sessions(world / "first.ndjson", world / "store")
    store = world / "store"
    shutil.copytree(store / "sessions" / "s1", base / "outside" / "session")
    (base / "outside" / "elsewhere").mkdir()
    (base / "outside" / "elsewhere" / "file").write_text("theirs", encoding="utf-8")
    pipeline.export_measurements(store, world / "package")
    pipeline.export_measurements(store, world / "each", scope="per-session", format="csv")
    pipeline.export_measurements(store, world / "signed", format="parquet")
    (world / "signed" / "SHA256SUMS.asc").write_text("signature", encoding="utf-8")
    pipeline.export_statistics(store, world / "figures")
    _interrupt(store, world / "out")
    subprocess.run([sys.executable, "-c", _KILLED, store], check=False)


def near(base: Path, place: Place) -> Near:
    """Give what strangers are made of."""
    outside = base / "outside"
    return Near(outside / "session", base / "world" / place.directory / place.file, outside / "elsewhere")


def _row(session: str, at: int, value: float) -> str:
    row = {"session_id": session, "sequence": at, "timestamp": f"2026-11-24T16:00:0{at}Z", "metric": "m"}
    return json.dumps(row | {"value": value, "unit": "ms"}) + "\n"


def _interrupt(store: Path, to: Path) -> None:
    def stop(done: int, _total: int, _bytes: int) -> None:
        if done > 5:  # the rows of one session
            raise KeyboardInterrupt

    try:
        pipeline.export_measurements(store, to, scope="per-session", batch_size=1, threads=1, on_progress=stop)
    except KeyboardInterrupt:
        return
    raise AssertionError("the export was not interrupted")


def run_as_owner(arguments: list[str], cwd: str, tmp: str, out: str, main: str) -> int:
    """Run a command as somebody whom the modes of files bind, which root is not; else as `run_in_limits`."""
    if not os.geteuid():
        _give_up_rights()
    return run_in_limits(arguments, cwd, tmp, out, main)


def _give_up_rights() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, for the lower and the upper 32
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    for number in range(3):
        sets[number] &= ~sum(1 << right for right in _RIGHTS_OF_ROOT)
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def _told(action: Callable[[], object]) -> int:
    """Do it, and tell its result or its error as a command does."""
    try:
        result = action()
    except pipeline.PipelineError as error:
        print(f"pipeline: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_status
    finally:
        # What connections hold goes when a process ends, and this one ends without that.
        atexit._run_exitfuncs()  # noqa: SLF001
    print(result)
    return 0


def connect(words: list[str]) -> int:
    """Print the rows that a connection gives."""
    return _told(lambda: pipeline.connect(words[0]).sql(_ROWS).fetchall())


def scan(words: list[str]) -> int:
    """Print the rows that a scan gives."""
    sys.meta_path.pop(0)  # Polars looks for pandas, which is hidden from the engines
    return _told(lambda: pipeline.scan(words[0]).sort("session_id", "sequence").collect().rows())


def record(words: list[str]) -> int:
    """Record a session."""

    def action() -> str:
        with pipeline.record_session(words[0], session_id="r2") as recorder:
            for at in range(5):
                recorder.record("m", float(at), at=_FIRST_NS + at)
        return "recorded"

    return _told(action)
