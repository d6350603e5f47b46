#!/usr/bin/env bash
# Claim: while a tree of directories is replaced by one atomic exchange, DuckDB and pyarrow read it by a pattern as neither the old nor the new one: directories that went between their two listings are passed over, and only what both trees have is counted, without an error.
# Versions: duckdb 2.0.1, pyarrow 26.0.1, polars 2.1.0 (rarer there), Linux with renameat2.
# Guess: an exchange is one step, so a reader has the old rows, the new rows, or the error of a file that is gone, which all three do give where a file, not its directory, has gone.
# Hurts: who publishes partitioned data by swapping directories, or compacts it beside readers: now and then a figure is computed from a fraction of the rows, and nothing tells.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import ctypes
import os
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

DAYS = 2_000
EXCHANGE, HERE = 2, -100  # RENAME_EXCHANGE, AT_FDCWD
libc = ctypes.CDLL(None, use_errno=True)


def table(rows):
    return pa.table({"value": pa.array([1.0] * rows)})


# Both trees have the same rows: a directory for each day, or one for all of them; and one directory is in both.
for tree in ("live", "next"):
    Path(tree, "kept").mkdir(parents=True)
    pq.write_table(table(1), f"{tree}/kept/rows.parquet")
pq.write_table(table(1), "one.parquet")
for day in range(DAYS):
    Path(f"live/day-{day:05}").mkdir()
    os.link("one.parquet", f"live/day-{day:05}/rows.parquet")
Path("next/all").mkdir()
pq.write_table(table(DAYS), "next/all/rows.parquet")


def by_duckdb():
    with duckdb.connect() as connection:
        return connection.sql("SELECT count(*) FROM read_parquet('live/*/rows.parquet')").fetchall()[0][0]


def by_pyarrow():
    return ds.dataset("live", format="parquet").count_rows()


def by_polars():
    return pl.scan_parquet("live/*/rows.parquet").select(pl.len()).collect().item()


def read_while_swapped(read, seconds):
    started = time.monotonic()
    read()
    pause = time.monotonic() - started
    ended = threading.Event()

    def swap():
        while not ended.wait(random.random() * pause):
            if libc.renameat2(HERE, b"live", HERE, b"next", EXCHANGE):
                os._exit(3)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = Counter()
    begun = time.monotonic()
    while time.monotonic() - begun < seconds and not (seen["a part"] and time.monotonic() - begun > seconds / 4):
        try:
            rows = read()
            seen["all rows" if rows == DAYS + 1 else "a part" if rows == 1 else f"{rows} rows"] += 1
        except Exception as error:
            seen[type(error).__name__] += 1
    ended.set()
    swapping.join()
    return seen


seen = {read.__name__[3:]: read_while_swapped(read, 60) for read in (by_duckdb, by_pyarrow)}
seen["polars"] = read_while_swapped(by_polars, 10)
for name, outcomes in seen.items():
    print(f"{name:8} {dict(outcomes.most_common())}")
sys.exit(0 if seen["duckdb"]["a part"] and seen["pyarrow"]["a part"] else 1)
PY
