"""Recordings whose recorder is gone, and the rows of the session that recovery makes of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pipeline import record_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.recorder.recorder import Recorder


@contextmanager
def killed(store: Path, **options: Any) -> Iterator[Recorder]:
    """Record a session that no one ends: what is in the file of its batches at the end of the block stays there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.recorder.recorder.finish_recording", lambda *_, **__: None)
        with record_session(store, **options) as session:
            yield session


def columns_of(store: Path, session: str) -> dict[str, list[Any]]:
    """Read the columns of a session with pyarrow, times as counts of the store's unit."""
    (file,) = (store / "sessions" / session).glob("*.parquet")
    table = pq.read_table(file)
    at = table.schema.get_field_index("timestamp")
    return table.set_column(at, "timestamp", table.column("timestamp").cast("int64")).to_pydict()
