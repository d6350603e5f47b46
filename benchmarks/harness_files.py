"""Makes result files of harnesses with many samples: `python benchmarks/harness_files.py FILE SAMPLES NAME`.

Each is written as its tool writes it, with numbers that differ from sample to sample and names that repeat.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import k6_lines
import sample_documents
from ping_lines import FILES as PING_FILES
from ping_lines import START_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RNG = random.Random(1)  # noqa: S311 - the same numbers each time
_STATS = (
    *("packetsReceived", "bytesReceived", "headerBytesReceived", "packetsLost", "jitter", "framesReceived"),
    *("framesDecoded", "keyFramesDecoded", "framesDropped", "totalDecodeTime", "totalInterFrameDelay"),
    *("totalSquaredInterFrameDelay", "jitterBufferDelay", "jitterBufferEmittedCount", "nackCount", "pliCount"),
    *("firCount", "qpSum", "freezeCount", "totalFreezesDuration"),
)


def _ab(samples: int) -> Iterator[str]:
    yield "starttime\tseconds\tctime\tdtime\tttime\twait\n"
    for number in range(samples // 4):
        took = _RNG.randrange(500)
        times = f"{took % 7}\t{took}\t{took + took % 7}\t{took // 2}"
        yield f"Sat Nov 28 16:31:22 2026\t{START_S + number // 100}\t{times}\n"


def _arrays(samples: int, arrays: int) -> list[list[float]]:
    return [[_RNG.lognormvariate(-7, 0.3) for _ in range(samples // arrays)] for _ in range(arrays)]


def _dumped(document: Any, indent: int | None = None) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    yield from json.JSONEncoder(indent=indent).iterencode(document)
    yield "\n"


def _element(number: int, value: dict[str, Any]) -> str:
    """Write an element of an array over several lines, as most tools do."""
    return f"{',' if number else ''}    {json.dumps(value, indent=4)}\n"


def _asv(samples: int) -> Iterator[str]:
    columns = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]
    columns += ["stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]
    results = {
        f"suite.time_{at}": [[0.1], [], "v", 1795883512000, 1.0, [0], [0], [0], [0], [1], [9], [values], None]
        for at, values in enumerate(_arrays(samples - 4, 4))
    }
    document = {"commit_hash": "0a", "env_name": "e", "python": "3.11", "date": 1795883512000, "params": {}}
    yield from _dumped(document | {"result_columns": columns, "results": results, "version": 2})


def _benchmarkdotnet(samples: int) -> Iterator[str]:
    yield '{"Title":"T","HostEnvironmentInfo":{"BenchmarkDotNetVersion":"0.15.8"},"Benchmarks":[\n'
    for at in range(10):
        yield f'{"," if at else ""}{{"FullName":"A.B{at}","Parameters":"","DisplayInfo":"B{at}: Job","Measurements":[\n'
        for number in range(samples // 10):
            one = {
                "IterationMode": "Workload",
                "IterationStage": "Result",
                "LaunchIndex": 1,
                "IterationIndex": number + 1,
            }
            yield _element(number, one | {"Operations": 1024, "Nanoseconds": round(_RNG.lognormvariate(12, 0.3), 4)})
        yield "]}\n"
    yield "]}\n"


def _criterion(samples: int) -> Iterator[str]:
    times = [(at + 1) * _RNG.lognormvariate(5, 0.1) for at in range(samples)]
    yield from _dumped({"sampling_mode": "Linear", "iters": [at + 1.0 for at in range(samples)], "times": times})


def _criterion_csv(samples: int) -> Iterator[str]:
    yield "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count\n"
    for number in range(samples):
        yield f"g,f{number % 10},,,,{(number + 1) * _RNG.lognormvariate(5, 0.1):.1f},ns,{number + 1}\n"


def _fio_log(samples: int) -> Iterator[str]:
    for number in range(samples):
        yield f"{number // 50}, {_RNG.randrange(10_000, 900_000)}, {number % 2}, 4096, {number * 4096}, 0\n"


def _gatling(samples: int) -> Iterator[str]:
    yield f"RUN\tmytest.Basic\tgatling-1\t{START_S}000\t \t3.5.1\n"
    for number in range(samples):
        start = START_S * 1000 + number // 10
        yield f"REQUEST\tLogin\trequest_{number % 20}\t{start}\t{start + _RNG.randrange(900)}\tOK\t \n"


def _report(number: int, stats: int) -> dict[str, Any]:
    moving = {name: number * 7 + at if at != 4 else _RNG.random() for at, name in enumerate(_STATS[:stats])}
    return {
        "id": f"IT{number % 10}",
        "timestamp": START_S * 1000 + number / 10,
        "type": "inbound-rtp",
        "kind": "video",
    } | moving


def _getstats(samples: int) -> Iterator[str]:
    for number in range(samples // 20):
        yield json.dumps(_report(number, 20)) + "\n"


def _getstats_document(samples: int) -> Iterator[str]:
    for number in range(samples // 20):
        yield ("[\n" if number == 0 else ",\n") + json.dumps(_report(number, 20))
    yield "\n]\n"


def _go_bench(samples: int) -> Iterator[str]:
    yield "goos: linux\ngoarch: amd64\npkg: index/suffixarray\ncpu: Intel(R) Core(TM) i7\n"
    for number in range(samples // 3):
        yield (
            f"BenchmarkNew/size={number % 20}-8 \t     295\t   {_RNG.randrange(10**6, 10**7)} ns/op\t"
            f"  401490 B/op\t       {number % 9} allocs/op\n"
        )
    yield "PASS\n"


def _go_events(samples: int) -> Iterator[str]:
    for line in _go_bench(samples):
        for one in line.splitlines(keepends=True):
            event = {"Time": "2026-11-24T16:00:00.000001Z", "Action": "output", "Package": "a/b", "Output": one}
            yield json.dumps(event) + "\n"


def _google_benchmark(samples: int) -> Iterator[str]:
    yield '{"context":{"date":"2026-11-24T16:00:00+00:00","num_cpus":2,"library_version":"v1.9.5"},"benchmarks":[\n'
    for number in range(samples // 2):
        name, took = f"BM_sort/{number % 20}", _RNG.lognormvariate(5, 0.3)
        run = {"name": name, "family_index": 0, "per_family_instance_index": 0, "run_name": name}
        run |= {"run_type": "iteration", "repetitions": 8, "repetition_index": number % 8, "threads": 1}
        run |= {"iterations": 1000, "real_time": took, "cpu_time": took * 0.9, "time_unit": "ns"}
        yield _element(number, run)
    yield "]}\n"


def _h2load(samples: int) -> Iterator[str]:
    for number in range(samples):
        yield f"{START_S * 10**6 + number * 100}\t200\t{_RNG.randrange(5000, 20_000)}\n"


def _hey(samples: int) -> Iterator[str]:
    yield "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
    for number in range(samples // 6):
        took = _RNG.lognormvariate(-6, 0.5)
        yield f"{took:.4f},0.0002,0.0000,0.0001,{took * 0.9:.4f},0.0001,200,{number / 10_000:.4f}\n"


def _stream(number: int) -> dict[str, Any]:
    return {
        "socket": 5, "start": number, "end": number + 1, "seconds": 1.0, "bytes": 3_145_728 + number,
        "bits_per_second": _RNG.lognormvariate(20, 0.1), "retransmits": number % 3,
        "snd_cwnd": 1_178_694, "snd_wnd": 539_648, "rtt": 147 + number % 50, "rttvar": 165, "pmtu": 65_535,
        "omitted": False, "sender": True,
    }  # fmt: skip


_IPERF3 = {
    "connected": [], "version": "iperf 3.21", "timestamp": {"timesecs": START_S, "timemillisecs": START_S * 1000},
    "test_start": {"protocol": "TCP", "num_streams": 1, "omit": 0, "reverse": 0},
}  # fmt: skip


def _iperf3(samples: int) -> Iterator[str]:
    yield f'{{"start":{json.dumps(_IPERF3)},"intervals":[\n'
    for number in range(samples // 8):
        yield _element(number, {"streams": [_stream(number)]})
    yield '],"end":{}}\n'


def _iperf3_stream(samples: int) -> Iterator[str]:
    yield json.dumps({"event": "start", "data": _IPERF3}) + "\n"
    for number in range(samples // 8):
        yield json.dumps({"event": "interval", "data": {"streams": [_stream(number)]}}) + "\n"
    yield '{"event":"end","data":{}}\n'


def _irtt(samples: int) -> Iterator[str]:
    yield '{"version":{"irtt":"0.9.0"},"config":{"params":{"stamp_at":"both"}},"stats":'
    yield '{"start_time":"2026-11-28T16:31:10.489974123Z","duplicates":0},"round_trips":[\n'
    for number in range(samples // 6):
        stamp = {"wall": START_S * 10**9 + number * 10**6, "monotonic": number * 10**6}
        delay = {name: _RNG.randrange(10**5, 10**6) for name in ("receive", "rtt", "send")}
        stamps = dict.fromkeys(("client", "server"), dict.fromkeys(("receive", "send"), stamp))
        trip = {"seqno": number, "lost": "false", "timestamps": stamps, "delay": delay, "ipdv": delay}
        yield _element(number, trip)
    yield "]}\n"


def _jmeter(samples: int) -> Iterator[str]:
    yield "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,"
    yield "sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
    for number in range(samples // 8):
        took = _RNG.randrange(1, 900)
        yield (
            f"{START_S * 1000 + number},{took},page {number % 20},200,OK,Thread Group 1-{number % 8},text,true,,143,"
            f"122,2,2,http://192.0.2.1/{number % 20},{took},0,{took % 9}\n"
        )


def _jmeter_xml(samples: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n'
    for number in range(samples // 8):
        took = _RNG.randrange(1, 900)
        yield (
            f'<httpSample t="{took}" it="0" lt="{took}" ct="{took % 9}" ts="{START_S * 1000 + number}" s="true" '
            f'lb="page {number % 20}" rc="200" rm="OK" tn="Thread Group 1-{number % 8}" dt="text" by="143" '
            'sby="122" ng="2" na="2"/>\n'
        )
    yield "</testResults>\n"


def _jmh(samples: int) -> Iterator[str]:
    benchmarks = []
    for at, values in enumerate(_arrays(samples, 10)):
        half = len(values) // 2
        primary = {"score": 1.0, "scoreUnit": "ops/s", "rawData": [values[:half], values[half:]]}
        one = {"jmhVersion": "1.36", "benchmark": f"a.B.m{at}", "mode": "thrpt", "threads": 1, "forks": 2}
        benchmarks.append(one | {"primaryMetric": primary, "secondaryMetrics": {}})
    yield from _dumped(benchmarks)


def _k6_csv(samples: int) -> Iterator[str]:
    yield "metric_name,timestamp,metric_value,check,error,expected_response,group,method,name,scenario,status,"
    yield "extra_tags\n"
    for number in range(samples):
        yield (
            f"http_req_duration,{START_S + number // 1000},{_RNG.lognormvariate(3, 1):.6f},,,true,,GET,"
            f"http://192.0.2.1/{number % 20},default,200,\n"
        )


def _locust(samples: int) -> Iterator[str]:
    yield "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\n"
    for number in range(samples // 2):
        yield f"{START_S + number / 1000:.6f},GET,/{number % 20},{_RNG.lognormvariate(3, 1):.3f},{number % 999},200,\n"


def _oha(samples: int) -> Iterator[str]:
    yield "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n"
    for number in range(samples // 5):
        took = _RNG.lognormvariate(-6, 0.5)
        yield f"{number / 10_000:.6f},0.0001,0.00025,{took * 0.9:.9f},{took:.9f},{number % 999},200\n"


def _pyperf(samples: int) -> Iterator[str]:
    runs = [
        {"metadata": {"loops": 8}, "values": values} for values in _arrays(samples, 10_000 if samples >= 10_000 else 1)
    ]
    benchmarks = [{"metadata": {"name": f"b{at}"}, "runs": runs[at::10]} for at in range(10)]
    yield from _dumped({"version": "1.0", "metadata": {"unit": "second"}, "benchmarks": benchmarks})


def _rtcstats(samples: int) -> Iterator[str]:
    yield '["connectionInfo",null,{"clientProtocol":"3.1_STANDARD","statsFormat":"chrome_standard"},1795883512000]\n'
    for number in range(samples // 200):
        reports = {f"IT{at}": _report(number, 20 if number == 0 else 5) for at in range(10)}
        row = ["getstats", "PC_0", reports | {"timestamp": "x"}, START_S * 1000 + number * 100]
        yield json.dumps(row, separators=(",", ":")) + "\n"


def _sockperf(samples: int) -> Iterator[str]:
    yield "sockperf: == version #3.7-no.git ==\npacket, txTime(sec), rxTime(sec), latency(usec)\n"
    for number in range(samples):
        sent = 2_404_014_612 + number * 100_000
        took = _RNG.randrange(5000, 50_000)
        yield f"{number}, {sent / 1e9:.9f}, {(sent + 2 * took) / 1e9:.9f}, {took / 1000:.3f}\n"


def _vegeta(samples: int) -> Iterator[str]:
    for number in range(samples // 3):
        time = (dt.datetime.fromtimestamp(START_S, dt.UTC) + dt.timedelta(microseconds=137 * number)).isoformat()
        line = {"attack": "", "seq": number, "code": 200, "timestamp": time, "latency": _RNG.randrange(10**6, 10**8)}
        line |= {"bytes_out": 0, "bytes_in": number % 999, "error": "", "body": "aGVsbG8K", "method": "GET"}
        yield (
            json.dumps(line | {"url": f"http://192.0.2.1/{number % 20}", "headers": None}, separators=(",", ":")) + "\n"
        )


def _vegeta_csv(samples: int) -> Iterator[str]:
    for number in range(samples // 3):
        yield (
            f"{START_S * 10**9 + number * 137_000},200,{_RNG.randrange(10**6, 10**8)},0,{number % 999},,aGVsbG8K,,"
            f"{number},"
            f"GET,http://192.0.2.1/{number % 20},\n"
        )


def _webrtc_internals(samples: int) -> Iterator[str]:
    count = max(1, samples // 200)
    times = {"startTime": "2026-11-24T17:59:56.038Z", "endTime": "2026-11-24T19:00:04.048Z", "statsType": "inbound-rtp"}
    series = {}
    for at in range(10):
        clock = [START_S * 1000 + number * 700 for number in range(count)]
        series[f"IT{at}-timestamp"] = times | {"values": json.dumps(clock, separators=(",", ":"))}
        for name in _STATS:
            values = [_RNG.randrange(10**6) for _ in range(count)]
            series[f"IT{at}-{name}"] = times | {"values": json.dumps(values, separators=(",", ":"))}
    document = {"UserAgent": "Mozilla/5.0", "PeerConnections": {"8-1": {"rtcConfiguration": "{}", "stats": series}}}
    yield from _dumped(document, indent=1)


FILES: dict[str, Callable[[int], Iterator[str]]] = {
    "ab": _ab,
    "asv": _asv,
    "benchmarkdotnet": _benchmarkdotnet,
    "criterion": _criterion,
    "criterion-csv": _criterion_csv,
    "fio-log": _fio_log,
    "gatling": _gatling,
    "getstats": _getstats,
    "getstats-document": _getstats_document,
    "go-bench": _go_bench,
    "go-bench -json": _go_events,
    "google-benchmark": _google_benchmark,
    "h2load": _h2load,
    "hey": _hey,
    "hyperfine-2": sample_documents.hyperfine_2,
    "iperf3": _iperf3,
    "iperf3-stream": _iperf3_stream,
    "irtt": _irtt,
    "jmeter": _jmeter,
    "jmeter-xml": _jmeter_xml,
    "jmh": _jmh,
    "k6-csv": _k6_csv,
    "locust-requests": _locust,
    "oha-csv": _oha,
    "pyperf": _pyperf,
    "rtcstats": _rtcstats,
    "sockperf": _sockperf,
    "vegeta": _vegeta,
    "vegeta-csv": _vegeta_csv,
    "webrtc-internals": _webrtc_internals,
}
FILES |= PING_FILES
NAMES = (*FILES, "hyperfine", "k6", "pytest-benchmark")


def generate(path: Path, samples: int, name: str) -> None:
    """Write the file of a harness; of bins and of binaries there is none."""
    if name == "k6":
        k6_lines.generate(path, samples)
    elif name in {"hyperfine", "pytest-benchmark"}:
        sample_documents.generate(path, samples, name.partition("-")[0])
    else:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(FILES[name](samples))


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
