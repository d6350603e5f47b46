"""The source of the packages that are verified."""

from __future__ import annotations

import pytest
from samples import row, write_ndjson


@pytest.fixture
def source(tmp_path):
    rows = [row(session_id, i, robot=f"r{i}", value=i / 7) for session_id in ("s1", "s2") for i in range(30)]
    return write_ndjson(tmp_path / "source.ndjson", rows)
