"""Kills exports at random moments and lets the same export continue."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING

from injection import STAGE, contents, require

if TYPE_CHECKING:
    from pathlib import Path

SESSIONS = 8
ROWS = 1500


def make_store(directory: Path, *, sessions: int = SESSIONS, rows: int = ROWS) -> Path:
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


def kill_at_random(directory: Path, variant: str, number: int, *, seed: int) -> Counter[str]:
    """Kill a number of exports, each in a process of its own; continue each and compare.

    Args:
        directory: a new directory.
        variant: format and compression, as `ndjson.gz`.
        number: how many to kill; those that ended before do not count.
        seed: of the moments.

    Returns:
        how many left a package that was whole, a stage that was continued, one in which nothing was finished, or
        nothing.

    Raises:
        WrongOutcomeError: what one left was not right.
    """
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    from pipeline import export_measurements  # noqa: PLC0415 - after the environment is set

    name, _, ending = variant.partition(".")
    compression = {"": None, "gz": "gzip", "zst": "zstd"}[ending]
    options = {"scope": "per-session", "format": name, "compression": compression, "batch_size": 100, "threads": 1}
    store = make_store(directory)
    package = directory / "out" / "package"
    started = time.monotonic()
    export_measurements(store, package, **options)
    lasts = time.monotonic() - started
    wanted = contents(package)
    outcomes: Counter[str] = Counter()
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
    while sum(outcomes.values()) < number:
        shutil.rmtree(directory / "out")
        child = os.fork()
        if not child:
            try:
                export_measurements(store, package, **options)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - a child must not return
                traceback.print_exc()
                os._exit(1)
        time.sleep(draw.uniform(0, lasts * 1.1))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            require(os.WEXITSTATUS(status) == 0, f"{variant}: an export that was not killed failed")
            continue
        found = contents(package)
        require(found in (None, wanted), f"{variant}: a kill left {found and sorted(found)}")
        stage = package.parent / STAGE
        finished = (stage / "package").is_dir() and (stage / "journal").exists()
        kept = {path.stat().st_ino for path in (stage / "package").iterdir()} if finished and found is None else set()
        export_measurements(store, package, **options)
        require(contents(package) == wanted, f"{variant}: what was continued is another package")
        left = sorted(path.name for path in package.parent.iterdir())
        require(left == ["package"], f"{variant}: leaves {left}")
        continued = bool(kept & {path.stat().st_ino for path in package.iterdir()})
        state = "continued" if continued else "begun again" if stage.exists() or finished else "nothing was staged"
        outcomes["published" if found else state] += 1
    return outcomes
