"""What lies at a destination and is not ours is left as it is."""

from __future__ import annotations

import os
import shutil

import pytest
from directories import snapshot
from samples import row, write_ndjson


def home_like(at):
    (at / "home" / "Documents").mkdir(parents=True)
    (at / "home" / "Documents" / "thesis.txt").write_text("years", encoding="utf-8")
    (at / "home" / ".profile").write_text("x", encoding="utf-8")


def foreign_package(at):
    (at / "home").mkdir()
    (at / "home" / "datapackage.json").write_text('{"name": "theirs", "resources": []}', encoding="utf-8")


def nothing(_at):
    pass


def link_to_directory(at):
    (at / "elsewhere").mkdir()
    (at / "home").symlink_to(at / "elsewhere")


DESTINATIONS = [
    ("a file above it", lambda at: (at / "plain").write_text("x"), "plain/below", (), "cannot be written"),
    ("a place where none can write", nothing, "/proc/pipeline-test/package", (), "cannot be written"),
    ("a directory that is no package", home_like, "home", (), "not a package"),
    ("a home directory, --overwrite", home_like, "home", ("--overwrite",), "not a package"),
    ("a package of another program", foreign_package, "home", ("--overwrite",), "not ours"),
    ("a file", lambda at: (at / "home").write_text("x"), "home", ("--overwrite",), "is a file"),
    ("a pipe", lambda at: os.mkfifo(at / "home"), "home", ("--overwrite",), "is a file"),
    ("a symbolic link", link_to_directory, "home", ("--overwrite",), "symbolic link"),
    (
        "a link to a store",
        lambda at: (at / "home").symlink_to(at / "store"),
        "home",
        ("--overwrite",),
        "lies in the store",
    ),
    ("a link to nothing", lambda at: (at / "home").symlink_to("nowhere"), "home", (), "symbolic link"),
    ("a store", nothing, "store", ("--overwrite",), "lies in the store"),
    ("a name that is too long", nothing, "x" * 250, (), "cannot be written"),
]


@pytest.mark.parametrize("export", ["export", "statistics"])
@pytest.mark.parametrize(
    ("prepare", "target", "options", "phrase"),
    [one[1:] for one in DESTINATIONS],
    ids=[one[0] for one in DESTINATIONS],
)
def test_what_is_not_ours_is_left_alone(
    export, prepare, target, options, phrase, commands, good_store, tmp_path, tmp_path_factory
):
    shutil.copytree(good_store, tmp_path / "store")
    prepare(tmp_path)
    before = snapshot(tmp_path)
    elsewhere = tmp_path_factory.mktemp("tmp")
    result = commands.run([export, "store", "--to", target, *options], cwd=tmp_path, tmp=elsewhere)
    assert result.status == 4, result.err
    assert len(result.err.splitlines()) == 1
    assert phrase in result.err
    assert target in result.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("prepare", "target", "phrase"),
    [
        (lambda at: (at / "plain").write_text("x"), "plain/below", "cannot be"),
        (nothing, "/proc/pipeline-test/store", "cannot be written"),
        (home_like, "home", "is not a store"),
        (lambda at: (at / "home").write_text("x"), "home", "is a file; name a new directory"),
    ],
    ids=["a file above it", "a place where none can write", "a home directory", "a file"],
)
def test_an_import_leaves_alone_what_is_no_store(prepare, target, phrase, commands, tmp_path, tmp_path_factory):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    prepare(tmp_path)
    before = snapshot(tmp_path)
    elsewhere = tmp_path_factory.mktemp("tmp")
    result = commands.run(["import", "a.ndjson", "--to", target], cwd=tmp_path, tmp=elsewhere)
    assert result.status == 4, result.err
    assert len(result.err.splitlines()) == 1
    assert phrase in result.err
    assert snapshot(tmp_path) == before
