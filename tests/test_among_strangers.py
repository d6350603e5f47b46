"""A short form of `faults/among_strangers.py`: strangers in stores, packages and stages are left, and do no harm."""

from __future__ import annotations

import among_strangers
import pytest
from among_strangers import World, cases
from company import PLACES
from injection import WrongOutcomeError
from strangers import SLOW, STRANGERS

EVERY = 149
"""One case in so many of each place: strangers and commands have their turns in one place or another."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("strangers")) as made:
        yield made


@pytest.mark.parametrize("place", PLACES)
def test_strangers_are_left_and_do_no_harm(world, place):
    some = list(cases(place, [one for one in STRANGERS if one not in SLOW]))
    begin = list(PLACES).index(place) * 11  # elsewhere in each place
    outcomes = [world.judge(place, *case) for case in some[begin % EVERY :: EVERY]]
    assert set(outcomes) <= {"passed by", "told", "refused", "no place"}
    assert outcomes


def test_the_judge_knows_what_becomes_of_each(world):
    assert world.judge("a session", "a second file of data", "sessions") == "refused"
    assert world.judge("a session", "of macOS", "import, replace") == "passed by"
    assert world.judge("stage", "of macOS", "stages") == "told"


@pytest.mark.parametrize(
    ("case", "right", "said"),
    [
        (("package", "an empty file", "verify, quick"), 0, "status 5 for 0"),
        (("store", "an empty file", "sessions"), 3, "status 0 for 3"),
    ],
)
def test_the_judge_notices_what_is_wrong(world, monkeypatch, case, right, said):
    monkeypatch.setattr(among_strangers, "right_status", lambda *_: right)
    with pytest.raises(WrongOutcomeError, match=said):
        world.judge(*case)
