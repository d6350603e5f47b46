"""Files of several JSON documents, and what is no JSON: the message names the line and the column."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from program import pipeline
from project import HARNESS_FILES, SHARED

from pipeline import SourceError, import_sessions, list_sessions

IPERF3 = (HARNESS_FILES / "iperf3" / "tcp-1stream.json").read_text(encoding="utf-8")
HYPERFINE = (HARNESS_FILES / "hyperfine" / "two-commands.json").read_text(encoding="utf-8")
WRITTEN = 1795543196512


def fio(seconds, *, began=WRITTEN, with_start=True):
    """A document as fio writes it some seconds after a run began."""
    job = {
        "jobname": "a",
        "job_runtime": 1000 * seconds,
        "read": {"io_bytes": 4096 * seconds, "total_ios": seconds, "runtime": 1000 * seconds},
        **({"job_start": began} if with_start else {}),
    }
    written = began + 1000 * seconds
    return json.dumps(
        {"fio version": "fio-3.36", "timestamp": written // 1000, "timestamp_ms": written, "jobs": [job]}, indent=1
    )


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("between", ["", "\n", "\r\n \n"], ids=repr)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
def test_runs_become_sessions_of_their_own(tmp_path, between, pack):
    second = IPERF3.replace('"timesecs":\t', '"timesecs":\t1')
    path = tmp_path / "server.json"
    path.write_bytes(pack(IPERF3 + between + second + between))
    report = import_sessions(path, tmp_path / "store")
    alone = import_sessions(written(tmp_path / "alone.json", IPERF3), tmp_path / "alone")
    assert report.imported == ("server-1", "server-2")
    assert report.rows == 2 * alone.rows
    sessions = {one["session_id"]: one for one in list_sessions(tmp_path / "store")}
    assert [sessions[name]["origin"]["document"] for name in report.imported] == [1, 2]
    (lone,) = list_sessions(tmp_path / "alone")
    assert "document" not in lone["origin"]
    assert sessions["server-1"]["configuration"] == lone["configuration"]
    assert import_sessions(path, tmp_path / "store", if_exists="skip").unchanged == report.imported
    with pytest.raises(SourceError, match="was imported before, as session 'server-1'"):
        import_sessions(path, tmp_path / "store")
    named = import_sessions(path, tmp_path / "named", session_id="lab")
    assert named.imported == ("lab-1", "lab-2")


def test_an_error_names_the_document(tmp_path):
    empty = json.dumps({"start": {"timestamp": {"timesecs": 1795542903}}, "intervals": [], "end": {}})
    path = written(tmp_path / "x.json", IPERF3 + empty)
    with pytest.raises(SourceError, match=rf"^{re.escape(str(path))}: document 2: no samples: `intervals` is empty"):
        import_sessions(path, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    assert import_sessions(path, tmp_path / "store", allow_empty=True).empty == ("x-2",)


@pytest.mark.parametrize("with_start", [True, False])
def test_of_states_of_one_run_the_last_counts(tmp_path, with_start):
    states = [fio(seconds, with_start=with_start) for seconds in (5, 10, 15)]
    path = written(tmp_path / "x.json", "\n".join(states))
    result = pipeline("import", path, "--to", tmp_path / "store", "--json")
    assert (result.status, result.err.count("\n")) == (0, 1), result.err
    said = f"{path}: holds 3 JSON documents, each a later state of the one before; the last alone counts"
    assert (json.loads(result.err)["warning"], json.loads(result.out)["warnings"]) == (said, [said])
    (session,) = list_sessions(tmp_path / "store")
    assert (session["session_id"], session["origin"]["document"]) == ("x", 3)
    import_sessions(written(tmp_path / "last.json", states[-1]), tmp_path / "last")
    (last,) = list_sessions(tmp_path / "last")
    assert session["metrics"] == last["metrics"]
    assert session["measurement_count"] == last["measurement_count"]


@pytest.mark.parametrize("with_start", [True, False])
def test_runs_of_fio_that_a_shell_put_together_are_refused(tmp_path, with_start):
    later = fio(10, began=WRITTEN + 10_400, with_start=with_start)
    path = written(tmp_path / "x.json", fio(10, with_start=with_start) + "\n" + later)
    with pytest.raises(SourceError, match="holds 2 JSON documents that are not all states of one run of fio"):
        import_sessions(path, tmp_path / "store")


OWN = "-- format: json\n{}-- name: measurements\nSELECT 'a' AS metric, json->>'a' AS value FROM document\n"


def test_others_are_refused_by_their_number_and_own_importers_may_say_what_they_are(tmp_path):
    with pytest.raises(SourceError, match="holds 3 JSON documents, and a file of hyperfine is one"):
        import_sessions(written(tmp_path / "x.json", HYPERFINE * 3), tmp_path / "store")
    path = written(tmp_path / "own.json", '{"a": 1} {"a": 2}')
    for head, ids in (("-- documents: runs\n", ("own-1", "own-2")), ("-- documents: cumulative\n", ("own",))):
        sql = written(tmp_path / "own.sql", OWN.format(head))
        assert import_sessions(path, tmp_path / ids[0], importer=str(sql)).imported == ids
    sql = written(tmp_path / "own.sql", OWN.format(""))
    with pytest.raises(SourceError, match="holds 2 JSON documents, and a file of own is one"):
        import_sessions(path, tmp_path / "store", importer=str(sql))


def test_what_looks_like_a_second_document_within_a_text_is_none(tmp_path):
    text = HYPERFINE.replace('"command": "', '"command": "} {', 1)
    assert import_sessions(written(tmp_path / "x.json", text), tmp_path / "store").imported == ("x",)


TRUNCATED = "line 313, column 1: is no JSON"
# Text, the harness that is given, what the error says behind the file's name.
BROKEN = {
    "text before it": ("fio:\n\n" + fio(5), None, "line 1, column 1: 'fio:' is no JSON; the JSON begins in line 3"),
    "text before it, given": ("fio: error\n" + fio(5), "fio", "the JSON begins in line 2, delete what is before"),
    "a number that is none": (fio(5).replace("4096", "-nan", 1).replace("20480", "-nan"), None, "'-nan' is no JSON"),
    "a number that is none, given": (fio(5).replace("20480", "-nan"), "fio", r"line \d+, column 17: '-nan' is no JSON"),
    "cut off": (IPERF3[:-30], None, r"line \d+, column \d+: .*; the file may be cut off"),
    "the second cut off": (IPERF3 + IPERF3[:-30], None, r"line \d+, column \d+: .*; the file may be cut off"),
    "cut off, given": (HYPERFINE[:-3], "hyperfine", r"line \d+, column \d+: .*; the file may be cut off"),
    "text behind it": (HYPERFINE.rstrip() + "\nDone.\n", None, r"line \d+, column 1: 'Done.' is no JSON"),
    "text between two": (IPERF3 + "\nlog\n" + IPERF3, None, r"line \d+, column 1: 'log' is no JSON"),
    "no JSON under its name": ("nothing\n", None, "line 1, column 1: 'nothing' is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_json_is_said_with_line_and_column(tmp_path, case):
    text, importer, phrase = BROKEN[case]
    path = written(tmp_path / "x.json", text)
    with pytest.raises(SourceError, match=rf"^{re.escape(str(path))}: .*{phrase}") as caught:
        import_sessions(path, tmp_path / "store", importer=importer)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("file", "phrase"),
    [
        ("fio-json-error-lines/sdx.json", "line 1, column 1: .* the JSON begins in line 3"),
        ("iperf3-old/udp-nan.json", r"line 48, column \d+: '-nan' is no JSON"),
    ],
)
def test_reported_files_are_refused_by_what_they_hold(tmp_path, file, phrase):
    path = SHARED / "reports" / file
    if not path.is_file():
        pytest.skip(f"no {path}")
    with pytest.raises(SourceError, match=phrase):
        import_sessions(path, tmp_path / "store")


def test_no_message_shows_how_python_writes_an_object(tmp_path):
    report = json.dumps({"id": "IT01", "kind": "inbound-rtp", "jitter": 0.003})
    with pytest.raises(SourceError, match="no harness is known to write this"):
        import_sessions(written(tmp_path / "x.ndjson", f'{{"IT01": {report}}}\n'), tmp_path / "store")
    row = {
        "session_id": "s",
        "sequence": 0,
        "timestamp": "2026-11-24T16:00:00Z",
        "metric": "m",
        "value": 1,
        "unit": "1",
    }
    for name, value, shown in (("metric", {"a": 1}, "an object"), ("value", [1], "an array"), ("unit", True, "true")):
        path = written(tmp_path / "y.ndjson", json.dumps(row | {name: value}) + "\n")
        with pytest.raises(SourceError, match=f"line 1: column '{name}': {shown} is not "):
            import_sessions(path, tmp_path / "store")


@pytest.mark.parametrize("first", [True, False])
def test_a_large_body_in_the_first_record_of_csv_is_no_limit(tmp_path, first):
    body = "A" * 200_000
    records = [
        f"{1795543196000000000 + n},200,{n + 1},0,0,,{body if n == first else ''},a,{n},GET,u,\n" for n in (1, 0)
    ]
    path = written(tmp_path / "x.csv", "".join(records))
    assert import_sessions(path, tmp_path / "store").rows == 6
    table = written(tmp_path / "y.csv", f"rtt,{body}\n1,2\n")
    result = pipeline("import", table, "--to", tmp_path / "store", "--map", "value=rtt:ms")
    assert result.status in {0, 3}
    assert "fault of the program" not in result.err


@pytest.mark.parametrize("between", [",\n", "\n,"], ids=repr)
def test_a_long_document_with_an_element_a_line_is_known(tmp_path, between):
    one, *_ = json.loads(HYPERFINE)["results"]
    results = [{**one, "command": f"sleep 0.{at}"} for at in range(1000)]
    text = '{"results": [\n' + between.join(map(json.dumps, results)) + "\n]}\n"
    assert import_sessions(written(tmp_path / "x.json", text), tmp_path / "store").rows > 1000 * len(one["times"])
