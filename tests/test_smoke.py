"""The main job, once, on the recorded sessions."""

import json

from directories import descriptor, only
from program import pipeline

import pipeline as package


def test_export_writes_what_it_says(fixture_store, tmp_path):
    result = pipeline("export", fixture_store, "--to", tmp_path / "out", "--with-statistics", "--json")
    assert result.status == 0, result.err
    report = json.loads(result.out)
    names = {file["name"] for file in report["files"]}
    assert names == {resource["path"] for resource in descriptor(tmp_path / "out")["resources"]}
    lines = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8").splitlines()
    sessions = package.list_sessions(fixture_store)
    assert len(lines) == sum(session["measurement_count"] for session in sessions) == 24_553
