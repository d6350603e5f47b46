"""The recorded rows, for tests that pick from them."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from selections import SESSIONS


@pytest.fixture(scope="module")
def recorded():
    """The recorded rows, in order, as a reader of Parquet gives them."""
    rows = []
    for session_id in SESSIONS:
        table = pq.read_table(FIXTURE_STORE / "sessions" / session_id / "measurements-0000.parquet")
        rows += [r | {"timestamp": r["timestamp"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")} for r in table.to_pylist()]
    return rows
