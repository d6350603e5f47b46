"""Dumps of rtcstats: what only changed rows hold becomes what held, in each file format."""

from __future__ import annotations

import json

import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

T0 = 1795883580140
QUERY = "SELECT metric, value, connection, report_id, epoch_us(timestamp) FROM measurements ORDER BY sequence"
# What getStats() gave at three times, a second after the other; the second report is removed, the third is new.
CALLS = [
    {
        "A1": {
            "type": "candidate-pair",
            "timestamp": T0,
            "currentRoundTripTime": 0.021,
            "nominated": True,
            "bytesSent": 5,
        },
        "B2": {"type": "inbound-rtp", "timestamp": T0 - 7, "kind": "video", "jitter": 0.5, "framesDecoded": 3},
    },
    {
        "A1": {
            "type": "candidate-pair",
            "timestamp": T0 + 1000,
            "currentRoundTripTime": 0,
            "nominated": True,
            "bytesSent": 9,
        },
        "B2": {"type": "inbound-rtp", "timestamp": T0 + 993, "kind": "video", "jitter": 0.5, "framesDecoded": 3},
    },
    {
        "A1": {
            "type": "candidate-pair",
            "timestamp": T0 + 2000,
            "currentRoundTripTime": 0,
            "nominated": False,
            "bytesSent": 9,
        },
        "C3": {"type": "transport", "timestamp": T0 + 2000, "packetsSent": 9007199254740993 - 1},
    },
]
NUMBERS = {
    "timestamp": "t",
    "kind": "11",
    "jitter": "16",
    "framesDecoded": "20",
    "packetsSent": "79",
    "bytesSent": "80",
}
NUMBERS |= {"nominated": "150", "currentRoundTripTime": "152"}
TYPES = {"candidate-pair": "6", "inbound-rtp": "1", "transport": "5"}


def expected_of(calls=CALLS):
    return sorted(
        (f"{report['type']}.{name}", float(value), "PC_0", key, report["timestamp"] * 1000)
        for call in calls
        for key, report in call.items()
        for name, value in report.items()
        if not isinstance(value, str) and name != "timestamp"
    )


def changed(before, now, *, keeps_empty):
    """What of reports changed."""
    found = {}
    for key, report in now.items():
        values = {name: value for name, value in report.items() if before.get(key, {}).get(name, ...) != value}
        if values or keeps_empty:
            found[key] = values
    return found


def older_rows():
    """Rows as clients of rtcstats before 2.0 wrote them: all reports, 0 for the time that the row has."""
    rows = [["create", "PC_0", {"iceServers": []}, T0 - 900]]
    before = {}
    for call in CALLS:
        found = changed(before, call, keeps_empty=True)
        latest = max(report["timestamp"] for report in call.values())
        for key, report in found.items():
            if call[key]["timestamp"] == latest:
                report["timestamp"] = 0
        rows.append(["getstats", "PC_0", {**found, "timestamp": latest}, latest + 3])
        before = call
    return rows


def shortened_rows():
    """Rows of file format 3 with everything short: names, what did not change, null for what was removed."""
    rows = [[39, "PC_0", {"iceServers": []}, T0 - 900], ["addTrack", "PC_0", ["x"], 1]]
    before = {}
    at = T0 - 899
    for call in CALLS:
        found = changed(before, call, keeps_empty=False)
        latest = max(report["timestamp"] for report in call.values())
        for report in found.values():
            if report.get("timestamp") == latest:
                del report["timestamp"]
        short = {
            key: {
                NUMBERS.get(name, name): TYPES.get(value, value) if name == "type" else value
                for name, value in report.items()
            }
            for key, report in found.items()
        }
        short |= dict.fromkeys(before.keys() - call.keys())
        rows.append(["g", "PC_0", {**short, "t": latest}, latest + 3 - at])
        at = latest + 3
        before = call
    return rows


def whole_rows():
    """Rows as Chromium writes them."""
    calls = [{key: {**report, "id": key} for key, report in call.items()} for call in CALLS]
    return [["create", None, {"deviceMemory": 2}, T0], *(["getStats", "PC_0", call, 1000] for call in calls)]


def written(path, rows, *before):
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in [*before, *rows]))
    return path


