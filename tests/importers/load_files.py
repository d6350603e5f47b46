"""Files as load tests write them, small: what of a tool's file matters, after files that the tools wrote."""

from __future__ import annotations

import json
import math
import struct

import pytest
from samples import rows_of

from pipeline import SourceError, import_sessions

STARTED = "2026-11-24T09:00:00Z"

AB = "starttime\tseconds\tctime\tdtime\tttime\twait\n" + "".join(
    f"Sat Nov 28 16:31:22 2026\t1795883482\t0\t{n}\t{n}\t5\n" for n in range(5, 12)
)
AB_PERCENTILES = "Percentage served,Time in ms\n" + "".join(f"{n},{2.5 + n / 100:.3f}\n" for n in range(101))
HEY = (
    "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
    + "0.0043,0.0001,0.0000,0.0002,0.0039,0.0001,200,0.0005\n" * 3
    + "0.0466,0.0000,0.0000,0.0000,0.0027,0.0438,503,0.0056\n"
)
OHA_CSV = (
    "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n"
    "0.000512,0.0001,0.00025,0.0031,0.004,120,200\n0.0051,0,0,0.0017,0.00225,120,503\n"
)
LOCUST_REQUESTS = (
    "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\n"
    "1795883036.674303,GET,/a,6.5,120,200,\n1795883037.136839,GET,closed port,1.15,0,0,[Errno 111] Connection refused\n"
)
H2LOAD = "".join(f"{1795883480908325 + 9000 * n}\t{-1 if n == 3 else 200}\t{11846 + n}\n" for n in range(9))
RUN = "RUN\tmytest.BasicSimulation\tgatling-140369811886144\t1617110479263\tTaurus_Test\t3.5.1\n"
GATLING = (
    RUN
    + "USER\tBasicSimulation\tSTART\t1617110480034\n"
    + "REQUEST\tLogin\trequest_1\t1617110480075\t1617110480090\tOK\n" * 4
    + "REQUEST\tLogin\trequest, 2\t1617110480075\t1617110480190\tKO\tstatus.find.is(200), but actually found 503\n"
    + "GROUP\tLogin\t1617110480074\t1617110480192\t130\tKO\n"
    + "ERROR\tno such file\t1617110480200\n"
    + "USER\tBasicSimulation\tEND\t1617110480250\n"
)
PACKED = "HISTFAAAAD14nJNpmSzMwMBwioGBgZGBgYGZAQIYwaT9//8w/sF1jEy6YKjNJAqG4lAaHxxYNcJMnGiQm4mTCQCuuw6b"
HLOG = (
    "#[Histogram log format version 1.3]\n#[StartTime: 1795882000.123 (seconds since epoch), Sat Nov 28 2026]\n"
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    f"Tag=read,1.000,1.000,2222.155,{PACKED}\n2.000,1.000,2222.155,{PACKED}\n"
)
TABLE = """\
       Value     Percentile TotalCount 1/(1-Percentile)
       0.921 0.000000000000          1           1.00
       4.053 0.500000000000       3951           2.00
       4.053 0.550000000000       3951           2.22
       9.500 0.950000000000       7600          20.00
      12.343 1.000000000000       8000
#[Mean    =        4.201, StdDeviation   =       13.427]
#[Max     =       12.343, Total count    =         8000]
#[Buckets =            4, SubBuckets     =         2048]
"""
WRK = """\
Running 3s test @ http://127.0.0.1:18411/ok
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    44.92ms    4.99ms   1.28s    94.16%
    Req/Sec     1.05k     9.92   121.00     83.87%
  Latency Distribution
     50%   44.01ms
     99%    1.03s
  274 requests in 3.10s, 201.88KB read
  Socket errors: connect 0, read 1, write 0, timeout 5
  Non-2xx or 3xx responses: 11
Requests/sec:     88.39
Transfer/sec:     65.12KB
"""
WRK2 = (
    """\
Running 30s test @ http://127.0.0.1:80/index.html
  2 threads and 100 connections
  Thread calibration: mean lat.: 9747 usec, rate sampling interval: 21 msec
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%    4.05ms
 99.900%   12.34ms
100.000%   12.34ms

  Detailed Percentile spectrum:
"""
    + TABLE.replace("1.000000000000       8000\n", "1.000000000000       8000          inf\n")
    + """\
----------------------------------------------------------
  Latency Distribution (HdrHistogram - Uncorrected Latency (measured without taking delayed starts into account))
 50.000%    1.67ms
  60018 requests in 30.00s, 19.81MB read
Requests/sec:   2000.28
Transfer/sec:    676.18KB
"""
)
JMETER_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<testResults version="1.2">
<httpSample t="180" lt="178" ct="5" ts="1795543198000" s="true" lb="/größe" rc="200" rm="OK" tn="Users 1-1" by="900" ng="1" na="1" robot="r7"/>
<sample t="1425" lt="0" ct="0" ts="1795543196000" s="false" lb="Home &amp; all" rc="502" rm="Bad" tn="Users 1-1" by="33154" ng="1" na="10">
  <httpSample t="1325" it="0" lt="1319" ts="1795543196010" s="true" lb="/home" rc="200" rm="OK" tn="Users 1-1" dt="text" by="21967" sby="120" ng="1" na="10">
    <assertionResult><name>a</name><failure>true</failure><error>false</error><failureMessage>too
