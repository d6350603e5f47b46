"""What a package says of itself, held against its files by readers that know nothing of this program."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re

import hostile
import pyarrow as pa
import pytest
from directories import OWN_FILES, descriptor
from program import pipeline as command
from resources import assert_frictionless, kinds_of, resources_of, rows_of
from samples import row, write_ndjson
from variants import OPAQUE_VARIANTS, SCOPES, VARIANTS, YEAR, label

import pipeline
from pipeline.errors import SourceError, UsageError


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS + OPAQUE_VARIANTS, ids=label)
def test_the_descriptor_tells_what_the_files_hold(us_store, tmp_path, variant, scope):
    pipeline.export_measurements(us_store, tmp_path / "out", scope=scope, with_statistics=True, sync=False, **variant)
    package = descriptor(tmp_path / "out")
    text = (tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8")
    assert text == json.dumps(package, ensure_ascii=False, indent=2) + "\n"
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert found == {resource["path"] for resource in package["resources"]} | OWN_FILES
    assert [r["pipeline:table"] for r in package["resources"]][-2:] == ["statistics", "sessions"]
    for resource in package["resources"]:
        data = (tmp_path / "out" / resource["path"]).read_bytes()
        assert resource["bytes"] == len(data)
        assert resource["hash"] == "sha256:" + hashlib.sha256(data).hexdigest()
        assert resource["pipeline:rowCount"] == len(rows_of(tmp_path / "out", resource))
        # The variant for spreadsheet programs changes text on purpose.
        assert ("pipeline:contentDigest" in resource) == (not variant.get("spreadsheet"))
        assert re.fullmatch(r"rows1:[0-9a-f]{32}", resource.get("pipeline:contentDigest", "rows1:" + "0" * 32))
        assert re.fullmatch(r"[a-z0-9._-]+", resource["name"])
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names)
    assert names[-2:] == ["statistics", "sessions"]


@pytest.mark.parametrize("variant", VARIANTS + OPAQUE_VARIANTS, ids=label)
def test_a_resource_names_format_mediatype_encoding_and_compression(us_store, tmp_path, variant):
    pipeline.export_measurements(us_store, tmp_path / "out", sync=False, **variant)
    (resource,) = resources_of(tmp_path / "out", "measurements")
    name = variant["format"]
    compression = variant.get("compression", "zstd" if name == "parquet" else "none")
    mediatypes = {
        "csv": "text/csv",
        "ndjson": "application/x-ndjson",
        "json": "application/json",
        "parquet": "application/vnd.apache.parquet",
        "arrow": "application/vnd.apache.arrow.file",
    }
    assert resource["mediatype"] == mediatypes[name]
    assert resource["pipeline:compression"] == compression
    if name in {"csv", "ndjson", "json"}:
        assert resource["encoding"] == "utf-8"
    else:
        assert "encoding" not in resource
    if variant in VARIANTS:
        assert resource["format"] == name
        assert resource["type"] == "table"
        assert resource.get("compression") == ("gz" if compression == "gzip" else None)
    else:
        assert resource["format"] == "bin"
        assert resource["pipeline:format"] == name
        assert "compression" not in resource


def test_the_schema_describes_each_column(hostile_store, tmp_path, unit):
    pipeline.export_measurements(hostile_store, tmp_path / "out", format="csv", with_statistics=True, sync=False)
    measurements, statistics, sessions = descriptor(tmp_path / "out")["resources"]
    assert kinds_of(measurements) == hostile.columns(unit)
    for resource in (measurements, statistics, sessions):
        header = next(csv.reader(io.StringIO((tmp_path / "out" / resource["path"]).read_text(encoding="utf-8"))))
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == header
        assert all(len(field["description"]) > 3 for field in fields)
    types = {field["name"]: field["type"] for field in measurements["schema"]["fields"]}
    time = "datetime" if unit == "us" else "string"
    assert types == {
        "session_id": "string",
        "sequence": "integer",
        "timestamp": time,
        "metric": "string",
        "value": "number",
        "unit": "string",
        'robot "x", %s 100%': "string",
        "note": "string",
        "count": "integer",
        "ratio": "number",
        "is_ok": "boolean",
        "é😀'": "string",
    }
    fields = {field["name"]: field for field in measurements["schema"]["fields"]}
    assert fields["value"]["pipeline:unitColumn"] == "unit"
    assert all(fields[name]["constraints"]["required"] for name in ("session_id", "sequence", "timestamp"))
    if unit == "ns":
        pattern = fields["timestamp"]["constraints"]["pattern"]
        assert re.fullmatch(pattern, "2026-11-24T16:00:00.000001002Z")
        assert not re.fullmatch(pattern, "2026-11-24T16:00:00.000001Z")
    of_statistics = {field["name"]: field for field in statistics["schema"]["fields"]}
    assert {of_statistics[name]["pipeline:unitColumn"] for name in ("mean", "p99", "max")} == {"unit"}
    assert of_statistics["count"]["type"] == "integer"
    assert descriptor(tmp_path / "out")["pipeline:timestampUnit"] == unit


def test_keys_tie_the_tables_together(us_store, tmp_path):
    pipeline.export_measurements(us_store, tmp_path / "out", with_statistics=True, sync=False)
    measurements, statistics, sessions = (r["schema"] for r in descriptor(tmp_path / "out")["resources"])
    assert measurements["primaryKey"] == ["session_id", "sequence"]
    assert sessions["primaryKey"] == ["session_id"]
    reference = [{"fields": ["session_id"], "reference": {"resource": "sessions", "fields": ["session_id"]}}]
    assert measurements["foreignKeys"] == statistics["foreignKeys"] == reference
    assert "foreignKeys" not in sessions
    # The unit of a statistic may be null, and so it is no primary key to a reader.
    assert statistics["pipeline:key"] == ["session_id", "metric", "unit"]
    assert "primaryKey" not in statistics


def test_keys_name_no_column_that_is_left_out(us_store, tmp_path):
    pipeline.export_measurements(us_store, tmp_path / "m", columns=("sequence", "value"), sync=False)
    schema = resources_of(tmp_path / "m", "measurements")[0]["schema"]
    assert [field["name"] for field in schema["fields"]] == ["sequence", "value"]
    assert not schema.keys() & {"primaryKey", "foreignKeys", "pipeline:key"}
    pipeline.export_statistics(us_store, tmp_path / "s", scope="cross-session", window="1d", sync=False, **YEAR)
    schema = resources_of(tmp_path / "s", "statistics")[0]["schema"]
    assert schema["pipeline:key"] == ["metric", "unit", "window_start"]
    assert "foreignKeys" not in schema
    assert_frictionless(tmp_path / "m")


@pytest.mark.parametrize("scope", SCOPES)
def test_rows_and_digests_are_told_for_each_session(us_store, tmp_path, scope):
    pipeline.export_measurements(us_store, tmp_path / "all", scope=scope, batch_size=7, sync=False)
    told = [one for r in resources_of(tmp_path / "all", "measurements") for one in r["pipeline:sessions"]]
    assert [one["session_id"] for one in told] == list(hostile.SESSION_IDS)
    assert [one["rowCount"] for one in told] == [40] * len(told)
    sequences = pipeline.connect(us_store).execute(
        "SELECT session_id, min(sequence), max(sequence) FROM measurements GROUP BY ALL"
    )
    assert {(one["session_id"], one["firstSequence"], one["lastSequence"]) for one in told} == set(sequences.fetchall())
    # With all columns written, a session's digest is that of its record.
    records = pipeline.list_sessions(us_store)
    assert [one["contentDigest"] for one in told] == [record["content_digest"] for record in records]
    pipeline.export_measurements(us_store, tmp_path / "one", sessions=("con",), scope=scope, sync=False)
    (resource,) = resources_of(tmp_path / "one", "measurements")
    assert resource["pipeline:sessions"] == [one for one in told if one["session_id"] == "con"]
    assert resource["pipeline:contentDigest"] == resource["pipeline:sessions"][0]["contentDigest"]


def test_digests_do_not_depend_on_format_scope_or_parts(us_store, tmp_path):
    digests = set()
    exact = [variant for variant in (*VARIANTS, *OPAQUE_VARIANTS) if not variant.get("spreadsheet")]
    for at, variant in enumerate([*exact, {"rows_per_file": 11}, {"scope": "per-session"}, {"batch_size": 3}]):
        pipeline.export_measurements(us_store, tmp_path / str(at), sync=False, **variant)
        total = [0, 0]
        for resource in resources_of(tmp_path / str(at), "measurements"):
            text = resource["pipeline:contentDigest"].removeprefix("rows1:")
            total = [(a + int(text[i : i + 16], 16)) % 2**64 for a, i in zip(total, (0, 16), strict=True)]
        digests.add(tuple(total))
    assert len(digests) == 1


def test_the_package_tells_where_it_comes_from(us_store, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    pipeline.export_measurements(us_store, tmp_path / "out", sync=False)
    package = descriptor(tmp_path / "out")
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert package["created"] == "1970-01-01T00:00:00Z"
    assert package["name"] == "store"
    assert package["pipeline:source"]["name"] == "store"
    assert re.fullmatch(r"touched-sha256:[0-9a-f]{64}", package["pipeline:source"]["fingerprint"])
    assert package["pipeline:program"]["name"] == "measurement-export-pipeline"
    assert package["pipeline:program"]["version"]
    assert package["pipeline:engines"]["pyarrow"] == pa.__version__
    own = {key for key in package if ":" in key}
    assert all(re.fullmatch(r"pipeline:[a-z]+([A-Z][a-z]+)*", key) for key in own)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        pipeline.export_measurements(us_store, tmp_path / "other", sync=False)
    assert not (tmp_path / "other").exists()


def test_the_fingerprint_follows_the_content(tmp_path):
    fingerprints = set()
    for at, value in enumerate((1.5, 1.5, 2.5)):
        source = write_ndjson(tmp_path / str(at) / "run.ndjson", [row(), row(sequence=1, value=value)])
        pipeline.export_measurements(source, tmp_path / str(at) / "out", sync=False)
        fingerprints.add(descriptor(tmp_path / str(at) / "out")["pipeline:source"]["fingerprint"])
    assert len(fingerprints) == 2


def test_options_that_shape_the_content_are_recorded(us_store, tmp_path):
    pipeline.export_measurements(
        us_store,
        tmp_path / "m",
        format="csv",
        compression="gzip",
        scope="per-session",
        sessions=("con", "lan-01"),
        metrics=("loss",),
        since="2026-11-24",
        until="2026-11-25T01:00:00+01:00",
        where="sequence >= 0",
        where_session="measurement_count > 1",
        columns=("session_id", "sequence", "timestamp", "value"),
        exclude=("value",),
        redact=("configuration.network.address",),
        rows_per_file=100,
        sync=False,
        threads=1,
        batch_size=100,
    )
    options = descriptor(tmp_path / "m")["pipeline:options"]
    assert options["tables"] == ["measurements"]
    assert options["scope"] == "per-session"
    assert options["format"] == "csv"
    assert options["compression"] == "gzip"
    assert options["rows_per_file"] == 100
    assert options["spreadsheet"] is False
    selection = options["selection"]
    assert selection["sessions"] == ["con", "lan-01"]
    assert selection["metrics"] == ["loss"]
    assert selection["since"] == "2026-11-24T00:00:00.000000000Z"
    assert selection["until"] == "2026-11-25T00:00:00.000000000Z"
    assert selection["where"] == "sequence >= 0"
    assert selection["where_session"] == "measurement_count > 1"
    assert selection["columns"] == ["session_id", "sequence", "timestamp", "value"]
    assert selection["exclude"] == ["value"]
    assert selection["redact"] == ["configuration.network.address"]
    text = json.dumps(options)
    assert not any(name in text for name in ("threads", "batch_size", "memory_limit", "sync"))
    assert_frictionless(tmp_path / "m")
    pipeline.export_statistics(
        us_store,
        tmp_path / "s",
        by=("note",),
        window="1m",
        quantiles=(0.999,),
        lost="infinite",
        sync=False,
        **YEAR,
    )
    options = descriptor(tmp_path / "s")["pipeline:options"]["statistics"]
    assert options["by"] == ["note"]
    assert options["window"] == "1m"
    assert options["quantiles"] == ["0.999"]
    assert options["lost"] == "infinite"


def test_added_metadata_enters_the_descriptor(us_store, tmp_path):
    added = {
        "title": 'Latency "é😀"',
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
        "contributors": [{"title": "A. Nalyst", "roles": ["author"]}],
    }
    path = tmp_path / "about.json"
    path.write_text(json.dumps(added), encoding="utf-8")
    pipeline.export_measurements(us_store, tmp_path / "out", package_metadata=path, sync=False)
    package = descriptor(tmp_path / "out")
    assert {key: package[key] for key in added} == added
    assert_frictionless(tmp_path / "out")


@pytest.mark.parametrize(
    "text",
    [
        '{"resources": []}',
        '{"created": "2026-01-01"}',
        '{"tittle": "x"}',
        "[]",
        "{",
        '{"title": NaN}',
        '{"title": 1e999}',
    ],
)
def test_added_metadata_cannot_say_what_the_export_says(us_store, tmp_path, text):
    path = tmp_path / "about.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((UsageError, SourceError), match=re.escape(str(path))):
        pipeline.export_measurements(us_store, tmp_path / "out", package_metadata=path, sync=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("with_statistics", [False, True])
def test_no_hash_leaves_out_hashes_digests_and_sums(us_store, tmp_path, with_statistics):
    pipeline.export_measurements(
        us_store,
        tmp_path / "out",
        hashed=False,
        with_statistics=with_statistics,
        scope="per-session",
        sync=False,
    )
    assert not (tmp_path / "out" / "SHA256SUMS").exists()
    package = descriptor(tmp_path / "out")
    for resource in package["resources"]:
        assert not resource.keys() & {"hash", "pipeline:contentDigest"}
        assert resource["bytes"] == (tmp_path / "out" / resource["path"]).stat().st_size
        for session in resource.get("pipeline:sessions", []):
            assert session.keys() == {"session_id", "rowCount", "firstSequence", "lastSequence"}
    assert_frictionless(tmp_path / "out")


def test_the_command_writes_the_same_package(us_store, tmp_path):
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    result = command(
        "export", us_store, "--to", tmp_path / "a", "--format", "csv", "--redact", "configuration.network.address",
        "--with-statistics", "--rows-per-file", "50", "--batch-size", "13", "--quiet", env=env,
    )  # fmt: skip
    assert result.status == 0, result.err
    assert result.out == ""
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert_frictionless(tmp_path / "a")
    again = command(
        "export", us_store, "--to", tmp_path / "b", "--format", "csv", "--redact", "configuration.network.address",
        "--with-statistics", "--rows-per-file", "50", "--threads", "1", "--json", env=env,
    )  # fmt: skip
    assert again.status == 0, again.err
    assert {path.name for path in (tmp_path / "b").iterdir()} == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    report = json.loads(again.out)
    told = {file["name"]: file for file in report["files"]}
    assert told.keys() == names - OWN_FILES
    for name, file in told.items():
        data = (tmp_path / "b" / name).read_bytes()
        assert file["bytes"] == len(data)
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
