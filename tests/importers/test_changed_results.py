"""A short form of `faults/changed_results.py`: changed files of harnesses, and what each change may come to."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from changed_results import IMPORTERS, LEFT, OUTCOMES, REFUSED, SAME, TOLD, Imported, outcome, run_importer
from injection import WrongOutcomeError
from link_texts import PING_WINDOWS, PING_WINDOWS_GERMAN
from load_files import TEXTS
from plain_readers import lines
from project import HARNESS_FILES
from result_files import NEW, NUMBER, Change

CHANGES = 20
"""Of each of some fifty importers; `just changed` has a thousand."""
MADE = {
    "getstats-document": [json.dumps(lines(HARNESS_FILES / "getstats/loopback-100ms.ndjson")[:60], indent=1)],
    "ping-windows": [PING_WINDOWS, PING_WINDOWS_GERMAN],
    **{name: [TEXTS[name]] for name in ("oha", "oha-csv", "vegeta", "vegeta-report")},
}
"""Of harnesses of which no real file is here."""


@pytest.mark.parametrize("importer", IMPORTERS)
def test_changed_files_give_the_same_numbers_or_are_refused_or_told(importer, tmp_path):
    own = [tmp_path / f"{importer}-{at}" for at in range(len(MADE.get(importer, [])))]
    for path, text in zip(own, MADE.get(importer, []), strict=True):
        path.write_text(text, encoding="utf-8")
    outcomes = run_importer(importer, CHANGES, seed=2, own=own)
    if outcomes == Counter({"no file": 1}):
        pytest.skip("its files are not here")
    assert sum(outcomes.values()) > CHANGES // 2


def imported(numbers, said="", **record):
    return Imported(Counter(numbers), frozenset({"metric"}), record, said)


def test_the_judge_notices_what_is_wrong():
    before = imported({("m", "1.0", None): 2}, metric_facts={"m": {"is_aggregate": False}})
    other = imported({("m", "2.0", None): 2})
    wrong = {
        "nobody says that a name": (Change("number added", b"", "neu"), before),
        "changes other numbers": (Change("column added", b"", "neu"), imported(other.numbers, "neu")),
        "is another": (Change("name changed", b"", NEW), before),
        "2 samples for 4": (Change("samples multiplied", b"", times=2), before),
        "nobody says that it is cut off": (Change("truncated", b"1"), imported({("m", "1.0", None): 1})),
        "other numbers": (Change("version changed", b""), other),
    }
    for phrase, (change, after) in wrong.items():
        with pytest.raises(WrongOutcomeError, match=phrase):
            outcome(change, before, after)
    assert outcome(Change("number added", b"", "neu"), before, imported(before.numbers, "neu")) == TOLD
    one_more = Imported(before.numbers + Counter({("m", repr(NUMBER), None): 1}), frozenset({"metric", NEW}), {}, "")
    assert outcome(Change("number added", b"", NEW), before, one_more) == TOLD
    assert outcome(Change("name changed", b"", NEW, is_of_object=True), before, before) == LEFT
    assert outcome(Change("column moved", b""), before, before) == SAME
    assert outcome(Change("truncated", b""), before, None) == REFUSED
    assert TOLD not in OUTCOMES["keys in another order"]
