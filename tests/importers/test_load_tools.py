"""Files of load tests: what they give is what plain Python reads, and what they cannot tell is said."""

from __future__ import annotations

import csv
import math
import re
import struct
import xml.etree.ElementTree as ET

import pytest
from load_files import (
    AB_PERCENTILES,
    GATLING,
    H2LOAD,
    HEY,
    JMETER_XML,
    RUN,
    STARTED,
    TEXTS,
    GatlingLog,
    imported,
    quantile,
    refused,
)
from project import SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions


def table(path, delimiter=","):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def column(name, delimiter=","):
    return lambda path: [float(row[name]) for row in table(path, delimiter)]


def third(path):
    fields = [line.split("\t") for line in path.read_text().splitlines()]
    return [float(time) for _, status, time in fields if status != "-1"]


def gatling_text(path):
    found = re.findall(r"^REQUEST\t.*?(\d{13})\t(\d{13})\t(?:OK|KO)", path.read_text(), re.MULTILINE)
    return [float(int(end) - int(start)) for start, end in found]


class Walk:
    """A walk over the bytes of a binary log that keeps the times of requests alone."""

    def __init__(self, data):
        self.data, self.at, self.times = data, 1, []
        self.skip_text(2)
        self.at += 8
        self.skip_text()
        self.skip_text(self.integer())
        for _ in range(self.integer()):
            self.at += self.integer()
        while self.at < len(data):
            self.at += 1
            (self.request, self.user, self.group, self.error)[data[self.at - 1] - 1]()

    def integer(self):
        self.at += 4
        return int.from_bytes(self.data[self.at - 4 : self.at], "big", signed=True)

    def skip_text(self, count=1):
        for _ in range(count):
            size = self.integer()
            self.at += size + 1 if size else 0

    def skip_cached(self, count=1):
        for _ in range(count):
            if self.integer() > 0:
                self.skip_text()

    def request(self):
        self.skip_cached(self.integer() + 1)
        start, end = self.integer(), self.integer()
        self.times.append(float(end - start))
        self.at += 1
        self.skip_cached()

    def user(self):
        self.at += 9

    def group(self):
        self.skip_cached(self.integer())
        self.at += 13

    def error(self):
        self.skip_cached()
        self.at += 4


def gatling_binary(path):
    return Walk(path.read_bytes()).times


def top_level(path):
    return [float(one.get("t")) for one in ET.parse(path).getroot() if one.tag in {"sample", "httpSample"}]  # noqa: S314


