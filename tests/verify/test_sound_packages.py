"""A sound package passes, whatever its rows, its directory, and whoever replaces it; rows are counted once."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from directories import descriptor, only
from found_problems import FORMATS, problems
from program import pipeline
from samples import row, write_ndjson

from pipeline import SourceError, export_measurements, verify_package
from pipeline.verify import values
from pipeline.verify.csv_rows import csv_blocks

TEXT_FORMATS = ("ndjson", "json", "csv")
NOTES = ['a "quoted", note\n', "", "\n\n\n", '"', '""\n"', ",", None, "last\\", "ä\u2028"]


def package_of(tmp_path, rows, **options):
    export_measurements(write_ndjson(tmp_path / "rows.ndjson", rows), tmp_path / "out", sync=False, **options)
    return tmp_path / "out"


def rows_of(package):
    return sum(resource["pipeline:rowCount"] for resource in descriptor(package)["resources"])


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_are_counted_once_though_they_are_larger_than_a_block(tmp_path, kind):
    notes = ["x", "line\n" * 500_000, "y", '"' * 3_000_000, "z" * 9_000_000, "end"]
    rows = [row("s1", at, note=note) for at, note in enumerate(notes)]
    package = package_of(tmp_path, rows, format=kind)
    found = verify_package(package)
    assert (found.problems, found.rows) == ((), rows_of(package))


def test_points_are_counted_once_though_their_text_fills_several_batches(tmp_path):
    package = package_of(tmp_path, [row("s1", at, note="x" * 2_000) for at in range(4_000)], format="influx")
    found = verify_package(package)
    assert (found.problems, found.rows) == ((), rows_of(package))


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_rows_that_engines_cannot_hold_are_parsed_all_the_same(tmp_path, kind, monkeypatch):
    """Those of more than 1 GiB; here all of them."""
    monkeypatch.setattr(values, "PYTHON_BYTES", 0)
    for room in ("csv_rows", "readback"):
        monkeypatch.setattr(f"pipeline.verify.{room}.PYTHON_BYTES", 0)
    numbers = [None, "NaN", "Infinity", -0.0, 1e-300, 123456789.0]
    rows = [
        row("s1", at, note=note, value=numbers[at % len(numbers)], flag=at % 2 == 0, count=at * 2**50)
        for at, note in enumerate(NOTES * 3)
    ]
    for options in ({}, {"spreadsheet": True}) if kind == "csv" else ({},):
        package = package_of(tmp_path, rows, format=kind, **options)
        found = verify_package(package)
        assert (found.problems, found.rows) == ((), rows_of(package))
        data = only(package, "measurements_*")
        data.write_bytes(data.read_bytes().replace(b"123456789", b"123456788", 1))
        assert any("its SHA-256" in problem for _, problem in problems(package))
        shutil.rmtree(package)


def test_large_strings_become_strings_in_as_many_batches_as_they_need(monkeypatch):
    monkeypatch.setattr(values, "_TEXT_BYTES", 10)
    texts = ["abc", None, "", "defghij", "0123456789", "k", None, "lm" * 20, "n"]
    whole = pa.record_batch({"a": pa.array(texts, pa.large_string()), "b": pa.array(range(len(texts)))})
    for start in range(len(texts)):
        batches = list(values.with_short_offsets(whole.slice(start)))
        for batch in batches:
            batch.validate(full=True)
            assert batch.schema.field("a").type == pa.string()
            assert batch.num_rows == 1 or sum(len(t or "") for t in batch.column("a").to_pylist()) <= 10
        assert pa.Table.from_batches(batches).to_pydict() == whole.slice(start).to_pydict()
    (empty,) = values.with_short_offsets(whole.slice(0, 0))
    assert empty.schema.field("a").type == pa.string()


@pytest.mark.parametrize(
    "text", [b'a\n"b\n"\n', b'"\n""\n","\n\n"\n' * 20, b'x,"""",y\n' * 9, b'"' + b"\n" * 99 + b'"\n']
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_csv_is_cut_behind_rows_wherever_blocks_end(text, size, monkeypatch):
    monkeypatch.setattr("pipeline.verify.csv_rows.BLOCK_BYTES", size)
    blocks = list(csv_blocks(io.BytesIO(text)))
    assert b"".join(blocks) == text
    assert all(block.endswith(b"\n") and block.count(b'"') % 2 == 0 for block in blocks)


