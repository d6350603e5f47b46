"""What comes to a package while it is being replaced: nothing that no export wrote is ever deleted."""

from __future__ import annotations

import os
import shutil

import pytest
from directories import contents, names_in, snapshot

from pipeline import DestinationError, export_measurements
from pipeline.disk import directories
from pipeline.publish import stage


@pytest.fixture(params=["renameat2", "three renames"])
def exchanging(request, monkeypatch):
    """Both ways in which directories change places."""
    if request.param == "three renames":
        monkeypatch.setattr(directories, "_renameat2", lambda *_: False)


@pytest.fixture
def package(source, tmp_path):
    """A package that is going to be replaced."""
    export_measurements(source, tmp_path / "out" / "package", sync=False)
    return tmp_path / "out" / "package"


def a_file(at):
    (at / "thesis.txt").write_text("years", encoding="utf-8")
    return "thesis.txt"


def a_hidden_file(at):
    (at / ".nfs01").write_text("years", encoding="utf-8")
    return ".nfs01"


def a_directory(at):
    (at / "thesis.sig").mkdir()
    (at / "thesis.sig" / "chapter").write_text("years", encoding="utf-8")
    return "thesis.sig"


def a_link(at):
    (at / "elsewhere").symlink_to("/")
    return "elsewhere"


def a_signature(at):
    (at / "SHA256SUMS.sig").write_bytes(b"signature")
    return "SHA256SUMS.sig"


def another_descriptor(at):
    (at / "datapackage.json").write_text('{"title": "edited"}', encoding="utf-8")
    return "datapackage.json"


def another_file_of_the_same_name(at):
    (at / "new").write_bytes((at / "SHA256SUMS").read_bytes())
    (at / "new").rename(at / "SHA256SUMS")
    return "SHA256SUMS"


NEWCOMERS = [
    a_file, a_hidden_file, a_directory, a_link, a_signature, another_descriptor, another_file_of_the_same_name
]  # fmt: skip


@pytest.mark.usefixtures("exchanging")
@pytest.mark.parametrize("comes", NEWCOMERS, ids=lambda one: one.__name__)
def test_what_comes_while_the_export_runs_is_named_and_nothing_is_replaced(source, package, comes):
    state = {}

    def intrude(*_):
        if not state:
            state["name"] = comes(package)
            state["before"] = snapshot(package)

    with pytest.raises(DestinationError, match="nothing was replaced") as caught:
        export_measurements(source, package, overwrite=True, format="csv", sync=False, on_progress=intrude)
    assert repr(state["name"]) in str(caught.value)
    assert snapshot(package) == state["before"]
    assert names_in(package.parent) == ["package"]


@pytest.mark.usefixtures("exchanging")
def test_what_goes_while_the_export_runs_hinders_nothing(source, package):
    def lose(*_):
        (package / "SHA256SUMS").unlink(missing_ok=True)

    export_measurements(source, package, overwrite=True, format="csv", sync=False, on_progress=lose)
    assert "SHA256SUMS" in names_in(package)
    assert names_in(package.parent) == ["package"]


@pytest.mark.usefixtures("exchanging")
@pytest.mark.parametrize("comes", NEWCOMERS, ids=lambda one: one.__name__)
def test_what_comes_between_the_look_and_the_removal_is_kept_beside(source, package, monkeypatch, comes):
    """By a program that has the directory open, for its name is that of the new package by then."""
    state = {}

    def looked(directory, files):
        found = newcomers(directory, files)
        state["name"] = comes(directory)
        return found

    newcomers = stage.newcomers
    monkeypatch.setattr(stage, "newcomers", looked)
    with pytest.raises(DestinationError, match=r"is published, but .* is kept in .*package\.kept") as caught:
        export_measurements(source, package, overwrite=True, format="csv", sync=False)
    assert repr(state["name"]) in str(caught.value)
    assert names_in(package.parent) == ["package", "package.kept"]
    assert names_in(package.with_name("package.kept")) == [state["name"]]
    monkeypatch.undo()
    assert export_measurements(source, package, format="csv", sync=False).is_unchanged


def killed_after_the_exchange(source, package, *, halfway):
    """Run an export that replaces, in a process that dies once the new package is in place."""

    def exchange(new, target):
        if halfway:
            target.rename(new.with_name("package.aside"))
            new.rename(target)
        else:
            directories.exchange(new, target)
        os._exit(9)

    child = os.fork()
    if not child:
        try:
            stage.exchange = exchange
            export_measurements(source, package, overwrite=True, format="csv", sync=False)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("halfway", [False, True])
@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"overwrite": True, "discard_stage": True}], ids=str)
def test_what_came_to_a_package_whose_replacement_was_killed_is_kept_by_the_next_run(source, package, options, halfway):
    killed_after_the_exchange(source, package, halfway=halfway)
    (left,) = [path for path in (package.parent / ".package.stage").iterdir() if path.is_dir()]
    a_file(left)
    with pytest.raises(DestinationError, match=r"'thesis.txt' came .*package\.kept"):
        export_measurements(source, package, format="csv", sync=False, **options)
    assert contents(package.with_name("package.kept")) == {"thesis.txt": b"years"}
    shutil.rmtree(package.with_name("package.kept"))
    export_measurements(source, package, format="csv", sync=False, **options)
    assert names_in(package.parent) == ["package"]


@pytest.mark.parametrize("halfway", [False, True])
def test_a_killed_replacement_to_which_nothing_came_leaves_nothing(source, package, halfway):
    killed_after_the_exchange(source, package, halfway=halfway)
    assert export_measurements(source, package, format="csv", sync=False).is_unchanged
    assert names_in(package.parent) == ["package"]


@pytest.mark.parametrize("name", ["SHA256SUMS.sig", "measurements.asc", "x.tsr", "SHA256SUMS"])
@pytest.mark.parametrize("kind", ["directory", "link", "pipe"])
def test_what_is_no_regular_file_is_neither_signature_nor_part_of_a_package(source, package, name, kind):
    (package / name).unlink(missing_ok=True)
    if kind == "directory":
        (package / name).mkdir()
        (package / name / "thesis.txt").write_text("years", encoding="utf-8")
    elif kind == "link":
        (package / name).symlink_to(source)
    else:
        os.mkfifo(package / name)
    before = snapshot(package)
    for overwrite in (False, True):
        with pytest.raises(DestinationError, match=name):
            export_measurements(source, package, overwrite=overwrite, sync=False)
    assert snapshot(package) == before
