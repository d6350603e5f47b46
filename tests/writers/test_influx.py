"""Line protocol, loaded into an InfluxDB server and read back."""

from __future__ import annotations

import gzip
import json
import math
import os
import random
import shutil
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from samples import row, write_ndjson

import pipeline
from pipeline import PipelineError, UsageError, export_measurements
from pipeline.package.described import parse_descriptor
from pipeline.verify.content import content_problems


class Server:
    """An InfluxDB 1.x server on loopback."""

    def __init__(self, port):
        self._address = f"http://127.0.0.1:{port}"

    def ask(self, path, data=None, **parameters):
        url = f"{self._address}/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, data=data, timeout=60) as answer:  # noqa: S310 - loopback
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:2000]) from error

    def load(self, database, lines):
        """Put lines into a new database, in parts as clients do."""
        self.ask("query", b"", q=f'CREATE DATABASE "{database}"')
        whole = lines.splitlines(keepends=True)
        for start in range(0, len(whole), 5000):
            self.ask("write", b"".join(whole[start : start + 5000]), db=database, precision="ns")

    def points(self, database):
        """All points, as (measurement, tags, fields with the time) each."""
        answer = json.loads(self.ask("query", db=database, q="SELECT * FROM /.*/ GROUP BY *", epoch="ns"))
        for series in answer["results"][0].get("series", []):
            tags = {name: value for name, value in series["tags"].items() if value}
            for values in series["values"]:
                fields = dict(zip(series["columns"], values, strict=True))
                yield series["name"], tags, {name: value for name, value in fields.items() if value is not None}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    program = shutil.which("influxd")
    if program is None:
        pytest.skip("InfluxDB is not installed")
    place = tmp_path_factory.mktemp("influxdb")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    environment = {
        **os.environ,
        "INFLUXDB_META_DIR": str(place / "meta"),
        "INFLUXDB_DATA_DIR": str(place / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(place / "wal"),
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{ports[0]}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{ports[1]}",
        "INFLUXDB_REPORTING_DISABLED": "true",
        "INFLUXDB_MONITOR_STORE_ENABLED": "false",
        "INFLUXDB_DATA_MAX_VALUES_PER_TAG": "0",
    }
    (place / "influxdb.conf").write_text("", encoding="ascii")
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-config", place / "influxdb.conf"], env=environment, stdout=log, stderr=log
        )
    found = Server(ports[0])
    for _ in range(200):
        try:
            found.ask("ping")
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    else:
        pytest.fail((place / "log").read_text())
    yield found
    process.terminate()
    process.wait(timeout=30)


def exported(source, directory, **options):
    export_measurements(source, directory, format="influx", sync=False, **options)
    return b"".join(path.read_bytes() for path in sorted(directory.glob("measurements*.lp")))


def expected_points(rows):
    """What a server should hold, from rows of plain values: by session and sequence."""
    points = {}
    for one in rows:
        fields = {"time": one["timestamp"], "sequence": one["sequence"]}
        value = one["value"]
        if value is not None and math.isfinite(value):
            fields["value"] = value
        elif value is not None:
            fields["non_finite"] = "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        tags = {}
        for name, tag in one.items():
            if name not in {"timestamp", "sequence", "value", "metric"} and tag not in {None, ""}:
                tags[name] = {True: "true", False: "false"}.get(tag, str(tag)) if isinstance(tag, bool) else str(tag)
        points[one["session_id"], one["sequence"]] = (one["metric"], tags, fields)
    return points


def found_points(server, database):
    points = {}
    for metric, tags, fields in server.points(database):
        if "sequence" in tags:
            assert int(tags.pop("sequence")) == fields.get("sequence", fields.get("sequence_1"))
        if "value" in fields:
            fields["value"] = float(fields["value"])  # whole ones are shown without a point
        if "sequence_1" in fields:  # the server's name for a field whose tag has the same
            fields["sequence"] = fields.pop("sequence_1")
        assert (tags["session_id"], fields["sequence"]) not in points
        points[tags["session_id"], fields["sequence"]] = (metric, tags, fields)
    return points


def ticks(table, name="timestamp"):
    return [value * 1000 for value in table[name].cast(pa.int64()).to_pylist()]


def test_recorded_sessions_come_back_whole(server, tmp_path):
    server.load("recorded", exported(FIXTURE_STORE, tmp_path / "out"))
    rows = []
    for path in FIXTURE_STORE.glob("sessions/*/*.parquet"):
        table = pq.read_table(path)
        for one, tick in zip(table.to_pylist(), ticks(table), strict=True):
            rows.append(one | {"timestamp": tick})
    assert found_points(server, "recorded") == expected_points(rows)
    assert len(rows) == 24553


AWKWARD = [
    "a b",
    "a,b",
    "a=b",
    'a"b',
    "'a'",
    "a\\b",
    "\\\\a",
    "é漢\U0001f600",
    "%s{}$",
    "\ta\r",
    "#a",
    "_a",
    " a ",
    "true",
    "1i",
]


