"""A short form of the fault campaign in `faults/`: a sample of calls, errors, moments and sizes of disks."""

from __future__ import annotations

import random

import pytest
from campaign import ERRORS, STORES
from exports import MANY_FILES, VARIANTS, Export, fill, make_store
from injection import CALLS, SmallDisk
from machine import needs_root, needs_strace
from program import pipeline
from random_kills import kill_at_random
from samples import row, write_ndjson

from pipeline import import_sessions


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults")
    rows = [row(session_id, i, value=i / 7) for session_id in ("s1", "s2") for i in range(30)]
    import_sessions(write_ndjson(directory / "source.ndjson", rows), directory / "store")
    return directory / "store"


def sample(places, number, seed):
    """The first and the last call of each name, and others, up to a number in all."""
    ends = [place for place in places if place in {(same := of_name(places, place.call))[0], same[-1]}]
    rest = [place for place in places if place not in ends]
    random.Random(seed).shuffle(rest)  # noqa: S311 - repeatable on purpose
    return (ends + rest)[:number]


def of_name(places, *calls):
    return [place for place in places if place.call in calls]


@needs_strace
@pytest.mark.parametrize(
    ("variant", "existing", "threads"),
    [
        ("ndjson", False, 2),
        ("csv.gz", True, 1),
        ("parquet", False, 2),
        ("ndjson.zst", True, 2),
        ("influx", False, 1),
        ("xlsx", True, 1),
    ],
)
def test_a_kill_leaves_the_old_package_the_new_one_or_none(store, tmp_path, variant, existing, threads):
    with Export(store, tmp_path / "export", variant, existing=existing, threads=threads) as export:
        places = export.find_places()
        assert {"write", "fsync", "rename", "renameat2", "close"} <= {place.call for place in places}
        seen = {export.kill(place) for place in sample(places, 14, variant)}
    assert seen == {"before", "new"}


@needs_strace
def test_a_kill_of_an_export_of_many_files_is_continued_behind_the_last_group(tmp_path):
    variant = "ndjson, many files"
    store = make_store(tmp_path / "source", sessions=MANY_FILES[variant], rows=2)
    with Export(store, tmp_path / "export", variant, existing=False, threads=2) as export:
        places = export.find_places()
        groups = of_name(places, "syncfs")
        assert len(groups) >= 4
        assert export.fail(groups[0], "EIO") == "before"
        seen = {export.kill(place) for place in [*groups[1:3], *sample(places, 18, variant)]}
    assert seen == {"before", "new"}


@needs_strace
@pytest.mark.parametrize(
    ("variant", "existing", "threads"),
    [
        ("json", False, 2),
        ("arrow", True, 1),
        ("ndjson.gz", False, 2),
        ("parquet", True, 2),
        ("statistics.parquet", False, 1),
        ("influx.zst", True, 2),
    ],
)
def test_an_error_of_a_call_is_an_error_of_the_export(store, tmp_path, variant, existing, threads):
    with Export(store, tmp_path / "export", variant, existing=existing, threads=threads) as export:
        places = of_name(export.find_places(), *CALLS.split(","))
        seen = set()
        for number, place in enumerate(sample(places, 8, variant)):
            error = ERRORS[number % len(ERRORS)]
            outcome = export.fail(place, error)
            assert outcome != "done" or error == "EINTR" or place.call == "close", (place, error)
            seen.add(outcome)
    assert "before" in seen


@needs_strace
@pytest.mark.parametrize("name", STORES)
def test_a_kill_of_an_import_or_a_recording_leaves_each_session_old_or_new(tmp_path, name):
    with STORES[name](tmp_path / "scenario") as scenario:
        places = scenario.find_places()
        # The last of all is behind the last rename, whatever kinds of calls there are.
        seen = {scenario.kill(place) for place in dict.fromkeys([places[-1], *sample(places, 8, name)])}
    assert "new" in seen
    assert len(seen) > 1


@needs_strace
@pytest.mark.parametrize("name", ["import", "import-harness-replacing", "record", "recover"])
def test_an_error_of_an_import_or_a_recording_is_told_and_leaves_each_session_old_or_new(tmp_path, name):
    with STORES[name](tmp_path / "scenario") as scenario:
        places = sample(of_name(scenario.find_places(), *CALLS.split(",")), 5, name)
        seen = {scenario.fail(place, ERRORS[number % len(ERRORS)]) for number, place in enumerate(places)}
    assert seen - {"done"}


@needs_strace
@pytest.mark.parametrize("name", ["record", "recover"])
def test_a_kill_while_a_recording_is_removed_does_not_lose_its_session(tmp_path, name):
    with STORES[name](tmp_path / "scenario") as scenario:
        removing = of_name(scenario.find_places(), "unlinkat", "rmdir", "rename")
        # Its values are compared by the scenario, after another recovery.
        assert {scenario.kill(place) for place in removing} <= {"new", "before", "all recovered"}
        assert len(removing) >= 4


@needs_strace
@pytest.mark.parametrize("existing", [False, True])
def test_a_kill_while_a_stage_is_cleared_away_is_in_nobodys_way(store, tmp_path, existing):
    with Export(store, tmp_path / "export", "csv", existing=existing) as export:
        stage = f"{export.out}/.package.stage/"
        clearing = [place for place in of_name(export.find_places(), "unlink") if place.path.startswith(stage)]
        assert [export.kill(place) for place in clearing] == ["new"] * len(clearing)
        assert len(clearing) >= 2


@needs_root
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_full_disk_is_said_and_leaves_nothing(store, tmp_path, variant):
    disk = SmallDisk(tmp_path / "disk")
    try:
        with Export(store, tmp_path / "export", variant, existing=False) as export:
            assert [fill(export, disk, kilobytes) for kilobytes in (4, 12, 20, 200)] == ["before"] * 3 + ["done"]
    finally:
        disk.close()


@needs_root
@pytest.mark.parametrize("variant", ["ndjson", "csv.gz"])
def test_a_disk_without_room_for_another_file_is_said_and_leaves_nothing(store, tmp_path, variant):
    disk = SmallDisk(tmp_path / "disk")
    try:
        with Export(store, tmp_path / "export", variant, existing=False) as export:
            filled = [fill(export, disk, 10_000, inodes=inodes) for inodes in (1, 2, 3, 4, 6, 8, 40)]
    finally:
        disk.close()
    assert filled == ["before"] * 6 + ["done"]


@needs_root
def test_nothing_is_left_by_others_on_a_disk_without_room_for_another_file(good_store, tmp_path):
    disk = SmallDisk(tmp_path / "disk")
    commands = [
        ["import", good_store, "--to", "x"],
        ["catalog", good_store, "--to", "x.duckdb"],
        ["query", good_store, "FROM measurements", "--to", "x.csv"],
    ]
    try:
        for words in commands:
            for inodes in (1, 2, 3):
                disk.resize(10_000, inodes=inodes)
                ended = pipeline(*words, "--quiet", cwd=disk.directory)
                said = f"pipeline: {words[-1]}: cannot be written (No space left on device)\n"
                assert (ended.status, ended.err) == (4, said), (words, inodes)
                assert list(disk.directory.iterdir()) == []
    finally:
        disk.close()


def test_kills_at_random_moments_are_continued_to_the_same_package(tmp_path):
    # Which moments are met is the machine's; some kills of a hundred leave what can be continued.
    for seed in range(8):
        outcomes = kill_at_random(tmp_path / f"kills-{seed}", "ndjson.gz", 15, seed=seed)
        assert sum(outcomes.values()) == 15
        if outcomes["continued"]:
            return
    pytest.fail("of 120 exports that were killed none was continued")
