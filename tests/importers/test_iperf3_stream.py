"""iperf3 --json-stream gives what --json gives of the same run."""

from __future__ import annotations

import json

import pytest
from plain_readers import document, iperf3, iperf3_events, lines
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions

FIXTURE = HARNESS_FILES / "iperf3/tcp-1stream.json"
DOCUMENTS = [FIXTURE, *(SHARED / "reports" / f"iperf3-{name}" for name in (
    "omit/omit2.json", "bidir/bidir-3.7.json", "error/broken-off.json", "old/tcp-3.1.json"))]  # fmt: skip


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
@pytest.mark.parametrize("with_full_output", [False, True])
def test_a_stream_gives_what_the_document_of_the_run_gives(tmp_path, path, with_full_output):
    if not path.exists():
        pytest.skip(f"no {path}")
    found = document(path)
    text = "\n".join(iperf3_events(found)) + "\n"
    text += json.dumps(found, indent="\t") + "\n" if with_full_output else ""
    (tmp_path / "run.json").write_text(text)
    streamed = import_sessions(tmp_path / "run.json", tmp_path / "a")
    whole = import_sessions(path, tmp_path / "b")
    query = "SELECT * EXCLUDE session_id FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "a", query) == rows_of(tmp_path / "b", query)
    (one,), (other,) = (list_sessions(tmp_path / name) for name in "ab")
    assert (one["origin"]["importer_name"], other["origin"]["importer_name"]) == ("iperf3-stream", "iperf3")
    for key in ("started_at", "ended_at", "harness", "configuration", "metrics"):
        assert one[key] == other[key]
    warnings = [[warning.split(": ", 1)[1] for warning in report.warnings] for report in (streamed, whole)]
    assert [one for one in warnings[0] if "older than" not in one] == [
        one for one in warnings[1] if "older than" not in one
    ]


@pytest.mark.parametrize("name", ["recorded/iperf3/tcp.stream.json", "reports/iperf3-json-stream/stream.json"])
def test_the_samples_of_a_stream_are_those_of_its_events(tmp_path, name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}")
    events = lines(path)
    found = {"intervals": [event["data"] for event in events if event["event"] == "interval"]}
    found["end"] = next(event["data"] for event in events if event["event"] == "end")
    report = import_sessions(path, tmp_path / "store")
    rows = rows_of(tmp_path / "store", "SELECT metric, value FROM measurements ORDER BY sequence")
    assert rows == iperf3(found)
    assert report.warnings == ()


def test_a_stream_that_was_broken_off_is_told(tmp_path):
    events = iperf3_events(document(FIXTURE))
    path = tmp_path / "run.json"
    path.write_text("\n".join(events[:-1]) + "\n")
    report = import_sessions(path, tmp_path / "store")
    assert report.warnings[0] == f"{path}: has no event `end`: the test was broken off, or goes on"
    path.write_text("\n".join(events)[:-20])
    with pytest.raises(SourceError, match=f"line {len(events)}: .*JSON.*; --skip-bad leaves such records out"):
        import_sessions(path, tmp_path / "none")
    assert import_sessions(path, tmp_path / "none", skip_bad=True).skipped_rows == 1


def test_runs_that_a_server_put_together_are_refused(tmp_path):
    events = iperf3_events(document(FIXTURE))
    path = tmp_path / "server.json"
    path.write_text("\n".join(events * 2) + "\n")
    with pytest.raises(SourceError, match="holds 2 runs, each with an event `start`; make a file of each"):
        import_sessions(path, tmp_path / "store")


def test_totals_come_behind_all_samples_however_many_events_have_them(tmp_path):
    events = iperf3_events(document(FIXTURE))
    path = tmp_path / "run.json"
    path.write_text("\n".join([events[0], events[-1], *events[1:]]) + "\n")
    import_sessions(path, tmp_path / "store")
    names = [metric for (metric,) in rows_of(tmp_path / "store", "SELECT metric FROM measurements ORDER BY sequence")]
    first = next(at for at, name in enumerate(names) if name.startswith("total_"))
    assert all(name.startswith("total_") for name in names[first:])
    totals = [name for name in names[first:] if name == "total_bytes"]
    assert len(totals) == 2 * sum("sender" in one for one in json.loads(events[-1])["data"]["streams"]) * 2


def test_an_event_that_is_not_known_is_told(tmp_path):
    events = iperf3_events(document(FIXTURE))
    path = tmp_path / "run.json"
    path.write_text("\n".join([*events[:2], '{"event": "pause", "data": {}}', *events[2:]]) + "\n")
    report = import_sessions(path, tmp_path / "store")
    told = "has events `pause`, which are not known: streams of theirs are taken for intervals"
    assert f"{path}: {told}" in report.warnings
