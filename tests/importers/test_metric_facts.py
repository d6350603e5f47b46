"""What importers say of metrics: kind, which way is better, whether a value is an aggregate."""

from __future__ import annotations

import json
import re

import pytest
from harness_files import write_k6
from program import pipeline
from project import HARNESS_FILES, SHARED
from samples import row, write_ndjson

from pipeline import PipelineError, SourceError, UsageError, export_measurements, import_sessions, list_sessions
from pipeline import record_session as record

REAL = [
    path
    for directory in (HARNESS_FILES, SHARED / "harness", SHARED / "recorded")
    for path in sorted(directory.rglob("*"))
    if path.is_file() and path.suffix not in {".md", ".txt"}
]
DURATION = {"kind": "duration", "better": "lower", "is_aggregate": False}
# What a test's author chose, whose kind the file alone may say.
CUSTOM = re.compile(r"(my|own|plain|vote)_\w+|endpoint_availability")
NAMED_AS_AGGREGATES = re.compile(r".*_(mean|median|stddev|cv|p\d+(_\d+)?)")


def sessions_of(path, store):
    try:
        import_sessions(str(path), store, timezone="UTC", started_at="2026-11-24T09:00:00Z")
    except PipelineError:
        return []  # of a harness that is not known
    return [one for one in list_sessions(store) if "importer" in one.get("origin", {})]


def test_each_metric_of_real_files_is_known_by_its_importer(tmp_path):
    checked = set()
    for number, path in enumerate(REAL):
        for session in sessions_of(path, tmp_path / str(number)):
            facts = session.get("metric_facts", {})
            assert facts.keys() <= set(session["metrics"])
            unknown = {name for name in session["metrics"] if name not in facts and not CUSTOM.fullmatch(name)}
            assert not unknown, path
            named = {name for name in facts if NAMED_AS_AGGREGATES.fullmatch(name)}
            assert all(facts[name]["is_aggregate"] for name in named), path
            checked.add(session["origin"]["importer_name"])
    assert len(checked) > 8


