"""What others put into a stage stays there: exports name it, the list of stages tells it, none publishes it."""

from __future__ import annotations

import json
import os

import pytest
from directories import contents, names_in, snapshot
from program import pipeline
from samples import row, write_ndjson

from pipeline import DestinationError, connect, export_measurements, import_sessions, verify_package, write_catalog
from pipeline.publish.leftovers import list_stages

OPTIONS = {"scope": "per-session", "batch_size": 10, "threads": 1, "sync": False}


@pytest.fixture
def store(tmp_path):
    rows = [row(session_id, at) for session_id in ("s1", "s2", "s3") for at in range(10)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    (tmp_path / "out").mkdir()
    return tmp_path / "store"


@pytest.fixture
def stage(store, tmp_path):
    """That of an export which was interrupted."""

    def stop(done, _total, _bytes):
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_measurements(store, tmp_path / "out" / "package", on_progress=stop, **OPTIONS)
    return tmp_path / "out" / ".package.stage"


def a_file(at):
    (at / ".DS_Store").write_text("mine", encoding="utf-8")
    return ".DS_Store"


def a_directory(at):
    (at / "thesis").mkdir()
    (at / "thesis" / "chapter").write_text("years", encoding="utf-8")
    return "thesis"


def a_copy(at):
    name = "measurements-session-s1-1 (conflicted copy)"
    (at / name).write_text("mine", encoding="utf-8")
    return name


def a_fifo(at):
    os.mkfifo(at / "pipe")
    return "pipe"


def a_directory_called_as_a_file_of_ours(at):
    (at / "SHA256SUMS").mkdir()
    (at / "SHA256SUMS" / "chapter").write_text("years", encoding="utf-8")
    return "SHA256SUMS"


KINDS = [a_file, a_directory, a_copy, a_fifo, a_directory_called_as_a_file_of_ours]
strangers = pytest.mark.parametrize("make", KINDS, ids=lambda one: one.__name__)
places = pytest.mark.parametrize("place", [".", "package"])


@strangers
@places
@pytest.mark.parametrize("options", [{}, {"discard_stage": True}, {"overwrite": True}], ids=str)
def test_an_export_names_it_and_changes_nothing(store, stage, place, make, options):
    name = make(stage / place)
    before = snapshot(stage)
    with pytest.raises(DestinationError, match="which no export wrote; move it away first") as caught:
        export_measurements(store, stage.parent / "package", **OPTIONS, **options)
    assert name in str(caught.value)
    assert snapshot(stage) == before
    assert names_in(stage.parent) == [".package.stage"]


@strangers
@places
def test_the_list_of_stages_tells_it_and_removal_leaves_it(stage, place, make):
    name = make(stage / place)
    before = snapshot(stage)
    for more in ([], ["--remove"]):
        told = pipeline("stages", stage.parent, *more)
        assert (told.status, told.err) == (0, "")
        (line,) = told.out.splitlines()
        assert "package: left by a run that has ended, and holds " in line
        assert f"{name}', which no export wrote; move it away first" in line
        (found,) = json.loads(pipeline("stages", stage.parent, "--json", *more).out)
        assert found["stranger"].endswith(name)
        assert not found["is_removed"]
    assert snapshot(stage) == before


def test_what_is_moved_away_is_no_obstacle(store, stage):
    (stage / "package" / a_file(stage / "package")).rename(stage.parent / "moved")
    export_measurements(store, stage.parent / "package", **OPTIONS)
    assert not verify_package(stage.parent / "package").problems
    assert names_in(stage.parent) == ["moved", "package"]


@strangers
@pytest.mark.parametrize("existing", [False, True])
def test_what_comes_while_the_export_runs_is_not_published(store, tmp_path, make, existing):
    package = tmp_path / "out" / "package"
    if existing:
        export_measurements(store, package, format="csv", sync=False)
    before = contents(tmp_path / "out")
    come = []

    def intrude(*_):
        if not come:
            at = tmp_path / "out" / ".package.stage" / "package"
            come.extend((make(at), snapshot(at)))

    if make is a_directory_called_as_a_file_of_ours:
        pytest.skip("then that file cannot be written")
    with pytest.raises(DestinationError, match="came to it while the export ran; nothing was published"):
        export_measurements(store, package, overwrite=existing, on_progress=intrude, **OPTIONS)
    name, was = come
    left = tmp_path / "out" / ".package.stage"
    assert names_in(left) == ["package"]
    assert names_in(left / "package") == [name]
    assert snapshot(left / "package").items() <= was.items()
    assert {path: data for path, data in contents(tmp_path / "out").items() if path in before} == before
    assert package.exists() == existing


@strangers
def test_a_catalog_leaves_it(store, tmp_path, make):
    stage = tmp_path / "out" / ".c.db.stage"
    (stage / "package").mkdir(parents=True)
    make(stage / "package")
    before = snapshot(stage)
    with pytest.raises(DestinationError, match="which no export wrote"):
        write_catalog(store, tmp_path / "out" / "c.db")
    assert snapshot(stage) == before


def test_a_catalog_that_was_killed_is_no_obstacle(store, tmp_path):
    stage = tmp_path / "out" / ".c.db.stage"
    (stage / "package").mkdir(parents=True)
    for name in ("catalog", "catalog.wal"):
        (stage / "package" / name).write_bytes(b"begun")
    (found,) = list_stages(tmp_path / "out")
    assert found.stranger is None
    write_catalog(store, tmp_path / "out" / "c.db")
    assert names_in(tmp_path / "out") == ["c.db"]
    assert connect(store).sql("SELECT count(*) FROM measurements").fetchall() == [(30,)]
