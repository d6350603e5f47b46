"""What is redacted leaks into no file of any format, and into nothing that is computed from it."""

from __future__ import annotations

import json

import pytest
from directories import OWN_FILES, contents, descriptor, only
from samples import row, write_ndjson
from selections import everything, everything_in
from variants import OPAQUE_VARIANTS, VARIANTS, label

import pipeline
from pipeline.errors import SourceError, UsageError

# Redaction.


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
    shown = everything_in(tmp_path / "open")
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
        files = {name: data for name, data in contents(tmp_path / secret / "out").items() if name not in OWN_FILES}
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
