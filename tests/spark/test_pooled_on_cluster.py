"""Statistics over all sessions are the same files from a cluster, however the sessions are shared out."""

from __future__ import annotations

from typing import Any

import pytest
from directories import names_in
from project import FIXTURE_STORE
from spark_stores import assert_same_package

from pipeline import SourceError, export_statistics

CASES: dict[str, dict[str, Any]] = {
    "pooled": {},
    "windows": {"window": "10s", "format": "csv", "compression": "gzip", "quantiles": ["0.999"]},
    "days-by": {"window": "1d", "timezone": "Europe/Berlin", "by": ["robot"], "format": "parquet", "lost": "infinite"},
    "by-numbers": {"by": ["load", "robot"], "format": "arrow", "columns": ["metric", "load", "p50", "first", "robot"]},
    "from-start": {"window": "30s", "window_origin": "session", "kinds": ["frames=counter"], "rows_per_file": 50},
    "rates": {"window": "1m", "kinds": ["frames=counter", "rtt=duration"], "format": "parquet"},
}
PER_TASK = (1, 5, 20)


def compare(tmp_path, store, sail, rows, **options):
    export_statistics(store, tmp_path / "here", scope="cross-session", **options)
    for rows_per_task in rows:
        cluster = {"engine": "spark", "master": sail.url, "rows_per_task": rows_per_task}
        export_statistics(store, tmp_path / f"{rows_per_task}", scope="cross-session", **cluster, **options)
        assert_same_package(tmp_path / "here", tmp_path / f"{rows_per_task}")
    assert names_in(tmp_path) == sorted(["here", *map(str, rows)])


@pytest.mark.parametrize("case", CASES)
def test_many_sessions(tmp_path, generated, sail, case):
    compare(tmp_path, generated, sail, [500 * sessions for sessions in PER_TASK], **CASES[case])


@pytest.mark.parametrize("options", [{"by": ["channel"], "kinds": ["recorded"]}, {"window": "5s"}])
def test_recorded_sessions(tmp_path, sail, options):
    compare(tmp_path, FIXTURE_STORE, sail, [1, 5_000], **options)


def test_nothing_selected(tmp_path, generated, sail):
    compare(tmp_path, generated, sail, [2_500], where="value > 1e9", window="1m")


def test_windows_beyond_the_calendar_are_refused_in_the_same_words(tmp_path, generated, sail):
    told = []
    for cluster in ({}, {"engine": "spark", "master": sail.url, "rows_per_task": 5_000}):
        with pytest.raises(SourceError) as raised:
            export_statistics(generated, tmp_path / "out", scope="cross-session", window="2999999d", **cluster)
        told.append(str(raised.value))
    assert told[0] == told[1]
    assert names_in(tmp_path) == []
