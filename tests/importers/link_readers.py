"""What tools of links print, read by plain Python: samples as (metric, value, more), lost ones as None."""

from __future__ import annotations

import json
import re

from plain_readers import document, text_of


def ping(path):
    """Of each probe its time; nothing of the summary."""
    found = []
    for line in text_of(path).splitlines():
        if number := re.search(r"icmp_seq=(\d+)", line):
            time = re.search(r"time=([\d.]+) ms", line)
            stamp = re.match(r"\[(\d+)\.(\d{6})\]", line)
            us = int(stamp[1] + stamp[2]) if stamp else None
            found.append(("rtt", float(time[1]) if time else None, int(number[1]), us))
    return found


def fping(path):
    found = []
    for line in text_of(path).splitlines():
        stamp, rest = line[1:].split("] ", 1)
        host, rest = rest.split(" : ", 1)
        number, rest = rest[1:].split("], ", 1)
        value = None if rest.startswith("timed out") else float(rest.split(" bytes, ")[1].split(" ms")[0])
        found.append(("rtt", value, host, int(number), round(float(stamp) * 1e6)))
    return found


def fping_json(path):
    found = []
    for kind, one in (pair for line in text_of(path).splitlines() for pair in json.loads(line).items()):
        if kind in {"resp", "timeout"}:
            found.append(("rtt", one.get("rtt"), one["host"], one["seq"], round(float(one["timestamp"]) * 1e6)))
    return found


def mtr_raw(path):
    """Of each probe that was sent, in the order of what tells of it."""
    lines = [line.split() for line in text_of(path).splitlines()]
    answered = {(hop, number) for kind, hop, *rest in lines if kind == "p" for number in rest[1:]}
    found = []
    for kind, hop, *rest in lines:
        if kind == "p":
            found.append(("rtt", float(rest[0]), int(hop) + 1, int(rest[1])))
        elif kind == "x" and (hop, rest[0]) not in answered:
            found.append(("rtt", None, int(hop) + 1, int(rest[0])))
    return found


def sockperf(path):
    lines = text_of(path).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("packet, "))
    metric = re.search(r"(latency|rtt)\(usec\)", lines[start])[1]
    found = []
    for line in lines[start + 1 :]:
        if not line.startswith("-"):
            packet, sent, _, value = line.split(", ")
            found.append((metric, float(value), int(packet), int(sent.replace(".", ""))))
    return found


def irtt(path):
    found = []
    for one in document(path)["round_trips"]:
        sent = one["timestamps"]["client"]["send"]["wall"]
        lost = {"rtt": one["lost"] != "false", "send": one["lost"] == "true_up", "receive": one["lost"] == "true_down"}
        names = {"rtt": "rtt", "send": "send_delay", "receive": "receive_delay"}
        delays = [(names[key], one["delay"].get(key), is_lost) for key, is_lost in lost.items()]
        delays += [(f"ipdv_{key}", one["ipdv"].get(key), False) for key in ("rtt", "send", "receive")]
        found += [
            (metric, value, one["seqno"], sent) for metric, value, is_lost in delays if is_lost or value is not None
        ]
    return found


def rtcstats(path):
    """Numbers of all reports whenever one is written, where rows name each; Chromium's are whole."""
    found = []
    held = {}
    for line in text_of(path).splitlines():
        row = json.loads(line) if line.startswith("[") else []
        if not row or row[0] not in {"getstats", "getStats"}:
            continue
        _, connection, reports, *_ = row
        time = reports.pop("timestamp", None)
        before = held.get(connection, {})
        now = {}
        for name, report in reports.items():
            now[name] = {**({} if "id" in report else before.get(name, {})), **report}
            if report.get("timestamp") == 0:
                now[name]["timestamp"] = time
        held[connection] = now
        for name, report in now.items():
            is_old = re.match(r"goog|ssrc$|VideoBwe|localcandidate|remotecandidate", report["type"])
            for key, value in report.items():
                is_number = isinstance(value, bool | int | float)
                if is_old and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", value):
                    is_number = True
                if is_number and key not in {"timestamp", "id"}:
                    found.append(
                        (
                            f"{report['type']}.{key}",
                            float(value),
                            connection,
                            report.get("id", name),
                            report["timestamp"],
                        )
                    )
    return found
