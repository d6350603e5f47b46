"""The report of a package: hashed, described and verified like its tables, and the same in every run."""

from __future__ import annotations

import json
import subprocess

import pytest
from directories import only

import pipeline
from pipeline.errors import DestinationError, UsageError


@pytest.mark.parametrize("export", [pipeline.export_measurements, pipeline.export_statistics])
def test_a_report_in_a_package_is_verified_and_reproducible(fixture_store, tmp_path, monkeypatch, export):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    options = {"metrics": ["control_rtt"], "report": True, "verify": True, "sync": False}
    done = export(fixture_store, tmp_path / "one", **options)
    assert [file.table for file in done.files][-1] == "report"
    assert pipeline.verify_package(tmp_path / "one").problems == ()
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "one").returncode == 0  # noqa: PLW1510
    assert export(fixture_store, tmp_path / "one", **options).is_unchanged
    export(fixture_store, tmp_path / "two", **options, threads=1)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert first == second
    page = next(name for name in first if name.startswith("report_"))
    text = first[page].decode()
    for resource in json.loads(first["datapackage.json"])["resources"]:
        assert resource["path"] == page or resource["hash"].removeprefix("sha256:") in text


def test_a_changed_or_missing_report_is_damage(fixture_store, tmp_path):
    to = tmp_path / "out"
    options = {"metrics": ["control_rtt"], "sync": False}
    pipeline.export_statistics(fixture_store, to, report=True, **options)
    page = only(to, "report_*.html")
    text = page.read_bytes()
    page.write_bytes(text[:-2] + b"!\n")
    (problem,) = pipeline.verify_package(to).problems
    assert (problem.file, "SHA-256" in problem.problem) == (page.name, True)
    page.unlink()
    assert pipeline.verify_package(to).problems[0].problem == "is missing"
    with pytest.raises(DestinationError, match="damaged"):
        pipeline.export_statistics(fixture_store, to, report=True, **options)
    pipeline.export_statistics(fixture_store, to, report=True, overwrite=True, **options)
    assert page.read_bytes() == text
    with pytest.raises(DestinationError, match="other options"):
        pipeline.export_statistics(fixture_store, to, **options)
    pipeline.export_statistics(fixture_store, to, overwrite=True, **options)
    assert not page.exists()


def test_standard_output_has_no_room_for_a_report(fixture_store):
    with pytest.raises(UsageError, match="leave --report out"):
        pipeline.export_statistics(fixture_store, "-", report=True)