# Pattern of files, metric, unit, the plain reading, and figures of it: count, min, max, mean, p50, p95.
FIGURES = [
    ("recorded/ab/slow.tsv", "ttime", "ms", column("ttime", "\t"), (150, 5, 31, 17.766666666666666, 17.5, 29)),
    ("recorded/ab/slow.tsv", "wait", "ms", column("wait", "\t"), (150, 5, 31, 17.626666666666665, 17, 29)),
    ("harness/ab/ab-250.tsv", "ttime", "ms", column("ttime", "\t"), (250, 2, 9, 5.34, 5, 8)),
    ("recorded/hey/flaky.csv", "response_time", "s", column("response-time"),
     (294, 0, 0.0088, 0.0005982993197278911, 0.0002, 0.0032349999999999966)),
    ("harness/hey/hey-200.csv", "response_time", "s", column("response-time"), (200, 0.0043, 0.0522, 0.046712,
        0.048, 0.052)),
    ("recorded/h2load/slow.log", "response_time", "us", third, (200, 4873, 30311, 17465.845, 17087.5,
        28481.399999999994)),
    ("harness/h2load/*.log", "response_time", "us", third, (1200, 3021, 113434, 75852.90667, 86876, 89640.05)),
    ("harness/locust/requests-log.csv", "response_time", "ms", column("response_time_ms"),
     (131, 0.74, 83.65, 32.4689313, 48.06, 57.18)),
    ("harness/gatling/groups-2018*", "response_time", "ms", gatling_text, (5, 951, 1845, 1333.8, 1279, 1788.6)),
    ("harness/gatling/ko-messages*", "response_time", "ms", gatling_text, (2, 4, 9, 6.5, 6.5, 8.75)),
    ("harness/gatling/text-3.3.1*", "response_time", "ms", gatling_text, (100, 80, 256, 111.17, 90, 235.05)),
    ("harness/gatling/text-3.5.1*", "response_time", "ms", gatling_text, (220, 0, 1031, 18.78181818, 4, 15.1)),
    ("harness/gatling/binary-3.12.1*", "response_time", "ms", gatling_binary, (105, 87, 368, 128.4952381, 106, 302.4)),
    ("harness/gatling/binary-3.14.3*", "response_time", "ms", gatling_binary, (39, 51, 494, 234, 224, 425)),
    ("harness/jmeter/jenkins-JMeterResults.jtl", "elapsed", "ms", top_level, (8, 58, 15902, 4142.125, 549.5, 15488.3)),
    ("harness/jmeter/jenkins-MultiLevel.jtl", "elapsed", "ms", top_level, (10, 226, 645, 381.9, 373, 556.8)),
    ("harness/jmeter/taurus-generate-parent.jtl", "elapsed", "ms", top_level, (3, 120, 1300, 873.3333333, 1200, 1290)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "metric", "unit", "read", "figures"), FIGURES, ids=[f"{one[0]} {one[1]}" for one in FIGURES]
)
def test_samples_of_real_files_are_those_of_plain_python(tmp_path, pattern, metric, unit, read, figures):
    paths = sorted(SHARED.glob(pattern))
    if not paths:
        pytest.skip(f"no {SHARED / pattern}")
    (path,) = paths
    import_sessions(path, tmp_path / "store", started_at=STARTED)
    query = (
        f"SELECT value, unit"
        f" FROM measurements WHERE metric = '{metric}' ORDER BY regexp_extract(session_id, '\\d+$')::INT, sequence"
    )
    if len(list_sessions(tmp_path / "store")) == 1:
        query = f"SELECT value, unit FROM measurements WHERE metric = '{metric}' ORDER BY sequence"
    expected = read(path)
    assert rows_of(tmp_path / "store", query) == [(value, unit) for value in expected]
    count, least, most, mean, p50, p95 = figures
    assert (len(expected), min(expected), max(expected)) == (count, least, most)
    assert (math.fsum(expected) / count, quantile(expected, 0.5), quantile(expected, 0.95)) == pytest.approx(
        (mean, p50, p95)
    )


def test_a_request_of_h2load_that_failed_is_lost_and_runs_become_sessions(tmp_path):
    later = [line.split("\t") for line in H2LOAD.splitlines()]
    second = "".join(f"{int(start) + 5_000_000}\t{status}\t{time}\n" for start, status, time in later)
    result, rows = imported(tmp_path, H2LOAD + second, "x.log")
    assert result.imported == ("x-1", "x-2")
    assert [value for _, value, _ in rows].count(None) == 2
    assert sum("holds 2 runs one behind the other" in one for one in result.warnings) == 1
    assert sum("has no line of requests whose connection was closed" in one for one in result.warnings) == 1
    query = "SELECT session_id, count(*), min(epoch_us(timestamp)) FROM measurements GROUP BY ALL ORDER BY 1"
    first = 1795883480908325
    assert rows_of(tmp_path / "store", query) == [("x-1", 9, first), ("x-2", 9, first + 5_000_000)]
    (tmp_path / "bad.log").write_text(H2LOAD + second + "x\n")
    with pytest.raises(SourceError, match=r"bad\.log: line 19: is not a start"):
        import_sessions(tmp_path / "bad.log", tmp_path / "other")


