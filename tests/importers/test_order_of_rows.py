"""Rows keep the order of their file, wherever the engine holds few of them back."""

from __future__ import annotations

import json

import pytest
from samples import rows_of

from pipeline import import_sessions
from pipeline.importers import csv_rows

IN_ORDER = "SELECT value FROM measurements ORDER BY sequence"


@pytest.mark.parametrize(
    ("line_bytes", "group"),
    [
        # A vector of the engine has 2,048 rows; it held back fewer than 64.
        pytest.param(128, "setup", id="blocks of 2,058 rows, read by us"),
        pytest.param(73, '"set,up"', id="14,363 rows before the border of a block of the engine"),
    ],
)
def test_rows_of_csv_keep_their_order(tmp_path, monkeypatch, line_bytes, group):
    monkeypatch.setattr(csv_rows, "_BLOCK_BYTES", 128 * 2058)
    count = 20_000
    with (tmp_path / "k6.csv").open("w", encoding="utf-8") as file:
        file.write("metric_name,timestamp,metric_value,group,name\n")
        for number in range(count):
            file.write(f"vus,{1795543196 + number // 100},{number},{group},".ljust(line_bytes - 1, "x") + "\n")
    import_sessions(tmp_path / "k6.csv", tmp_path / "store")
    assert rows_of(tmp_path / "store", IN_ORDER) == [(float(number),) for number in range(count)]


def test_short_series_of_webrtc_internals_keep_their_place(tmp_path):
    times = {"startTime": "2026-11-28T15:00:00.000Z", "endTime": "2026-11-28T16:00:00.000Z"}
    stats, first = {}, 0
    for number, count in enumerate([30, 3000, 2078, 5, 8222, 9000]):
        values = json.dumps([*range(first, first + count)])
        stats[f"IT{number}-jitter"] = {**times, "statsType": "inbound-rtp", "values": values}
        first += count
    dump = {"UserAgent": "Chrome", "getUserMedia": [], "PeerConnections": {"1-1": {"stats": stats, "updateLog": []}}}
    (tmp_path / "dump.json").write_text(json.dumps(dump), encoding="utf-8")
    import_sessions(tmp_path / "dump.json", tmp_path / "store")
    assert rows_of(tmp_path / "store", IN_ORDER) == [(float(number),) for number in range(first)]