def test_the_variant_for_spreadsheets_may_have_a_column_whose_first_texts_look_like_numbers(tmp_path):
    rows = [row("s1", at, code=str(at) if at < 40_000 else f"code {at}") for at in range(40_010)]
    package = package_of(tmp_path, rows, format="csv", spreadsheet=True)
    found = verify_package(package)
    assert (found.problems, found.rows) == ((), rows_of(package))


@pytest.mark.parametrize("kind", [*FORMATS, "influx"])
def test_a_directory_may_have_any_name(tmp_path, kind):
    """Engines take paths as UTF-8 alone."""
    rows = [row("s1", at) for at in range(5)]
    made = package_of(tmp_path, rows, format=kind)
    for name in (b"\xff\xfe", b"a[1]*?'x", b"line\nfeed", "ü".encode()):
        package = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        shutil.copytree(made, package)
        assert problems(package) == set()


@pytest.mark.parametrize("encoding", ["utf-8:strict", "utf-8:surrogateescape", "ascii"])
def test_the_name_of_a_directory_is_told_whatever_bytes_it_is_of(tmp_path, encoding):
    package = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    package_of(tmp_path, [row("s1", at) for at in range(5)]).rename(package)
    for options in ([], ["--json"]):
        done = pipeline("verify", package, *options, env={"PYTHONIOENCODING": encoding})
        assert (done.status, done.err) == (0, "")
    assert os.fsencode(json.loads(done.out)["directory"]) == os.fsencode(package)


def other_rows(number):
    return [row("s1", at, value=float(number)) for at in range(50 + number)]


def test_a_package_that_is_replaced_while_it_is_read_is_verified_as_the_new_one(tmp_path, monkeypatch):
    """The files of the old one are gone when their turn comes."""
    from pipeline.verify.verification import _Check  # noqa: PLC0415

    package = package_of(tmp_path, other_rows(1))
    whole = _Check._check_content
    replaced = []

    def replace(self, one):
        if len(replaced) < times:
            replaced.append(one)
            package_of(tmp_path, other_rows(len(replaced) + 1), overwrite=True)
        whole(self, one)

    monkeypatch.setattr(_Check, "_check_content", replace)
    times = 1
    found = verify_package(package)
    assert (found.problems, found.rows) == ((), rows_of(package))
    times = 99
    with pytest.raises(SourceError, match="was replaced while it was verified; run it again"):
        verify_package(package)


EXPORT_AGAIN = """
import sys
from pipeline import export_measurements
number = 0
while True:
    number += 1
    export_measurements(sys.argv[1 + number % 2], sys.argv[3], overwrite=True, sync=False, format="csv")
"""


def test_no_package_is_called_damaged_beside_exports_that_replace_it(tmp_path):
    sources = [write_ndjson(tmp_path / f"{number}.ndjson", other_rows(number)) for number in (0, 1)]
    package = tmp_path / "out"
    export_measurements(sources[0], package, sync=False, format="csv")
    sizes = {rows_of(package), rows_of(package) + 1}
    with subprocess.Popen([sys.executable, "-c", EXPORT_AGAIN, *sources, package]) as exporting:
        try:
            began, first = time.monotonic(), package.stat().st_ino
            while package.stat().st_ino == first and time.monotonic() < began + 60:
                time.sleep(0.01)
            for _ in range(30):
                try:
                    found = verify_package(package)
                except SourceError as error:
                    assert "was replaced while it was verified" in str(error)  # noqa: PT017 - either is right
                else:
                    assert found.problems == ()
                    assert found.rows in sizes
            assert exporting.poll() is None
        finally:
            exporting.kill()
