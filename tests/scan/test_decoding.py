"""Rows are the same however many threads read them, and what is wrong is told as by one."""

import threading
import time
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import import_sessions
from pipeline.errors import SourceError
from pipeline.runtime.threads import ScannedAhead
from pipeline.scan.parquet import read_parquet
from pipeline.scan.reading import Reading
from pipeline.sources.open import open_all, open_source

ROWS = 50_000
BATCH = 2_048


def _table() -> pa.Table:
    rng = np.random.default_rng(7)
    places = rng.integers(0, 3, ROWS)
    return pa.table(
        {
            "session_id": pa.array(["a"] * (ROWS // 2) + ["b"] * (ROWS - ROWS // 2)),
            "sequence": pa.array(np.concatenate([np.arange(ROWS // 2), np.arange(ROWS - ROWS // 2)])),
            "timestamp": pa.array(np.arange(ROWS) * 1_000 + 1_764_000_000_000_000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(np.array(["rtt", "jitter", "loss"])[places]),
            "value": pa.array(rng.random(ROWS), mask=rng.random(ROWS) < 0.01),
            "unit": pa.array(np.array(["ms", "ms", "1"])[places]),
            "note": pa.array([None if at % 7 else f"{'n' * (at % 50)}{at}" for at in range(ROWS)]),
        }
    )


@pytest.fixture(scope="module")
def table():
    return _table()


@pytest.fixture(params=["plain", "stored", "one row group"], scope="module")
def source(request, table, tmp_path_factory):
    place = tmp_path_factory.mktemp("source")
    size = ROWS if request.param == "one row group" else 9_000
    pq.write_table(table, place / "rows.parquet", row_group_size=size, data_page_size=10_000)
    if request.param != "stored":
        return place / "rows.parquet"
    import_sessions([place / "rows.parquet"], place / "store")
    return place / "store"


def _in(threads: int) -> dict[str, object]:
    ahead = partial(ScannedAhead, ahead=1) if threads > 1 else None
    return {"ahead": ahead, "beside": ScannedAhead if threads > 2 else None}


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "scan"]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("columns", [None, ["value"], []])
def test_rows_are_those_of_the_file_with_any_threads(source, table, threads, columns):
    with open_source(source) as inventory:
        scan = open_all(inventory)
        batches = list(scan.batches(columns=columns, batch_size=BATCH, **_in(threads)))
    names = [n for n in table.schema.names if columns is None or n in {*columns, "session_id", "sequence"}]
    found = pa.Table.from_batches(batches)
    assert found.schema.names == names
    for name in names:
        column = found[name]
        plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        assert plain.combine_chunks().equals(table[name].combine_chunks()), name
    assert max(batch.num_rows for batch in batches) <= BATCH
    assert not _threads()


@pytest.mark.parametrize("threads", [2, 3])
def test_who_stops_early_leaves_no_thread(source, threads):
    with open_source(source) as inventory:
        batches = open_all(inventory).batches(batch_size=BATCH, **_in(threads))
        next(batches)
        batches.close()
        _wait_for_no_thread()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("column", ["timestamp", "value", "note"])
def test_a_page_that_is_damaged_is_an_error_in_any_thread(table, tmp_path, threads, column):
    path = tmp_path / "rows.parquet"
    pq.write_table(
        table, path, row_group_size=ROWS, data_page_size=10_000, write_page_checksum=True, compression="zstd"
    )
    chunk = pq.read_metadata(path).row_group(0).column(table.schema.names.index(column))
    data = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start + chunk.total_compressed_size * 2 // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises((SourceError, OSError), match=r"(?i)crc|checksum|zstd|corrupt"):
        list(read_parquet(path, Reading(BATCH, **_in(threads)), repeated=["metric"]))
    _wait_for_no_thread()


@pytest.mark.parametrize("threads", [1, 3])
def test_missing_rows_are_an_error_in_any_thread(table, tmp_path, threads, monkeypatch):
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    real = pq.ParquetFile.iter_batches

    def cut(file, rows, *, columns, **options):
        """Ends early where one column is read, as pyarrow does where its pages end."""
        for at, batch in enumerate(real(file, rows, columns=columns, **options)):
            if at == 3 and "value" in columns:
                return
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", cut)
    with pytest.raises(SourceError, match=f"of {ROWS} rows {3 * BATCH} can be read"):
        list(read_parquet(path, Reading(BATCH, **_in(threads)), ["sequence", "timestamp", "value"]))
    _wait_for_no_thread()


def _wait_for_no_thread() -> None:
    deadline = time.monotonic() + 5
    while _threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _threads()
