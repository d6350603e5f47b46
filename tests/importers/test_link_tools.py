"""Tools of real-time links: every sample is the one that plain Python reads, lost ones are null, times are right."""

from __future__ import annotations

import datetime as dt
import gzip

import numpy as np
import pytest
from link_readers import fping, irtt, mtr_raw, ping, rtcstats, sockperf
from link_texts import CYCLICTEST, SOCKPERF
from plain_readers import document
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

STARTED = "2026-01-01T00:00:00Z"
START_US = 1767225600000000
IS_SAMPLE = (
    "metric NOT LIKE '%\\_m%' ESCAPE '\\' AND metric NOT SIMILAR TO '.*_(p[0-9].*|stddev)|packets_.*|messages_.*'"
)


def found_by(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


def imported(path, store, columns, where="true"):
    import_sessions(path, store, started_at=STARTED)
    return rows_of(store, f"SELECT metric, value, {columns} FROM measurements WHERE {where} ORDER BY sequence")


def figures(values, scale=1.0):
    """Count, lost, least, most, mean, median and 95th percentile."""
    known = np.array([value for value in values if value is not None]) * scale
    lost = sum(value is None for value in values)
    return [
        len(known),
        lost,
        *(float(x) for x in (known.min(), known.max(), known.mean(), *np.percentile(known, [50, 95]))),
    ]


# Files, the series of them that is told of, its unit, its figures in it: count, lost, min, max, mean, p50, p95.
FIGURES = [
    ("recorded/ping/gap.txt", "rtt", 1, [23, 7, 0.036, 0.171, 0.04560869565217391, 0.039, 0.047799999999999995]),
    (
        "recorded/fping/two-hosts.txt",
        "rtt' AND host = '127.0.0.1",
        1,
        [12, 8, 0.028, 0.057, 0.0425, 0.043, 0.054799999999999995],
    ),
    (
        "recorded/fping/two-hosts.txt",
        "rtt' AND host = '127.0.0.2",
        1,
        [13, 7, 0.019, 0.764, 0.09461538461538462, 0.04, 0.336799999999999],
    ),
    ("harness/fping/fping-D.txt", "rtt", 1, [10, 0, 0.027, 0.044, 0.0363, 0.0375, 0.04355]),
    ("recorded/mtr/gap.raw", "rtt' AND hop = '1", 1, [13, 7, 47, 74, 57.92307692307692, 56, 69.8]),
    ("recorded/mtr/gap.raw", "rtt' AND hop = '2", 1, [1, 0, 63, 63, 63, 63, 63]),
    (
        "recorded/sockperf/ping-pong.csv",
        "latency",
        1,
        [165, 0, 5.128, 2423.832, 36.96247878787879, 6.009, 8.838],
    ),
    (
        "recorded/irtt/lossy.json",
        "rtt",
        1,
        [28, 7, 209084, 131091696, 20921896.035714287, 371276.5, 107597869.94999997],
    ),
    ("harness/irtt/irtt-1s.json", "rtt", 1e-6, [40, 0, 0.055454, 0.392184, 0.1110284, 0.105533, 0.14940405]),
]


@pytest.mark.parametrize(
    ("name", "metric", "scale", "expected"), FIGURES, ids=[f"{one[0]} {one[1]}" for one in FIGURES]
)
def test_figures_are_those_that_were_noted_when_files_were_recorded(tmp_path, name, metric, scale, expected):
    rows = imported(found_by(name), tmp_path / "store", "unit", f"metric = '{metric}'")
    assert figures([value for _, value, _ in rows], scale) == pytest.approx(expected, rel=1e-12)


EPOCH_US = "epoch_us(timestamp)"
READ = [
    ("recorded/ping/gap.txt", ping, f"icmp_seq, {EPOCH_US}"),
    ("recorded/fping/two-hosts.txt", fping, f"host, probe, {EPOCH_US}"),
    ("harness/fping/fping-D.txt", fping, f"host, probe, {EPOCH_US}"),
    ("recorded/mtr/gap.raw", mtr_raw, "hop, number"),
    ("recorded/sockperf/ping-pong.csv", sockperf, f"packet, ({EPOCH_US} - {START_US}) * 1000"),
    ("recorded/irtt/lossy.json", irtt, f"seqno, {EPOCH_US} * 1000"),
    ("harness/irtt/irtt-1s.json", irtt, f"seqno, {EPOCH_US} * 1000"),
    ("harness/rtcstats/firefox118.rtcstats.jsonl", rtcstats, f"connection, report_id, {EPOCH_US} / 1000"),
    ("harness/rtcstats/chrome99-standard.rtcstats.jsonl", rtcstats, f"connection, report_id, {EPOCH_US} / 1000"),
    ("recorded/rtcstats/chromium-156.gz", rtcstats, f"connection, report_id, {EPOCH_US} / 1000"),
    ("harness/webrtc-internals/loopback-av.rtcstats_dump.txt", rtcstats, f"connection, report_id, {EPOCH_US} / 1000"),
]


@pytest.mark.parametrize(("name", "read", "columns"), READ, ids=[one[0] for one in READ])
def test_every_sample_is_the_one_that_plain_python_reads(tmp_path, name, read, columns):
    path = found_by(name)
    found = imported(path, tmp_path / "store", columns, "true" if read in {rtcstats, irtt} else IS_SAMPLE)
    expected = read(path)
    assert len(expected) > 9
    if read is rtcstats:  # the order of reports means nothing
        found, expected = sorted(found), sorted(expected)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    if read in {irtt, sockperf}:  # the store counts microseconds
        expected = [(*row[:-1], row[-1] // 1000 * 1000) for row in expected]
    if read is rtcstats:
        expected = [(*row[:-1], pytest.approx(row[-1], abs=0.0011)) for row in expected]
    assert found == expected


def test_aggregates_of_summaries_are_those_of_the_tool(tmp_path):
    query = (
        "SELECT metric, value, unit FROM measurements WHERE metric LIKE 'rtt\\_%' ESCAPE '\\' OR metric LIKE 'packets%'"
    )
    import_sessions(found_by("recorded/ping/gap.txt"), tmp_path / "ping")
    assert {metric: (value, unit) for metric, value, unit in rows_of(tmp_path / "ping", query)} == {
        "packets_sent": (30, "1"),
        "packets_received": (23, "1"),
        "packets_lost": (7, "1"),
        "rtt_min": (0.036, "ms"),
        "rtt_mean": (0.045, "ms"),
        "rtt_max": (0.171, "ms"),
        "rtt_stddev": (0.026, "ms"),
    }
    report = import_sessions(found_by("recorded/fping/two-hosts.summary.txt"), tmp_path / "fping", started_at=STARTED)
    assert report.rows == 12
    rows = rows_of(tmp_path / "fping", "SELECT metric, value FROM measurements WHERE host = '127.0.0.2'")
    assert dict(rows) == {
        "packets_sent": 20,
        "packets_received": 13,
        "packets_lost": 7,
        "rtt_min": 0.019,
        "rtt_mean": 0.095,
        "rtt_max": 0.764,
    }
    (session,) = list_sessions(tmp_path / "fping")
    assert all(facts["is_aggregate"] for facts in session["metric_facts"].values())
    import_sessions(found_by("recorded/mtr/gap.json"), tmp_path / "mtr", started_at=STARTED)
    rows = rows_of(tmp_path / "mtr", "SELECT metric, value, unit, hop, host FROM measurements")
    (hub,) = document(SHARED / "recorded/mtr/gap.json")["report"]["hubs"]
    names = {
        "Loss%": ("loss", "%"),
        "Snt": ("packets_sent", "1"),
        "Last": ("rtt_last", "ms"),
        "Avg": ("rtt_mean", "ms"),
    }
    names |= {"Best": ("rtt_min", "ms"), "Wrst": ("rtt_max", "ms"), "StDev": ("rtt_stddev", "ms")}
    assert set(rows) == {(metric, hub[key], unit, 1, "127.0.0.1") for key, (metric, unit) in names.items()}


@pytest.mark.parametrize("name", ["recorded/cyclictest/histogram.json", "harness/cyclictest/one-thread.json"])
def test_bins_of_cyclictest_lack_what_lies_beyond_them(tmp_path, name):
    path = found_by(name)
    report = import_sessions(path, tmp_path / "store")
    query = "SELECT thread, metric, value, unit, bin_lower, bin_count FROM measurements"
    rows = rows_of(tmp_path / "store", query)
    for thread, one in document(path)["thread"].items():
        mine = {row[1]: row[2:4] for row in rows if row[0] == thread}
        assert (mine["latency_min"], mine["latency_max"]) == ((one["min"], "us"), (one["max"], "us"))
        assert (mine["latency_mean"], mine["cycles"]) == ((one["avg"], "us"), (one["cycles"], "1"))
        bins = {int(key): count for key, count in one["histogram"].items()}
        found = [row[2:] for row in rows if row[:2] == (thread, "latency_bins")]
        assert found == [(key, "us", key, count) for key, count in bins.items()]
        if bins:
            assert mine["latency_beyond_bins"] == (one["cycles"] - sum(bins.values()), "1")
    if "histogram" in name:
        assert report.warnings[0].endswith(
            "lack 348 of 800 cycles, those beyond -h, of which the worst are: latency_beyond_bins counts them"
        )
        values = np.repeat([row[2] for row in rows if row[:2] == ("0", "latency_bins")], [row[5] for row in rows if row[:2] == ("0", "latency_bins")])  # fmt: skip  # noqa: E501
        expected = [335, 0, 23, 147, 66.52835820895523, 65, 71]
        assert figures(list(values)) == pytest.approx(expected, rel=1e-12)
    (session,) = list_sessions(tmp_path / "store")
    assert (session["harness"]["version"], session["started_at"][:16]) == ("2.40", "2026-11-28T16:31" if "recorded" in name else "2026-11-28T16:21")  # fmt: skip  # noqa: E501


def test_what_a_tool_leaves_open_is_said(tmp_path):
    names = {
        "recorded/sockperf/ping-pong.csv": "latencies that are half of the round trip",
        "recorded/mtr/gap.json": "mtr --raw has the samples",
        "harness/rtcstats/chrome99-standard.rtcstats.jsonl": "1 number that was not imported: e2eRtt.rtt",
        "harness/cyclictest/one-thread.json": "has no bins: cyclictest writes them with -h",
    }
    for number, (name, phrase) in enumerate(names.items()):
        warnings = import_sessions(found_by(name), tmp_path / f"{number}", started_at=STARTED).warnings
        assert [phrase in warning for warning in warnings] == [True], (name, warnings)


@pytest.mark.parametrize(("version", "told"), [("2.10", 0), ("2.40", 0), ("2.60", 0), ("3.00", 1)])
def test_cyclictest_2_10_is_no_older_version(tmp_path, version, told):
    (tmp_path / "x.json").write_text(CYCLICTEST.replace("2.40", version))
    warnings = import_sessions(tmp_path / "x.json", tmp_path / "store").warnings
    assert sum("that were tried" in warning for warning in warnings) == told


def test_round_trips_of_sockperf_are_whole_where_it_says_so(tmp_path):
    text = found_by("recorded/sockperf/ping-pong.csv").read_text().replace("latency(usec)", "rtt(usec)")
    (tmp_path / "x.csv").write_text(text)
    report = import_sessions(tmp_path / "x.csv", tmp_path / "store", started_at=STARTED)
    assert report.warnings == ()
    assert {
        row[0] for row in rows_of(tmp_path / "store", "SELECT DISTINCT metric FROM measurements WHERE unit = 'us'")
    } >= {
        "rtt",
        "rtt_p99_9",
    }


def test_figures_of_sockperf_have_their_names_where_the_head_of_its_table_is_cut_off(tmp_path):
    for number, (text, kind) in enumerate(((SOCKPERF, "rtt"), (SOCKPERF.replace("rtt", "latency"), "latency"))):
        (tmp_path / "x.csv").write_text(text.split(", rxTime", maxsplit=1)[0])
        report = import_sessions(tmp_path / "x.csv", tmp_path / f"{number}", started_at=STARTED)
        assert any("may be cut off" in warning for warning in report.warnings)
        found = rows_of(tmp_path / f"{number}", "SELECT metric, value FROM measurements WHERE unit = 'us'")
        assert dict(found) == {f"{kind}_mean": 12.628, f"{kind}_stddev": 0.623, f"{kind}_p99_9": 12.628}


def test_a_compressed_result_of_irtt_is_the_same(tmp_path):
    path = found_by("recorded/irtt/lossy.json")
    (tmp_path / "lossy.json.gz").write_bytes(gzip.compress(path.read_bytes()))
    query = "SELECT * EXCLUDE session_id FROM measurements ORDER BY sequence"
    import_sessions(path, tmp_path / "a")
    import_sessions(tmp_path / "lossy.json.gz", tmp_path / "b")
    assert rows_of(tmp_path / "a", query) == rows_of(tmp_path / "b", query)


def test_irtt_0_9_1_tells_its_start_by_two_clocks(tmp_path):
    path = HARNESS_FILES / "irtt" / "irtt-0.9.1.json"
    report = import_sessions(path, tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    since_1970 = dt.datetime.fromisoformat(session["started_at"]) - dt.datetime.fromtimestamp(0, dt.UTC)
    assert since_1970 // dt.timedelta(microseconds=1) == document(path)["stats"]["start_time"]["wall"] // 1000
    assert session["harness"]["version"] == "0.9.1"
    assert report.warnings == ()
    columns = f"seqno, {EPOCH_US}"
    found = rows_of(tmp_path / "store", f"SELECT metric, value, {columns} FROM measurements ORDER BY sequence")
    assert found == [(*row[:-1], row[-1] // 1000) for row in irtt(path)]


def test_a_run_of_mtr_without_answers_has_no_samples(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"report": {"mtr": {"src": "a", "dst": "192.0.2.1", "tests": 2}, "hubs": []}}')
    with pytest.raises(SourceError, match="no samples: looked for hops"):
        import_sessions(path, tmp_path / "store", started_at=STARTED)
