#!/usr/bin/env bash
# Claim: npTDMS reads about 1 % of the microsecond time stamps that its own writer wrote 1 µs too early, so two neighbours become equal, and every further copy moves some of them again.
# Versions: nptdms 1.13.0, numpy 2.3.5.
# Guess: whole microseconds come back as they were: TDMS has steps of 2^-64 s, and npTDMS says that it reads with microseconds. But the writer rounds the fraction down, and the reader rounds down once more.
# Hurts: who joins a TDMS channel with another file by its time stamp, or tells samples apart by it: 11,702 of the million in a second do not match, and 9,737 are no longer distinct. Whole milliseconds come back right, so a short test sees nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet nptdms==1.13.0 numpy==2.3.5
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import numpy as np
from nptdms import ChannelObject, TdmsFile, TdmsWriter

start = np.datetime64("2026-01-02T03:04:05", "us")


def copied(stamps):
    with TdmsWriter("copy.tdms") as writer:
        writer.write_segment([ChannelObject("run", "time", stamps)])
    return TdmsFile.read("copy.tdms")["run"]["time"][:]


every_ms = start + (np.arange(1000) * 1000).astype("timedelta64[us]")
print("whole milliseconds that changed:", int((copied(every_ms) != every_ms).sum()))

every_us = start + np.arange(1_000_000).astype("timedelta64[us]")
once = copied(every_us)
early = (once - every_us).astype(int)
print("first:", every_us[1], "read as", once[1], once.dtype)
shifts = {int(k): int(n) for k, n in zip(*np.unique(early, return_counts=True))}
print("shift in µs and how many:", shifts)
distinct = len(np.unique(once))
print("distinct stamps:", len(every_us), "written,", distinct, "read")

again = once
for _ in range(3):
    again = copied(again)
most = int((again - every_us).astype(int).min())
print("largest shift after four copies:", most, "µs")

holds = (
    (copied(every_ms) == every_ms).all()
    and set(shifts) == {-1, 0}
    and 5_000 < shifts[-1] < 50_000
    and distinct < len(every_us)
    and most == -4
)
sys.exit(0 if holds else 1)
PY
