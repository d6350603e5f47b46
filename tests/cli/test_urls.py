"""What looks like a URL is refused wherever a path is taken; a local directory of such a name has another spelling."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from directories import names_in
from samples import row, write_ndjson

import pipeline as package
from pipeline.disk.local_path import local_path

URLS = ["s3://bucket/prefix", "file:///tmp/x", "https://example.org/a.parquet", "gs://b/*.ndjson", "S3://b", "a+b://c"]
COMMANDS = {
    "export, source": ["export", "URL", "--to", "out"],
    "export, one of the sources": ["export", "a.ndjson", "URL", "--to", "out"],
    "export, destination": ["export", "a.ndjson", "--to", "URL"],
    "export, metadata": ["export", "a.ndjson", "--to", "out", "--package-metadata", "URL"],
    "statistics, source": ["statistics", "URL", "--to", "-"],
    "statistics, destination": ["statistics", "a.ndjson", "--to", "URL"],
    "import, file": ["import", "URL", "--to", "store"],
    "import, store": ["import", "a.ndjson", "--to", "URL"],
    "import, configuration": ["import", "a.ndjson", "--to", "store", "--configuration", "URL"],
    "import, importer": ["import", "a.ndjson", "--to", "store", "--from", "URL.sql"],
    "sessions": ["sessions", "URL"],
    "query": ["query", "URL", "SELECT 1"],
    "query, file": ["query", "a.ndjson", "SELECT 1", "--to", "URL.csv"],
    "query, SQL": ["query", "a.ndjson", "--file", "URL"],
    "report, source": ["report", "URL", "--to", "r.html"],
    "report, file": ["report", "a.ndjson", "--to", "URL.html"],
    "report, targets": ["report", "a.ndjson", "--to", "r.html", "--targets", "URL"],
    "plot, source": ["plot", "URL", "--metric", "m", "--to", "m.svg"],
    "plot, file": ["plot", "a.ndjson", "--metric", "m", "--to", "URL.svg"],
    "catalog, source": ["catalog", "URL", "--to", "c.duckdb"],
    "catalog, file": ["catalog", "a.ndjson", "--to", "URL"],
    "check, source": ["check", "URL", "--targets", "a.ndjson"],
    "check, targets": ["check", "a.ndjson", "--targets", "URL"],
    "compare, source": ["compare", "URL", "--baseline", "true", "--candidate", "false"],
    "compare, baseline": ["compare", "a.ndjson", "--baseline-source", "URL"],
    "verify": ["verify", "URL"],
    "stages": ["stages", "URL"],
    "recover": ["recover", "URL"],
    "delete": ["delete", "URL", "--session", "s1", "--yes"],
    "compact": ["compact", "URL"],
}


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("what", COMMANDS)
def test_a_url_is_a_usage_error_of_every_command(commands, tmp_path, tmp_path_factory, what, url):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    arguments = [one.replace("URL", url) for one in COMMANDS[what]]
    result = commands.run(arguments, cwd=tmp_path, tmp=tmp_path_factory.mktemp("tmp"))
    assert (result.status, result.out) == (2, ""), result.err
    (line,) = result.err.splitlines()
    assert f"{url}" in line
    assert "is a URL" in line
    assert names_in(tmp_path) == ["a.ndjson"]


def record(to):
    with package.record_session(to) as session:
        session.record("m", 1.0)


TWINS = {
    "export_measurements, source": lambda url: package.export_measurements(url, "out"),
    "export_measurements, destination": lambda url: package.export_measurements("a.ndjson", url),
    "export_measurements, metadata": lambda url: package.export_measurements("a.ndjson", "o", package_metadata=url),
    "export_statistics, source": lambda url: package.export_statistics(["a.ndjson", url], "out"),
    "export_statistics, destination": lambda url: package.export_statistics("a.ndjson", url),
    "import_sessions, file": lambda url: package.import_sessions(url, "store"),
    "import_sessions, store": lambda url: package.import_sessions("a.ndjson", url),
    "import_sessions, configuration": lambda url: package.import_sessions("a.ndjson", "store", configuration=url),
    "export_table": lambda url: package.export_table(pa.table({"a": [1], "b": [2]}), url),
    "list_sessions": package.list_sessions,
    "write_catalog, source": lambda url: package.write_catalog(url, "c.duckdb"),
    "write_catalog, file": lambda url: package.write_catalog("a.ndjson", url),
    "check_targets, source": lambda url: package.check_targets(url, "targets.toml"),
    "check_targets, targets": lambda url: package.check_targets("a.ndjson", url),
    "compare_sessions, source": lambda url: package.compare_sessions(url, "true", "false"),
    "compare_sessions, baseline": lambda url: package.compare_sessions("a.ndjson", baseline_source=url),
    "verify_package": package.verify_package,
    "verify_store": package.verify_store,
    "compact_store": package.compact_store,
    "delete_sessions": lambda url: package.delete_sessions(url, sessions=["s1"]),
    "recover_sessions": package.recover_sessions,
    "record_session": record,
    "connect": package.connect,
    "query": lambda url: package.query(url, "SELECT 1"),
    "scan": package.scan,
    "statistics": package.statistics,
}


@pytest.mark.parametrize("url", ["s3://bucket/prefix", Path("s3://bucket/prefix"), "file:///tmp/x"], ids=repr)
@pytest.mark.parametrize("what", TWINS)
def test_a_url_is_a_usage_error_of_every_function(tmp_path, monkeypatch, what, url):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.UsageError, match="is a URL"):
        TWINS[what](url)
    assert names_in(tmp_path) == ["a.ndjson"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file:///srv/a%20b/x.csv", "give the path, /srv/a b/x.csv"),
        ("file://localhost/srv", "give the path, /srv"),
        ("s3://bucket/prefix", "copy with a tool of s3"),
        ("s3://bucket/prefix", "./s3://bucket/prefix"),
    ],
)
def test_the_message_says_what_to_do(url, says):
    with pytest.raises(package.UsageError) as caught:
        local_path(url)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "given", ["./s3://b", "s3:/b", "/s3://b", "C://b", "a/b://c", "1s://b", "://b", Path("C:/b"), Path("/s3:/b"), "s3:"]
)
def test_what_is_no_url_is_a_path(given):
    assert local_path(given) in {Path(given), Path(given).absolute()}


def test_a_local_directory_of_such_a_name_can_be_written_and_read(commands, tmp_path, tmp_path_factory):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    tmp = tmp_path_factory.mktemp("tmp")
    for arguments in (
        ["import", "a.ndjson", "--to", "./s3://bucket/store"],
        ["export", "./s3://bucket/store", "--to", "./s3://bucket/out"],
        ["verify", "./s3:/bucket/out"],
    ):
        result = commands.run(arguments, cwd=tmp_path, tmp=tmp)
        assert result.status == 0, result.err
    assert names_in(tmp_path / "s3:" / "bucket") == ["out", "store"]
