"""Signs of importers: a file that an importer knows has one of them, so that no other need be asked."""

from __future__ import annotations

import json

import pytest

from pipeline import UsageError
from pipeline.importers.connection import Engines
from pipeline.importers.definition import built_in, built_in_of, parse_definition
from pipeline.importers.recognition import Recognition, recognise

REPORT = {"id": "a", "type": "t", "timestamp": 1795883512000.5, "x": 1}
# What tests/importers/test_recognition.py has no file of: an importer, the name of a file, its text.
HEADS = [
    ("criterion", "sample.json", "[[1.0, 2.0], [3.0, 4.0]]"),
    ("fio-log", "x_bw.1.log", "1, 2, 0, 4096\n"),
    ("fio-log", "x_iops.log", "time, value, data direction\n"),
    ("fping", "x", "a : duplicate for [0], 84 bytes, 0.05 ms\n"),
    ("fping", "x", "a : - 104\n"),
    ("fping", "x", "a is alive (0.45 ms)\n"),
    ("fping", "x", "a b : xmt/rcv/%return = 1/1/100%\n"),
    ("gatling", "x", "a\tb\tRUN\t1795883512000\t\n"),
    ("gatling", "x", "USER\ta\t1\n\nRUN\ta\tb\t1795883512000\t\n"),
    ("getstats-document", "x", json.dumps([REPORT, REPORT], indent=1)),
    ("getstats-document", "x", json.dumps([{"a": REPORT}], indent=1)),
    ("go-bench", "x", '{"Action":"start"}\n{"Action":"output","Output":"BenchmarkA 1 2 ns/op"}\n'),
    ("go-bench", "x", "BenchmarkA\t1\t2 ns/op\n"),
    ("hdrhistogram-log", "x", "1,2,3.0,DHISTAAA\n"),
    ("hdrhistogram-percentiles", "x", '"Value","Percentile","TotalCount","1/(1-Percentile)"\n'),
    ("jmeter", "x", "1795883512000,5,label,200,OK,false,\n"),
    ("k6-summary", "x", '{"metadata": {"k6Version": "2"}, "results": {"metrics": []}}'),
    ("locust-requests", "x", "REQUEST_TYPE,RESPONSE_TIME_MS,STATUS_CODE\n"),
    ("mtr-raw", "x", "x 0 1\np 0 5 1\n"),
    ("oha", "x", '{"summary": {"requestsPerSec": 1}, "latencyPercentiles": {}}'),
    ("oha-csv", "x", "request-start,DNS,DNS+dialup,a\n"),
    ("ping", "x", "PING h 5\nicmp_seq 5\n"),
    ("ping", "x", "64 bytes from a: icmp_req=1 ttl=5\n"),
    ("ping", "x", "64 bytes from a, seq=1 hlim=5\n"),
    ("rtcstats", "x", '["connectionInfo",null,1]\n'),
    ("rtcstats", "x", '["create", "a",1,5]\n["getstats", "a",1,5]\n'),
    ("rtcstats", "x", '{"fileFormat": 3}\n["a"]\n'),
    ("sockperf", "x", "sockperf: [Total Run] a\n"),
    ("vegeta", "x", '{"attack": "", "latency": 1, "seq": 1}\n'),
    ("vegeta-csv", "x", "1795883512000000000,200,5,6,7,\n"),
    ("vegeta-csv", "x", '"Timestamp","Code","Latency","Bytes_out","Bytes_in"\n'),
    ("wrk", "x", "Running 1s test @ http://a\n  1 threads and 2 connections\n"),
]


@pytest.mark.parametrize(("importer", "name", "text"), HEADS)
def test_a_file_that_an_importer_knows_has_a_sign_of_it(tmp_path, importer, name, text):
    (tmp_path / name).write_text(text)
    known = recognise(tmp_path / name, importer)  # asks without a look at signs
    with Engines() as engines:
        assert Recognition(engines).recognise(tmp_path / name, None) == known
    assert known.name == importer


def test_all_that_know_text_have_signs():
    known = {one.name for one in built_in() if "recognise" in one.sections}
    assert {one.name for one in built_in() if one.signs} == known
    assert built_in_of("") == []


@pytest.mark.parametrize("signs", ["rtt", '"Rtt"', '""', "", "1", '"a" "b"'])
def test_signs_that_cannot_be_read_are_refused(signs):
    with pytest.raises(UsageError, match=r"-- signs: .* cannot be read"):
        parse_definition(f"-- format: lines\n-- signs: {signs}\n-- name: measurements\nSELECT 1", name="x")