def test_hostile_text_numbers_and_times_come_back(server, tmp_path):
    rng = random.Random(1)  # noqa: S311 - a seeded sample
    rows = []
    for at in range(2000):
        value = struct.unpack("<d", rng.randbytes(8))[0]
        rows.append(
            {
                "session_id": f"s {at % 3},=\\x",
                "sequence": at or -(2**63),
                "timestamp": rng.choice([0, 1, -1, 10**15, -9_223_372_036_854_775, 9_223_372_036_854_775]) + at // 4,
                "metric": rng.choice([text for text in AWKWARD if text[0] not in "#\t"]),
                "value": rng.choice([None, value, value, value, math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308]),
                "unit": rng.choice([None, "", "ms"]),
                "tag with, = \\in it": rng.choice([None, "", *AWKWARD]),
                "number": rng.choice([None, 2**63 - 1, -5]),
                "flag": rng.choice([None, True, False]),
            }
        )
        rows[-1]["timestamp"] = min(max(rows[-1]["timestamp"], -9_223_372_036_854_775), 9_223_372_036_854_775)
    rows.sort(key=lambda one: (one["session_id"], one["sequence"]))
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    arrays = {name: pa.array(values) for name, values in columns.items()}
    arrays["timestamp"] = pa.array(columns["timestamp"], pa.int64()).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table(arrays), tmp_path / "a.parquet")
    server.load("hostile", exported(tmp_path / "a.parquet", tmp_path / "out"))
    found = found_points(server, "hostile")
    expected = expected_points([one | {"timestamp": one["timestamp"] * 1000} for one in rows])
    for key, point in expected.items():
        assert found[key] == point, key
    assert len(found) == len(expected)


def test_rows_of_one_time_do_not_overwrite_each_other(server, tmp_path):
    """Only they have their sequence as a tag: those that are not later than all before them in their series."""
    times = ["00", "00", "01", "00", "02", "01", "03"]
    rows = [row("s", at, timestamp=f"2026-11-24T16:00:{second}Z") for at, second in enumerate(times)]
    write_ndjson(tmp_path / "a.ndjson", rows)
    lines = exported(tmp_path / "a.ndjson", tmp_path / "out").decode().splitlines()
    assert [",sequence=" in line.split(" ")[0] for line in lines] == [False, True, False, True, False, True, False]
    server.load("same", "\n".join(lines).encode())
    assert len(found_points(server, "same")) == len(rows)


@pytest.mark.parametrize("batch_size", [1, 7, 100_000])
def test_bytes_do_not_depend_on_batches_or_threads(tmp_path, batch_size):
    lines = exported(FIXTURE_STORE, tmp_path / "a")
    assert exported(FIXTURE_STORE, tmp_path / "b", batch_size=batch_size, threads=1) == lines
    export_measurements(FIXTURE_STORE, tmp_path / "c", format="influx", compression="gzip", sync=False)
    (packed,) = (tmp_path / "c").glob("measurements*.lp.gz")
    assert gzip.decompress(packed.read_bytes()) == lines


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"robot": "a\nb"}, "robot"),
        ({"robot": "a\\"}, "robot"),
        ({"robot": "a\\,b"}, "robot"),
        ({"robot": "a\\ b"}, "robot"),
        ({"robot": "a\\=b"}, "robot"),
        ({"metric": "a\\ b"}, "metric"),
        ({"robot \\": "a"}, "robot"),
        ({"metric": "#a"}, "metric"),
        ({"metric": ""}, "metric"),
        ({"metric": "\ta"}, "metric"),
        ({"metric": "x" * 70_000}, "metric"),
        ({"timestamp": "2263-01-01T00:00:00Z"}, "1678 to 2261"),
        ({"time": "a"}, "'time' for itself"),
    ],
    ids=str,
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, bad, said):
    write_ndjson(tmp_path / "a.ndjson", [row("s", 0), row("s", 1, **bad)])
    with pytest.raises(PipelineError, match=said):
        exported(tmp_path / "a.ndjson", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_it_is_a_format_of_measurements_with_their_keys(tmp_path):
    with pytest.raises(UsageError, match="statistics"):
        pipeline.export_statistics(FIXTURE_STORE, tmp_path / "out", format="influx")
    with pytest.raises(UsageError, match="'session_id'"):
        exported(FIXTURE_STORE, tmp_path / "out", exclude=["session_id"])
    assert not (tmp_path / "out").exists()


def test_verification_reads_the_points_back(tmp_path):
    rows = [
        row("s", at, value=[1.5, None, "NaN", "-Infinity"][at % 4], note=["a, b=c", "", None][at % 3])
        for at in range(50)
    ]
    rows += [row("t", at, timestamp="2026-11-24T16:00:00Z", tries=at, ok=at > 2) for at in range(5)]
    write_ndjson(tmp_path / "a.ndjson", rows)
    export_measurements(tmp_path / "a.ndjson", tmp_path / "out", format="influx", verify=True, sync=False)
    assert not pipeline.verify_package(tmp_path / "out").problems
    (written,) = (tmp_path / "out").glob("*.lp")
    written.write_bytes(written.read_bytes().replace(b"sequence=7i", b"sequence=6i"))
    assert [problem.file for problem in pipeline.verify_package(tmp_path / "out").problems] == [written.name]
    descriptor = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    described = next(one for one in parse_descriptor(descriptor) if one.path == written.name)
    found = content_problems(written.parent, [described], lambda _: None)
    assert "session 's': sequence does not increase" in [problem for _, problem in found]
