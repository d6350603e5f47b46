"""A cluster, and a store of many sessions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sail import Sail, sail_server
from spark_stores import write_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 500


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sail]:
    """A server, which every test leaves as it found it; `just spark` names one of Apache Spark instead."""
    if master := os.environ.get("PIPELINE_MASTER"):
        yield Sail(master, None)
        return
    with sail_server(tmp_path_factory.mktemp("sail")) as running:
        yield running


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 40 sessions of 500 rows."""
    return write_store(tmp_path_factory.mktemp("generated"), 40, ROWS)
