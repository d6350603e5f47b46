"""Standard output is just the file, byte for byte."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from directories import only
from program import COMMAND, pipeline

from pipeline import export_measurements, export_statistics


@pytest.mark.parametrize(
    ("kind", "compression"),
    [
        ("ndjson", "none"),
        ("ndjson", "gzip"),
        ("ndjson", "zstd"),
        ("json", "none"),
        ("csv", "none"),
        ("parquet", "zstd"),
        ("arrow", "none"),
    ],
)
def test_standard_output_gets_the_bytes_of_the_file(fixture_store, tmp_path, kind, compression):
    export_measurements(fixture_store, tmp_path / "package", format=kind, compression=compression, sync=False)
    written = subprocess.run(
        [*COMMAND, "export", fixture_store, "--to", "-", "--format", kind, "--compression", compression],
        capture_output=True,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    assert written.stdout == only(tmp_path / "package", "measurements_*").read_bytes()
    assert b"1 file, 24,553 rows" in written.stderr


def test_statistics_to_standard_output_are_those_of_the_file(fixture_store, tmp_path):
    export_statistics(fixture_store, tmp_path / "package", window="10s")
    result = pipeline("statistics", fixture_store, "--to", "-", "--window", "10s", "--quiet")
    assert (result.status, result.err) == (0, "")
    assert result.out == only(tmp_path / "package", "statistics_*").read_text(encoding="utf-8")


def test_nothing_to_standard_output_can_be_an_error(source):
    assert pipeline("export", source, "--to", "-", "--where", "false").status == 0
    assert pipeline("export", source, "--to", "-", "--where", "false", "--fail-if-empty").status == 3


def test_compressed_bytes_are_not_written_to_a_terminal(source):
    leader, follower = pty.openpty()
    result = subprocess.run(
        [*COMMAND, "export", source, "--to", "-", "--format", "parquet"],
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(follower)
    os.close(leader)
    assert result.returncode == 2
    assert "terminal" in result.stderr
