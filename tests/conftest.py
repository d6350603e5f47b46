"""Fixtures that tests of several folders take, and how hypothesis works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import write_store
from hypothesis import HealthCheck, settings
from judging import Commands
from project import FIXTURE_STORE
from samples import GOOD_SESSIONS, row, write_ndjson

from pipeline import import_sessions
from pipeline.runtime.threads import cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What helpers assert is shown as what tests assert.
pytest.register_assert_rewrite("directories", "figures", "plain_files", "resources")
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("default")


def pytest_xdist_auto_num_workers() -> int:
    """Count the processes that run tests: one more than cores, for a fifth of the time tests wait for others."""
    return cores() + 1


@pytest.fixture(scope="session")
def fixture_store() -> Path:
    """The recorded teleoperation sessions, as a store."""
    return FIXTURE_STORE


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands that run in processes forked from one that has loaded the engines, which takes most of their time."""
    with Commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


@pytest.fixture(scope="session")
def good_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two sessions, to be copied before it is damaged."""
    directory = tmp_path_factory.mktemp("good")
    rows = [row(session_id, i, robot=f"r{i}") for session_id in GOOD_SESSIONS for i in range(50)]
    import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
    return directory / "store"


@pytest.fixture(scope="module", params=["us", "ns"])
def unit(request: pytest.FixtureRequest) -> str:
    """A unit of times."""
    return request.param


@pytest.fixture(scope="module")
def hostile_store(tmp_path_factory: pytest.TempPathFactory, unit: str) -> Path:
    """Rows and names as nasty as a store takes them."""
    return write_store(tmp_path_factory.mktemp("store"), unit)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two sessions in one file."""
    rows = [row(session_id, i, robot=f"r{i}") for session_id in ("s1", "s2") for i in range(30)]
    return write_ndjson(tmp_path / "source.ndjson", rows)


@pytest.fixture(scope="module")
def long_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows that an export of them can be interrupted."""
    rows = 4_000_000
    table = pa.table(
        {
            "session_id": pa.DictionaryArray.from_arrays(np.arange(rows, dtype=np.int32) // (rows // 2), ["s1", "s2"]),
            "sequence": np.arange(rows),
            "timestamp": pa.array(np.arange(rows) * 1000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["control_rtt"]),
            "value": np.random.default_rng(1).random(rows),
            "unit": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["ms"]),
        }
    )
    path = tmp_path_factory.mktemp("long") / "long.parquet"
    pq.write_table(table.cast(pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
                                         for f in table.schema])), path)  # fmt: skip
    return path
