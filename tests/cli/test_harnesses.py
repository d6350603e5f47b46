"""`pipeline harnesses` lists what is known, from the importers themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import pipeline

import pipeline as package

IMPORTERS = {path.stem: path.read_text() for path in Path(package.__file__).parent.glob("importers/harnesses/*.sql")}


def test_all_importers_are_listed():
    result = pipeline("harnesses")
    assert result.status == 0
    named = [line.split()[1] for line in result.out.splitlines()[2:]]
    assert sorted(named) == sorted(IMPORTERS)
    assert all(len(line) < 170 for line in result.out.splitlines())


def test_json_and_python_give_all_that_the_files_say():
    result = pipeline("harnesses", "--format", "json")
    assert json.loads(result.out) == package.list_harnesses()
    for one in package.list_harnesses():
        text = IMPORTERS[one["importer"]]
        assert f"-- revision: {one['revision']}" in text or one["revision"] == 1
        assert one["versions"] is None or f"-- versions: {' to '.join(one['versions'])}" in text
        for each in (*one["samples"], *one["aggregates"]):
            assert f"{each['metric']}" in text
        first = text.removeprefix("-- ").split("\n")[0]
        assert one["about"].startswith(first)
        assert one["samples"] or one["aggregates"]


@pytest.mark.parametrize(("word", "importers"), [("fio", {"fio", "fio-log"}), ("fio-log", {"fio-log"})])
def test_one_harness_is_described_in_full(word, importers):
    result = pipeline("harnesses", word)
    assert {line.split()[0] for line in result.out.splitlines() if line and line[0] != " "} == importers
    assert "    clat: duration, lower is better" in result.out.splitlines()
    found = pipeline("harnesses", word, "--format", "json")
    assert {one["importer"] for one in json.loads(found.out)} == importers


def test_an_unknown_harness_is_a_usage_error():
    result = pipeline("harnesses", "fioo")
    assert (result.status, result.out) == (2, "")
    assert "did you mean 'fio'" in result.err
