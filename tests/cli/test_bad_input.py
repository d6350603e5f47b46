"""What cannot be read or written: one clear line, the right exit status, and nothing published."""

from __future__ import annotations

import shutil

import bad_files
import bad_stores
import bad_usage
import pytest
from bad_cases import CASES, TO
from directories import names_in
from program import pipeline

# Each adds its cases to the table when it is imported.
TABLES = (bad_files, bad_stores, bad_usage)


def test_every_case_has_a_name_of_its_own():
    names = [one.name for one in CASES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("one", CASES, ids=[one.name for one in CASES])
def test_bad_input_is_one_clear_line_and_publishes_nothing(one, commands, good_store, tmp_path):
    shutil.copytree(good_store, tmp_path / "store")
    (tmp_path / "tmp").mkdir()
    result = commands.run(one.make(tmp_path), cwd=tmp_path, tmp=tmp_path / "tmp")
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("pipeline: "), result.err
    assert "Traceback" not in result.err
    assert "fault of the program" not in result.err
    assert result.status == one.status, result.err
    for phrase in one.phrases:
        assert phrase in result.err
    begin = lines[0].split(": ")[1]
    assert not lines[0].startswith(f"pipeline: {begin}: {begin}: "), "says twice where it is"
    assert result.out == ""
    # Neither a package nor a stage beside it, nor anything spooled.
    assert not (tmp_path / "out").exists() or names_in(tmp_path / "out") == []
    assert not (tmp_path / "out.csv").exists()
    assert names_in(tmp_path / "tmp") == []


def test_the_same_harness_finds_no_fault_in_good_input(commands, good_store, tmp_path):
    result = commands.run(["export", str(good_store), "--to", TO], cwd=tmp_path, tmp=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert names_in(tmp_path / "out") == ["package"]


@pytest.mark.parametrize("name", ["noise in .parquet", "NDJSON: bare NaN", "usage: a file as the destination"])
def test_a_process_of_its_own_says_the_same(name, commands, good_store, tmp_path):
    (one,) = [one for one in CASES if one.name == name]
    shutil.copytree(good_store, tmp_path / "store")
    arguments = one.make(tmp_path)
    alone, forked = pipeline(*arguments, cwd=tmp_path), commands.run(arguments, cwd=tmp_path, tmp=tmp_path)
    assert (alone.status, alone.out, alone.err) == (forked.status, forked.out, forked.err)
