"""Packages of more and more files, a session each, against DuckDB's partitioned COPY; and their verification."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from generate import METRICS, START_MICROSECONDS, UNITS
from measuring import HERE, OWN, Run, checked, medians, remove, run

FILES = (100, 1_000, 10_000)
ROWS_OF_A_SESSION = 100


def measure_files(place: Path, runs: int) -> None:
    """Print, for each number of sessions, what an export of a file each takes, and `verify` of that package.

    Args:
        place: where the files go.
        runs: of each, in turn; the medians are printed.
    """
    print(f"files: a session of {ROWS_OF_A_SESSION} rows in each, as NDJSON; medians of {runs} runs in turn")
    print(f"  {'files':>7} {'command':<18} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'times DuckDB':>13}")
    source, store, out, other = (place / name for name in ("many.parquet", "many", "out", "partitions"))
    for count in FILES:
        # What this process once held would count as the peak of those that it starts.
        checked([sys.executable, __file__, str(source), str(count)])
        checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
        own = [*OWN, "export", str(store), "--to", str(out), "--scope", "per-session", "--quiet"]
        commands = {
            "duckdb": [sys.executable, str(HERE / "peers.py"), "duckdb", "files", str(source), str(other)],
            "export --no-sync": [*own, "--no-sync"],
            "export": own,
            "verify": [*OWN, "verify", str(out), "--quiet"],
        }
        measured: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                if name != "verify":
                    remove(out)
                    remove(other)
                done = run(command)
                if done is None:
                    raise SystemExit(f"{name}: did not end well")
                measured[name].append(done)
        for path in (source, store, out):
            remove(path)
        peer = medians(measured["duckdb"]).seconds
        for name, each in measured.items():
            middle = medians(each)
            print(
                f"  {count:>7,} {name:<18} {middle.seconds:8.2f} {middle.cpu_seconds:7.2f} "
                f"{middle.peak_megabytes:8.0f} {middle.seconds / peer:13.2f}"
            )
        print(end="", flush=True)


def generate_sessions(path: Path, sessions: int, seed: int = 1) -> None:
    """Write a Parquet file of measurements of many small sessions, in order."""
    rng = np.random.default_rng(seed)
    rows = sessions * ROWS_OF_A_SESSION
    session, sequence = np.divmod(np.arange(rows), ROWS_OF_A_SESSION)
    ids = pa.array([f"session-{number:06}" for number in range(sessions)])
    metric = pa.array(rng.integers(0, len(METRICS), rows))
    times = START_MICROSECONDS + session * 60_000_000 + sequence * 100_000
    table = pa.table(
        {
            "session_id": ids.take(pa.array(session)),
            "sequence": sequence,
            "timestamp": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(METRICS).take(metric),
            "value": pa.array(rng.lognormal(3, 1, rows), mask=rng.random(rows) < 0.01),
            "unit": pa.array(UNITS).take(metric),
            "robot_id": pa.array([f"robot-{number:02}" for number in range(3)]).take(pa.array(session % 3)),
            "network_profile": pa.repeat("wan", rows),
        }
    )
    pq.write_table(table, path, compression="zstd")


if __name__ == "__main__":
    generate_sessions(Path(sys.argv[1]), int(sys.argv[2]))
