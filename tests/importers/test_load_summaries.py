"""Histograms and summaries of load tests: bins and aggregates, never samples, with the figures that the tools give."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections import Counter

import pytest
from load_files import (
    HLOG,
    K6_SUMMARY,
    OHA,
    PACKED,
    STARTED,
    TABLE,
    VEGETA_REPORT,
    WRK,
    WRK2,
    imported,
    quantile,
    refused,
)
from project import SHARED
from samples import rows_of

from pipeline import import_sessions, list_sessions


def merged(store, session="%"):
    query = (
        f"SELECT bin_lower, value, bin_count"
        f" FROM measurements WHERE metric = 'value_bins' AND session_id LIKE '{session}'"
    )
    return rows_of(store, query)


# By file: how many values, and figures of the middles of the bins in milliseconds where values are nanoseconds.
HLOGS = {
    "hdrhistogram/raphael.hlog": (140003, 0.047744, 189.267968, 0.557185205, 0.074496, 0.093952),
    "hdrhistogram/jHiccup-with-basetime-2.0.7S.logV2.hlog": (48761, 0.008192, 1799.356416, 67.80693073,
    0.335872, 627.048448),
    "hdrhistogram/bug-whitespace.hlog": (0, None, None, None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", HLOGS)
def test_bins_of_histogram_logs_have_the_figures_of_their_tools(tmp_path, name):
    path = SHARED / "harness" / name
    if not path.exists():
        pytest.skip(f"no {path}")
    import_sessions(path, tmp_path / "store")
    count, least, most, mean, p50, p95 = HLOGS[name]
    bins = sorted(
        ((lower + upper + 1) / 2 / 1e6, number, upper - lower) for lower, upper, number in merged(tmp_path / "store")
    )
    assert sum(number for _, number, _ in bins) == count
    query = "SELECT sum(value) FROM measurements WHERE metric = 'value_count'"
    assert rows_of(tmp_path / "store", query) == [(float(count),)]
    if count:
        assert (bins[0][0], bins[-1][0]) == pytest.approx((least, most), rel=0.01, abs=0.009)
        assert sum(value * number for value, number, _ in bins) / count == pytest.approx(mean, rel=0.01)
        values = [value for value, number, _ in bins for _ in range(number)]
        assert (quantile(values, 0.5), quantile(values, 0.95)) == pytest.approx((p50, p95), rel=0.01, abs=0.009)


def encoded(counts, version=2, *, digits=2, least=1, ratio=1.0, cookie=None):
    """A histogram as HdrHistogram encodes it: `counts` from the first bin on."""
    payload = b"".join(map(varint, counts)) if version == 2 else struct.pack(f">{len(counts)}q", *counts)
    base = {0: 0x1C849308, 1: 0x1C849301, 2: 0x1C849303}[version] | (0x10 if version == 2 else 0x80)
    if version:
        head = struct.pack(">Iiiiqqd", base, len(payload), 0, digits, least, 10**9, ratio)
    else:
        head = struct.pack(">Iiqqq", base, digits, least, 10**9, sum(counts))
    packed = zlib.compress(head + payload)
    outer = {0: 0x1C849389, 1: 0x1C849382, 2: 0x1C849314}[version] if cookie is None else cookie
    return base64.b64encode(struct.pack(">Ii", outer, len(packed)) + packed).decode()


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("version", [0, 1, 2])
def test_each_encoding_gives_the_same_bins(tmp_path, version):
    counts = [0] * 700
    counts[5], counts[255], counts[256], counts[300], counts[699] = 3, 1, 2, 70000, 1
    runs = [-5, 3, -249, 1, 2, -43, 70000, -398, 1] if version == 2 else counts
    result, _ = imported(tmp_path, f"1.5,1.0,0.4,{encoded(runs, version)}\n")
    # Of two digits: 256 bins of 1, then 128 of each power of two.
    assert merged(tmp_path / "store") == [(5, 5, 3), (255, 255, 1), (256, 257, 2), (344, 345, 70000), (2992, 3007, 1)]
    assert any("says nothing of the unit of its values" in one for one in result.warnings)


def test_tags_units_and_times_of_a_histogram_log(tmp_path):
    imported(tmp_path, HLOG + f"1795882010.5,0.5,1.0,{PACKED}\n", assume=["unit=us"])
    query = """SELECT epoch_ms(timestamp), tag, interval_s, count(*), min(value), max(value), any_value(unit),
                      sum(bin_count)
               FROM measurements WHERE metric = 'value_bins' GROUP BY ALL ORDER BY 1"""
    assert rows_of(tmp_path / "store", query) == [
        (1795882001123, "read", 1.0, 100, 1000447.0, 2224127.0, "us", 100),
        (1795882002123, None, 1.0, 100, 1000447.0, 2224127.0, "us", 100),
        (1795882010500, None, 0.5, 100, 1000447.0, 2224127.0, "us", 100),
    ]
    assert list_sessions(tmp_path / "store")[0]["metric_facts"]["value_bins"]["is_aggregate"] is True


BOMB = base64.b64encode(struct.pack(">Ii", 0x1C849314, len(z := zlib.compress(b"\0" * (40 << 20)))) + z).decode()


BAD_LOGS = {
    "a bomb": (BOMB, "more than 32 MiB"),
    "cut off": (PACKED[:40], "is cut off"),
    "a kind": (encoded([1], cookie=0x1C849315), "of a kind that is not known"),
    "digits": (encoded([1], digits=9), "of 9 digits from 1 on"),
    "bins": (encoded([-(2**40), 1]), "more bins than there can be"),
    "values": (encoded([-8000, 1]), "with a value beyond 2^62"),
}


@pytest.mark.parametrize("name", BAD_LOGS)
def test_a_histogram_that_cannot_be_is_refused_by_its_line_or_left_out(tmp_path, name):
    data, phrase = BAD_LOGS[name]
    text = HLOG + f"3.000,1.0,1.0,{data}\n"
    assert re.search(rf": line 6: .*{re.escape(phrase)}.*--skip-bad", refused(tmp_path, text))
    result, _ = imported(tmp_path, text, skip_bad=True)
    assert (result.skipped_rows, len(merged(tmp_path / "store"))) == (1, 200)


def test_rows_of_a_percentile_table_become_bins(tmp_path):
    _, rows = imported(tmp_path, TABLE)
    assert merged(tmp_path / "store") == [
        (0.921, 0.921, 1),
        (0.921, 4.053, 3950),
        (4.053, 9.5, 3649),
        (9.5, 12.343, 400),
    ]
    named = {metric: (value, unit) for metric, value, unit in rows if metric != "value_bins"}
    assert named == {
        "value_min": (0.921, None), "value_p50": (4.053, None), "value_p95": (9.5, None), "value_mean": (4.201, None),
        "value_stddev": (13.427, None), "value_max": (12.343, None), "value_count": (8000.0, "1"),
    }  # fmt: skip


def test_the_unit_of_vegetas_table_is_in_its_header_and_csv_is_the_same(tmp_path):
    plain = TABLE.split("#")[0]
    text = '"' + '","'.join(plain.split("\n")[0].split()) + '"\n'
    text += "".join(",".join(line.split()) + "\n" for line in plain.split("\n")[1:])
    result, rows = imported(tmp_path, text.replace('"Value"', '"Value(ms)"'))
    assert {unit for _, _, unit in rows} == {"ms"}
    assert len(merged(tmp_path / "store")) == 4
    assert result.warnings == ()


def test_a_percentile_table_of_a_real_file(tmp_path):
    path = SHARED / "harness/hdrhistogram-percentiles/http4s-50K.txt"
    if not path.exists():
        pytest.skip(f"no {path}")
    import_sessions(path, tmp_path / "store", assume=["unit=ms"], started_at=STARTED)
    bins = merged(tmp_path / "store")
    assert sum(count for *_, count in bins) == 30_000_000
    query = "SELECT metric, value FROM measurements WHERE metric NOT LIKE '%bins' ORDER BY metric"
    figures = dict(rows_of(tmp_path / "store", query))
    expected = {
        "value_count": 3e7,
        "value_max": 320,
        "value_mean": 4.201,
        "value_min": 0,
        "value_p50": 0,
        "value_p95": 24,
    }
    assert {key: figures[key] for key in expected} == expected


PYTHONS = """\
       Value     Percentile TotalCount 1/(1-Percentile)

      10.007 0.000000000000          1           1.00
      14.007 0.500000000000          3           2.00
      18.015 0.750000000000          5           4.00
      40.031 0.875000000000          6           8.00
      40.031 1.000000000000          6
