"""The recorded rows, for tests that compute their figures."""

from __future__ import annotations

import polars as pl
import pytest
from directories import measurement_files
from project import FIXTURE_STORE


@pytest.fixture(scope="module")
def recorded():
    """The recorded rows as Polars reads them from the store's files."""
    files = measurement_files(FIXTURE_STORE)
    return pl.concat([pl.read_parquet(file) for file in files], how="diagonal")
