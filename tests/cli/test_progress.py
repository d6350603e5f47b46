"""Progress on a terminal: every phase is told, and what is left is right within a factor of 2 from a tenth on."""

from __future__ import annotations

import io
import os
import pty
import random
import re
from contextlib import contextmanager, suppress

import pyarrow.parquet as pq
import pytest
from plain_files import write_rows
from recordings import killed
from samples import row

from pipeline import cli
from pipeline.cli import progress
from pipeline.cli.progress import Estimate, Progress, line_of
from pipeline.runtime.progress import WEIGHTS, Phase, expect, phase, watched

ROWS = 3000


class Clock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def played(phases, *, expected=()):
    """Play phases of (name, total, seconds of each tenth of it); give of each moment what is left and was told."""
    clock, told = Clock(), []
    with watched() as work:
        expect(*expected)
        estimate = Estimate(work, clock)
        for name, total, tenths in phases:
            with phase(name, total, "bytes") as current:
                for tenth, seconds in enumerate(tenths):
                    for step in range(10):
                        clock.now += seconds / 10
                        current.passed = total * (tenth * 10 + step + 1) // 100
                        estimate.look(current)
                        told.append((clock.now, estimate.left, line_of(current, estimate)))
    return [(clock.now - now, left, line) for now, left, line in told], clock.now - 100


def usual(name, total, seconds_of_weight, *, pace=(1,) * 10):
    each = seconds_of_weight * WEIGHTS[name] / sum(pace)
    return name, total, [one * each for one in pace]


@pytest.mark.parametrize("slowness", [0.7, 1, 1.4], ids=lambda value: f"x{value}")
@pytest.mark.parametrize("pace", [(1,) * 10, (2, 2, 2, 2, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1, 2, 2, 2, 2)], ids=str)
def test_what_is_left_is_right_within_a_factor_of_2_from_a_tenth_on(slowness, pace):
    """Sorting tells nothing before it is done, and phases take longer or shorter than usual."""
    names = ["converting", "sorting", "keeping sorted rows", "checking", "writing"]
    phases = [usual(names[0], 10**9, 20, pace=pace), usual("sorting", 0, 20 * slowness)]
    phases += [usual(name, 10**7, 20 / slowness, pace=pace) for name in names[2:]]
    told, took = played(phases, expected=names)
    for wanted, left, line in told:
        if took - wanted > took / 10 and wanted > took / 20:
            assert left is not None, line
            assert wanted / 2 <= left <= wanted * 2, f"{line}: {wanted:.1f} s are left"


def test_the_pace_is_that_of_the_last_seconds():
    """A source that waited once, and then is fast, is not told to take hours."""
    told, _ = played([("writing", 10**6, [600, *[2] * 9])])
    for wanted, left, line in told:
        if wanted and wanted < 12:
            assert wanted / 2 <= left <= wanted * 2, line


def test_what_nobody_knows_is_not_told():
    told, _ = played([("aggregating", 0, [1] * 10)])
    assert {line for _, _, line in told} == {"aggregating"}
    assert {left for _, left, _ in told} == {None}


def test_lines():
    clock = Clock()
    with watched() as work, phase("writing", 2_000_000) as current:
        estimate = Estimate(work, clock)
        assert line_of(current, estimate) == "writing: 0% 0 of 2,000,000 rows"
        for _ in range(3):
            clock.now += 1
            current.add(250_000)
            estimate.look(current)
        assert line_of(current, estimate, 12_300_000) == (
            "writing: 38% 750,000 of 2,000,000 rows, 250,000 rows/s, 12.3 MB, 5.00 s left"
        )


