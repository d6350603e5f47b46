"""The pages that are listed before a file is read are those that its writer wrote, whichever it is."""

from __future__ import annotations

import os

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.native import DamagedPagesError, list_chunk_pages, list_pages

TABLE = pa.table(
    {
        "text": pa.array([f"text {at % 700}" for at in range(5000)]),
        "long": pa.array([None if at % 7 == 0 else "x" * (at % 300) for at in range(5000)]),
        "number": pa.array(range(5000)),
        "value": pa.array([at / 7 for at in range(5000)]),
        "ok": pa.array([at % 3 == 0 for at in range(5000)]),
    }
)
PYARROW = {
    "as by default": {},
    "small pages": {"data_page_size": 512, "write_batch_size": 100},
    "pages of version 2": {"data_page_version": "2.0", "data_page_size": 2048},
    "with checksums and indices": {"write_page_checksum": True, "write_page_index": True, "row_group_size": 900},
    "without dictionaries": {"use_dictionary": False, "compression": "none"},
    "small dictionaries": {"dictionary_pagesize_limit": 1024, "compression": "zstd"},
    "prefixes": {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    "bloom filters": {"bloom_filter_options": {"text": {"ndv": 1000, "fpp": 0.01}}},
}


def written(path, name):
    if name == "DuckDB":
        with duckdb.connect() as connection:
            connection.register("rows", TABLE)
            connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    elif name == "DuckDB, version 2":
        with duckdb.connect() as connection:
            connection.register("rows", TABLE)
            connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, PARQUET_VERSION v2)")
    elif name == "Polars":
        pl.from_arrow(TABLE).write_parquet(path, row_group_size=1000)
    else:
        pq.write_table(TABLE, path, **PYARROW[name])
    return path


def pages_of(path):
    with path.open("rb") as file:
        return list_pages(file.fileno())


@pytest.mark.parametrize("name", [*PYARROW, "DuckDB", "DuckDB, version 2", "Polars"])
def test_the_pages_are_those_of_the_footer(tmp_path, name):
    path = written(tmp_path / "a.parquet", name)
    pages, metadata = pages_of(path), pq.read_metadata(path)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            where = (pages.row_group == group) & (pages.column == column)
            data = where & ~pages.is_dictionary
            assert pages.values[data].sum() == chunk.num_values
            assert pages.is_dictionary[where].sum() == chunk.has_dictionary_page
            # What the footer says has the headers of the pages in it, with a least and a greatest value each.
            headers = chunk.total_uncompressed_size - pages.size[where].sum()
            assert 0 < headers <= 800 * where.sum()
    if name == "prefixes":
        assert set(pages.column[pages.has_prefixes]) == {0}
    elif not name.startswith("DuckDB"):
        assert not pages.has_prefixes.any()


def chunk_of(data, chunk):
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return memoryview(data)[start : start + chunk.total_compressed_size], chunk.num_values


@pytest.mark.parametrize("name", PYARROW)
def test_chunks_in_memory_have_the_pages_that_they_have_in_the_file(tmp_path, name):
    path = written(tmp_path / "a.parquet", name)
    whole, metadata, data = pages_of(path), pq.read_metadata(path), path.read_bytes()
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        chunks = {column: chunk_of(data, row_group.column(column)) for column in (4, 0, 2)}
        found = list_chunk_pages(group, chunks)
        for column in chunks:
            expected, here = (one.column == column for one in (whole, found))
            expected &= whole.row_group == group
            for wanted, given in zip(whole, found, strict=True):
                assert np.array_equal(wanted[expected], given[here])
        assert set(found.column) == set(chunks)
    assert len(list_chunk_pages(0, {}).size) == 0


def test_a_damaged_chunk_gives_pages_or_an_error(tmp_path):
    data = written(tmp_path / "a.parquet", "small pages").read_bytes()
    chunk, values = chunk_of(data, pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0))
    outcomes = set()
    for place in range(0, len(chunk), 7):
        changed = bytearray(chunk)
        changed[place] ^= 0xFF
        for given in (changed, changed[: place + 1]):
            try:
                outcomes.add(len(list_chunk_pages(0, {0: (memoryview(given), values)}).size) > 0)
            except DamagedPagesError as error:
                outcomes.add(str(error)[:10])
    assert outcomes == {True, "what stand"}


def test_more_pages_than_there_was_room_for_are_listed_too(tmp_path):
    pq.write_table(pa.table({"a": range(3000)}), tmp_path / "a.parquet", row_group_size=1)
    pages = pages_of(tmp_path / "a.parquet")
    assert np.array_equal(np.unique(pages.row_group), np.arange(3000))


def test_a_file_that_ends_as_no_parquet_has_no_pages(tmp_path):
    for data in (b"", b"PAR1", b"rubbish" * 100):
        (tmp_path / "a").write_bytes(data)
        assert len(pages_of(tmp_path / "a").size) == 0


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_a_damaged_footer_gives_pages_or_an_error(tmp_path, at):
    """It never reads outside the file, nor goes on for ever."""
    whole = bytearray(written(tmp_path / "a.parquet", "small pages").read_bytes())
    length = int.from_bytes(whole[-8:-4], "little")
    outcomes = set()
    for place in range(len(whole) - 8 - length + at, len(whole) - 8, 61):
        for flip in (0x01, 0x80, 0xFF):
            changed = bytearray(whole)
            changed[place] ^= flip
            (tmp_path / "b.parquet").write_bytes(changed)
            try:
                outcomes.add(len(pages_of(tmp_path / "b.parquet").size) > 0)
            except DamagedPagesError as error:
                outcomes.add(str(error)[:10])
    assert outcomes


def test_a_file_that_lost_its_end_is_an_error(tmp_path):
    path = written(tmp_path / "a.parquet", "as by default")
    data = path.read_bytes()
    path.write_bytes(data[:4] + data[-3000:])
    with pytest.raises(DamagedPagesError, match="no header of a page"):
        pages_of(path)


def test_what_cannot_be_read_is_an_error_of_the_system():
    reader, writer = os.pipe()
    os.close(writer)
    try:
        assert len(list_pages(reader).size) == 0
    finally:
        os.close(reader)
    with pytest.raises(OSError, match="Bad file descriptor"):
        list_pages(reader)