def test_runs_of_h2load_at_a_rate_are_one(tmp_path):
    text = "".join(f"{1795883480908325 + 200_000 * n}\t200\t500\n" for n in range(50))
    assert imported(tmp_path, text)[0].imported == ("x",)


REQUESTS = {
    "2.0": "S\t1-0\tREQUEST\tg\tr\t1448309155292\t1448309155293\t1448309155604\t1448309155604\tOK\t \n",
    "2.3": "REQUEST\tS\t1\tg\tr\t1448309155292\t1448309155604\tOK\t \n",
    "3.3": "REQUEST\t1\tg\tr\t1448309155292\t1448309155604\tOK\t \n",
    "3.5": "REQUEST\tg\tr\t1448309155292\t1448309155604\tOK\t \n",
}  # fmt: skip


@pytest.mark.parametrize("version", REQUESTS)
def test_gatlings_requests_are_told_by_their_shape(tmp_path, version):
    run = (
        f"a.S\ts\tRUN\t1448309155000\t \t{version}\n"
        if version == "2.0"
        else f"RUN\ta.S\ts\t1448309155000\t \t{version}\n"
    )
    _, rows = imported(tmp_path, run + REQUESTS[version] * 3)
    assert rows == [("response_time", 312.0, "ms")] * 3
    query = "SELECT DISTINCT groups, request_name, epoch_ms(timestamp) FROM measurements"
    assert rows_of(tmp_path / "store", query) == [("g", "r", 1448309155292)]
    (session,) = list_sessions(tmp_path / "store")
    assert (session["started_at"], session["harness"]["version"]) == ("2015-11-23T20:05:55.000000Z", version)


def test_gatlings_requests_are_the_same_whatever_signs_their_fields_have(tmp_path):
    fields = [("", "r", "OK", " "), ("a,b", "r 1", "KO", 'no, "x"'), ("ä", "ü", "OK", " "), ("", "", "KO", "a\tb")]
    lines = "".join(
        f"REQUEST\t{groups}\t{name}\t1617110479263\t1617110479270\t{status}\t{message}\n"
        for groups, name, status, message in fields
    )
    never = "REQUEST\t\tr\t1617110479263\t-9223372036854775808\tKO\tnever ended\n"
    _, rows = imported(tmp_path, RUN + lines + never)
    assert [value for _, value, _ in rows] == [7.0, 7.0, 7.0, 7.0, None]
    query = "SELECT groups, request_name, status, message FROM measurements ORDER BY sequence"
    held = [(groups or None, name, status, message.strip() or None) for groups, name, status, message in fields]
    held[-1] = (*held[-1][:3], "a")  # a field more than there are
    assert rows_of(tmp_path / "store", query) == [*held, (None, "r", "KO", "never ended")]


def test_gatlings_groups_errors_and_what_is_left(tmp_path):
    _, rows = imported(tmp_path, GATLING)
    figures = [("group_duration", 118.0, "ms"), ("group_cumulated_response_time", 130.0, "ms"), ("errors", 1.0, "1")]
    assert rows == [("response_time", 15.0, "ms")] * 4 + [("response_time", 115.0, "ms"), *figures]
    query = "SELECT request_name, status, message FROM measurements WHERE message IS NOT NULL ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [
        ("request, 2", "KO", "status.find.is(200), but actually found 503"),
        (None, None, "no such file"),
    ]
    assert list_sessions(tmp_path / "store")[0]["origin"]["ignored"] == {"USER": 2}


def test_a_line_of_gatling_that_is_cut_off_is_left_out_and_one_of_another_shape_refused(tmp_path):
    result, rows = imported(tmp_path, GATLING.encode() + b"REQUEST\tLogin\trequest_1\t161711")
    assert len(rows) == 8
    assert any("is cut off in line 11, which is left out" in one for one in result.warnings)
    (tmp_path / "b").mkdir()
    assert "has no OK or KO where the first request of the file has it (line 3)" in refused(
        tmp_path / "b", RUN + REQUESTS["3.5"] + REQUESTS["3.3"]
    )