long</failureMessage></assertionResult>
    <java.net.URL>http://127.0.0.1/home</java.net.URL>
    <responseData class="java.lang.String">1 &lt; 2</responseData>
  </httpSample>
</sample>
<sample t="300" lt="30" ts="1795543199000" s="true" lb="sum" rc="200" rm="OK" tn="Users 1-1" by="900" sc="3" ec="0" ng="1" na="1"/>
</testResults>
"""  # noqa: E501 - as JMeter writes it
K6_SUMMARY = {
    "metrics": {
        "http_req_duration": {"avg": 12.5, "min": 1, "med": 11, "max": 50, "p(90)": 20, "p(99.9)": 25, "count": 8},
        "http_req_duration{expected_response:true}": {"avg": 11.5, "thresholds": {"avg<10": True}},
        "http_req_failed": {"passes": 2, "fails": 10, "value": 0.16666666666666666},
        "http_reqs": {"count": 12, "rate": 45.5},
        "data_sent": {"count": 852, "rate": 3257.15},
        "vus": {"value": 5, "min": 1, "max": 5},
        "own": {"avg": 3, "med": 2},
    },
    "root_group": {
        "name": "",
        "path": "",
        "checks": {},
        "groups": {"front": {"path": "::front", "checks": {"is 200": {
            "name": "is 200", "path": "::front::is 200", "passes": 10, "fails": 2}}}},
    },
}  # fmt: skip
VEGETA_LINE = {
    "attack": "a", "seq": 0, "code": 200, "timestamp": "2026-11-24T10:00:00.123456789+02:00", "latency": 435643128,
    "bytes_out": 0, "bytes_in": 2945, "error": "", "body": "e30=", "method": "GET", "url": "http://x/é,", "headers": {},
}  # fmt: skip
VEGETA_REPORT = {
    "latencies": {"total": 1000, "mean": 10, "50th": 9, "90th": 15, "95th": 17, "99th": 20, "max": 22, "min": 5},
    "buckets": {"0": 10, "5000000": 3, "10000000": 1}, "bytes_in": {"total": 1, "mean": 1.5},
    "bytes_out": {"total": 0, "mean": 0}, "earliest": "2026-11-24T17:59:56Z", "latest": "2026-11-24T17:59:57Z",
    "end": "2026-11-24T17:59:57.5Z", "duration": 1, "wait": 1, "requests": 100, "rate": 100, "throughput": 99,
    "success": 0.5, "status_codes": {"200": 14, "0": 86}, "errors": ["connection refused"],
}  # fmt: skip
OHA = {
    "summary": {"successRate": 0.75, "total": 1.003, "slowest": 0.454240625, "fastest": 0.025575416, "average": 0.1,
                "requestsPerSec": 12.5, "totalData": 2215, "sizePerRequest": None, "sizePerSec": 2200.5},
    "responseTimeHistogram": {"0.025575416": 1, "0.0684419369": 9, "0.1113084578": 0, "0.454240625": 2},
    "latencyPercentiles": {"p50": 0.029952542, "p99.9": 0.454240625},
    "rps": {"mean": 91034.2, "stddev": 3151.9, "max": 109170.5, "percentiles": {"p50": 67.7}},
    "details": {"DNSDialup": {"average": 0.28, "fastest": 0.27, "slowest": 0.29},
                "DNSLookup": {"average": 0.0001, "fastest": 0.0001, "slowest": 0.0002}},
    "statusCodeDistribution": {"200": 9, "503": 3}, "errorDistribution": {"timeout": 4},
}  # fmt: skip
TEXTS = {
    "ab": AB, "ab-percentiles": AB_PERCENTILES, "gatling": GATLING, "h2load": H2LOAD, "hdrhistogram-log": HLOG,
    "hdrhistogram-percentiles": TABLE, "hey": HEY, "jmeter-xml": JMETER_XML,
    "k6-summary": json.dumps(K6_SUMMARY, indent=1),
    "locust-requests": LOCUST_REQUESTS, "oha": json.dumps(OHA, indent=1), "oha-csv": OHA_CSV,
    "vegeta": "".join(json.dumps({**VEGETA_LINE, "seq": n}) + "\n" for n in range(9)),
    "vegeta-report": json.dumps(VEGETA_REPORT, indent=1), "wrk": WRK,
}  # fmt: skip


def text(value, coding=0):
    data = value.encode("utf-16-le" if coding else "latin-1")
    return struct.pack(">i", len(data)) + (data + bytes([coding]) if data else b"")


class GatlingLog:
    """A binary simulation.log, as Gatling 3.12 and newer write it."""

    def __init__(self, version="3.13.5", start=1617110479263):
        self.numbers = {}
        run = text(version) + text("a.Simulation") + struct.pack(">q", start) + text("")
        self.data = (
            b"\0" + run + struct.pack(">i", 1) + text("scenario") + struct.pack(">i", 1) + struct.pack(">i", 2) + b"ab"
        )

    def cached(self, value, coding=0):
        if value in self.numbers:
            return struct.pack(">i", -self.numbers[value])
        self.numbers[value] = len(self.numbers) + 1
        return struct.pack(">i", self.numbers[value]) + text(value, coding)

    def groups(self, groups):
        return struct.pack(">i", len(groups)) + b"".join(map(self.cached, groups))

    def request(self, name, start, end, *, ok=True, message="", groups=(), coding=0):
        self.data += b"\1" + self.groups(groups) + self.cached(name, coding) + struct.pack(">ii?", start, end, ok)
        self.data += self.cached(message)
        return self

    def group(self, groups, start, end, cumulated, *, ok=True):
        self.data += b"\3" + self.groups(groups) + struct.pack(">iii?", start, end, cumulated, ok)
        return self

    def user(self, at, *, started=True):
        self.data += b"\2" + struct.pack(">i?i", 0, started, at)
        return self

    def failure(self, message, at):
        self.data += b"\4" + self.cached(message) + struct.pack(">i", at)
        return self


def imported(tmp_path, data, name="x.txt", **options):
    """Import a file; give the result and rows as (metric, value, unit)."""
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    result = import_sessions(path, tmp_path / "store", started_at=STARTED, **options)
    query = "SELECT metric, value, unit FROM measurements ORDER BY session_id, sequence"
    return result, rows_of(tmp_path / "store", query)


def refused(tmp_path, data, **options):
    with pytest.raises(SourceError) as caught:
        imported(tmp_path, data, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()
    return str(caught.value)


def quantile(values, q):
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    low = math.floor(place)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (place - low)
