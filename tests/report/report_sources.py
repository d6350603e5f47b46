"""Sources for reports, made with numpy, and what they hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

START = 1_764_000_000_000_000
SECOND = 1_000_000


def made_of(path: Path, rows: int, *, sessions: int = 4, seconds: int = 30, metrics=("rtt", "offset", "zeros")) -> Path:
    """Write a Parquet file of sessions of equal length, however many rows they have; one value in twenty is lost."""
    rng = np.random.default_rng(5)
    each = rows // sessions
    tables = []
    for number in range(sessions):
        metric = rng.integers(0, len(metrics), each)
        values = rng.lognormal(3, 1, each)
        values = np.where(metric == 1, rng.normal(0, 5, each), np.where(metric == 2, rng.integers(0, 4, each), values))
        start = START + number * 3600 * SECOND
        tables.append(
            pa.table(
                {
                    "session_id": pa.array([f"s{number}"] * each),
                    "sequence": pa.array(np.arange(each)),
                    "timestamp": pa.array(start + np.arange(each) * (seconds * SECOND) // each).cast(
                        pa.timestamp("us", "UTC")
                    ),
                    "metric": pa.array(metrics).take(pa.array(metric)),
                    "value": pa.array(values.astype(float), mask=rng.random(each) < 0.05),
                    "unit": pa.array(["ms"] * each),
                    "site": pa.array([f"site-{number % 2}"] * each),
                }
            )
        )
    pq.write_table(pa.concat_tables(tables), path)
    return path


def described(path: Path, **configurations: dict) -> Path:
    """Write the record of the sessions of a file beside it."""
    records = [{"session_id": name, "configuration": configuration} for name, configuration in configurations.items()]
    beside = path.with_name(f"{path.stem}.session.json")
    beside.write_text(json.dumps(records))
    return path


def columns_of(path: Path) -> dict[str, np.ndarray]:
    """Read a file back with pyarrow: texts as objects, lost values as NaN, times as ticks."""
    table = pq.read_table(path)
    found = {name: np.array(table.column(name).to_pylist(), object) for name in ("session_id", "metric", "site")}
    found["value"] = np.array([np.nan if v is None else v for v in table.column("value").to_pylist()])
    found["time"] = table.column("timestamp").cast(pa.int64()).to_numpy()
    return found
