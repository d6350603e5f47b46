"""Bad JSON: records of sessions, configurations, stores, and the cases of JSONTestSuite."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING, Any

from judging import HostileInput
from made import CORPORA, IMPORT, ndjson_line, one_file
from mutations import ROWS, arrow_table, ndjson_bytes, parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator


def bad_records() -> Iterator[HostileInput]:
    """Records of sessions, configurations, and the files that make a directory a store."""
    data = parquet_bytes(arrow_table([row | {"session_id": "s1"} for row in ROWS]))
    record = {
        "session_id": "s1",
        "started_at": "2026-11-24T16:00:00Z",
        "ended_at": "2026-11-24T17:00:00Z",
        "harness": {"name": "x", "version": "1"},
        "configuration": {"a": [1, {"b": None}]},
        "attributes": {"site": "north"},
        "measurement_count": 30,
        "metrics": ["control_rtt", "loss"],
        "first_timestamp": "2026-11-24T16:00:00Z",
        "last_timestamp": "2026-11-24T16:00:03.973Z",
        "null_count": 4,
        "backward_timestamp_count": 0,
        "dropped_digit_count": 0,
        "columns": {"robot": "string", "tries": "int64", "ratio": "float64", "ok": "bool"},
        "content_digest": "x",
        "origin": {},
    }
    store = {"format_version": 1, "timestamp_unit": "us"}
    nasty = (
        None,
        True,
        -1,
        0.5,
        2**70,
        1e308,
        "",
        "\0",
        "\ud800",
        "../../x",
        "9" * 5000,
        [],
        {},
        [[]],
        {"": {}},
        "s2",
        ["a"],
        "infinity",
    )
    draw = random.Random(1)  # noqa: S311 - repeatable on purpose
    directory = "store/sessions/s1"
    for at in range(400):
        changed: dict[str, Any] = json.loads(json.dumps(record if at % 8 else store))
        key = draw.choice(sorted(changed))
        inner = changed[key]
        value = draw.choice(nasty)
        if isinstance(inner, dict) and inner and draw.random() < 0.5:
            inner[draw.choice(sorted(inner))] = value
        elif draw.random() < 0.15:
            del changed[key]
        else:
            changed[key] = value
        text = json.dumps(changed).encode()
        files = {
            "store/store.json": json.dumps(store).encode(),
            f"{directory}/session.json": json.dumps(record).encode(),
        }
        files[f"{directory}/session.json" if at % 8 else "store/store.json"] = text
        files[f"{directory}/measurements-0000.parquet"] = data
        command = (
            ["export", "store", "--to", "out", "--no-sync", "--quiet"],
            ["sessions", "store"],
            ["query", "store", "FROM sessions"],
        )[at % 3]
        yield HostileInput(f"store, {key}: {str(value)[:30]!r}", files, command, oracles=[])
        if at % 8:
            files = {"a.parquet": data, "a.session.json": text}
            command = ["import", "a.parquet", "--to", "s", "--quiet"]
            yield HostileInput(f"record, {key}: {str(value)[:30]!r}", files, command, oracles=[])


def corpora() -> Iterator[HostileInput]:
    """JSONTestSuite: each case as a line, a value of a row, a configuration, a record, and the file of a harness."""
    lines = gzip.decompress((CORPORA / "json-test-suite.ndjson.gz").read_bytes()).decode().splitlines()
    sound = ndjson_bytes()
    for case in map(json.loads, lines):
        name, text = case["name"], case["input"]
        data = text.encode("utf-8", "surrogatepass")
        yield one_file(f"{name} as a line", "a.ndjson", data + b"\n" + sound, good=None)
        value = ndjson_line(more=f',"x":{text}')
        yield one_file(f"{name} as a value", "a.ndjson", value, good=None)
        files = {"a.ndjson": sound, "c.json": data}
        command = ["import", "a.ndjson", "--to", "store", "--quiet", "--configuration", "c.json"]
        yield HostileInput(f"{name} as configuration", files, command, "c.json", oracles=[])
        files = {"a.ndjson": sound, "a.session.json": data}
        command = ["export", "a.ndjson", "--to", "out", "--no-sync", "--quiet"]
        yield HostileInput(f"{name} as record", files, command, oracles=[])
        yield one_file(f"{name} of a harness", "a.json", data, command=IMPORT)