#[Mean    =       18.340, StdDeviation   =    10032.039]
#[Max     =       40.031, TotalCount     =        6.000]
#[Buckets =           14, SubBuckets     =         2048]
"""
"""Of 10, 12, 14, 16, 18 and 40 ms, recorded in microseconds and printed in milliseconds, by hdrhistogram 0.10.8."""


@pytest.mark.parametrize(
    ("text", "deviation"),
    [
        (PYTHONS, None),
        (PYTHONS.replace("10032.039", "10.032"), 10.032),
        (PYTHONS.replace("TotalCount     =        6.000", "Total count    =            6"), 10032.039),
    ],
    ids=["of another unit", "of one unit", "of another program"],
)
def test_the_deviation_of_pythons_tables_is_of_the_unit_of_the_values_or_left_out(tmp_path, text, deviation):
    """hdrhistogram of Python divides all figures of a table by what it is told, and not the deviation."""
    result, rows = imported(tmp_path, text)
    figures = {metric: value for metric, value, _ in rows if metric != "value_bins"}
    assert (figures.get("value_stddev"), figures["value_mean"], figures["value_count"]) == (deviation, 18.34, 6)
    assert ("standard deviation of another unit" in "".join(result.warnings)) == (deviation is None)


def test_what_wrk_prints(tmp_path):
    result, rows = imported(tmp_path, WRK + "own line\n")
    expected = {
        "latency_mean": (44.92, "ms"), "latency_stddev": (4.99, "ms"), "latency_max": (1.28, "s"),
        "latency_within_stddev": (94.16, "%"),
        "thread_requests_per_second_mean": (1050, "/s"), "thread_requests_per_second_stddev": (9.92, "/s"),
        "thread_requests_per_second_max": (121, "/s"), "thread_requests_within_stddev": (83.87, "%"),
        "latency_p50": (44.01, "ms"),
        "latency_p99": (1.03, "s"), "requests": (274, "1"), "duration": (3.1, "s"), "bytes_read": (201.88, "KiBy"),
        "errors_connect": (0, "1"), "errors_read": (1, "1"), "errors_write": (0, "1"), "errors_timeout": (5, "1"),
        "responses_not_2xx_3xx": (11, "1"), "requests_per_second": (88.39, "/s"), "bytes_per_second": (65.12, "KiBy/s"),
    }  # fmt: skip
    assert {metric: (value, unit) for metric, value, unit in rows} == expected
    assert len(rows) == len(expected)
    (session,) = list_sessions(tmp_path / "store")
    assert all(facts["is_aggregate"] for facts in session["metric_facts"].values())
    assert session["metric_facts"].keys() == expected.keys()
    assert session["origin"]["ignored"] == {"own line": 1}
    assert result.warnings == ()


def test_what_wrk2_prints_has_bins_and_outputs_in_a_file_are_sessions(tmp_path):
    result, rows = imported(tmp_path, WRK + WRK2)
    assert result.imported == ("x-1", "x-2")
    counted = Counter(metric for metric, _, _ in rows)
    assert counted["latency_bins"] == 4
    figures = {metric: (value, unit) for metric, value, unit in rows[20:]}
    assert (figures["latency_p99_9"], figures["uncorrected_latency_p50"]) == ((12.34, "ms"), (1.67, "ms"))
    assert (figures["latency_spectrum_mean"], figures["latency_spectrum_count"]) == ((4.201, "ms"), (8000, "1"))
    query = "SELECT bin_lower, value, bin_count FROM measurements WHERE metric = 'latency_bins'"
    assert rows_of(tmp_path / "store", query)[1] == (0.921, 4.053, 3950)


def test_a_summary_of_k6(tmp_path):
    result, _ = imported(tmp_path, json.dumps(K6_SUMMARY))
    query = "SELECT metric, value, unit, submetric, check_name, check_group FROM measurements ORDER BY sequence"
    rows = rows_of(tmp_path / "store", query)
    figures = {(metric, submetric): (value, unit) for metric, value, unit, submetric, check, _ in rows if check is None}
    assert figures == {
        ("http_req_duration_mean", None): (12.5, "ms"), ("http_req_duration_min", None): (1, "ms"),
        ("http_req_duration_median", None): (11, "ms"), ("http_req_duration_max", None): (50, "ms"),
        ("http_req_duration_p90", None): (20, "ms"), ("http_req_duration_p99_9", None): (25, "ms"),
        ("http_req_duration_count", None): (8, "1"), ("http_req_duration_mean", "expected_response:true"): (11.5, "ms"),
        ("http_req_failed_passes", None): (2, "1"), ("http_req_failed_fails", None): (10, "1"),
        ("http_req_failed_rate", None): (0.16666666666666666, "1"), ("http_reqs_count", None): (12, "1"),
        ("http_reqs_rate", None): (45.5, "/s"), ("data_sent_count", None): (852, "By"), ("data_sent_rate",
            None): (3257.15, "By/s"),
        ("vus_value", None): (5, "1"), ("vus_min", None): (1, "1"), ("vus_max", None): (5, "1"),
        ("own_mean", None): (3, None), ("own_median", None): (2, None),
    }  # fmt: skip
    checks = [(metric, value, check, group) for metric, value, _, _, check, group in rows if check is not None]
    assert checks == [("check_fails", 2, "is 200", "::front"), ("check_passes", 10, "is 200", "::front")]
    (session,) = list_sessions(tmp_path / "store")
    assert all(facts["is_aggregate"] for facts in session["metric_facts"].values())
    assert any(
        "threshold avg<10 of http_req_duration{expected_response:true} was crossed" in one for one in result.warnings
    )


def test_newer_summaries_of_k6_say_what_their_metrics_hold(tmp_path):
    values = {"avg": 2.5, "p(95)": 4}
    handled = {
        "metrics": {
            "own": {"type": "trend", "contains": "time", "values": values, "thresholds": {"avg<2": {"ok": False}}}
        }
    }
    handled |= {"root_group": {"checks": []}, "state": {"testRunDurationMs": 278.9}}
    result, rows = imported(tmp_path, json.dumps(handled), "a.json")
    assert rows == [("own_mean", 2.5, "ms"), ("own_p95", 4.0, "ms")]
    assert any("threshold avg<2 of own was crossed" in one for one in result.warnings)
    metrics = [
        {"name": "own", "type": "rate", "contains": "default", "values": {"rate": 0.5, "matches": 30, "total": 60}}
    ]
    newer = {
        "version": "1.0.0",
        "metadata": {"generatedAt": "2025-01-15T10:30:45.123Z", "k6Version": "v2.1.0"},
        "config": {"duration": 60},
    }
    newer |= {
        "results": {"metrics": metrics, "checks": {"metrics": [], "results": [{"name": "c", "passes": 5, "fails": 0}]}}
    }
    _, rows = imported(tmp_path, json.dumps(newer), "b.json")
    assert rows[2:] == [(f"own_{key}", value, "1") for key, value in (("matches", 30.0), ("rate", 0.5),
        ("total", 60.0))] + [
        ("check_fails", 0.0, "1"), ("check_passes", 5.0, "1")]  # fmt: skip
    session = list_sessions(tmp_path / "store")[-1]
    session = next(one for one in list_sessions(tmp_path / "store") if one["session_id"] == "b")
    assert (session["started_at"], session["harness"]["version"]) == ("2025-01-15T10:29:45.123000Z", "2.1.0")


def test_a_report_of_vegeta(tmp_path):
    _, rows = imported(tmp_path, json.dumps(VEGETA_REPORT))
    figures = {metric: (value, unit) for metric, value, unit in rows}
    expected = {"latency_mean": (10, "ns"), "latency_p95": (17, "ns"), "latency_sum": (1000, "ns"),
        "bytes_in_mean": (1.5, "By"),
                "requests": (100, "1"), "rate": (100, "/s"), "success": (0.5, "1"), "latency_beyond_bins": (1,
                "1")}  # fmt: skip
    assert {key: figures[key] for key in expected} == expected
    query = "SELECT bin_lower, value, bin_count FROM measurements WHERE metric = 'latency_bins' ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(0.0, 5e6, 10), (5e6, 1e7, 3)]
    query = "SELECT status, value FROM measurements WHERE metric = 'status_count' ORDER BY 1"
    assert rows_of(tmp_path / "store", query) == [("0", 86.0), ("200", 14.0)]
    assert list_sessions(tmp_path / "store")[0]["started_at"] == "2026-11-24T17:59:56.000000Z"


@pytest.mark.parametrize("is_told_from_least", [False, True])
def test_the_ends_of_ohas_bins_are_told_by_the_first(tmp_path, is_told_from_least):
    histogram = {"0.1": 7, "0.2": 4, "0.3": 1} if is_told_from_least else OHA["responseTimeHistogram"]
    _, rows = imported(tmp_path, json.dumps(OHA | {"responseTimeHistogram": histogram}))
    figures = {metric: (value, unit) for metric, value, unit in rows}
    expected = {"response_time_mean": (0.1, "s"), "response_time_p99_9": (0.454240625, "s"),
        "requests_per_second": (12.5, "/s"),
                "success_rate": (0.75, "1"), "error_count": (4, "1"), "rps_p50": (67.7, "/s"),
                "dns_max": (0.0002, "s")}  # fmt: skip
    assert {key: figures[key] for key in expected} == expected
    query = "SELECT bin_lower, value, bin_count FROM measurements WHERE metric = 'response_time_bins' ORDER BY sequence"
    least, most = 0.025575416, 0.454240625
    expected = [(least, least, 1), (least, 0.0684419369, 9), (0.1113084578, most, 2)]
    if is_told_from_least:
        expected = [(least, least + 0.1, 7), (least + 0.1, least + 0.2, 4), (least + 0.2, most, 1)]
    assert [tuple(row) for row in rows_of(tmp_path / "store", query)] == [pytest.approx(row) for row in expected]
