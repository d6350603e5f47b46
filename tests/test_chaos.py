"""A short form of `faults/chaos.py`: readers and writers at the same time, killed at random moments."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest
from project import ROOT
from promises import BUSY, Ending, Figures, judge_ending, judge_figures


def test_what_is_killed_among_readers_and_writers_leaves_nothing_and_misleads_nobody():
    # A process of its own, for it forks, which takes one that has a single thread.
    words = ["faults/chaos.py", "--seconds", "6", "--every", "0.2", "--seed", "1"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    figures = re.search(r"(\d+) commands, (\d+) of them killed", done.stdout)
    assert figures, done.stdout
    assert all(int(figure) >= 5 for figure in figures.groups()), done.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([Figures("r1", 400, 1.0, 1.0, 400), Figures("c0-1", 0, None, None, 0)], None),
        ([Figures("r1", 400, 1.0, 2.0, 400)], "no version as a whole"),
        ([Figures("r1", 300, 1.0, 1.0, 300)], "no version as a whole"),
        ([Figures("r1", 400, 1.0, 1.0, 300)], "not those of the record"),
        ([Figures("r1", 400, 1.0, 1.0, 400), Figures("c0-1", 9, 0.0, 9.0, 9)], "no version as a whole"),
        ([Figures("r1", 400, 1.0, 1.0, 400)] * 2, "twice"),
        ([], "does not give"),
    ],
)
def test_a_mixture_a_part_and_what_is_missing_are_found(given, told):
    found = list(judge_figures(given, {"r1"}))
    assert told in found[0] if told else not found


@pytest.mark.parametrize(
    ("status", "sent", "said", "is_right"),
    [
        (0, (), "", True),
        (0, (), "pipeline: x\n", False),
        (7, (), "pipeline: x: another run is writing it; wait until that has ended\n", True),
        (7, (), "pipeline: x\n", False),
        (3, (), "pipeline: x: is damaged\n", False),
        (-signal.SIGKILL, (signal.SIGKILL,), "", True),
        (-signal.SIGKILL, (), "", False),
        (-signal.SIGSEGV, (signal.SIGKILL,), "", False),
        (143, (signal.SIGTERM,), "pipeline: interrupted; nothing was imported\n", True),
        (143, (signal.SIGTERM,), "pipeline: interrupted\nTraceback\n", False),
        (143, (), "pipeline: interrupted\n", False),
    ],
)
def test_an_ending_is_right_only_as_it_is_promised(status, sent, said, is_right):
    assert (not list(judge_ending(Ending(status, sent, said, "", is_hung=False), BUSY))) == is_right
