"""Where the harness files lie, and files as k6 and JMeter write them."""

from __future__ import annotations

import json

from project import SHARED

from pipeline import connect

REAL = SHARED / "harness"


def documents(path):
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def values_of(store, metric):
    with connect(store) as connection:
        query = "SELECT value FROM measurements WHERE metric = ? ORDER BY sequence"
        return [value for (value,) in connection.execute(query, [metric]).fetchall()]


def k6_point(metric="http_req_duration", value=1.5, time="2026-11-24T16:00:00.000001+01:00", **tags):
    return {"metric": metric, "type": "Point", "data": {"time": time, "value": value, "tags": tags}}


def k6_metric(metric, contains):
    definition = {
        "name": metric,
        "type": "trend",
        "contains": contains,
        "thresholds": ["p(95)<500"],
        "submetrics": None,
    }
    return {"type": "Metric", "metric": metric, "data": definition}


def write_k6(path, points=None):
    """A file as k6 writes it, with tags that are hard to write and definitions in between."""
    lines = [
        k6_metric("http_req_duration", "time"),
        *(points or [k6_point(value=n + 0.5, name=f"n{n}") for n in range(10)]),
        k6_metric("data_sent", "data"),
        k6_point("data_sent", 800, time="2026-11-24T15:00:05Z"),
        k6_metric("own", "default"),
        k6_point("own", 3, time="2026-11-24T15:00:06.123456789Z", späte='größe,"q"\n漢字', url="http://x/?a=1,2"),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


JMETER_HEADER = "timeStamp,elapsed,label,success\n"
GOOD_POINT = json.dumps(k6_point(name="a"))
GOOD_RECORD = f"{JMETER_HEADER}1795542903863,1,a,true\n"


def after_good(bad):
    """A point that can be read, then another line."""
    return f"{GOOD_POINT}\n{bad}\n"