def binary():
    log = GatlingLog().user(5).request("home", 10, 110, groups=["a", "b"]).request("home", 20, 140, groups=["a", "b"])
    log.request("größe→", 30, 60, ok=False, message="status 503", coding=1).group(["a", "b"], 5, 150, 130, ok=False)
    return log.failure("no such file", 160).user(170, started=False).request("home", 200, 201).data


def test_a_binary_log_of_gatling(tmp_path):
    _, rows = imported(tmp_path, binary(), "simulation.log")
    times = [("response_time", value, "ms") for value in (100.0, 120.0, 30.0)]
    figures = [("group_duration", 145.0, "ms"), ("group_cumulated_response_time", 130.0, "ms"), ("errors", 1.0, "1")]
    assert rows == [*times, *figures, ("response_time", 1.0, "ms")]
    query = (
        "SELECT groups, request_name, status, message, epoch_ms(timestamp) - 1617110479263"
        " FROM measurements ORDER BY sequence"
    )
    found = rows_of(tmp_path / "store", query)
    assert found[0] == ("a,b", "home", "OK", None, 10)
    assert found[2] == (None, "größe→", "KO", "status 503", 30)
    assert found[5] == (None, None, None, "no such file", 160)
    assert list_sessions(tmp_path / "store")[0]["origin"]["ignored"] == {"ASSERTION": 1, "USER": 2}


def test_a_binary_log_of_another_version_is_taken_and_that_is_said(tmp_path):
    result, rows = imported(tmp_path, GatlingLog("3.99.1").request("a", 1, 3).data)
    assert rows == [("response_time", 2.0, "ms")]
    assert any("says version 3.99.1 of gatling, newer than those that were tried" in one for one in result.warnings)


def test_of_a_binary_log_that_is_cut_off_what_is_whole_is_taken(tmp_path):
    whole = binary()
    starts = GatlingLog().data
    for end in range(len(starts) + 9, len(whole), 7):
        (tmp_path / str(end)).mkdir()
        result, rows = imported(tmp_path / str(end), whole[:end], allow_empty=True)
        if whole[end:]:
            assert len(rows) < 7
            assert rows == imported(tmp_path / f"{end}", whole, "y.log", session_id="y")[1][: len(rows)] or not rows
        assert len(result.warnings) < 2
        assert all("is cut off within the record at byte" in one for one in result.warnings)


