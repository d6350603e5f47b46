"""Makes measurements for benchmarks: seeded, eight columns, several sessions, one sample in a hundred lost."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SESSIONS = 10
METRICS = ("control_rtt", "jitter", "video_latency", "bitrate", "packets_lost")
UNITS = ("ms", "s", "ms", "bit/s", "1")
START_MICROSECONDS = 1_764_000_000_000_000
ROW_GROUP_ROWS = 131_072
LONG_ROW_GROUP_ROWS = 16


def generate(path: Path, rows: int, seed: int = 1) -> None:
    """Write a Parquet file of measurements in order.

    Args:
        path: the file.
        rows: how many rows, in `SESSIONS` sessions of equal size.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    writer = None
    each = rows // SESSIONS
    for session in range(SESSIONS):
        for first in range(0, each, ROW_GROUP_ROWS):
            table = _rows(rng, session, first, min(ROW_GROUP_ROWS, each - first))
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    if writer is not None:
        writer.close()


def _rows(rng: np.random.Generator, session: int, first: int, count: int) -> pa.Table:
    metric = pa.array(rng.integers(0, len(METRICS), count))
    start = START_MICROSECONDS + session * 86_400_000_000
    return pa.table(
        {
            "session_id": pa.repeat(f"session-{session:04}", count),
            "sequence": pa.array(np.arange(first, first + count)),
            "timestamp": pa.array(start + np.arange(first, first + count) * 1000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(METRICS).take(metric),
            "value": pa.array(rng.lognormal(3, 1, count), mask=rng.random(count) < 0.01),
            "unit": pa.array(UNITS).take(metric),
            "robot_id": pa.repeat(f"robot-{session % 3:02}", count),
            "network_profile": pa.repeat("wan", count),
        }
    )


def generate_long(path: Path, rows: int, seed: int = 1) -> None:
    """Write a Parquet file of measurements with an attribute of 1 MB of text each.

    Args:
        path: the file.
        rows: how many rows, in one session.
        seed: of the random texts.
    """
    rng = np.random.default_rng(seed)
    writer = None
    for first in range(0, rows, LONG_ROW_GROUP_ROWS):
        count = min(LONG_ROW_GROUP_ROWS, rows - first)
        texts = [(rng.bytes(500) * 1_000).hex() for _ in range(count)]
        table = _rows(rng, 0, first, count).append_column("payload", pa.array(texts))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    (generate_long if "long" in sys.argv[3:] else generate)(Path(sys.argv[1]), int(sys.argv[2]))