DUMPS = {
    "of a server": (older_rows(), ["connectionInfo", None, {"clientProtocol": "3.1"}, T0 - 999]),
    "of file format 2": (older_rows(), {"fileFormat": 2, "userAgent": "x"}),
    "without a first line": (older_rows(),),
    "of file format 3, shortened": (shortened_rows(), "RTCStatsDump", {"fileFormat": 3}),
    "of file format 3 by Chromium": (whole_rows(), "RTCStatsDump", {"fileFormat": 3}),
}


@pytest.mark.parametrize("name", DUMPS)
def test_every_report_has_what_held_when_it_was_written(tmp_path, name):
    rows, *before = DUMPS[name]
    path = written(tmp_path / "x.jsonl", rows, *before)
    report = import_sessions(path, tmp_path / "store")
    assert sorted(rows_of(tmp_path / "store", QUERY)) == expected_of()
    assert report.warnings == ()
    (session,) = list_sessions(tmp_path / "store")
    if before:
        told = before[-1][2] if isinstance(before[-1], list) else before[-1]
        assert session["configuration"] == {"metadata": told}
    kinds = rows_of(
        tmp_path / "store", "SELECT DISTINCT metric, unit, kind FROM measurements WHERE kind IS NOT NULL ORDER BY 1"
    )
    assert kinds == [("inbound-rtp.framesDecoded", "1", "video"), ("inbound-rtp.jitter", "s", "video")]


def test_what_no_report_says_has_not_changed_where_rows_lack_reports(tmp_path):
    rows = older_rows()[:2]
    rows.append(["getstats", "PC_0", {"A1": {"bytesSent": 7}, "timestamp": "2026-11-28T16:33:01.140Z"}, T0 + 1000])
    import_sessions(written(tmp_path / "x.jsonl", rows, {"fileFormat": 2}), tmp_path / "store")
    found = [row[:2] for row in rows_of(tmp_path / "store", QUERY)]
    assert found[-5:] == [
        ("candidate-pair.currentRoundTripTime", 0.021),
        ("candidate-pair.nominated", 1),
        ("candidate-pair.bytesSent", 7),
        ("inbound-rtp.jitter", 0.5),
        ("inbound-rtp.framesDecoded", 3),
    ]


def test_numbers_within_values_and_of_own_events_are_told(tmp_path):
    rows = older_rows()
    rows[1][2]["B2"] |= {"perLayer": {"low": 1}, "qualityLimitationDurations": {"cpu": 2}, "codecId": "c"}
    rows.append(["e2eRtt", None, {"rtt": 223}])
    report = import_sessions(written(tmp_path / "x.jsonl", rows), tmp_path / "store")
    assert report.warnings[0].split(": ", 1)[1] == (
        "holds 3 numbers that were not imported: e2eRtt.rtt, inbound-rtp.perLayer"
    )
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["ignored"] == {
        "create": 1,
        "e2eRtt.rtt": 1,
        "inbound-rtp.perLayer": 2,
        "inbound-rtp.qualityLimitationDurations": 2,
        "inbound-rtp.codecId": 2,
    }


BAD = {
    '["getstats", "PC_0", {"A1": {"x": 1}}, 1]': "line 5: its report 'A1x' has no type, nor had it one before",
    '["getstats", "PC_0", {"A1": 5}, 1]': "its report 'A1' is no object",
    '["getstats", "PC_0", {"A1": {}}]': "has no time as its last element",
    '{"a": 1}': "is no row of a dump",
    "[1]": "is no row of a dump",
    '["getstats", "PC_0", {"A1": {"x": NaN}}, 1]': "'NaN' is no JSON",
    '["getstats", "PC_0", ': "is no JSON .*may be cut off",
    "[" * 100_000: "nested too deeply|is no JSON",
}


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_row_that_cannot_be_read_refuses_all_since_others_build_on_it(tmp_path, line):
    path = written(tmp_path / "x.jsonl", [*older_rows(), line.replace('{"A1": {"x": 1}}', '{"A1x": {"x": 1}}')])
    for skip_bad in (False, True):
        with pytest.raises(SourceError, match=BAD[line]) as caught:
            import_sessions(path, tmp_path / "store", skip_bad=skip_bad)
        assert "line 5" in str(caught.value)
        assert "\n" not in str(caught.value)
