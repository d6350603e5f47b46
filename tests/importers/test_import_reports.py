"""What an import tells of each harness file: tool, version, metrics, where times came from."""

from __future__ import annotations

import json

from harness_files import write_k6
from program import pipeline
from project import HARNESS_FILES

from pipeline import import_sessions, list_sessions

IPERF = HARNESS_FILES / "iperf3" / "tcp-1stream.json"
HYPERFINE = HARNESS_FILES / "hyperfine" / "two-commands.json"


def test_a_line_tells_of_each_file(tmp_path):
    result = pipeline("import", IPERF, write_k6(tmp_path / "a.json"), "--to", tmp_path / "store")
    assert result.status == 0
    assert result.out.splitlines()[:2] == ["tcp-1stream", "a"]
    iperf, k6 = (line for line in result.err.splitlines() if ": warning: " not in line)
    document = json.loads(IPERF.read_bytes())
    with_session = list_sessions(tmp_path / "store", where_session="session_id = 'tcp-1stream'")[0]
    facts = with_session["metric_facts"]
    aggregates = [name for name in facts if name.startswith("total_")]
    assert iperf.startswith(f"{IPERF}: iperf3 ")
    assert with_session["harness"]["version"] in document["start"]["version"]
    assert f"{with_session['measurement_count']} rows" in iperf
    assert f"{len(facts) - len(aggregates)} metrics of samples and {len(aggregates)} aggregates" in iperf
    assert "start from the file" in iperf
    assert f"{tmp_path}/a.json: k6, 12 rows of 3 metrics of samples; start from the earliest sample" in k6


def test_a_start_that_only_the_file_system_knows_is_a_warning(tmp_path):
    result = import_sessions(HYPERFINE, tmp_path / "store")
    (warning,) = [one for one in result.warnings if "modification time" in one]
    said = "nothing says when it started, so its modification time is taken; --started-at says it"
    assert warning == f"{HYPERFINE}: {said}"
    (file,) = result.files
    assert file.start_from == "the file's modification time"
    assert list_sessions(tmp_path / "store")[0]["origin"]["warnings"] == [said]
    given = import_sessions(HYPERFINE, tmp_path / "other", started_at="2026-11-24T09:00:00Z")
    assert not given.warnings
    assert given.files[0].start_from == "--started-at"


def test_machines_get_all_of_it(tmp_path):
    result = pipeline("import", IPERF, "--to", tmp_path / "store", "--json")
    (file,) = json.loads(result.out)["files"]
    assert file["file"] == str(IPERF)
    assert (file["session_id"], file["harness"], file["importer"]) == ("tcp-1stream", "iperf3", "iperf3")
    assert file["times_from"] == ["the file, relative to the session's start"]
    assert not [line for line in result.err.splitlines() if "start from" in line]
    quiet = pipeline("import", IPERF, "--to", tmp_path / "other", "--quiet")
    assert (quiet.out, quiet.err) == ("", "")


def test_of_many_files_the_first_are_told(tmp_path):
    for number in range(23):
        write_k6(tmp_path / f"{number:02}.json")
        (tmp_path / f"{number:02}.json").open("a").write("\n" * number)  # no file is another again
    result = pipeline("import", f"{tmp_path}/*.json", "--to", tmp_path / "store")
    assert result.status == 0
    assert result.err.count("start from") == 20
    assert result.err.splitlines()[-1] == "and 3 files more; --json tells of all"
