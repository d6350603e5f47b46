"""Makes a file as `k6 run --out json=FILE` writes it: `python benchmarks/k6_lines.py FILE POINTS`."""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
from pathlib import Path

METRICS = (
    "http_reqs", "http_req_duration", "http_req_blocked", "http_req_waiting", "http_req_sending",
    "http_req_receiving", "data_sent", "iteration_duration", "vus",
)  # fmt: skip
POINT = (
    '{"metric":"%s","type":"Point","data":{"time":"%s","value":%r,"tags":{"expected_response":"true","group":"",'
    '"method":"GET","name":"http://test.k6.io/%d","proto":"HTTP/1.1","scenario":"default","status":"200",'
    '"url":"http://test.k6.io/%d"}}}\n'
)
START = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)


def generate(path: Path, points: int, seed: int = 1) -> None:
    """Write definitions of metrics, then points of 140 bytes with eight tags."""
    rng = random.Random(seed)  # noqa: S311 - the same numbers each time
    with path.open("w", encoding="utf-8") as file:
        for metric in METRICS:
            data = {"name": metric, "type": "trend", "contains": "time", "thresholds": [], "submetrics": None}
            file.write(json.dumps({"type": "Metric", "data": data, "metric": metric}) + "\n")
        for number in range(points):
            time = (START + dt.timedelta(microseconds=137 * number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            value = round(rng.lognormvariate(3, 1), 6)
            file.write(POINT % (METRICS[number % len(METRICS)], time, value, number % 20, number % 20))


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
