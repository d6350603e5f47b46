"""Packages, read by tools of others: coreutils, frictionless, json and glob, jq."""

from __future__ import annotations

import glob
import gzip
import json
import shutil
import subprocess

import frictionless
import hostile
import pytest
from directories import descriptor, only
from readers import decompress
from resources import assert_frictionless, resources_of
from samples import row, write_ndjson
from variants import OPAQUE_VARIANTS, SCOPES, VARIANTS, YEAR, label

import pipeline
from pipeline.errors import UsageError


def test_coreutils_check_the_sums(us_store, tmp_path):
    pipeline.export_measurements(us_store, tmp_path / "out", scope="per-session", with_statistics=True, sync=False)

    def check():
        return subprocess.run(
            ["sha256sum", "-c", "--strict", "SHA256SUMS"],
            cwd=tmp_path / "out",
            capture_output=True,
            text=True,
            check=False,
        )

    done = check()
    assert done.returncode == 0, done.stderr
    checked = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert checked == {path.name for path in (tmp_path / "out").iterdir()} - {"SHA256SUMS"}
    assert "datapackage.json" in checked
    broken = only(tmp_path / "out", "statistics_*")
    data = bytearray(broken.read_bytes())
    data[-2] ^= 1
    broken.write_bytes(data)
    assert check().returncode == 1


# Frictionless, a reader of data packages that we did not write.


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS, ids=label)
def test_frictionless_validates_measurements(hostile_store, tmp_path, variant, scope):
    pipeline.export_measurements(
        hostile_store, tmp_path / "out", scope=scope, with_statistics=True, sync=False, **variant
    )
    report = assert_frictionless(tmp_path / "out")
    counts = {resource["name"]: resource["pipeline:rowCount"] for resource in descriptor(tmp_path / "out")["resources"]}
    assert {task.name: task.stats["rows"] for task in report.tasks} == counts
    fields = {task.name: task.stats["fields"] for task in report.tasks}
    assert fields["sessions"] == 15


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS, ids=label)
def test_frictionless_validates_statistics(hostile_store, tmp_path, variant, scope):
    pipeline.export_statistics(
        hostile_store,
        tmp_path / "out",
        scope=scope,
        by=("is_ok",),
        window="1d",
        quantiles=(0.999,),
        sync=False,
        **YEAR,
        **variant,
    )
    report = assert_frictionless(tmp_path / "out")
    assert {task.name for task in report.tasks} == {"statistics", "sessions"}
    assert all(task.stats["rows"] > 0 for task in report.tasks)


@pytest.mark.parametrize("variant", OPAQUE_VARIANTS, ids=label)
def test_frictionless_validates_bytes_and_hash_of_other_formats(us_store, tmp_path, variant):
    pipeline.export_measurements(us_store, tmp_path / "m", scope="per-session", sync=False, **variant)
    assert_frictionless(tmp_path / "m")
    pipeline.export_statistics(us_store, tmp_path / "s", sync=False, **variant)
    assert_frictionless(tmp_path / "s")
    file = tmp_path / "s" / resources_of(tmp_path / "s", "statistics")[0]["path"]
    data = file.read_bytes()
    # Inside gzip, the time of its header: frictionless opens it before it looks at the hash.
    place = 4 if file.suffix == ".gz" else len(data) - 1
    file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert "hash-count" in frictionless_errors(tmp_path / "s")
    file.write_bytes(gzip.compress(decompress(file) + b"\n") if file.suffix == ".gz" else data + b"\n")
    assert "byte-count" in frictionless_errors(tmp_path / "s")


def frictionless_errors(directory):
    report = frictionless.validate(str(directory / "datapackage.json"))
    return {kind for (kind,) in report.flatten(["type"])}


