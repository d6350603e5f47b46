"""A store of hostile rows, of which packages are made."""

from __future__ import annotations

import hostile
import pytest


@pytest.fixture(scope="module")
def us_store(tmp_path_factory):
    """The hostile rows as a store, for tests that need no second unit."""
    return hostile.write_store(tmp_path_factory.mktemp("store"))
