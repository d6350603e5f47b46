"""Files of tools that are known and not read: what their errors say to do instead is done, and gives the samples."""

from __future__ import annotations

import re
import shutil

import pytest
from advice import follow
from plain_readers import document, lines, text_of
from project import SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions

REFUSED = {
    "recorded/flent/*": "data file of flent",
    "harness/ndt7/*": "result of M-Lab's ndt7",
    "harness/mlperf/*": "log of MLPerf LoadGen",
    "harness/vitest-bench/*": "result of vitest bench, which keeps no samples",
    "recorded/vitest/*": "result of vitest bench, which keeps no samples",
    "recorded/mitata/*": "result of mitata",
    "harness/artillery/*": "report of artillery",
    "harness/autocannon/*": "result of autocannon",
    "recorded/autocannon/*": "result of autocannon",
    "harness/perf-stat/*": "result of perf stat",
    "recorded/perf-stat/*": "result of perf stat",
    "recorded/sar/*": "sadf of sysstat",
    "recorded/ioping/*": "result of ioping",
    "harness/mcap/*.db3": "a bag of ROS 2 is one, whose values stand in messages",
    "harness/mcap/*.yaml": "describes the bag of ROS 2 beside it",
    "harness/mdf4/*": "ASAM MDF that its writer did not finish",
    "harness/tdms/*": "TDMS file of LabVIEW",
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_the_error_names_the_tool_and_what_to_do(tmp_path, pattern):
    paths = sorted(SHARED.glob(pattern))
    if not paths:
        pytest.skip(f"no {pattern}")
    for path in paths:
        with pytest.raises(SourceError, match=REFUSED[pattern]) as caught:
            import_sessions(path, tmp_path / "store")
        assert re.search(r"; |: ", str(caught.value).split(str(path), 1)[1][2:])
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "store").exists()


TEXTS = {
    "tinybench": '[{"name": "a", "result": {"latency": {"mean": 1, "samples": [1, 2]}, "throughput": {}}}]',
    "sadf (sysstat)": "# hostname;interval;timestamp;CPU;%user\na;1;1795883557;-1;0.5\n",
    "perf stat -x": "# started on Sat Nov 28 16:21:09 2026\n\n  0.100174368,0.74,msec,task-clock,736986,100.00,0.1,a\n",
    "mtr as text": "Start: 2026-11-29T17:15:10+0000\nHOST: vm  Loss%   Snt   Last   Avg  Best\n  1.|-- a  0.0%  1\n",
    "artillery": '{"aggregate": {"counters": {}}, "intermediate": []}',
    "ASAM MDF": b"MDF     4.10    x\0\0\0",
}


@pytest.mark.parametrize("tool", TEXTS)
def test_other_forms_are_known_too(tmp_path, tool):
    text = TEXTS[tool]
    (tmp_path / "x").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SourceError, match=re.escape(tool)):
        import_sessions(tmp_path / "x", tmp_path / "store")


def latencies(path):
    return [one["io"]["time"] for one in document(path) if "io" in one and not one["io"].get("ignored")]


def counted(path):
    found = [line for line in text_of(path).splitlines() if line.startswith("{")]
    values = [re.search(r'"counter-value" : "([^"]+)"', line)[1] for line in found]
    return [float(value) for value in values if value[0].isdigit()]


DONE = {
    "recorded/flent/ping-irtt.flent.gz": (
        {"SERIES": '"Ping (ms) ICMP"'},
        lambda path: [one["val"] for one in document(path)["raw_values"]["Ping (ms) ICMP"]],
    ),
    "harness/ndt7/download-2020.json": (
        {},
        lambda path: [one["TCPInfo"]["RTT"] for one in document(path)["Download"]["ServerMeasurements"]],
    ),
    "recorded/ioping/forty.json": ({}, latencies),
    "recorded/perf-stat/interval.json": ({}, counted),
    "recorded/vitest/three.json": (
        {},
        lambda path: [
            one["mean"]
            for file in document(path)["files"]
            for group in file["groups"]
            for one in group["benchmarks"]
            if "mean" in one
        ],
    ),
}


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize("name", DONE)
def test_what_the_error_says_to_do_gives_the_samples(tmp_path, name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}")
    names, read = DONE[name]
    with pytest.raises(SourceError) as caught:
        import_sessions(path, tmp_path / "store")
    follow(str(caught.value), path, tmp_path / "x.ndjson", tmp_path / "store", names)
    assert lines(tmp_path / "x.ndjson")
    assert [
        value for (value,) in rows_of(tmp_path / "store", "SELECT value FROM measurements ORDER BY sequence")
    ] == read(path)