@pytest.mark.parametrize("variant", VARIANTS, ids=label)
def test_frictionless_validates_an_export_of_nothing(us_store, tmp_path, variant):
    for scope in SCOPES:
        to = tmp_path / scope
        pipeline.export_measurements(
            us_store, to, scope=scope, metrics=("nosuch",), with_statistics=True, sync=False, **variant
        )
        assert_frictionless(to)


@pytest.mark.parametrize("variant", [{"format": "csv"}, {"format": "ndjson"}], ids=label)
def test_frictionless_validates_parts(us_store, tmp_path, variant):
    pipeline.export_measurements(
        us_store,
        tmp_path / "out",
        rows_per_file=17,
        scope="per-session",
        with_statistics=True,
        sync=False,
        **variant,
    )
    report = assert_frictionless(tmp_path / "out")
    assert len(report.tasks) > 3 * len(hostile.SESSION_IDS)


def test_frictionless_finds_damage(us_store, tmp_path):
    """The checks above could not fail otherwise."""
    damages = [
        ("sessions_*", b"\ncon,", b"\ncon2,", {"foreign-key", "hash-count", "byte-count"}),
        ("measurements_*", b'"value":1.0,', b'"value":"one",', {"type-error", "hash-count"}),
        ("measurements_*", b'"sequence":', b'"sequences":', {"incorrect-label", "hash-count"}),
        ("measurements_*", b'{"session_id":"con","sequence":-5,', b"", {"primary-key"}),
    ]
    for at, (pattern, sound, broken, errors) in enumerate(damages):
        to = tmp_path / str(at)
        pipeline.export_measurements(us_store, to, sync=False)
        file = only(to, pattern)
        data = file.read_bytes()
        if broken:
            assert sound in data
            file.write_bytes(data.replace(sound, broken))
        else:
            file.write_bytes(data + data.split(b"\n")[-2] + b"\n")
        assert errors <= frictionless_errors(to), errors


def test_a_column_of_nulls_alone_is_valid_or_refused(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", [row(), row(sequence=1, value=None), row(sequence=2)])
    try:
        pipeline.export_measurements(source, tmp_path / "out", format="csv", columns=("value",), sync=False)
    except UsageError:
        return
    assert_frictionless(tmp_path / "out")


# Reading without any tool.


def test_json_and_glob_are_enough(fixture_store, tmp_path):
    pipeline.export_measurements(fixture_store, tmp_path / "out", scope="per-session", compression="gzip", sync=False)
    lines = []
    # Names sort by time, and so do the sessions.
    for name in sorted(glob.glob(str(tmp_path / "out" / "measurements_*_session-*.ndjson.gz"))):  # noqa: PTH207 - as a user would
        with gzip.open(name, "rt", encoding="utf-8", newline="") as file:
            lines += [json.loads(line) for line in file]
    assert len(lines) == 24_553
    listed = pipeline.list_sessions(fixture_store)
    counts = {}
    for line in lines:
        counts[line["session_id"]] = counts.get(line["session_id"], 0) + 1
    assert counts == {session["session_id"]: session["measurement_count"] for session in listed}
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    assert sum(r["pipeline:rowCount"] for r in package["resources"] if r["pipeline:table"] == "measurements") == 24_553


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_reads_a_document_and_lines(fixture_store, tmp_path):
    pipeline.export_measurements(fixture_store, tmp_path / "j", format="json", sync=False)
    pipeline.export_measurements(fixture_store, tmp_path / "n", format="ndjson", sync=False)

    def jq(program, file, *options):
        done = subprocess.run(["jq", *options, program, file], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    document, lines = only(tmp_path / "j", "measurements_*"), only(tmp_path / "n", "measurements_*")
    assert jq(".measurements | length", document) == ["24553"]
    assert jq(".metadata.sessions | length", document) == ["11"]
    assert jq("[.[].sequence] | length", lines, "-s") == ["24553"]
    metrics = sorted({metric for session in pipeline.list_sessions(fixture_store) for metric in session["metrics"]})
    assert json.loads("".join(jq("[.[].metric] | unique", lines, "-s"))) == metrics