def test_facts_come_from_the_importer_and_from_the_file_itself(tmp_path):
    import_sessions(str(write_k6(tmp_path / "a.json")), tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    assert session["metric_facts"] == {
        "data_sent": {"kind": "event", "better": None, "is_aggregate": False},
        "http_req_duration": DURATION,
        "own": {"kind": "gauge", "better": None, "is_aggregate": False},
    }


def test_a_record_beside_a_file_says_more_of_its_metrics(tmp_path):
    file = write_ndjson(tmp_path / "a.ndjson", [row("s1", 0), row("s1", 1, metric="jitter")])
    given = {"control_rtt": {"kind": "duration", "better": "lower"}, "elsewhere": {"kind": "gauge"}}
    (tmp_path / "a.session.json").write_text(json.dumps({"session_id": "s1", "metric_facts": given}))
    import_sessions(file, tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    assert session["metric_facts"] == {"control_rtt": DURATION}
    export_measurements(tmp_path / "store", tmp_path / "out", format="json")
    import_sessions(write_ndjson(tmp_path / "b.ndjson", [row("s1", 0)]), tmp_path / "plain")
    assert "metric_facts" not in list_sessions(tmp_path / "plain")[0]
    (document,) = (tmp_path / "out").glob("measurements_*.json")
    (described,) = json.loads(document.read_bytes())["metadata"]["sessions"]
    assert described["metric_facts"] == {"control_rtt": DURATION}


def test_a_record_beside_a_harness_file_wins(tmp_path):
    file = write_k6(tmp_path / "a.json")
    given = {"own": {"kind": "duration", "better": "higher", "is_aggregate": True}}
    (tmp_path / "a.session.json").write_text(json.dumps({"metric_facts": given}))
    import_sessions(str(file), tmp_path / "store")
    facts = list_sessions(tmp_path / "store")[0]["metric_facts"]
    assert facts["own"] == given["own"]
    assert facts["http_req_duration"] == DURATION


def test_a_recorder_says_what_it_knows(tmp_path):
    with record(tmp_path / "store", metric_facts={"rtt": {"kind": "duration", "better": "lower"}}) as session:
        session.record("rtt", 1.0)
    assert list_sessions(tmp_path / "store")[0]["metric_facts"] == {"rtt": DURATION}


WRONG = {
    "an unknown kind": ({"m": {"kind": "gague"}}, "did you mean 'gauge'"),
    "no kind": ({"m": {"better": "lower"}}, "kind, better, is_aggregate"),
    "an unknown key": ({"m": {"kind": "gauge", "unit": "ms"}}, "and no more"),
    "a better that is none": ({"m": {"kind": "gauge", "better": "up"}}, "lower, higher or null"),
    "an aggregate that is none": ({"m": {"kind": "gauge", "is_aggregate": 1}}, "true or false"),
    "a list": ([], "metric_facts"),
}


@pytest.mark.parametrize(("facts", "phrase"), WRONG.values(), ids=WRONG)
def test_wrong_facts_are_an_error(tmp_path, facts, phrase):
    file = write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    (tmp_path / "a.session.json").write_text(json.dumps({"session_id": "s1", "metric_facts": facts}))
    with pytest.raises(SourceError, match=phrase):
        import_sessions(file, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    if facts:  # none are none
        with pytest.raises(UsageError, match=phrase):
            record(tmp_path / "store", metric_facts=facts)


OWN = """\
-- took = ours
-- format: csv
-- columns: took
{head}
-- name: measurements
SELECT 'took' AS metric, took::DOUBLE * {factor} AS value FROM records
"""


def import_own(tmp_path, *words, head="", factor=1):
    (tmp_path / "own.sql").write_text(OWN.format(head=head, factor=factor))
    (tmp_path / "a.csv").write_text("took\n1\n2\n")
    return pipeline(
        "import", tmp_path / "a.csv", "--from", tmp_path / "own.sql", "--to", tmp_path / "store",
        "--started-at", "2026-11-24T09:00:00Z", *words,
    )  # fmt: skip


HEADS = {
    "-- metrics: t*, other = duration lower aggregate": ("duration", "lower", True),
    "-- metrics: took = counter": ("counter", None, False),
    "-- metrics: t.ok = counter\n-- metrics: took = gauge higher\n-- metrics: * = event": ("gauge", "higher", False),
}


@pytest.mark.parametrize("head", HEADS)
def test_own_importers_say_it_in_their_head(tmp_path, head):
    assert import_own(tmp_path, head=head).status == 0
    facts = list_sessions(tmp_path / "store")[0]["metric_facts"]
    assert facts == {"took": dict(zip(("kind", "better", "is_aggregate"), HEADS[head], strict=True))}


@pytest.mark.parametrize(
    "head", ["-- metrics: took", "-- metrics: = gauge", "-- metrics: took = gague", "-- metrics: a = gauge up down",
             "-- metrics: a = gauge up", "-- revision: 0", "-- revision: two"]
)  # fmt: skip
def test_a_head_that_cannot_be_read_is_an_error(tmp_path, head):
    ending = import_own(tmp_path, head=head)
    assert (ending.status, ending.err.count("\n")) == (2, 1)
    assert head in ending.err


def test_a_file_known_from_an_older_revision_is_said(tmp_path):
    assert import_own(tmp_path).status == 0
    again = import_own(tmp_path, head="-- revision: 2", factor=1000)
    assert again.status == 3
    assert "by an older revision of the importer own, 1; 2 may give other numbers: --if-exists replace" in again.err
    skipped = import_own(tmp_path, "--if-exists", "skip", head="-- revision: 2", factor=1000)
    assert skipped.status == 0
    assert "by an older revision of the importer own, 1" in skipped.err
    assert list_sessions(tmp_path / "store")[0]["origin"]["importer"] == 1
    assert import_own(tmp_path, "--if-exists", "replace", head="-- revision: 2", factor=1000).status == 0
    assert list_sessions(tmp_path / "store")[0]["origin"]["importer"] == 2
    same = import_own(tmp_path, head="-- revision: 2", factor=1000)
    assert "--if-exists skip or replace says what to do" in same.err
    assert "revision" not in same.err
    quiet = import_own(tmp_path, "--if-exists", "skip", head="-- revision: 2", factor=1000)
    assert (quiet.status, quiet.err) == (0, "")


def test_sessions_of_an_older_revision_can_be_listed(tmp_path):
    import_own(tmp_path, head="-- revision: 3")
    for condition, count in (("(origin->>'importer')::INT < 3", 0), ("(origin->>'importer')::INT < 4", 1)):
        assert len(list_sessions(tmp_path / "store", where_session=condition)) == count
    listed = pipeline("query", tmp_path / "store", "SELECT origin->>'importer_name' FROM sessions", "--format", "csv")
    assert listed.out.splitlines()[1:] == ["own"]
