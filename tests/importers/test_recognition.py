"""Whose a file is: each of those that were recorded or reported is known by one importer, or by none."""

from __future__ import annotations

import pytest
from project import HARNESS_FILES, SHARED

from pipeline import SourceError
from pipeline.importers.definition import built_in
from pipeline.importers.recognition import recognise

FOLDERS = [HARNESS_FILES, *(SHARED / name for name in ("harness", "recorded", "reports"))]
# By importer: patterns of its files. All others are known by no importer.
FILES_OF = {
    "ab": "*/ab/*.tsv",
    "ab-percentiles": "*/ab/*.csv",
    "asv": "*/asv/samples-v2.json reports/asv-*/*",
    "benchmarkdotnet": "*/benchmarkdotnet/*",
    "criterion": "sample.json",
    "criterion-csv": "raw.csv",
    "criterion-estimates": "estimates.json",
    "cyclictest": "*/cyclictest/*",
    "fio": """*/fio/*.json reports/fio-json-[!e]*/* reports/fio-json-error-lines/job*
              reports/duplicate-keys/two-f*""",
    "fio-log": "*/fio/*.log reports/fio-log-[!h]*/*",
    "gatling": "*/gatling/[!b]*",
    "gatling-binary": "*/gatling/binary*",
    "fping": "*/fping/*.txt",
    "fping-json": "*/fping/*.json",
    "getstats": "*/getstats/* reports/getstats-*/pair.ndjson reports/getstats-arrays/*",
    "getstats-document": "",
    "go-bench": "*/go-bench/*",
    "google-benchmark": "*/google-benchmark/* reports/google-benchmark-*/*",
    "h2load": "*/h2load/*",
    "hdrhistogram-log": "*/hdrhistogram/*.hlog */hdr-log/*",
    "hdrhistogram-percentiles": "*/hdrhistogram-percentiles/*",
    "hey": "*/hey/*",
    "hyperfine": "*/hyperfine/two-commands* */hyperfine/1.15* reports/hyperfine-*/*",
    "hyperfine-2": "*/hyperfine/*-2.0.0.json",
    "iperf3": "*/iperf3/*1stream.json reports/iperf3-[!j]*/[!u]* reports/duplicate-keys/two-s*",
    "iperf3-stream": "*/iperf3/*.stream.json reports/iperf3-json-stream/*",
    "irtt": "*/irtt/*",
    "jmeter": """*/jmeter/*.csv */jmeter/[!jt]*.jtl */jmeter/*headerless.jtl */jmeter/jmeter-* */jmeter/taurus-[!g]*
                 reports/jmeter-[!x]*/*""",
    "jmh": "*/jmh/*",
    "jmeter-xml": "*/jmeter/jenkins-[JM]* */jmeter/taurus-g* reports/jmeter-xml/*",
    "k6": "*/k6/steady*.json */k6/votes* */k6/2.2.json reports/k6-t*/*",
    "k6-csv": "*/k6/*.csv reports/k6-csv-*/*",
    "k6-summary": "*/k6/summary-export.json reports/k6-summary/*",
    "locust": "*/locust/*_stats*.csv reports/locust-*/*",
    "otlp": "*/otlp/*",
    "pyperf": "*/pyperf/*",
    "locust-requests": "*/locust/requests-log.csv",
    "oha": "",
    "oha-csv": "",
    "mcap": "*/mcap/*.mcap",
    "mtr": "*/mtr/*.json",
    "mtr-raw": "*/mtr/*.raw",
    "ping": "*/ping/*",
    "ping-windows": "",
    "pytest-benchmark": "*/pytest-benchmark/* reports/pytest-benchmark-*/*",
    "rtcstats": "*/rtcstats/* */webrtc-internals/*rtcstats_dump.txt reports/rtcstats-dump/*",
    "sockperf": "*/sockperf/*",
    "vegeta": "",
    "vegeta-csv": "*/vegeta/*.csv reports/vegeta-csv-*/[!m]*",
    "vegeta-report": "reports/vegeta-report/*",
    "wrk": "*/wrk/*",
    "webrtc-internals": """*/webrtc-internals/*.json */webrtc-internals/*.gz reports/webrtc-internals-138/*
                           reports/getstats-*/dump.json""",
}
FILES = {
    path.relative_to(folder.parent).as_posix(): path
    for folder in FOLDERS
    for path in sorted(folder.rglob("*"))
    if path.is_file()
}


def owners_of(path):
    return [name for name, patterns in FILES_OF.items() if any(path.match(pattern) for pattern in patterns.split())]


def known_by(path):
    try:
        found = recognise(path, None)
    except SourceError as error:
        return str(error) if "may be a file of" in str(error) else None
    return None if found is None else found.name


@pytest.mark.parametrize("importer", [None, *FILES_OF])
def test_a_file_is_known_by_its_importer_alone(importer):
    owners = {name: owners_of(path) for name, path in FILES.items()}
    assert all(len(owner) < 2 for owner in owners.values())
    mine = [name for name, owner in owners.items() if owner == ([importer] if importer else [])]
    assert {name: known_by(FILES[name]) for name in mine} == dict.fromkeys(mine, importer)


def test_every_importer_has_a_row():
    assert FILES_OF.keys() == {one.name for one in built_in()}
