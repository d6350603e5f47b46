"""A short form of `faults/chaos.py`: readers and writers at the same time, killed at random moments."""

from __future__ import annotations

import re
import subprocess
import sys

from project import ROOT


def test_what_is_killed_among_readers_and_writers_leaves_nothing_and_misleads_nobody():
    # A process of its own, for it forks, which takes one that has a single thread.
    words = ["faults/chaos.py", "--seconds", "8", "--round-seconds", "8", "--every", "0.2", "--seed", "1"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    figures = re.search(r"(\d+) commands, (\d+) of them killed", done.stdout)
    assert figures, done.stdout
    assert all(int(figure) >= 5 for figure in figures.groups()), done.stdout
