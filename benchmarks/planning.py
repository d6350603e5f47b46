"""Measures how a job for a cluster is planned, of a store whose records and index are generated: no rows are read.

python benchmarks/planning.py --sessions 100000 --rows 10000000000
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import checked, make_store, run

from pipeline.disk.hashing import file_sha256
from pipeline.disk.safe_names import safe_names
from pipeline.scan.parts import hash_with_parts
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources.open import open_source
from pipeline.spark.plans import DEFAULT_ROWS, TaskPlans, plan_source
from pipeline.store.directory import RECORD_FILE
from pipeline.store.index import INDEX_FILE, Place, make_table, note, write_index
from pipeline.store.record import data_file_name, dump, make_record

if TYPE_CHECKING:
    from pipeline.model.session import Session

_BATCH_ROWS = 32_768
_APART = 60_000_000  # microseconds from the start of a session to the next


def main() -> None:
    """Measure, in a process of its own, or plan in this one."""
    parser = argparse.ArgumentParser(description="Measure how a job for a cluster is planned.")
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=10_000_000_000, help="of all sessions")
    parser.add_argument("--directory", type=Path, help="where the store goes; a temporary directory by default")
    parser.add_argument("--plan", type=Path, metavar="STORE", help="plan a job of this store, and measure nothing")
    options = parser.parse_args()
    if options.plan is not None:
        plan(options.plan)
        return
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        store = generate(Path(name), options.sessions, options.rows)
        command = [sys.executable, __file__, "--plan", str(store)]
        checked(command)
        took = run(command)
    if took is not None:
        print(f"{took.seconds:.1f} s, {took.cpu_seconds:.1f} s of CPU, {took.peak_megabytes:.0f} MB")


def generate(directory: Path, sessions: int, rows: int) -> Path:
    """Make a store that says of so many sessions that they have so many rows; all have the few rows of one file."""
    store = make_store(directory, 1_000)
    with open_source(store) as inventory:
        (model, *_) = inventory.sessions([0])
    few, *_ = (path for path in store.rglob("*.parquet") if path.parent != store)
    few = few.rename(directory / few.name)
    shutil.rmtree(store / "sessions")
    hashes, name = hash_with_parts(few), data_file_name(0)
    found: list[tuple[Session, Place]] = []
    for at in range(sessions):
        later = {
            field: getattr(model, field) + at * _APART
            for field in ("started_at", "ended_at", "first_timestamp", "last_timestamp")
        }
        session = replace(model, session_id=f"fleet-{at:06}", measurement_count=rows // sessions, **later)
        place = store / "sessions" / session.session_id
        place.mkdir(parents=True)
        shutil.copyfile(few, place / name)
        (place / RECORD_FILE).write_text(dump(make_record(session, name, hashes)), encoding="utf-8")
        record = file_sha256(place / RECORD_FILE)
        found.append((session, Place(place.name, record, {name: hashes.sha256}, None, is_sealed=True)))
    write_index(store / INDEX_FILE, make_table(found, model.timestamp_unit), note(store / "sessions"))
    return store


def plan(store: Path) -> None:
    """Write the plans of all tasks, as the driver of a job does, and say how many, and how large."""
    started = time.monotonic()
    with open_source(store) as inventory, tempfile.TemporaryDirectory() as directory:
        selected = select(inventory, Selection(), batch_size=_BATCH_ROWS)
        opened = time.monotonic() - started
        names = safe_names(session.session_id for session in selected.sessions)
        plans = TaskPlans(selected, selected.sessions, names, DEFAULT_ROWS)
        shared = len(pickle.dumps(plan_source(selected)))
        size = 0
        for at in range(len(plans)):
            size += (Path(directory) / f"plan-{at}").write_bytes(pickle.dumps(plans[at]))
        rows = sum(map(plans.rows, range(len(plans))))
        print(
            f"{len(selected.sessions):,} sessions, {rows:,} rows, {len(plans):,} tasks, "
            f"plans of {size / 1e6:.1f} MB and {shared:,} B, opened in {opened:.1f} s"
        )


if __name__ == "__main__":
    main()