HOSTILE = {
    "a kind": (GatlingLog().data + b"\x09\0\0\0\0", "is of the kind 9, which is not known"),
    "a text": (
        GatlingLog().data + b"\1" + struct.pack(">iii", 0, 1, 2**31 - 1),
        "says that a text has 2,147,483,647 bytes",
    ),
    "groups": (GatlingLog().data + b"\3" + struct.pack(">i", -5), "says that it has -5 groups"),
    "a number": (GatlingLog().data + b"\4" + struct.pack(">ii", -7, 0), "names text 7, which did not come before"),
    "a scenario": (GatlingLog().data + b"\2" + struct.pack(">i?i", 6, True, 0), "names scenario 6 of 1"),
    "a status": (
        GatlingLog().request("a", 1, 2).request("a", 1, 2).data[:-5] + b"\7" + struct.pack(">i", -2),
        "has neither OK nor KO",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_binary_log_with_what_cannot_be_is_refused(tmp_path, name):
    data, phrase = HOSTILE[name]
    assert phrase in refused(tmp_path, data, importer="gatling-binary")


def test_what_is_within_a_sample_of_jmeter_is_no_second_sample(tmp_path):
    _, rows = imported(tmp_path, JMETER_XML, "x.jtl")
    assert [value for metric, value, _ in rows if metric == "elapsed"] == [180.0, 1425.0]
    assert [value for metric, value, _ in rows if metric == "nested_elapsed"] == [1325.0]
    assert [value for metric, value, _ in rows if metric == "elapsed_sum"] == [300.0]
    query = """SELECT label, parent, depth, success, failure_message, url, robot, epoch_ms(timestamp) FROM measurements
               WHERE metric IN ('elapsed', 'nested_elapsed') ORDER BY sequence"""
    assert rows_of(tmp_path / "store", query) == [
        ("/größe", None, None, True, None, None, "r7", 1795543198000),
        ("Home & all", None, None, False, None, None, None, 1795543196000),
        ("/home", "Home & all", 1, True, "too\nlong", "http://127.0.0.1/home", None, 1795543196010),
    ]
    assert list_sessions(tmp_path / "store")[0]["origin"]["ignored"] == {"responseData": 1}


def test_attributes_of_what_is_no_sample_of_jmeter_are_told(tmp_path):
    text = JMETER_XML.replace('version="1.2">', 'version="1.2" hosts="3">').replace(
        "<assertionResult>", '<assertionResult ms="4">'
    )
    imported(tmp_path, text.replace("<failureMessage>", '<failureMessage lang="en">'), "x.jtl")
    ignored = list_sessions(tmp_path / "store")[0]["origin"]["ignored"]
    told = {"testResults.hosts": 1, "assertionResult.ms": 1, "failureMessage.lang": 1}
    assert ignored == {"responseData": 1, **told}


def test_a_jtl_in_another_encoding_or_cut_off(tmp_path):
    latin = JMETER_XML.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    imported(tmp_path, latin, "a.jtl")
    assert ("/größe",) in rows_of(tmp_path / "store", "SELECT DISTINCT label FROM measurements")
    result, rows = imported(tmp_path, JMETER_XML[: JMETER_XML.index('<sample t="300"') + 40], "b.jtl", session_id="b")
    assert any(
        re.search(r"is cut off in line \d+: the end of testResults is not there", one) for one in result.warnings
    )
    assert [value for metric, value, _ in rows if metric == "elapsed"].count(180.0) == 2


BAD_XML = {
    "entities": ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaa">]><testResults/>', "line 1: has a document type"),
    "no XML": ("<testResults>\n<sample t=5/>\n</testResults>", "line 2: is no XML"),
    "no number": (
        '<testResults>\n<sample t="x" ts="1"/>\n</testResults>',
        "line 2: t of the sample, 'x', is no number",
    ),
    "no time": ('<testResults>\n<sample ts="1"/>\n</testResults>', "line 2: the sample has no time t"),
    "depth": ("<testResults>" + '<sample t="1">' * 200, "more than 100 levels"),
}


@pytest.mark.parametrize("name", BAD_XML)
def test_xml_that_cannot_be_is_refused(tmp_path, name):
    text, phrase = BAD_XML[name]
    assert phrase in refused(tmp_path, text)


def test_a_percentile_of_ab_that_is_none_is_left_out(tmp_path):
    result, rows = imported(tmp_path, AB_PERCENTILES.replace("99,3.490", "99,0.257"))
    assert len(rows) == 100
    assert any("says that 99 % were served within 0.257 ms, less than of fewer" in one for one in result.warnings)


@pytest.mark.parametrize("importer", ["hey", "oha-csv", "h2load", "ab"])
def test_failures_that_a_tool_leaves_out_are_told(tmp_path, importer):
    result, _ = imported(tmp_path, TEXTS[importer])
    assert any(re.search(r"has no (record|line) of requests|says nothing of failures", one) for one in result.warnings)


def test_a_new_column_is_told(tmp_path):
    lines = HEY.splitlines()
    text = "\n".join([lines[0] + ",neu", *(line + ",5" for line in lines[1:])]) + "\n"
    result, _ = imported(tmp_path, text)
    assert any("holds 4 numbers that were not imported: neu" in one for one in result.warnings)