@pytest.fixture
def shuffled(tmp_path, monkeypatch):
    """Rows of two sessions in no order, as text, and a store of the same."""
    monkeypatch.chdir(tmp_path)
    rows = [row(session_id, i, value=i / 3) for session_id in ("s1", "s2") for i in range(ROWS)]
    random.Random(1).shuffle(rows)  # noqa: S311 - any order will do
    for name in ("rows.csv", "rows.ndjson", "rows.csv.gz", "rows.ndjson.zst", "rows.parquet"):
        write_rows(tmp_path / name, rows)
    pq.write_table(pq.read_table("rows.parquet"), "rows.parquet", row_group_size=1000)
    assert cli.main(["import", "rows.ndjson", "--to", "STORE", "--quiet"]) == 0
    assert cli.main(["export", "STORE", "--to", "out", "--quiet"]) == 0


SORTING = ["sorting", "keeping sorted rows", "checking"]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("export rows.csv --to a", ["finding types", "converting", *SORTING, "writing"]),
        ("export rows.csv.gz --to a", ["finding types", "converting", *SORTING, "writing"]),
        ("export rows.ndjson --to a --verify", ["converting", *SORTING, "writing", "hashing", "reading back"]),
        ("export rows.ndjson.zst --to a --format csv", ["converting", *SORTING, "writing"]),
        ("export rows.parquet --to a", ["checking", *SORTING, "writing"]),
        ("import rows.ndjson --to new", ["converting", *SORTING]),
        ("export STORE --to a --format parquet", ["writing"]),
        ("export STORE --to a --with-statistics", ["writing", "writing statistics", "aggregating"]),
        ("statistics STORE --to a", ["writing statistics", "aggregating"]),
        ("export STORE --to out --overwrite", ["hashing"]),
        ("verify out", ["hashing", "reading back"]),
        ("verify out --quick", ["hashing"]),
        ("verify STORE", ["reading back"]),
        ("verify STORE --quick", ["hashing"]),
        ("query STORE FROM_measurements_LIMIT_1 --to all.csv", ["hashing", "querying", "querying"]),
        ("query rows.csv SELECT_1 --to all.csv", ["finding types", "converting", *SORTING, *["querying"] * 2]),
        ("catalog STORE --to all.duckdb", ["hashing"]),
        ("sessions rows.csv", ["finding types", "converting", *SORTING]),
    ],
)
@pytest.mark.usefixtures("shuffled")
def test_every_phase_is_told_to_its_end(command, names):
    with watched() as work:
        words = [word.replace("_", " ") for word in command.split()]
        assert cli.main([*words, *(["--quiet"] if "sessions" not in words else [])]) == 0
    ended = [one for one in work.ended if one.name != "writing statistics" or one.total == 0]
    assert [one.name for one in ended] == names
    # Types may be found, and disorder seen, before the end.
    for one in ended[names[0] in {"checking", "finding types"} :]:
        assert one.done == (one.total or one.done), one
    assert work.phases == []


def test_recovering_is_told_to_its_end(tmp_path, monkeypatch):
    for name in ("s1", "s2"):
        with killed(tmp_path / "STORE", session_id=name) as recorder:
            for at in range(ROWS):
                recorder.record("rtt", at / 3)
    with watched() as work, on_a_terminal(monkeypatch) as written:
        phases, monkeypatched = [], progress.line_of
        monkeypatch.setattr(progress, "line_of", lambda one, *rest: phases.append(one) or monkeypatched(one, *rest))
        assert cli.main(["recover", str(tmp_path / "STORE")]) == 0
    assert work.ended == []  # the terminal's own watcher has seen it
    recovering = next(one for one in phases if one.name == "recovering" and one.total)
    assert recovering.done == recovering.total > ROWS
    assert re.search(r"recovering: \d+% [\d.]+ kB of [\d.]+ kB", "".join(written))


def test_what_stays_of_a_pack_is_told_to_its_end(tmp_path):
    rows = write_rows(tmp_path / "rows.ndjson", [row(f"s{number:03}", i) for number in range(64) for i in range(5)])
    assert cli.main(["import", str(rows), "--to", str(tmp_path / "STORE"), "--quiet"]) == 0
    assert list(tmp_path.glob("STORE/sessions/pack-*"))
    with watched() as work:
        assert cli.main(["delete", str(tmp_path / "STORE"), "--session", "s003", "--yes", "--quiet"]) == 0
    (packing,) = work.ended
    assert (packing.name, packing.done, packing.total) == ("packing", 315, 315)


