"""Short results of tools of links, as these write them."""

from __future__ import annotations

import json

T0 = 1795883512
PING = "PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.\n" + "".join(
    f"[{T0 + n}.323695] "
    + (
        f"no answer yet for icmp_seq={n}\n"
        if n == 4
        else f"64 bytes from 192.0.2.1: icmp_seq={n} ttl=64 time=0.{n + 100} ms\n"
    )
    for n in range(1, 10)
)
PING += "\n--- 192.0.2.1 ping statistics ---\n9 packets transmitted, 8 received, 11.1111% packet loss, time 8054ms\n"
PING += "rtt min/avg/max/mdev = 0.101/0.105/0.109/0.003 ms\n"
FPING = "".join(
    f"[{T0 + n}.48395] 192.0.2.{n % 2 + 1} : [{n // 2}], "
    + ("timed out (0.039 avg, 16% loss)\n" if n == 4 else f"64 bytes, 0.{n + 100} ms (0.028 avg, 0% loss)\n")
    for n in range(10)
)
FPING_JSON = "".join(
    f'{{"{kind}": {{"timestamp": "{T0 + n}.48395", "host": "192.0.2.{n % 2 + 1}", "seq": {n // 2}{more}}}}}\n'
    for n in range(10)
    for kind, more in [("timeout", "") if n == 4 else ("resp", f', "size": 64, "rtt": 0.{n + 100}')]
)
# The form of Windows 10 and 11, whose IPv6 has neither bytes nor TTL.
PING_WINDOWS = "\nPinging example.com [192.0.2.1] with 32 bytes of data:\n" + "".join(
    "Request timed out.\n" if n == 4 else f"Reply from 192.0.2.1: bytes=32 time={n + 10}ms TTL=57\n" for n in range(9)
)
PING_WINDOWS += "\nPing statistics for 192.0.2.1:\n    Packets: Sent = 9, Received = 8, Lost = 1 (11% loss),\n"
PING_WINDOWS += "Approximate round trip times in milli-seconds:\n    Minimum = 10ms, Maximum = 18ms, Average = 14ms\n"
PING_WINDOWS_GERMAN = "\nPing wird ausgeführt für example.com [2001:db8::1] mit 32 Bytes Daten:\n" + "".join(
    "Zeitüberschreitung der Anforderung.\n" if n == 1 else f"Antwort von 2001:db8::1: Zeit={n + 10}ms \n"
    for n in range(4)
)
PING_WINDOWS_GERMAN += "\nPing-Statistik für 2001:db8::1:\n    Pakete: Gesendet = 4, Empfangen = 3, Verloren = 1\n"
PING_WINDOWS_GERMAN += "    (25% Verlust),\nCa. Zeitangaben in Millisek.:\n"
PING_WINDOWS_GERMAN += "    Minimum = 10ms, Maximum = 13ms, Mittelwert = 11ms\n"
MTR_RAW = "x 0 33000\nh 0 192.0.2.1\nd 0 aaaaaaaaa.test\np 0 57 33000\n" + "".join(
    f"x {n % 2} {33000 + n}\n" + ("" if n == 4 else f"p {n % 2} {n + 50} {33000 + n}\n") for n in range(1, 10)
)
HUB = {
    "count": 1,
    "host": "192.0.2.1",
    "Loss%": 25.0,
    "Snt": 12,
    "Last": 0.057,
    "Avg": 0.058,
    "Best": 0.053,
    "Wrst": 0.069,
}
MTR = json.dumps({"report": {"mtr": {"dst": "192.0.2.1", "tests": 12}, "hubs": [HUB, HUB | {"count": 2}]}}, indent=4)
SOCKPERF = """\
------------------------------
test was performed using the following parameters: \
--mps=300 --burst=1 --reply-every=1 --msg-size=14000000000000000000 --time=1 --full-rtt
------------------------------
sockperf: [Total Run] RunTime=1.000 sec; Warm up time=400 msec; SentMessages=9; ReceivedMessages=9
sockperf: ========= Printing statistics for Server No: 0
sockperf: \x1b[2;35m====> avg-rtt=12.628 (std-dev=0.623)\x1b[0m
sockperf: ---> percentile 99.900 =   12.628
------------------------------
packet, txTime(sec), rxTime(sec), rtt(usec)
""" + "".join(f"{n}, 2.40401461{n}, 2.40402724{n}, 12.62{n}\n" for n in range(9))
SOCKPERF += "------------------------------\n"
IRTT = json.dumps(
    {
        "version": {"irtt": "0.9.0"},
        "config": {"params": {"stamp_at": "both"}},
        "stats": {"start_time": "2026-11-28T16:31:10.489974123Z", "duplicates": 0},
        "round_trips": [
            {
                "seqno": n,
                "lost": "true_up" if n == 4 else "false",
                "timestamps": {"client": {"send": {"wall": (T0 + n) * 10**9, "monotonic": n * 10**9}}},
                "delay": {} if n == 4 else {"receive": 1000 + n, "rtt": 3000 + n, "send": 2000},
                "ipdv": {},
            }
            for n in range(9)
        ],
    },
    indent=4,
)
CYCLICTEST = json.dumps(
    {
        "file_version": 1,
        "cmdline:": "cyclictest -q -l 400 -h 150 --json=x",
        "rt_test_version:": "2.40",
        "start_time": "Sat, 28 Nov 2026 16:31:30 +0000",
        "resolution_in_ns": 0,
        "thread": {
            "0": {"histogram": {"23": 1, "47": 300}, "cycles": 400, "min": 23, "max": 5010, "avg": 211.38, "cpu": 0}
        },
    },
    indent=2,
)
RTCSTATS = '["connectionInfo",null,{"clientProtocol":"3.1"},1795883512000]\n' + "".join(
    json.dumps(
        ["getstats", "PC_0", {"A": report, "timestamp": (T0 + n) * 1000}, (T0 + n) * 1000 + 3], separators=(",", ":")
    )
    + "\n"
    for n in range(9)
    for report in [
        {"timestamp": 0, "bytesSent": 1000 + n} | ({"type": "candidate-pair", "priority": 7} if n == 0 else {})
    ]
)
