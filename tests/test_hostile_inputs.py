"""A short form of `faults/hostile_inputs.py`: hostile input ends in one clear line or in the right rows, in bounds."""

from __future__ import annotations

import gzip
import json
from itertools import islice

import pytest
from hostile_inputs import GROUPS, MADE, inputs
from injection import WrongOutcomeError
from judging import HostileInput, judge
from made import CORPORA, one_file
from mutations import ROWS, bases, ndjson_bytes

CHANGES = 8


def sample(group):
    """Some inputs of a group, from all parts of it; of those that are slow to make, the first."""
    if group in {"bombs", "sizes"}:
        return list(islice(inputs(group, 0, 0), 2))
    cases = list(inputs(group, CHANGES, 3))
    return cases[3 :: max(5, len(cases) // 10)] if group in MADE else cases


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_input_ends_in_one_line_or_in_the_right_rows(commands, tmp_path, group):
    cases = sample(group)
    outcomes = [judge(commands, case, tmp_path / str(at)) for at, case in enumerate(cases)]
    assert len(outcomes) == len(cases) >= 2
    assert "refused" in outcomes


@pytest.mark.parametrize("name", bases())
def test_the_files_that_are_changed_are_sound_before(commands, tmp_path, name):
    base = bases()[name]
    data = base.compress(base.data) if base.compress else base.data
    arguments = ["export", base.file_name, "--to", "out", "--no-sync", "--quiet"]
    readers = [lambda work, read=read: read(work / base.file_name) for read in base.readers]
    for oracle in (lambda _: ROWS, *readers):
        case = HostileInput("sound", {base.file_name: data}, arguments, oracles=[oracle])
        assert judge(commands, case, tmp_path / str(id(oracle))) == "accepted"


def test_the_judge_notices_what_is_wrong(commands, tmp_path):
    good = ndjson_bytes()
    wrong = {
        "accepted": one_file("sound, but said to be bad", "a.ndjson", good),
        "other rows": HostileInput(
            "rows", {"a.ndjson": good}, ["export", "a.ndjson", "--to", "out"], oracles=[lambda _: ROWS[1:]]
        ),
        "does not name": HostileInput("name", {"a.ndjson": b"{"}, ["export", "a.ndjson", "--to", "out"], "b.ndjson"),
        "status 2": HostileInput("usage", {"a.ndjson": good}, ["export", "a.ndjson", "--tu", "out"]),
    }
    for at, (said, case) in enumerate(wrong.items()):
        with pytest.raises(WrongOutcomeError, match=said):
            judge(commands, case, tmp_path / str(at))


def test_the_corpora_are_whole():
    cases = gzip.decompress((CORPORA / "json-test-suite.ndjson.gz").read_bytes()).decode().splitlines()
    assert len(cases) == 318
    assert {json.loads(case)["name"][0] for case in cases} == {"y", "n", "i"}
    assert len(list((CORPORA / "csv-spectrum").glob("*.csv"))) == 12
