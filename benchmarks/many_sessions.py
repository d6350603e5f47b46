"""Stores of more and more small sessions, against DuckDB on one Parquet file of the same rows and on files of its own.

DuckDB checks nothing, keeps no record and syncs nothing. Its import is `COPY ... TO (PARTITION_BY session_id)` into
Parquet, its export the same into JSON.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import HERE, OWN, Run, checked, medians, remove, run

SESSIONS = (10, 100, 1_000, 10_000, 100_000)
_ROWS = 100
_AT_ONCE = 1_000
_START_MICROSECONDS = 1_764_000_000_000_000
_MINUTE = 60_000_000


def measure_sessions(place: Path, runs: int, most: int) -> None:
    """Print, for each number of sessions, what each task takes.

    Args:
        place: where the files go.
        runs: of each, in turn; the medians are printed.
        most: sessions at most.
    """
    print(f"sessions: {_ROWS} rows each; medians of {runs} runs")
    print(f"  {'sessions':>9} {'task':<9} {'engine':<9} {'seconds':>8} {'CPU s':>7} {'peak MB':>8}")
    for count in SESSIONS:
        if count > most:
            break
        source, store, parts = place / "sessions.parquet", place / "sessions", place / "parts"
        out, theirs = place / "out", place / "theirs"
        checked([sys.executable, __file__, str(source), str(count)])
        one = f"session-{count // 2:06}"
        sql = f"SELECT count(*), avg(value) FROM measurements WHERE session_id = '{one}'"
        per_session = [*OWN, "export", str(store), "--scope", "per-session", "--to", str(out), "--quiet"]
        # What is there already is removed first.
        tasks = [
            _Task("import", [*OWN, "import", str(source), "--to", str(store), "--quiet"], store),
            _Task("import", _peer("partition", source, parts), parts),
            _Task("query", [*OWN, "query", str(store), sql]),
            _Task("query", _peer("one", source, one)),
            _Task("one", [*OWN, "export", str(store), "--session", one, "--to", "-", "--quiet"]),
            _Task("export", [*per_session, "--no-sync"], out),
            _Task("export", _peer("partition-json", source, theirs), theirs),
            _Task("synced", per_session, out),
            _Task("verify", [*OWN, "verify", str(out), "--quiet"]),
        ]
        for task in tasks:
            measured: list[Run] = []
            for _ in range(runs):
                if task.makes is not None:
                    remove(task.makes)
                done = run(task.command)
                if done is not None:
                    measured.append(done)
            if measured:
                middle = medians(measured)
                engine = "pipeline" if task.command[: len(OWN)] == list(OWN) else "duckdb"
                print(
                    f"  {count:>9,} {task.name:<9} {engine:<9} {middle.seconds:8.2f} {middle.cpu_seconds:7.2f} "
                    f"{middle.peak_megabytes:8.0f}",
                    flush=True,
                )
        for path in (source, store, parts, out, theirs):
            remove(path)


class _Task(NamedTuple):
    name: str
    command: list[str]
    makes: Path | None = None


def _peer(task: str, source: Path, target: Path | str) -> list[str]:
    return [sys.executable, str(HERE / "peers.py"), "duckdb", task, str(source), str(target)]


def generate_sessions(path: Path, sessions: int, seed: int = 1) -> None:
    """Write a Parquet file of measurements of many sessions, in order."""
    rng = np.random.default_rng(seed)
    writer: pq.ParquetWriter | None = None
    for start in range(0, sessions, _AT_ONCE):
        numbers = np.arange(start, min(start + _AT_ONCE, sessions))
        rows = len(numbers) * _ROWS
        sequence = np.tile(np.arange(_ROWS), len(numbers))
        ids = pa.array([f"session-{number:06}" for number in numbers])
        robots = pa.array([f"robot-{number}" for number in range(7)])
        table = pa.table(
            {
                "session_id": ids.take(pa.array(np.repeat(np.arange(len(numbers)), _ROWS))),
                "sequence": sequence,
                "timestamp": pa.array(
                    _START_MICROSECONDS + np.repeat(numbers, _ROWS) * _MINUTE + sequence * 1_000
                ).cast(pa.timestamp("us", "UTC")),
                "metric": pa.array(["control_rtt", "jitter"]).take(pa.array(sequence % 2)),
                "value": rng.lognormal(3, 1, rows),
                "unit": pa.repeat("ms", rows),
                "robot": robots.take(pa.array(np.repeat(numbers % 7, _ROWS))),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    generate_sessions(Path(sys.argv[1]), int(sys.argv[2]))
