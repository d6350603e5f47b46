"""What lies in a lower layer of an overlay, as in the image of a container, is not replaced there, and that is said."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from directories import contents, names_in
from machine import needs_root
from program import pipeline
from samples import row, write_ndjson

from pipeline import export_measurements


@pytest.fixture
def overlay(good_store, tmp_path):
    """A package and a store in the lower layer."""
    layers = {name: tmp_path / name for name in ("lower", "upper", "work", "merged")}
    for path in layers.values():
        path.mkdir()
    export_measurements(good_store, layers["lower"] / "package", sync=False)
    shutil.copytree(good_store, layers["lower"] / "store")
    options = f"lowerdir={layers['lower']},upperdir={layers['upper']},workdir={layers['work']}"
    mounted = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, layers["merged"]], check=False)
    if mounted.returncode:
        pytest.skip("no overlay can be mounted here")
    yield layers["merged"]
    subprocess.run(["umount", layers["merged"]], check=True)


@needs_root
@pytest.mark.parametrize(
    "words", ["export store --to package --overwrite --format csv", "import a.ndjson --to store --if-exists replace"]
)
def test_what_lies_in_a_lower_layer_stays_and_is_named(overlay, words):
    (overlay / "a.ndjson").write_bytes(write_ndjson(overlay / "rows", [row("wan-01")]).read_bytes())
    names, before = names_in(overlay), contents(overlay)
    ended = pipeline(*words.split(), cwd=overlay)
    assert (ended.status, ended.err.count("\n")) == (4, 1), ended
    assert "it lies in a lower layer of an overlay" in ended.err
    assert (names_in(overlay), contents(overlay)) == (names, before)


@needs_root
def test_what_is_new_is_written_beside_it(overlay):
    assert pipeline("export", "store", "--to", "new", cwd=overlay).status == 0
    assert pipeline("verify", "new", cwd=overlay).status == 0
