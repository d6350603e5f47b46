"""A package that is there: the same command leaves it, others are refused unless told to overwrite it."""

from __future__ import annotations

import json
import os

import pytest
from directories import contents, descriptor, names_in, only, snapshot
from program import pipeline

from pipeline import DestinationError, export_measurements, export_statistics
from pipeline.disk.directories import exchange
from pipeline.publish import existing


def test_the_same_command_again_says_so_and_touches_nothing(source, tmp_path):
    first = pipeline("export", source, "--to", tmp_path / "package", "--with-statistics")
    before = snapshot(tmp_path / "package")
    again = pipeline("export", source, "--to", tmp_path / "package", "--with-statistics")
    assert (first.status, again.status) == (0, 0)
    assert "is this package already, complete; nothing to do" in again.out
    assert "nothing to do" not in first.out
    assert again.err == ""
    assert snapshot(tmp_path / "package") == before
    report = json.loads(pipeline("export", source, "--to", tmp_path / "package", "--with-statistics", "--json").out)
    assert report["is_unchanged"] is True
    assert {file["name"] for file in report["files"]} == {
        r["path"] for r in descriptor(tmp_path / "package")["resources"]
    }


def test_a_package_that_another_run_replaces_meanwhile_is_looked_at_again(source, tmp_path, monkeypatch):
    export_measurements(source, tmp_path / "package")
    export_measurements(source, tmp_path / "other", format="csv")
    read_json, left = existing.read_json, [tmp_path / "other"]

    def read(path):
        if left:
            exchange(left.pop(), tmp_path / "package")
        return read_json(path)

    monkeypatch.setattr(existing, "read_json", read)
    assert export_measurements(source, tmp_path / "package", format="csv").is_unchanged
    assert not left


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 1},
        {"batch_size": 7},
        {"memory_limit": "512MB"},
        {"sync": False},
        {"fail_if_empty": True},
        {"format": "ndjson", "compression": "none", "scope": "cross-session"},
    ],
    ids=str,
)
def test_options_that_do_not_shape_the_content_make_no_difference(source, tmp_path, options):
    export_measurements(source, tmp_path / "package")
    before = snapshot(tmp_path / "package")
    assert export_measurements(source, tmp_path / "package", **options).is_unchanged
    assert snapshot(tmp_path / "package") == before


@pytest.mark.parametrize(
    "options",
    [
        {"format": "csv"},
        {"compression": "gzip"},
        {"scope": "per-session"},
        {"with_statistics": True},
        {"sessions": ["s1"]},
        {"metrics": ["control_rtt"]},
        {"since": "2026-11-24"},
        {"until": "2027-01-01"},
        {"where": "true"},
        {"where_session": "true"},
        {"columns": ["session_id", "sequence", "value"]},
        {"exclude": ["robot"]},
        {"rows_per_file": 1000},
        {"hashed": False},
    ],
    ids=str,
)
def test_other_options_are_refused_unless_told_to_overwrite(source, tmp_path, options):
    export_measurements(source, tmp_path / "package", sync=False)
    before = snapshot(tmp_path / "package")
    with pytest.raises(DestinationError, match="--overwrite"):
        export_measurements(source, tmp_path / "package", sync=False, **options)
    assert snapshot(tmp_path / "package") == before
    assert not export_measurements(source, tmp_path / "package", sync=False, overwrite=True, **options).is_unchanged
    assert export_measurements(source, tmp_path / "package", sync=False, **options).is_unchanged


def test_statistics_differ_by_their_options_too(source, tmp_path):
    export_statistics(source, tmp_path / "package")
    for options in ({"window": "1m"}, {"by": ["robot"]}, {"quantiles": [0.9]}, {"lost": "infinite"}):
        with pytest.raises(DestinationError, match="--overwrite"):
            export_statistics(source, tmp_path / "package", **options)
    with pytest.raises(DestinationError, match="--overwrite"):
        export_measurements(source, tmp_path / "package")
    assert export_statistics(source, tmp_path / "package").is_unchanged


def test_another_source_is_refused_even_of_the_same_name(source, tmp_path):
    export_measurements(source, tmp_path / "package")
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("1.5", "1.25", 1), encoding="utf-8")
    with pytest.raises(DestinationError, match="another source"):
        export_measurements(source, tmp_path / "package")
    source.write_text(text, encoding="utf-8")
    assert export_measurements(source, tmp_path / "package").is_unchanged


@pytest.mark.parametrize("damage", ["cut", "missing", "no manifest", "longer"])
def test_a_package_that_is_incomplete_is_not_taken_for_done(source, tmp_path, damage):
    export_measurements(source, tmp_path / "package")
    wanted = contents(tmp_path / "package")
    data = only(tmp_path / "package", "measurements_*")
    if damage == "cut":
        os.truncate(data, data.stat().st_size - 1)
    elif damage == "longer":
        data.write_bytes(data.read_bytes() + b"x")
    else:
        (data if damage == "missing" else tmp_path / "package" / "SHA256SUMS").unlink()
    with pytest.raises(DestinationError):
        export_measurements(source, tmp_path / "package")
    export_measurements(source, tmp_path / "package", overwrite=True)
    found = contents(tmp_path / "package")
    for name in wanted.keys() - {"datapackage.json", "SHA256SUMS"}:
        assert found[name] == wanted[name]
    assert found.keys() == wanted.keys()


def test_overwriting_replaces_the_whole_package(source, tmp_path):
    export_measurements(source, tmp_path / "out" / "package", scope="per-session", format="csv")
    export_measurements(source, tmp_path / "out" / "package", overwrite=True)
    names = {path.name for path in (tmp_path / "out" / "package").iterdir()}
    described = {resource["path"] for resource in descriptor(tmp_path / "out" / "package")["resources"]}
    assert names == described | {"datapackage.json", "SHA256SUMS"}
    assert not any(name.startswith("measurements") and name.endswith(".csv") for name in names)
    assert names_in(tmp_path / "out") == ["package"]


@pytest.mark.parametrize("kind", ["file", "hidden file", "directory", "link"])
def test_a_foreign_file_in_a_package_is_never_touched(source, tmp_path, kind):
    package = tmp_path / "package"
    export_measurements(source, package)
    foreign = package / (".notes" if kind == "hidden file" else "notes.txt")
    if kind == "directory":
        foreign.mkdir()
    elif kind == "link":
        foreign.symlink_to(source)
    else:
        foreign.write_text("mine", encoding="utf-8")
    before = snapshot(package)
    for overwrite in (False, True):
        result = pipeline("export", source, "--to", package, *["--overwrite"] * overwrite)
        assert result.status == 4
        assert foreign.name in result.err
    assert snapshot(package) == before
    assert foreign.exists()


def test_signatures_may_lie_in_a_package(source, tmp_path):
    package = tmp_path / "package"
    export_measurements(source, package)
    for name in ("SHA256SUMS.asc", "SHA256SUMS.sig", "datapackage.json.tsr"):
        (package / name).write_bytes(b"signature")
    before = snapshot(package)
    assert export_measurements(source, package).is_unchanged
    assert snapshot(package) == before
