"""Publishing: a package appears whole or not at all, where it was wanted."""

from __future__ import annotations

import os

import pytest
from directories import contents, names_in, snapshot
from program import pipeline

from pipeline import DestinationError, SourceError, UsageError, export_measurements, import_sessions


def test_the_stage_is_a_hidden_sibling_that_becomes_the_package(source, tmp_path):
    seen = []

    def look(_done, _total, _written):
        seen.append(names_in(tmp_path / "out"))

    export_measurements(source, tmp_path / "out" / "package", on_progress=look, with_statistics=True)
    assert seen
    for names in seen:
        assert names == [".package.stage"]
    assert names_in(tmp_path / "out") == ["package"]


def test_a_package_can_be_read_by_whom_the_umask_lets(source, tmp_path):
    before = os.umask(0o027)
    try:
        export_measurements(source, tmp_path / "package", sync=False)
    finally:
        os.umask(before)
    assert (tmp_path / "package").stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "package").iterdir()} == {0o640}


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("with_statistics", [False, True])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(source, tmp_path, scope, with_statistics):
    store = tmp_path / "store"
    import_sessions(source, store)
    export_measurements(store, tmp_path / "out" / "package", exclude=["unit"])
    before = snapshot(tmp_path / "out")
    data = store / "sessions" / "s2" / "measurements-0000.parquet"
    damaged = bytearray(data.read_bytes())
    damaged[100] ^= 0xFF
    data.write_bytes(damaged)
    options = {"scope": scope, "with_statistics": with_statistics}
    with pytest.raises(SourceError, match="s2"):
        export_measurements(store, tmp_path / "out" / "package", overwrite=True, **options)
    with pytest.raises(SourceError, match="s2"):
        export_measurements(store, tmp_path / "out" / "other", **options)
    assert snapshot(tmp_path / "out") == before
    assert names_in(tmp_path / "out") == ["package"]


def test_a_failure_of_the_caller_leaves_nothing(source, tmp_path):
    def stop(_done, _total, _written):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        export_measurements(source, tmp_path / "out" / "package", on_progress=stop)
    assert names_in(tmp_path / "out") == []


def test_what_comes_into_the_destination_meanwhile_is_not_replaced(source, tmp_path):
    def intrude(_done, _total, _written):
        (tmp_path / "out" / "package").mkdir(exist_ok=True)
        (tmp_path / "out" / "package" / "thesis.txt").write_text("years", encoding="utf-8")

    with pytest.raises(DestinationError):
        export_measurements(source, tmp_path / "out" / "package", on_progress=intrude)
    assert contents(tmp_path / "out") == {"package/thesis.txt": b"years"}


def test_an_empty_directory_counts_as_not_there(source, tmp_path):
    (tmp_path / "package").mkdir()
    assert export_measurements(source, tmp_path / "package").rows > 0
    assert (tmp_path / "package" / "datapackage.json").is_file()


@pytest.mark.parametrize("name", [".", ".."])
def test_the_current_directory_is_no_destination(source, tmp_path, name):
    """It cannot be renamed into place under the feet of the shell."""
    (tmp_path / "empty").mkdir()
    result = pipeline("export", source, "--to", name, cwd=tmp_path / "empty")
    assert result.status in {2, 4}
    assert f"{name}: " in result.err
    assert names_in(tmp_path / "empty") == []
    assert names_in(tmp_path) == ["empty", "source.ndjson"]


def test_parents_are_created_and_a_trailing_slash_means_nothing(source, tmp_path):
    result = pipeline("export", source, "--to", f"{tmp_path}/a/b/package/")
    assert result.status == 0, result.err
    assert (tmp_path / "a" / "b" / "package" / "datapackage.json").is_file()
    assert names_in(tmp_path / "a" / "b") == ["package"]


def test_a_name_that_says_a_file_is_told_how_to_write_one(source, tmp_path):
    with pytest.raises(UsageError, match=r"--to - > "):
        export_measurements(source, tmp_path / "out.csv", format="csv")
