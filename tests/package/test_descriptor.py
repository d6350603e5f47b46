"""What a package says of itself, held against its files by readers that know nothing of this program."""

from __future__ import annotations

import csv
import glob
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess

import frictionless
import hostile
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import descriptor, only, row, write_ndjson
from conftest import pipeline as command
from readers import READERS, decompress, strict_json

import pipeline
from pipeline.errors import SourceError, UsageError

OWN_FILES = {"datapackage.json", "SHA256SUMS"}
VARIANTS = [
    {"format": "csv"},
    {"format": "csv", "compression": "gzip"},
    {"format": "csv", "spreadsheet": True},
    {"format": "ndjson"},
    {"format": "ndjson", "compression": "gzip"},
]
OPAQUE_VARIANTS = [
    {"format": "csv", "compression": "zstd"},
    {"format": "ndjson", "compression": "zstd"},
    {"format": "json"},
    {"format": "json", "compression": "gzip"},
    {"format": "json", "compression": "zstd"},
    {"format": "parquet"},
    {"format": "arrow"},
]
SCOPES = ("cross-session", "per-session")
# A day that holds the last microsecond of the year 9999 has no end.
YEAR = {"since": "2026-01-01", "until": "2027-01-01"}


def label(variant):
    return "-".join(str(value) for value in variant.values())


@pytest.fixture(scope="module", params=["us", "ns"])
def unit(request):
    return request.param


@pytest.fixture(scope="module")
def store(tmp_path_factory, unit):
    """The hostile rows as a store."""
    directory = tmp_path_factory.mktemp("store")
    path, _ = hostile.write_source(directory, unit)
    pipeline.import_sessions(path, directory / "store", timestamp_unit=unit)
    return directory / "store"


@pytest.fixture(scope="module")
def us_store(tmp_path_factory):
    """The same for tests that need no second unit."""
    directory = tmp_path_factory.mktemp("store")
    path, _ = hostile.write_source(directory)
    pipeline.import_sessions(path, directory / "store")
    return directory / "store"


def resources_of(directory, table):
    return [r for r in descriptor(directory)["resources"] if r["pipeline:table"] == table]


def kinds_of(resource):
    """Columns as (name, kind), from the schema of the descriptor."""
    schema = resource.get("schema") or resource["pipeline:schema"]
    kinds = {"timestamp[us]": "us", "timestamp[ns]": "ns"}
    return [(field["name"], kinds.get(field["pipeline:type"], field["pipeline:type"])) for field in schema["fields"]]


def rows_of(directory, resource):
    """Rows of a resource, read by others."""
    name = resource.get("pipeline:format") or resource["format"]
    data = decompress(directory / resource["path"])
    data = data.removeprefix(b"\xef\xbb\xbf")
    if name == "json":
        return READERS["json"]["python"](data, kinds_of(resource), table=resource["pipeline:table"])
    return READERS[name]["pyarrow" if "pyarrow" in READERS[name] else "python"](data, kinds_of(resource))


def assert_frictionless(directory):
    report = frictionless.validate(str(directory / "datapackage.json"))
    assert report.valid, report.flatten(["name", "type", "rowNumber", "fieldName", "message"])[:5]
    assert len(report.tasks) == len(descriptor(directory)["resources"])
    assert not report.warnings
    return report


# The descriptor against the files.


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS + OPAQUE_VARIANTS, ids=label)
def test_the_descriptor_tells_what_the_files_hold(us_store, tmp_path, variant, scope):
    pipeline.export_measurements(us_store, tmp_path / "out", scope=scope, with_statistics=True, sync=False, **variant)
    package = descriptor(tmp_path / "out")
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


def test_the_schema_describes_each_column(store, tmp_path, unit):
    pipeline.export_measurements(store, tmp_path / "out", format="csv", with_statistics=True, sync=False)
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


