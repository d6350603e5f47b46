"""Times of a dump of chrome://webrtc-internals are those of the clock of each report."""

from __future__ import annotations

import json

import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions

START = 1_796_037_649_000


def dump(**series):
    held = {
        f"IT0-{name}": {
            "startTime": "2026-11-30T09:00:00.000Z",
            "endTime": "2026-11-30T09:01:00.000Z",
            "statsType": "inbound-rtp",
            "values": json.dumps(points),
        }
        for name, points in series.items()
    }
    return json.dumps(
        {"UserAgent": "x", "PeerConnections": {"1-1": {"url": "u", "rtcConfiguration": "{}", "stats": held}}}
    )


def times_of(tmp_path, **series):
    (tmp_path / "dump.txt").write_text(dump(**series))
    import_sessions(tmp_path / "dump.txt", tmp_path / "store", if_exists="replace")
    query = "SELECT value, epoch_us(timestamp) - 1796037649000000 FROM measurements ORDER BY sequence"
    return rows_of(tmp_path / "store", query)


def test_a_point_has_the_time_of_its_place(tmp_path):
    clock = [START + 0.25, START + 100, START + 200.5]
    assert times_of(tmp_path, timestamp=clock, jitter=[1, 2.5, True]) == [(1.0, 250), (2.5, 100_000), (1.0, 200_500)]


@pytest.mark.parametrize("odd", ["9:00:00 AM", True, {"a": 1}])
def test_a_time_that_is_none_matters_where_a_number_has_it(tmp_path, odd):
    clock = [START, odd, START + 200]
    assert times_of(tmp_path, timestamp=clock, jitter=[1, "text", 3]) == [(1.0, 0), (3.0, 200_000)]
    with pytest.raises(SourceError, match="a time of a report is no number: "):
        times_of(tmp_path, timestamp=clock, jitter=[1, 2, 4])


def test_a_lost_time_is_that_of_the_start(tmp_path):
    assert len(times_of(tmp_path, timestamp=[START, None, START + 200], jitter=[1, 2, 3])) == 3
