"""Statistics by an attribute of more and more values, against DuckDB's GROUP BY with the same figures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import FAST, HERE, OWN, Run, checked, medians, remove, run

GROUPS = (50, 1_000, 20_000, 100_000, 1_000_000)
_START_MICROSECONDS = 1_764_000_000_000_000
_ROW_GROUP_ROWS = 131_072


def measure_groups(place: Path, rows: int, runs: int) -> None:
    """Print, for each number of groups, what both take.

    Args:
        place: where the files go.
        rows: how many rows there are, of one session, each of a device drawn at random.
        runs: of each, in turn; the medians are printed.
    """
    print(f"groups: {rows:,} rows; medians of {runs} runs in turn")
    print(f"  {'devices':>9} {'engine':<9} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'times our CPU':>14}")
    out = place / "out"
    for count in GROUPS:
        source, store = place / "devices.parquet", place / "devices"
        # What this process once held would count as the peak of those that it starts.
        checked([sys.executable, __file__, str(source), str(rows), str(count)])
        checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
        own = [*OWN, "statistics", str(store), "--by", "device", "--to", str(out), "--quiet", "--format", "ndjson"]
        peer = [sys.executable, str(HERE / "peers.py"), "duckdb", "groups", str(source), str(out)]
        measured: dict[str, list[Run]] = {"pipeline": [], "duckdb": []}
        for _ in range(runs):
            for name, command in (("pipeline", [*own, *FAST]), ("duckdb", peer)):
                remove(out)
                done = run(command)
                if done is not None:
                    measured[name].append(done)
        for path in (source, store, out):
            remove(path)
        ours = medians(measured["pipeline"]).cpu_seconds
        for name, each in measured.items():
            if each:
                middle = medians(each)
                print(
                    f"  {count:>9,} {name:<9} {middle.seconds:8.2f} {middle.cpu_seconds:7.2f} "
                    f"{middle.peak_megabytes:8.0f} {middle.cpu_seconds / ours:14.2f}"
                )
        print(end="", flush=True)


def generate_devices(path: Path, rows: int, devices: int, seed: int = 1) -> None:
    """Write a Parquet file of measurements of one session, each of one of some devices."""
    rng = np.random.default_rng(seed)
    names = pa.array([f"device-{number:08}" for number in range(devices)])
    at = np.arange(rows)
    table = pa.table(
        {
            "session_id": pa.repeat("session-0000", rows),
            "sequence": at,
            "timestamp": pa.array(_START_MICROSECONDS + at * 1000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.repeat("control_rtt", rows),
            "value": pa.array(rng.lognormal(3, 1, rows), mask=rng.random(rows) < 0.01),
            "unit": pa.repeat("ms", rows),
            "device": names.take(pa.array(rng.integers(0, devices, rows))),
        }
    )
    pq.write_table(table, path, row_group_size=_ROW_GROUP_ROWS, compression="zstd")


if __name__ == "__main__":
    generate_devices(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
