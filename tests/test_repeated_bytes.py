"""A short form of `faults/repeated_bytes.py`: the same content has the same bytes, wherever memory lies."""

from __future__ import annotations

import pytest
from exports import make_store
from repeated_bytes import MEMORIES, VARIANTS, repeat_blocks, repeat_export


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("repeated"), sessions=2, rows=6_000)


def test_blocks_of_gzip_have_the_same_bytes_wherever_their_compressor_lies():
    # Two rounds in each of two processes: the compressor lies elsewhere in each.
    assert not repeat_blocks("beginnings", 4 * 8192, seed=1, jobs=2, memories=MEMORIES[:2])


@pytest.mark.parametrize("variant", ["csv, gzip", "ndjson, zstd", "parquet, gzip"])
def test_an_export_has_the_same_bytes_in_other_memory_and_with_other_threads(store, variant):
    assert variant in VARIANTS
    assert not repeat_export(store, variant, 6)
