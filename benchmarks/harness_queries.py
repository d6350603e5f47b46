"""Copies the samples of a harness file to Parquet with DuckDB: `python benchmarks/harness_queries.py NAME FILE TARGET`.

DuckDB is told the types, and writes as many rows as an import does, with fewer columns. It reads what it is given as
fast as it can and looks for nothing else: no order of keys, no other version, no line that is no sample.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

_STATS = (
    *("packetsReceived", "bytesReceived", "headerBytesReceived", "packetsLost", "jitter", "framesReceived"),
    *("framesDecoded", "keyFramesDecoded", "framesDropped", "totalDecodeTime", "totalInterFrameDelay"),
    *("totalSquaredInterFrameDelay", "jitterBufferDelay", "jitterBufferEmittedCount", "nackCount", "pliCount"),
    *("firCount", "qpSum", "freezeCount", "totalFreezesDuration"),
)
_STREAM = ("bytes", "bits_per_second", "retransmits", "snd_cwnd", "snd_wnd", "rtt", "rttvar", "pmtu")


def _csv(columns: str, select: str, *, header: bool = True, delimiter: str = ",") -> str:
    """Select of a file of columns, each a name and a type."""
    typed = (one.rsplit(" ", 1) for one in columns.split(", "))
    told = ", ".join(f"'{name}': '{kind}'" for name, kind in typed)
    return (
        f"SELECT {select} FROM read_csv('<file>', auto_detect = false, header = {header}, delim = '{delimiter}', "
        f"columns = {{{told}}})"
    )


def _lines(pattern: str, names: str, condition: str, select: str = "*") -> str:
    """Select of what a pattern finds in lines."""
    fields = ", ".join(f"'{name}'" for name in names.split(", "))
    return (
        f"SELECT {select} FROM (SELECT unnest(regexp_extract(line, '{pattern}', [{fields}])) FROM read_csv('<file>', "
        "auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', columns = {'line': 'VARCHAR'}) "
        f"WHERE {condition})"
    )


def _json(kind: str, columns: str, select: str) -> str:
    """Select of a document, or of lines, of typed columns."""
    return (
        f"SELECT {select} FROM read_json('<file>', format = '{kind}', columns = {{{columns}}}, "
        "maximum_object_size = <size>)"
    )


def _unpivoted(names: str | tuple[str, ...], of: str = "", field: str = "") -> str:
    listed = names.split(", ") if isinstance(names, str) else names
    pairs = ", ".join(f"{{metric: '{name}', value: {of}\"{name}\"{field}::DOUBLE}}" for name in listed)
    return f"unnest([{pairs}], recursive := true)"


def _doubles(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} DOUBLE" for name in names)


_REPORT = f"id VARCHAR, timestamp DOUBLE, type VARCHAR, kind VARCHAR, {_doubles(_STATS)}"
_IPERF3 = f'STRUCT(streams STRUCT(socket BIGINT, "end" DOUBLE, {_doubles(_STREAM)})[])'
_EACH_STREAM = f'one.socket, one."end", {_unpivoted(_STREAM, "one.")} FROM (SELECT unnest(data.streams) AS one'
_WAYS = "STRUCT(rtt BIGINT, send BIGINT, receive BIGINT)"
_TRIP = (
    f"STRUCT(seqno BIGINT, lost VARCHAR, delay {_WAYS}, ipdv {_WAYS}, "
    "timestamps STRUCT(client STRUCT(send STRUCT(wall BIGINT))))"
)
_DELAYS = ", ".join(
    f"{{metric: '{metric}', value: one.{field}}}"
    for metric, field in (
        *(("rtt", "delay.rtt"), ("send_delay", "delay.send"), ("receive_delay", "delay.receive")),
        *(("ipdv_rtt", "ipdv.rtt"), ("ipdv_send", "ipdv.send"), ("ipdv_receive", "ipdv.receive")),
    )
)
_GO = r"^(\\S+)\\s+(\\d+)\\s+(\\S+) ns/op\\s+(\\S+) B/op\\s+(\\S+) allocs/op".replace("\\\\", "\\")
_GO_NAMES = "name, iterations, ns/op, B/op, allocs/op"
_GO_SELECT = f"name, iterations::BIGINT AS iterations, {_unpivoted('ns/op, B/op, allocs/op')}"
_RUN = "name VARCHAR, iterations BIGINT, repetition_index BIGINT, threads BIGINT, real_time DOUBLE, cpu_time DOUBLE"
_MEASUREMENT = "LaunchIndex BIGINT, IterationIndex BIGINT, Operations DOUBLE, Nanoseconds DOUBLE"

_FIGURES_OF_RUN = ("time_wall_clock", "time_cpu", "time_user", "time_system", "memory_peak_resident")
_RUN_FIGURES = ", ".join(f"{name} STRUCT(value DOUBLE, unit VARCHAR)" for name in _FIGURES_OF_RUN)

QUERIES = {
    "ab": _csv(
        "starttime VARCHAR, seconds BIGINT, ctime DOUBLE, dtime DOUBLE, ttime DOUBLE, wait DOUBLE",
        f"seconds, {_unpivoted('ctime, dtime, ttime, wait')}",
        delimiter="\t",
    ),
    "asv": _json(
        "unstructured",
        "results: 'MAP(VARCHAR, JSON[])'",
        "one.key, unnest(((one.value[12])->0)::DOUBLE[]) AS value FROM (SELECT unnest(map_entries(results)) AS one",
    )
    + ")",
    "benchmarkdotnet": _json(
        "unstructured",
        f"Benchmarks: 'STRUCT(FullName VARCHAR, Measurements STRUCT({_MEASUREMENT})[])[]'",
        "FullName, m.Nanoseconds / m.Operations AS value, m.IterationIndex, m.Operations FROM (SELECT one.FullName, "
        "unnest(one.Measurements) AS m FROM (SELECT unnest(Benchmarks) AS one",
    )
    + "))",
    "criterion": _json(
        "unstructured",
        "iters: 'DOUBLE[]', times: 'DOUBLE[]'",
        "number AS iterations, time / number AS value FROM (SELECT unnest(iters) AS number, unnest(times) AS time",
    )
    + ")",
    "criterion-csv": _csv(
        "group VARCHAR, function VARCHAR, value VARCHAR, throughput_num VARCHAR, throughput_type VARCHAR, "
        "sample_measured_value DOUBLE, unit VARCHAR, iteration_count DOUBLE",
        '"group", function, unit, iteration_count, sample_measured_value / iteration_count AS value',
    ),
    "fio-log": _csv(
        "time BIGINT, value DOUBLE, direction BIGINT, block_size BIGINT, log_offset BIGINT, priority BIGINT",
        "*",
        header=False,
    ),
    "fping": _lines(
        r"^\[([0-9.]+)\] (\S+) : \[(\d+)\], \d+ bytes, (\S+) ms",
        "time, host, probe, value",
        "line LIKE '%bytes%'",
        "to_timestamp(time::DOUBLE) AS time, host, probe::BIGINT AS probe, value::DOUBLE AS value",
    ),
    "fping-json": _json(
        "newline_delimited",
        "resp: 'STRUCT(timestamp VARCHAR, host VARCHAR, seq BIGINT, rtt DOUBLE)'",
        "to_timestamp(resp.timestamp::DOUBLE) AS time, resp.host, resp.seq AS probe, resp.rtt AS value",
    ),
    "gatling": _csv(
        "kind VARCHAR, groups VARCHAR, name VARCHAR, start BIGINT, end BIGINT, status VARCHAR, message VARCHAR",
        'to_timestamp(start / 1000) AS time, "end" - start AS value, groups, name, status, message',
        header=False,
        delimiter="\t",
    ).replace("columns = ", "skip = 1, columns = "),
    "getstats": _json(
        "newline_delimited",
        ", ".join(f"{one.split()[0]}: '{one.split()[1]}'" for one in _REPORT.split(", ")),
        f"id, timestamp, type, kind, {_unpivoted(_STATS)}",
    ),
    "getstats-document": _json(
        "array",
        ", ".join(f"{one.split()[0]}: '{one.split()[1]}'" for one in _REPORT.split(", ")),
        f"id, timestamp, type, kind, {_unpivoted(_STATS)}",
    ),
    "go-bench": _lines(_GO, _GO_NAMES, "line LIKE 'Benchmark%'", _GO_SELECT),
    "go-bench -json": f"SELECT time, {_GO_SELECT} FROM (SELECT time, unnest(regexp_extract(line, '{_GO}', "
    f"""[{", ".join(f"'{name}'" for name in _GO_NAMES.split(", "))}])) FROM ("""
    + _json("newline_delimited", "Time: 'TIMESTAMPTZ', Output: 'VARCHAR'", "Time AS time, Output AS line")
    + ") WHERE line LIKE 'Benchmark%')",
    "google-benchmark": _json(
        "unstructured",
        f"benchmarks: 'STRUCT({_RUN})[]'",
        f"one.name, one.iterations, one.repetition_index, one.threads, {_unpivoted('real_time, cpu_time', 'one.')} "
        "FROM (SELECT unnest(benchmarks) AS one",
    )
    + ")",
    "h2load": _csv(
        "start BIGINT, status BIGINT, value DOUBLE", "make_timestamp(start) AS time, *", header=False, delimiter="\t"
    ),
    "hey": _csv(
        "response-time DOUBLE, DNS+dialup DOUBLE, DNS DOUBLE, Request-write DOUBLE, Response-delay DOUBLE, "
        "Response-read DOUBLE, status-code BIGINT, offset DOUBLE",
        '"status-code", "offset", '
        + _unpivoted("response-time, DNS+dialup, DNS, Request-write, Response-delay, Response-read"),
    ),
    "hyperfine": _json(
        "unstructured",
        "results: 'STRUCT(command VARCHAR, times DOUBLE[], exit_codes INTEGER[])[]'",
        "one.command, unnest(one.times) AS value, unnest(one.exit_codes) AS code, unnest(range(len(one.times))) AS run "
        "FROM (SELECT unnest(results) AS one",
    )
    + ")",
    "hyperfine-2": _json(
        "unstructured",
        f"results: 'STRUCT(command VARCHAR, measurements STRUCT({_RUN_FIGURES}, exit_code INTEGER)[])[]'",
        f"command, one.exit_code, {_unpivoted(_FIGURES_OF_RUN, 'one.', '.value')} "
        "FROM (SELECT command, unnest(measurements) AS one FROM (SELECT unnest(results, recursive := true)",
    )
    + "))",
    "iperf3": _json(
        "unstructured",
        f"intervals: '{_IPERF3}[]'",
        _EACH_STREAM + " FROM (SELECT unnest(intervals) AS data",
    )
    + "))",
    "iperf3-stream": _json("newline_delimited", f"event: 'VARCHAR', data: '{_IPERF3}'", _EACH_STREAM)
    + " WHERE event = 'interval')",
    "irtt": _json(
        "unstructured",
        f"round_trips: '{_TRIP}[]'",
        f"one.seqno, one.lost, one.timestamps.client.send.wall, unnest([{_DELAYS}], recursive := true) "
        "FROM (SELECT unnest(round_trips) AS one",
    )
    + ")",
    "jmeter": _csv(
        "timeStamp BIGINT, elapsed DOUBLE, label VARCHAR, responseCode VARCHAR, responseMessage VARCHAR, "
        "threadName VARCHAR, dataType VARCHAR, success BOOLEAN, failureMessage VARCHAR, bytes DOUBLE, "
        "sentBytes DOUBLE, grpThreads DOUBLE, "
        "allThreads DOUBLE, URL VARCHAR, Latency DOUBLE, IdleTime DOUBLE, Connect DOUBLE",
        "timeStamp, label, responseCode, responseMessage, threadName, dataType, success, URL, "
        + _unpivoted("elapsed, Latency, Connect, IdleTime, bytes, sentBytes, grpThreads, allThreads"),
    ),
    "jmeter-xml": _lines(
        r't="(\d+)" it="(\d+)" lt="(\d+)" ct="(\d+)" ts="(\d+)" s="(\w+)" lb="([^"]*)" rc="(\w+)" rm="(\w+)" '
        r'tn="([^"]*)" '
        r'dt="(\w+)" by="(\d+)" sby="(\d+)" ng="(\d+)" na="(\d+)"',
        "t, it, lt, ct, ts, s, lb, rc, rm, tn, dt, by, sby, ng, na",
        "line LIKE '<httpSample%'",
        f"ts::BIGINT AS time, s, lb, rc, rm, tn, dt, {_unpivoted('t, it, lt, ct, by, sby, ng, na')}",
    ),
    "jmh": _json(
        "array",
        "benchmark: 'VARCHAR', mode: 'VARCHAR', primaryMetric: 'STRUCT(rawData DOUBLE[][])'",
        "benchmark, mode, unnest(values) AS value "
        "FROM (SELECT benchmark, mode, unnest(primaryMetric.rawData) AS values",
    )
    + ")",
    "k6": _json(
        "newline_delimited",
        "type: 'VARCHAR', metric: 'VARCHAR', data: 'STRUCT(time TIMESTAMPTZ, value DOUBLE, tags JSON)'",
        "metric, data.value AS value, data.time AS timestamp, data.tags AS tags",
    )
    + " WHERE type IS DISTINCT FROM 'Metric'",
    "k6-csv": _csv(
        "metric_name VARCHAR, timestamp BIGINT, metric_value DOUBLE, check VARCHAR, error VARCHAR, "
        "expected_response VARCHAR, group VARCHAR, method VARCHAR, name VARCHAR, scenario VARCHAR, status VARCHAR, "
        "extra_tags VARCHAR",
        "*",
    ),
    "locust-requests": _csv(
        "timestamp DOUBLE, request_type VARCHAR, name VARCHAR, response_time_ms DOUBLE, response_length DOUBLE, "
        "status_code BIGINT, exception VARCHAR",
        "timestamp, request_type, name, status_code, exception, " + _unpivoted("response_time_ms, response_length"),
    ),
    "mtr-raw": _lines(
        r"^p (\d+) (\d+) (\d+)",
        "hop, value, number",
        "line LIKE 'p %'",
        "hop::BIGINT AS hop, value::DOUBLE AS value, number::BIGINT AS number",
    ),
    "oha-csv": _csv(
        "request-start DOUBLE, DNS DOUBLE, DNS+dialup DOUBLE, Response-delay DOUBLE, request-duration DOUBLE, "
        "bytes DOUBLE, status BIGINT",
        '"request-start", status, ' + _unpivoted("request-duration, DNS, DNS+dialup, Response-delay, bytes"),
    ),
    "ping": _lines(
        r"^\[([0-9.]+)\] \d+ bytes from (\S+): icmp_seq=(\d+) ttl=(\d+) time=(\S+) ms",
        "time, host, icmp_seq, ttl, value",
        "line LIKE '%icmp_seq=%'",
        "to_timestamp(time::DOUBLE) AS time, host, icmp_seq::BIGINT AS icmp_seq, ttl::BIGINT AS ttl, "
        "value::DOUBLE AS value",
    ),
    "ping-windows": _lines(
        r"^Reply from (\S+): bytes=\d+ time=(\d+)ms TTL=(\d+)",
        "host, value, ttl",
        "line LIKE 'Reply from %'",
        "host, value::DOUBLE AS value, ttl::BIGINT AS ttl",
    ),
    "pyperf": _json(
        "unstructured",
        "benchmarks: 'STRUCT(metadata STRUCT(name VARCHAR), runs STRUCT(\"values\" DOUBLE[])[])[]'",
        'name, unnest(run."values") AS value FROM (SELECT one.metadata.name AS name, unnest(one.runs) AS run '
        "FROM (SELECT unnest(benchmarks) AS one",
    )
    + "))",
    "pytest-benchmark": _json(
        "unstructured",
        "benchmarks: 'STRUCT(fullname VARCHAR, stats STRUCT(data DOUBLE[]))[]'",
        "one.fullname, unnest(one.stats.data) AS value, unnest(range(len(one.stats.data))) AS round "
        "FROM (SELECT unnest(benchmarks) AS one",
    )
    + ")",
    "sockperf": _csv(
        "packet BIGINT, tx DOUBLE, rx DOUBLE, value DOUBLE",
        "*",
        header=False,
    ).replace("columns = ", "skip = 2, columns = "),
    "vegeta": _json(
        "newline_delimited",
        "attack: 'VARCHAR', seq: 'BIGINT', code: 'BIGINT', timestamp: 'TIMESTAMPTZ', latency: 'DOUBLE', "
        "bytes_in: 'DOUBLE', bytes_out: 'DOUBLE', error: 'VARCHAR', method: 'VARCHAR', url: 'VARCHAR'",
        "attack, seq, code, timestamp, error, method, url, " + _unpivoted("latency, bytes_in, bytes_out"),
    ),
    "vegeta-csv": _csv(
        "timestamp BIGINT, code BIGINT, latency DOUBLE, bytes_out DOUBLE, bytes_in DOUBLE, error VARCHAR, "
        "body VARCHAR, attack VARCHAR, seq BIGINT, method VARCHAR, url VARCHAR, headers VARCHAR",
        "make_timestamp_ns(timestamp) AS time, code, error, attack, seq, method, url, "
        + _unpivoted("latency, bytes_in, bytes_out"),
        header=False,
    ),
    "webrtc-internals": _json(
        "unstructured",
        "PeerConnections: 'MAP(VARCHAR, STRUCT(stats MAP(VARCHAR, STRUCT(statsType VARCHAR, \"values\" VARCHAR))))'",
        'one.key, one.value.statsType, unnest(one.value."values"::DOUBLE[]) AS value FROM (SELECT '
        "unnest(map_entries(connection.stats)) AS one FROM (SELECT unnest(map_values(PeerConnections)) AS connection",
    )
    + ")) WHERE one.key NOT LIKE '%-timestamp'",
}
"""By harness; what a dump of rtcstats holds builds on the rows before, which no SQL of this kind does."""


def copy(name: str, source: Path, target: Path) -> None:
    """Copy the samples of a file of a harness to Parquet."""
    query = QUERIES[name].replace("<file>", str(source)).replace("<size>", str(source.stat().st_size + 1))
    duckdb.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    copy(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
