"""Plain Parquet and Arrow files in order are read once, and give what a store of the same rows gives."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import random
import threading
from collections import Counter
from functools import partial

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from directories import descriptor, only, snapshot
from plain_files import arrow_table
from program import pipeline
from samples import row

from pipeline import SourceError, export_measurements, export_statistics, import_sessions, list_sessions
from pipeline.errors import DestinationError
from pipeline.scan import passing
from pipeline.scan import scan as scanning
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources import arrow, plain, staying
from pipeline.sources.open import open_source
from pipeline.tables import measurements

SESSIONS = ("a", "b", "c")
ROWS = 300
PASSED_BY_ROWS = ("null_count", "first_timestamp", "last_timestamp", "backward_timestamp_count", "metrics")
RECORDS = [
    {
        "session_id": session_id,
        "harness": {"name": f"bench-{session_id}", "version": "1"},
        "configuration": {"secret": "hunter2", "load": at},
        "metric_facts": {"rtt": {"kind": "gauge", "better": "lower"}},
    }
    for at, session_id in enumerate(SESSIONS)
]


def made_rows():
    """Sessions one after the other, each with metrics, lost samples and a time that goes back of its own."""
    rows = []
    for at, session_id in enumerate(SESSIONS):
        for sequence in range(ROWS):
            second = 0 if sequence == 17 * (at + 1) else sequence % 60
            rows.append(
                row(
                    session_id,
                    sequence,
                    timestamp=f"2026-11-24T1{at}:{sequence // 60:02}:{second:02}.000000Z",
                    metric=("rtt", "jitter", f"only-{session_id}")[sequence % 3],
                    value=None if sequence % (7 + at) == 0 else sequence / 3,
                    robot=None if sequence % 5 == 0 else f"r{at}",
                )
            )
    return rows


def write(path, rows):
    table = arrow_table(rows, robot=pa.string())
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=128)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=128)
    return path


@pytest.fixture(params=["parquet", "arrow"])
def kind(request):
    """What files are of."""
    return request.param


@pytest.fixture
def file(tmp_path, kind):
    """Three sessions in order, without records."""
    return write(tmp_path / f"rows.{kind}", made_rows())


@pytest.fixture
def recorded(file):
    """The same, with records of the sessions."""
    file.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    return file


@pytest.fixture
def reads(monkeypatch):
    """How often each column of rows is read, as a multiple of all rows."""
    counts: Counter[str] = Counter()
    readers = [(module, "read_parquet") for module in (scanning, plain, staying)]

    def counting(read, path, *options, **named):
        for batch in read(path, *options, **named):
            counts.update(dict.fromkeys(batch.schema.names, batch.num_rows))
            yield batch

    for module, name in [*readers, (arrow, "read_arrow")]:
        monkeypatch.setattr(module, name, partial(counting, getattr(module, name)))
    return lambda: {name: count / (ROWS * len(SESSIONS)) for name, count in counts.items()}


def interrupt_after(rows):
    def progress(done, _total, _bytes):
        if done >= rows:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *((export_measurements, name) for name in ("ndjson", "csv", "parquet", "influx")),
        *((export_statistics, name) for name in ("csv", "json", "parquet", "arrow", "xlsx")),
    ],
)
def test_rows_are_read_once(recorded, tmp_path, reads, command, name, kind):
    """But for a look at which sessions there are, and at the first batch of Arrow: do its texts repeat?"""
    command(recorded, tmp_path / "out", format=name)
    counts = reads()
    assert counts.pop("session_id") <= 3
    first = 128 / (ROWS * len(SESSIONS)) if kind == "arrow" else 0
    assert all(abs(count - first) < 1e-9 or abs(count - 1 - first) < 1e-9 for count in counts.values())
    assert counts["value"] >= 1
    assert {"sequence", "timestamp", "metric", "value"} <= set(counts)


@pytest.mark.parametrize("has_records", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        *(
            {"format": name, "scope": scope}
            for name in ("ndjson", "parquet")
            for scope in ("per-session", "cross-session")
        ),
        {"format": "json"},
        {"format": "arrow", "scope": "per-session"},
        {"format": "csv", "rows_per_file": 250},
        {"format": "parquet", "rows_per_file": 250, "scope": "per-session"},
        {"format": "parquet", "sessions": ["b"]},
        {"format": "csv", "with_statistics": True, "threads": 1, "batch_size": 50},
    ],
    ids=str,
)
def test_a_package_is_that_of_a_store_of_the_same_rows(file, tmp_path, options, has_records):
    if has_records:
        file.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    import_sessions(file, tmp_path / "store")
    export_measurements(file, tmp_path / "once", **options)
    export_measurements(tmp_path / "store", tmp_path / "stored", **options)
    assert published(tmp_path / "once") == published(tmp_path / "stored")


def published(package):
    """Files by name; those that name their source and its fingerprint inside are taken apart for that."""
    found = {}
    for resource in descriptor(package)["resources"]:
        path = package / resource["path"]
        if path.suffix == ".json":
            found[path.name] = json.loads(path.read_bytes())
            found[path.name]["metadata"].pop("source")
        elif path.suffix in {".parquet", ".arrow"}:
            table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()
            metadata = json.loads(table.schema.metadata[b"pipeline:metadata"])
            metadata.pop("source")
            found[path.name] = metadata, table.to_pylist()
        else:
            found[path.name] = path.read_bytes()
    return found


@pytest.mark.parametrize("options", [{"columns": ["session_id", "value"]}, {"where": "value > 3"}, {"hashed": False}])
def test_a_digest_is_made_of_what_is_written_alone(recorded, tmp_path, options):
    export_measurements(recorded, tmp_path / "out", format="csv", **options)
    assert_described_without_digests(tmp_path / "out", list_sessions(recorded))


@pytest.mark.parametrize("name", ["csv", "json", "arrow", "parquet"])
def test_statistics_are_described_without_digests(recorded, tmp_path, name):
    export_statistics(recorded, tmp_path / "out", format=name)
    assert_described_without_digests(tmp_path / "out", list_sessions(recorded))
    made = only(tmp_path / "out", "statistics_*")
    if name == "json":
        told = json.loads(made.read_bytes())["metadata"]["sessions"]
        assert told == [session | {"content_digest": None} for session in list_sessions(recorded)]


def assert_described_without_digests(package, sessions):
    with only(package, "sessions_*").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [one["content_digest"] for one in rows] == [""] * len(sessions)
    for one, session in zip(rows, sessions, strict=True):
        assert {name: one[name] for name in PASSED_BY_ROWS} == {
            name: json.dumps(session[name]) if name == "metrics" else str(session[name]) for name in PASSED_BY_ROWS
        }
        assert int(one["measurement_count"]) == ROWS


@pytest.mark.parametrize("to_standard_output", [False, True])
@pytest.mark.parametrize("disorder", ["last rows", "sessions", "parts", "all"])
def test_disorder_on_the_way_is_sorted(tmp_path, kind, disorder, to_standard_output):
    rows = made_rows()
    if disorder == "last rows":
        rows[-2:] = reversed(rows[-2:])
    elif disorder == "sessions":
        rows = [*rows[2 * ROWS :], *rows[: 2 * ROWS]]
    elif disorder == "parts":
        rows = [*rows[:50], *rows[100:], *rows[50:100]]
    else:
        random.Random(1).shuffle(rows)  # noqa: S311 - the same order each time
    rows_in_order = sorted(rows, key=lambda r: (r["session_id"], r["sequence"]))
    file = write(tmp_path / f"rows.{kind}", rows)
    expected = [(r["session_id"], r["sequence"], r["value"]) for r in rows_in_order]
    if to_standard_output:
        text = pipeline("export", file, "--to", "-").out
    else:
        export_measurements(file, tmp_path / "out")
        text = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8")
        assert export_measurements(file, tmp_path / "out").is_unchanged
    found = [json.loads(line) for line in text.splitlines()]
    assert [(r["session_id"], r["sequence"], r["value"]) for r in found] == expected


def test_a_sequence_that_occurs_twice_is_told_as_ever(tmp_path, kind):
    rows = made_rows()
    file = write(tmp_path / f"rows.{kind}", [*rows, rows[-1]])
    with pytest.raises(SourceError, match=rf"session 'c', sequence {ROWS - 1}, column 'sequence': occurs twice"):
        export_measurements(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bad_row_at_the_end_publishes_nothing(tmp_path, kind):
    rows = made_rows()
    rows[-1]["robot"] = "nul\0"
    file = write(tmp_path / f"rows.{kind}", rows)
    message = f"session 'c', sequence {ROWS - 1}, column 'robot': holds the character NUL"
    with pytest.raises(SourceError, match=message):
        export_measurements(file, tmp_path / "out", batch_size=100)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    printed = pipeline("export", file, "--to", "-", "--batch-size", "100")
    assert printed.status == 3
    assert message in printed.err
    assert len(printed.out.splitlines()) < len(rows)


@pytest.mark.parametrize("name", ["csv", "json"])
def test_the_same_file_is_known_again_without_reading_its_rows(recorded, tmp_path, reads, name):
    export_statistics(recorded, tmp_path / "out", format=name)
    before = reads()["value"]
    assert export_statistics(recorded, tmp_path / "out", format=name).is_unchanged
    assert reads()["value"] - before < 0.2


@pytest.mark.parametrize("change", ["value", "record", "unit"])
def test_another_file_is_not_taken_for_the_same(recorded, tmp_path, change):
    export_measurements(recorded, tmp_path / "out")
    rows = made_rows()
    if change == "record":
        changed = [record | {"configuration": {"load": 99}} for record in RECORDS]
        recorded.with_suffix(".session.json").write_text(json.dumps(changed), encoding="utf-8")
    else:
        rows[-1][change] = 1e9 if change == "value" else "s"
        write(recorded, rows)
    before = snapshot(tmp_path / "out")
    with pytest.raises(DestinationError, match="of another source or other options"):
        export_measurements(recorded, tmp_path / "out")
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize("rule", ["sha256", "touched-sha256"])
def test_a_package_of_the_rule_of_before_is_known(recorded, tmp_path, rule):
    """Versions before told plain files by their rows."""
    export_measurements(recorded, tmp_path / "out", redact=["configuration.secret"])
    with open_source(recorded) as inventory:
        selected = select(inventory, Selection(redact=["configuration.secret"]), batch_size=100)
        before = selected.fingerprint if rule == "touched-sha256" else selected.earlier_fingerprint
    assert before.startswith(f"{rule}:")
    now = descriptor(tmp_path / "out")["pipeline:source"]["fingerprint"]
    path = tmp_path / "out" / "datapackage.json"
    text = path.read_bytes()
    assert before != now
    path.write_bytes(text.replace(now.encode(), before.encode()))
    sums = tmp_path / "out" / "SHA256SUMS"
    hashes = [hashlib.sha256(one).hexdigest() for one in (text, path.read_bytes())]
    sums.write_text(sums.read_text().replace(*hashes))
    assert export_measurements(recorded, tmp_path / "out", redact=["configuration.secret"]).is_unchanged
    rows = made_rows()
    rows[-1]["value"] = 1e9
    write(recorded, rows)
    with pytest.raises(DestinationError, match="of another source or other options"):
        export_measurements(recorded, tmp_path / "out", redact=["configuration.secret"])


def test_what_is_redacted_does_not_enter_the_fingerprint(recorded, tmp_path):
    fingerprints = set()
    for secret in ("hunter2", "hunter3"):
        records = [record | {"configuration": {"secret": secret}} for record in RECORDS]
        recorded.with_suffix(".session.json").write_text(json.dumps(records), encoding="utf-8")
        for redact in ([], ["configuration.secret"]):
            to = tmp_path / f"{secret}-{len(redact)}"
            export_measurements(recorded, to, redact=redact)
            fingerprints.add((len(redact), descriptor(to)["pipeline:source"]["fingerprint"]))
    assert sum(redacted for redacted, _ in fingerprints) == 1
    assert len(fingerprints) == 3


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("harness_name = 'bench-b'", ["b"]),
        ("configuration->>'$.load' <> '1'", ["a", "c"]),
        ("measurement_count = 300 AND session_id < 'c'", ["a", "b"]),
        ("list_contains(metrics::VARCHAR[], 'only-c')", ["c"]),
        ("started_at >= TIMESTAMPTZ '2026-11-24T11:00:00Z'", ["b", "c"]),
        ("NULL_COUNT = 38", ["b"]),
    ],
)
def test_conditions_on_sessions_see_what_rows_say(recorded, tmp_path, condition, expected):
    export_measurements(recorded, tmp_path / "out", where_session=condition)
    lines = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert list(dict.fromkeys(json.loads(line)["session_id"] for line in lines)) == expected
    assert len(lines) == ROWS * len(expected)


def test_a_metric_that_no_session_has_is_warned_of_every_time(file, tmp_path):
    for is_unchanged in (False, True):
        result = export_measurements(file, tmp_path / "out", metrics=["rtt", "rttt"])
        assert result.is_unchanged is is_unchanged
        assert any("no selected session has metric 'rttt'" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("more", "rows"),
    [({}, 400), ({"exclude": ["robot"]}, 400), ({"format": "parquet"}, 400), ({"metrics": ["rtt"]}, 150)],
    ids=str,
)
def test_an_interrupted_export_is_continued(recorded, tmp_path, more, rows):
    options = {"scope": "per-session", "batch_size": 50, "threads": 1, **more}
    export_measurements(recorded, tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        export_measurements(recorded, tmp_path / "out", on_progress=interrupt_after(rows), **options)
    assert not (tmp_path / "out").exists()
    result = export_measurements(recorded, tmp_path / "out", **options)
    assert not result.is_unchanged
    assert published(tmp_path / "out") == published(tmp_path / "whole")


def test_a_file_that_is_written_to_meanwhile_is_refused(file, tmp_path, monkeypatch):
    monkeypatch.setattr(measurements, "_BYTES_TOGETHER", 1)  # else all rows are read before the first is written

    def touch(done, _total, _bytes):
        if done > ROWS:
            os.utime(file, ns=(1, 1))

    with pytest.raises(SourceError, match=r"rows\.\w+: was changed while it was read; run it again"):
        export_measurements(file, tmp_path / "out", on_progress=touch, batch_size=50)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scope", ["cross-session", "per-session"])
def test_rows_do_not_wait_for_the_hash(recorded, tmp_path, monkeypatch, scope):
    export_measurements(recorded, tmp_path / "before", scope=scope)
    rows_seen = threading.Event()
    hashed = staying.file_sha256

    def hash_late(path):
        assert rows_seen.wait(10)
        return hashed(path)

    monkeypatch.setattr(staying, "file_sha256", hash_late)
    export_measurements(recorded, tmp_path / "out", scope=scope, on_progress=lambda *_: rows_seen.set())
    assert published(tmp_path / "out") == published(tmp_path / "before")


@pytest.mark.parametrize("command", [export_measurements, export_statistics])
def test_a_file_that_changes_while_it_is_hashed_is_refused(file, tmp_path, monkeypatch, command):
    rows_seen = threading.Event()
    hashed = staying.file_sha256

    def hash_late(path):
        assert rows_seen.wait(10)
        os.utime(file, ns=(1, 1))
        return hashed(path)

    gather = passing.PassingSessions.complete

    def complete(*arguments):
        found = gather(*arguments)
        rows_seen.set()  # they have been compared with what was to be hashed
        return found

    monkeypatch.setattr(staying, "file_sha256", hash_late)
    monkeypatch.setattr(passing.PassingSessions, "complete", complete)
    with pytest.raises(SourceError, match=r"rows\.\w+: was changed while it was read; run it again"):
        command(file, tmp_path / "out", hashed=False)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_hashed_publishes_nothing(file, tmp_path, monkeypatch):
    def fail(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(staying, "file_sha256", fail)
    with pytest.raises(SourceError, match=r"rows\.\w+: cannot be read \(Input/output error\)"):
        export_measurements(file, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_replaced_meanwhile_is_read_to_its_end(file, tmp_path):
    export_measurements(file, tmp_path / "before")
    other = write(tmp_path / f"other{file.suffix}", made_rows()[:100])

    def replace(_done, _total, _bytes):
        if other.exists():
            other.rename(file)

    export_measurements(file, tmp_path / "out", on_progress=replace, batch_size=50)
    assert published(tmp_path / "out") == published(tmp_path / "before")


def test_sessions_over_several_files_are_read_once(tmp_path, reads, kind):
    rows = made_rows()
    for at, begin in enumerate((450, 0, 700)):
        write(tmp_path / f"{at}.{kind}", rows[begin : {450: 700, 0: 450, 700: 900}[begin]])
    export_measurements([tmp_path / f"{at}.{kind}" for at in range(3)], tmp_path / "out", format="csv")
    assert 1 <= reads()["value"] < 1.5
    write(tmp_path / "rows.parquet", rows)
    export_measurements(tmp_path / "rows.parquet", tmp_path / "one", format="csv")
    assert published(tmp_path / "out") == published(tmp_path / "one")


def test_records_of_sessions_without_rows_are_told(recorded, tmp_path):
    extra = {"session_id": "none", "started_at": "2026-11-24T11:30:00Z"}
    recorded.with_suffix(".session.json").write_text(json.dumps([*RECORDS, extra]), encoding="utf-8")
    result = export_measurements(recorded, tmp_path / "out")
    assert result.sessions == 4
    ids = [line.split(",")[0] for line in only(tmp_path / "out", "sessions_*").read_text().splitlines()[1:]]
    assert ids == ["a", "b", "none", "c"]
