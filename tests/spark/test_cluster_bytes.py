"""On a cluster the same files come out, byte for byte, however the sessions are shared out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cluster_entries import measured
from directories import measurement_files, names_in
from project import FIXTURE_STORE
from spark_stores import assert_same_package, write_store

from pipeline import export_measurements, export_statistics, import_sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sail import Sail

    Export = Callable[..., Any]

MEASUREMENTS: dict[str, dict[str, Any]] = {
    "ndjson": {},
    "ndjson-gzip": {"compression": "gzip", "exclude": ["load"]},
    "ndjson-zstd": {"compression": "zstd"},
    "json": {"format": "json"},
    "csv-zstd": {"format": "csv", "compression": "zstd"},
    "spreadsheet": {"format": "csv", "spreadsheet": True, "locale": "de"},
    "parquet": {"format": "parquet"},
    "parquet-parts": {"format": "parquet", "compression": "gzip", "rows_per_file": 200, "verify": True},
    "arrow": {"format": "arrow", "compression": "zstd"},
    "influx": {"format": "influx"},
    "no-hash": {"hashed": False},
    "parts": {"compression": "gzip", "rows_per_file": 150, "metrics": ["rtt", "frames"]},
    "where": {"where": "value > 0 AND load IS NULL", "since": "2026-09-21T20:53:20Z", "columns": ["value", "metric"]},
    "with-statistics": {"with_statistics": True, "sync": False},
}
JOINED: dict[str, dict[str, Any]] = {
    "ndjson": {},
    "csv": {"format": "csv", "with_statistics": True, "metrics": ["rtt", "frames"]},
    "influx": {"format": "influx", "sync": False, "verify": True},
    "no-hash": {"format": "csv", "hashed": False},
    "nothing": {"format": "csv", "where": "value > 1e300"},
}
STATISTICS: dict[str, dict[str, Any]] = {
    "statistics": {},
    "parquet": {"format": "parquet"},
    "windows": {"window": "10s", "format": "csv", "compression": "gzip", "quantiles": ["0.999"]},
    "days-by": {"window": "1d", "timezone": "Europe/Berlin", "by": ["robot"], "lost": "infinite"},
    "from-start": {"window": "30s", "window_origin": "session", "kinds": ["frames=counter"], "rows_per_file": 100},
}
PER_TASK = (1, 5, 20)


def compare(tmp_path: Path, export: Export, store: Path, sail: Sail, rows: list[int], **options: Any) -> None:
    """Export here, and on the cluster in tasks of so many rows."""
    export(store, tmp_path / "here", **options)
    for rows_per_task in rows:
        to = tmp_path / f"{rows_per_task}"
        export(store, to, engine="spark", master=sail.url, rows_per_task=rows_per_task, **options)
        assert_same_package(tmp_path / "here", to)
    assert names_in(tmp_path) == sorted(["here", *map(str, rows)])


@pytest.mark.parametrize("case", MEASUREMENTS)
def test_measurements_of_many_sessions(tmp_path, generated, sail, case):
    rows = [500 * sessions for sessions in PER_TASK]
    compare(tmp_path, export_measurements, generated, sail, rows, scope="per-session", **MEASUREMENTS[case])


@pytest.mark.parametrize("case", JOINED)
def test_one_file_of_many_sessions(tmp_path, generated, sail, case):
    rows = [500 * sessions for sessions in PER_TASK]
    compare(tmp_path, export_measurements, generated, sail, rows, **JOINED[case])


@pytest.mark.parametrize("case", STATISTICS)
def test_statistics_of_many_sessions(tmp_path, generated, sail, case):
    rows = [500 * sessions for sessions in PER_TASK]
    compare(tmp_path, export_statistics, generated, sail, rows, **STATISTICS[case])


@pytest.mark.parametrize(
    ("export", "options"),
    [
        (export_measurements, {"scope": "per-session", "format": "parquet", "redact": ["configuration.cpu_model"]}),
        (export_measurements, {"scope": "per-session", "format": "json", "compression": "gzip"}),
        (export_statistics, {"by": ["channel"], "kinds": ["recorded"]}),
    ],
)
def test_recorded_sessions(tmp_path, sail, export, options):
    compare(tmp_path, export, FIXTURE_STORE, sail, [1, 5_000, 50_000], **options)


def test_sessions_of_packs_and_of_several_stores(tmp_path, sail):
    (tmp_path / "stores").mkdir()
    packed = write_store(tmp_path / "stores", 140, 100)
    assert len(list((packed / "sessions").iterdir())) == 2
    import_sessions(FIXTURE_STORE, tmp_path / "stores" / "other")
    (tmp_path / "out").mkdir()
    options = {"scope": "per-session", "format": "csv", "compression": "zstd"}
    # In fewer rows than a pack has a task ends within it, and the two packs of this store overlap.
    compare(tmp_path / "out", export_measurements, packed, sail, [1_000, 20_000], **options)
    (tmp_path / "both").mkdir()
    both = [packed, tmp_path / "stores" / "other"]
    compare(tmp_path / "both", export_measurements, both, sail, [3_000], **options)


def test_nothing_selected_and_sessions_without_rows(tmp_path, generated, sail):
    options = {"scope": "per-session", "format": "parquet", "where": "value > 1e9"}
    compare(tmp_path, export_measurements, generated, sail, [2_500], **options)


@pytest.mark.skipif("PIPELINE_MASTER" in os.environ, reason="other workers have no entries of tests")
@pytest.mark.parametrize("is_large", [False, True])
def test_the_model_of_bytes_and_tasks_is_exact(tmp_path, generated, sail, monkeypatch, is_large):
    """A task reads each byte of the files of its sessions once, and writes those of its files, and no other."""
    store = write_store(tmp_path, 3, 200_000) if is_large else generated
    sizes = [path.stat().st_size for path in measurement_files(store)]
    assert (min(sizes) > 1 << 20) == is_large
    rows = 400_000 if is_large else 10_000
    monkeypatch.setattr("pipeline.export.on_cluster.write_measurements", measured)
    export_measurements(
        store, tmp_path / "to", scope="per-session", engine="spark", master=sail.url, rows_per_task=rows, sync=False
    )
    passed = [json.loads(path.read_text()) for path in tmp_path.glob("passed-*")]
    assert len(passed) == 2
    written = sum(path.stat().st_size for path in (tmp_path / "to").glob("measurements*"))
    assert [sum(one) for one in zip(*passed, strict=True)] == [sum(sizes), written]
