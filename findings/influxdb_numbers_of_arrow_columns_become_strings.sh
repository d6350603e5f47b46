#!/usr/bin/env bash
# Claim: influxdb-client and influxdb3-python write the numbers and booleans of a pandas data frame whose columns are Arrow's as strings, value="12.5" in place of value=12.5, and so the booleans of an ordinary data frame in which one is missing; that is valid line protocol of another type, and the call succeeds.
# Versions: influxdb-client 1.50.0, influxdb3-python 0.21.0, pandas 3.1.1, pyarrow 26.0.1.
# Guess: a column's kind is that of its numbers, whichever library holds them: float64 and Float64 of the same file are written as numbers, so are pandas' own Int64 and boolean with missing values, and Point.field() refuses a type that it does not know. float32 as a string was taken for a bug, and mended in 2021 (issue 252).
# Hurts: who reads Parquet with dtype_backend="pyarrow", or converts a Polars frame without a copy, and writes it on: the first write settles a field's type, so that there is no mean of it, and the right numbers of the next client are refused as a conflict; for booleans it depends on whether that day's data has a gap.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet influxdb-client==1.50.0 influxdb3-python==0.21.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import re
import sys
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client_3 import InfluxDBClient3, SYNCHRONOUS as SYNCHRONOUS_3, write_client_options

bodies = []


class Server(BaseHTTPRequestHandler):
    """Takes what it is sent, as the server's write endpoint does, and keeps it."""

    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "/".join(["http:", "", f"127.0.0.1:{server.server_port}"])
times = [datetime(2026, 11, 24, 18, 9, second, tzinfo=timezone.utc) for second in (2, 3)]
pq.write_table(pa.table({"time": times, "value": [12.5, 9.0], "sequence": [107, 108], "late": [True, False]}), "whole.parquet")
pq.write_table(pa.table({"time": times, "value": [12.5, None], "sequence": [107, 108], "late": [True, None]}), "gap.parquet")


def types_of(line):
    """The type that line protocol gives each field."""
    kinds = {'"': "string", "i": "integer", "e": "boolean"}
    return {name: kinds.get(value[-1], "float") for name, value in re.findall(r'(\w+)=("[^"]*"|[^, ]+)', line.split(" ", 1)[1])}


def by_client(frame):
    with InfluxDBClient(url=url, token="t", org="o") as client, client.write_api(write_options=SYNCHRONOUS) as api:
        api.write("b", record=frame, data_frame_measurement_name="rtt")
    return bodies.pop().splitlines()[0]


def by_client_3(frame):
    with InfluxDBClient3(host=url, database="b", token="t", write_client_options=write_client_options(write_options=SYNCHRONOUS_3)) as client:
        client.write(frame, data_frame_measurement_name="rtt")
    return bodies.pop().splitlines()[0]


numbers = {"late": "boolean", "sequence": "integer", "value": "float"}
strings = dict.fromkeys(numbers, "string")
failed = False
for name, write in (("influxdb-client", by_client), ("influxdb3-python", by_client_3)):
    for file in ("whole", "gap"):
        for backend in ("numpy", "numpy_nullable", "pyarrow"):
            options = {} if backend == "numpy" else {"dtype_backend": backend}
            frame = pd.read_parquet(f"{file}.parquet", **options)
            # The index as pandas has it by itself, so that the columns alone differ.
            frame = frame.drop(columns="time").set_index(pd.DatetimeIndex(times))
            try:
                line = write(frame)
            except Exception as error:
                line, seen = f"{type(error).__name__}: {error}", None
            else:
                seen = types_of(line)
            print(f"{name:16} {file:5} {backend:14} {line}")
            wanted = strings if backend == "pyarrow" else {**numbers, "late": "string"} if (file, backend) == ("gap", "numpy") else numbers
            failed |= seen != wanted
sys.exit(failed)
PY