@pytest.mark.parametrize(
    "command",
    [
        ["query", "STORE", "FROM measurements ORDER BY value"],
        ["query", "STORE", "FROM measurements", "--format", "csv"],
        ["sessions", "STORE"],
        ["catalog", "STORE", "--to", "all.duckdb"],
        ["delete", "STORE", "--session", "s1", "--yes"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("shuffled")
def test_commands_that_look_show_their_phase_and_take_it_away_before_they_answer(monkeypatch, command, capfd):
    with on_a_terminal(monkeypatch) as written:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        assert cli.main(command) == 0
    shown = "".join(written)
    assert re.search(r"\x1b\[K(reading records|hashing|querying|deleting)", shown)
    lines = shown.rsplit("\r\x1b[K", 1)[1]
    assert lines == "" or lines.startswith("pipeline: warning: "), "nothing is said behind a line of progress"
    assert capfd.readouterr().out


def test_packing_is_told_to_its_end(tmp_path):
    for odd in (0, 1):  # packs that overlap
        sessions = [f"s{2 * number + odd:03}" for number in range(64)]
        rows = write_rows(tmp_path / "rows.ndjson", [row(name, i) for name in sessions for i in range(5)])
        assert cli.main(["import", str(rows), "--to", str(tmp_path / "STORE"), "--quiet"]) == 0
    with watched() as work:
        assert cli.main(["compact", str(tmp_path / "STORE"), "--quiet"]) == 0
    (packing,) = [one for one in work.ended if one.name == "packing"]
    assert (packing.done, packing.total) == (640, 640)


def test_nothing_is_kept_of_work_that_nobody_watches():
    expect("writing")
    with phase("writing", 10) as current:
        current.add(10)
    with watched() as work:
        assert (work.phases, work.ended, work.expected) == ([], [], {})


@contextmanager
def on_a_terminal(monkeypatch):
    """Let standard error be a terminal; gives a list, which has what was written there in the end."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    written = []
    with open(follower, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:  # noqa: PTH123 - a number
        patched.setattr("sys.stderr", stream)
        patched.setattr(progress, "_DELAY_SECONDS", 0)
        patched.setattr(progress, "_INTERVAL_SECONDS", 0.0005)
        yield written
        with suppress(BlockingIOError):
            while data := os.read(leader, 65536):
                written.append(data.decode())
    os.close(leader)


@pytest.mark.usefixtures("shuffled")
def test_phases_are_shown_on_a_terminal(monkeypatch):
    with on_a_terminal(monkeypatch) as written:
        assert cli.main(["export", "rows.csv", "--to", "a", "--verify"]) == 0
    shown = "".join(written)
    names = re.findall(r"\x1b\[K([a-z ]+)", shown)
    assert {"converting", "sorting", "reading back"} <= set(names)
    assert re.search(r"converting: \d+% [\d.]+ \w+ of [\d.]+ kB", shown)
    assert shown.endswith("\r\x1b[K"), "the line is taken away in the end"


@pytest.mark.usefixtures("shuffled")
def test_quiet_shows_nothing_on_a_terminal(monkeypatch):
    with on_a_terminal(monkeypatch) as written:
        assert cli.main(["export", "rows.csv", "--to", "a", "--verify", "--quiet"]) == 0
    assert written == []


def test_a_log_gets_nothing(monkeypatch):
    monkeypatch.setattr("sys.stderr", log := io.StringIO())
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0)
    with Progress("writing", quiet=False) as shown:
        shown.update(1, 2, 3)
    assert log.getvalue() == ""


def test_a_phase_outside_of_turn_does_no_harm():
    with watched() as work:
        outer = phase("writing", 10)
        inner = phase("hashing", 10, "bytes")
        outer.__enter__()
        begun = inner.__enter__()
        outer.__exit__(None, None, None)
        assert work.phase is begun
        inner.__exit__(None, None, None)
        assert work.phase is None
    assert isinstance(begun, Phase)