def test_the_package_tells_where_it_comes_from(us_store, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    pipeline.export_measurements(us_store, tmp_path / "out", sync=False)
    package = descriptor(tmp_path / "out")
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert package["created"] == "1970-01-01T00:00:00Z"
    assert package["name"] == "store"
    assert package["pipeline:source"]["name"] == "store"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", package["pipeline:source"]["fingerprint"])
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


def test_the_sessions_table_holds_what_is_known_of_the_sessions(store, tmp_path, unit):
    pipeline.export_measurements(store, tmp_path / "out", sync=False)
    (resource,) = resources_of(tmp_path / "out", "sessions")
    names = [name for name, _ in kinds_of(resource)]
    table = [dict(zip(names, values, strict=True)) for values in rows_of(tmp_path / "out", resource)]
    assert [session["session_id"] for session in table] == list(hostile.SESSION_IDS)
    records = pipeline.list_sessions(store)
    for at, (session, record) in enumerate(zip(table, records, strict=True)):
        assert strict_json(session["configuration"]) == hostile.CONFIGURATION | {"number": at}
        assert strict_json(session["metrics"]) == record["metrics"]
        assert session["measurement_count"] == 40
        assert session["null_count"] == record["null_count"]
        assert session["harness_name"] == "teleop"
    text = only(tmp_path / "out", "sessions_*.csv").read_text(encoding="utf-8")
    digits = 6 if unit == "us" else 9
    assert re.search(rf"\d\.?\d{{{digits}}}Z,", text)


@pytest.mark.parametrize(
    "configuration", [{"a": float("nan")}, {"a": [float("inf")]}, {"a": "\ud800"}, {"a": {1, 2}}], ids=repr
)
def test_a_configuration_that_is_no_json_is_refused(tmp_path, configuration):
    source = write_ndjson(tmp_path / "run.ndjson", [row()])
    with pytest.raises((SourceError, UsageError), match="configuration"):
        pipeline.import_sessions(source, tmp_path / "store", configuration=configuration)
    assert not (tmp_path / "store").exists()


# Frictionless, a reader of data packages that we did not write.


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS, ids=label)
def test_frictionless_validates_measurements(store, tmp_path, variant, scope):
    pipeline.export_measurements(store, tmp_path / "out", scope=scope, with_statistics=True, sync=False, **variant)
    report = assert_frictionless(tmp_path / "out")
    counts = {resource["name"]: resource["pipeline:rowCount"] for resource in descriptor(tmp_path / "out")["resources"]}
    assert {task.name: task.stats["rows"] for task in report.tasks} == counts
    fields = {task.name: task.stats["fields"] for task in report.tasks}
    assert fields["sessions"] == 15


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("variant", VARIANTS, ids=label)
def test_frictionless_validates_statistics(store, tmp_path, variant, scope):
    pipeline.export_statistics(
        store,
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


# Redaction.


def everything(directory):
    """All bytes of a package, and what is compressed or encoded in them."""
    for path in sorted(directory.iterdir()):
        yield path.name, path.read_bytes()
        yield path.name, decompress(path)
        if path.suffix in {".parquet", ".arrow"}:
            table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()
            yield path.name, repr(table.schema.metadata).encode()
            yield path.name, json.dumps(table.to_pylist(), default=str).encode()


@pytest.fixture(scope="module")
def secretive(tmp_path_factory):
    """A store whose sessions hold secrets at several depths, and the secrets."""
    directory = tmp_path_factory.mktemp("secretive")
    secrets = ["hunter2-alpha", "hunter2-beta", "hunter2-gamma", "771177117711"]
    for at in range(3):
        write_ndjson(directory / f"s{at}.ndjson", [row(f"s{at}", place) for place in range(5)])
        record = {
            "session_id": f"s{at}",
            "configuration": {
                "network": {"address": secrets[0], "kept": "visible"},
                "paths": [{"key": secrets[1]}, {"key": secrets[1], "kept": 1}],
                "a.b": {"c": [secrets[2], {"deep": secrets[2]}]},
                "pin": int(secrets[3]),
            },
        }
        # One session does not have what is redacted in the others.
        if at == 2:
            record["configuration"] = {"other": "visible"}
        (directory / f"s{at}.session.json").write_text(json.dumps(record), encoding="utf-8")
    pipeline.import_sessions(str(directory / "*.ndjson"), directory / "store")
    return directory / "store", secrets


PATHS = (
    "configuration.network.address",
    "configuration.paths.key",
    'configuration."a.b".c',
    "configuration.pin",
)


@pytest.mark.parametrize("variant", VARIANTS + OPAQUE_VARIANTS, ids=label)
def test_redaction_leaks_nothing_into_any_file(secretive, tmp_path, variant):
    store, secrets = secretive
    options = {"with_statistics": True, "scope": "per-session", "sync": False}
    pipeline.export_measurements(store, tmp_path / "open", **options, **variant)
    shown = b"".join(data for _, data in everything(tmp_path / "open"))
    assert all(secret.encode() in shown for secret in secrets)
    pipeline.export_measurements(store, tmp_path / "shut", redact=PATHS, **options, **variant)
    for name, data in everything(tmp_path / "shut"):
        for secret in secrets:
            assert secret.encode() not in data, name
    assert b"[redacted]" in only(tmp_path / "shut", "sessions_*").read_bytes()
    assert b"visible" in only(tmp_path / "shut", "sessions_*").read_bytes()
    pipeline.export_statistics(store, tmp_path / "statistics", redact=PATHS, sync=False, **variant)
    assert not any(secret.encode() in data for _, data in everything(tmp_path / "statistics") for secret in secrets)


def test_two_secrets_give_the_same_redacted_package(tmp_path):
    """What can be computed from a package, fingerprints included, tells nothing of what is redacted."""
    found = []
    for secret in ("1234", "1235"):
        source = write_ndjson(tmp_path / secret / "run.ndjson", [row()])
        record = {"session_id": "s1", "configuration": {"pin": secret}}
        (tmp_path / secret / "run.session.json").write_text(json.dumps(record), encoding="utf-8")
        pipeline.export_measurements(source, tmp_path / secret / "out", redact=("configuration.pin",), sync=False)
        package = descriptor(tmp_path / secret / "out")
        files = {
            path.name: path.read_bytes() for path in (tmp_path / secret / "out").iterdir() if path.name not in OWN_FILES
        }
        found.append((package | {"created": None}, files))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "path",
    [
        "configuration.network.adress",
        "configuration.nosuch",
        "configuration",
        "network.address",
        "configuration..x",
        "",
    ],
)
def test_a_path_that_is_not_there_is_an_error(secretive, tmp_path, path):
    store, _ = secretive
    with pytest.raises((UsageError, SourceError), match="--redact"):
        pipeline.export_measurements(store, tmp_path / "out", redact=(path,), sync=False)
    assert not (tmp_path / "out").exists()


def test_a_redacted_attribute_is_not_shown_by_a_column(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", [row(), row(sequence=1)])
    record = {"session_id": "s1", "attributes": {"robot_id": "hunter2"}}
    (tmp_path / "run.session.json").write_text(json.dumps(record), encoding="utf-8")
    pipeline.import_sessions(source, tmp_path / "store")
    redact = {"redact": ("attributes.robot_id",), "sync": False}
    with pytest.raises(UsageError, match="robot_id"):
        pipeline.export_measurements(tmp_path / "store", tmp_path / "out", **redact)
    with pytest.raises(UsageError, match="robot_id"):
        pipeline.export_statistics(tmp_path / "store", tmp_path / "out", by=("robot_id",), **redact)
    assert not (tmp_path / "out").exists()
    for name in ("ndjson", "parquet"):
        to = tmp_path / name
        pipeline.export_measurements(
            tmp_path / "store", to, format=name, exclude=("robot_id",), with_statistics=True, **redact
        )
        assert not any(b"hunter2" in data for _, data in everything(to))
    pipeline.export_statistics(tmp_path / "store", tmp_path / "s", **redact)
    assert not any(b"hunter2" in data for _, data in everything(tmp_path / "s"))


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
