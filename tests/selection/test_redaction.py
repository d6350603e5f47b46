"""Redaction: which paths are hidden, what takes their place, and which paths are mistakes."""

from __future__ import annotations

import json

import pytest
from directories import only
from selections import everything_in, small

import pipeline as package

SECRET = "10.0.0.7-secret"  # noqa: S105 - it is what must not be found
CONFIGURATION = {
    "network": {
        "address": SECRET,
        "port": 7,
        "peers": [{"address": SECRET, "name": "x"}, {"name": "y"}, {"address": SECRET}],
    },
    "a.b": {"c": SECRET},
    'q"u\\o': SECRET,
    "": SECRET,
    "list": [[{"deep": SECRET}], 3, None],
    "whole": {"many": [SECRET, {"more": SECRET}]},
    "ключ 😀": SECRET,
    "kept": "visible",
}
SECRET_PATHS = [
    "configuration.network.address",
    "configuration.network.peers.address",
    'configuration."a.b".c',
    r'configuration."q\"u\\o"',
    'configuration.""',
    "configuration.list.deep",
    "configuration.whole",
    "configuration.ключ 😀",
    "attributes.operator",
]


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("format", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_what_is_redacted_is_nowhere_in_the_package(tmp_path, format, scope):  # noqa: A002 - the option's name
    attributes = {"operator": SECRET, "site": "lab"}
    source = small(tmp_path / "in", configuration=CONFIGURATION, attributes=attributes)
    options = {"format": format, "scope": scope, "sync": False}
    package.export_measurements(source, tmp_path / "open", **options)
    assert SECRET.encode() in everything_in(tmp_path / "open")
    # A session's own attribute is a column of its rows too; that is what --exclude is for.
    options |= {"redact": SECRET_PATHS, "exclude": ["operator"], "with_statistics": True}
    package.export_measurements(source, tmp_path / "shut", **options)
    found = everything_in(tmp_path / "shut")
    assert SECRET.encode() not in found
    assert b"visible" in found
    assert b"lab" in found


def test_redaction_replaces_values_and_keeps_the_rest(tmp_path):
    source = small(tmp_path / "in", configuration=CONFIGURATION)
    options = {"format": "json", "redact": SECRET_PATHS[:8], "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    document = json.loads(only(tmp_path / "out", "measurements_*.json").read_text("utf-8"))
    for session in document["metadata"]["sessions"]:
        configuration = session["configuration"]
        mark = configuration["whole"]
        assert isinstance(mark, str)
        assert configuration == {
            "network": {
                "address": mark,
                "port": 7,
                "peers": [{"address": mark, "name": "x"}, {"name": "y"}, {"address": mark}],
            },
            "a.b": {"c": mark},
            'q"u\\o': mark,
            "": mark,
            "list": [[{"deep": mark}], 3, None],
            "whole": mark,
            "ключ 😀": mark,
            "kept": "visible",
        }
    assert package.list_sessions(source)[0]["configuration"] == CONFIGURATION


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("configuration.network.adress", package.SourceError),
        ("configuration.kept.more", package.SourceError),
        ("configuration.network.peers.0", package.SourceError),
        ("configuration.a.b.c", package.SourceError),
        ("attributes.nope", package.SourceError),
        ("configuration", package.UsageError),
        ("network.address", package.UsageError),
        ("harness.name", package.UsageError),
        ("configuration..kept", package.UsageError),
        ("configuration.kept.", package.UsageError),
        ('configuration."kept', package.UsageError),
        ('configuration."a"b', package.UsageError),
        ("", package.UsageError),
        (".", package.UsageError),
    ],
)
def test_a_path_that_hides_nothing_is_an_error(tmp_path, path, error):
    source = small(tmp_path / "in", configuration=CONFIGURATION)
    with pytest.raises(error, match="redact"):
        package.export_measurements(source, tmp_path / "out", redact=["configuration.kept", path])
    assert not (tmp_path / "out").exists()


def test_a_path_that_one_session_has_is_enough(tmp_path):
    source = small(tmp_path / "in")
    records = [{"session_id": "a", "configuration": {"key": SECRET}}, {"session_id": "b"}]
    source.with_suffix(".session.json").write_text(json.dumps(records), encoding="utf-8")
    package.export_measurements(source, tmp_path / "out", redact=["configuration.key"], sync=False)
    assert SECRET.encode() not in everything_in(tmp_path / "out")
    # Of the selected sessions: else a typing error would go unnoticed.
    with pytest.raises(package.SourceError, match="redact"):
        package.export_measurements(source, tmp_path / "b", redact=["configuration.key"], sessions=["b"])
