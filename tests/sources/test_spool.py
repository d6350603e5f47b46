"""Rows that are kept in a temporary file: small batches together, for each row group has to be described."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources.spool import Spool


def _batch(at: int, rows: int, *, coded: bool) -> pa.RecordBatch:
    texts = (
        pa.array([f"s{at // 3:04}"] * rows),
        pa.array([None if row % 4 == 3 else f"m{row % (at % 5 + 1)}" for row in range(rows)]),
    )
    session_id, metric = [text.dictionary_encode() for text in texts] if coded else texts
    numbers = pa.array([at + row / 4 if row % 7 else None for row in range(rows)], pa.float64())
    return pa.record_batch([session_id, metric, numbers], names=["session_id", "metric", "value"])


def _plain(batch: pa.RecordBatch) -> list[dict[str, object]]:
    return batch.to_pylist()


@pytest.mark.parametrize(("count", "rows", "groups"), [(1, 1, 1), (700, 7, 1), (50, 1_000, 3), (3, 40_000, 3)])
@pytest.mark.parametrize("coded", [True, False, None], ids=["coded", "texts", "both"])
def test_small_batches_share_row_groups_and_nothing_is_lost(tmp_path, count, rows, groups, coded):
    batches = [_batch(at, rows, coded=bool(at % 2) if coded is None else coded) for at in range(count)]
    with Spool(tmp_path / "spool") as spool:
        for batch in batches:
            spool.write(batch)
    (file,) = spool.files
    assert pq.read_metadata(file).num_row_groups == groups
    assert pq.read_table(file).to_pylist() == [row for batch in batches for row in _plain(batch)]
    assert spool.sessions[file] == {f"s{at // 3:04}" for at in range(count)}


def test_another_schema_begins_another_file(tmp_path):
    first, second = _batch(0, 5, coded=True), _batch(1, 5, coded=True).append_column("x", pa.array(range(5)))
    with Spool(tmp_path / "spool") as spool:
        for batch in (first, first, second, first):
            spool.write(batch)
    found = [pq.read_table(file).to_pylist() for file in spool.files]
    assert found == [[*_plain(first), *_plain(first)], _plain(second), _plain(first)]


def test_texts_that_are_large_do_not_wait_for_many_rows(tmp_path):
    batch = pa.record_batch([pa.array(["a"] * 10), pa.array(["x" * 400_000] * 10)], names=["session_id", "note"])
    with Spool(tmp_path / "spool") as spool:
        for _ in range(6):
            spool.write(batch)
    assert pq.read_metadata(spool.files[0]).num_row_groups == 3
