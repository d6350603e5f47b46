"""The bytes of the statistics depend neither on batches, threads and memory nor on the order of rows."""

from __future__ import annotations

import numpy as np
import pytest
from figures import csv_bytes, many_rows, write_parquet


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_bytes_do_not_depend_on_batches_threads_or_memory(tmp_path, scope):
    source = write_parquet(tmp_path / "a.parquet", many_rows(40_000))  # more than the least memory holds
    expected = csv_bytes(source, tmp_path, scope=scope, threads=1, window="10m")
    assert expected.count(b"\n") > 100
    for options in (
        {"threads": 2},
        {"threads": 8},
        {"batch_size": 100},
        {"batch_size": 1_000_000},
        {"memory_limit": "1MB", "batch_size": 1000},
        {"memory_limit": "64MB", "threads": 2},
    ):
        assert csv_bytes(source, tmp_path, scope=scope, window="10m", **options) == expected, options


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_bytes_do_not_depend_on_the_order_of_rows_or_on_files(tmp_path, scope):
    rows = many_rows(3000)
    expected = csv_bytes(write_parquet(tmp_path / "a.parquet", rows), tmp_path, scope=scope, window="10m")
    order = np.random.default_rng(5).permutation(len(rows))
    files = [
        write_parquet(tmp_path / "split" / f"{part}.parquet", [rows[at] for at in order[part::3]]) for part in range(3)
    ]
    assert csv_bytes(files, tmp_path, scope=scope, window="10m") == expected
    assert csv_bytes(files[::-1], tmp_path, scope=scope, window="10m", threads=8) == expected
