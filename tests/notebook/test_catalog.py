"""A DuckDB file of views, opened by the plain duckdb package without us."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from directories import names_in
from project import FIXTURE_STORE
from samples import row, write_ndjson

from pipeline import BusyError, DestinationError, SourceError, UsageError, import_sessions, write_catalog
from pipeline.cli import main
from pipeline.notebook import catalog
from pipeline.publish.file_stage import file_stage
from pipeline.publish.leftovers import list_stages

# A process that cannot import this project.
ALONE = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print(c.sql(sys.argv[2]).fetchall())"


def ask(path, sql):
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, path, sql], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return eval(done.stdout)  # noqa: S307 - what the line above printed


def test_any_client_reads_measurements_and_sessions(tmp_path):
    path = tmp_path / "m.duckdb"
    assert write_catalog(FIXTURE_STORE, path) == 11
    assert ask(path, "SELECT count(*), count(value), count(DISTINCT session_id) FROM measurements") == [
        (24553, 24442, 11)
    ]
    names = "SELECT configuration->>'$.network_profile.name' AS name, count(*)::INT FROM sessions GROUP BY 1 ORDER BY 1"
    assert dict(ask(path, names)) == {"lan": 2, "loopback": 2, "veth": 2, "wan": 3, "wan-degraded": 2}
    joined = "SELECT count(*) FROM measurements JOIN sessions USING (session_id)"
    assert ask(path, joined) == [(24553,)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.duckdb"]


OLD_CLIENT = """
import json, sys, duckdb
c = duckdb.connect(sys.argv[1], read_only=True)
print(json.dumps([c.sql(sql).fetchall() for sql in sys.argv[2:]]))
"""


def ask_old(version, path, *queries):
    """Ask a client of an older DuckDB, which uv keeps in its cache."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    command = ["uv", "run", "-q", "--no-project", "--python", sys.executable, "--with", f"duckdb=={version}", "python"]
    if subprocess.run([*command, "-c", "import duckdb"], capture_output=True, check=False, cwd="/").returncode:
        pytest.skip(f"DuckDB {version} cannot be fetched")
    done = subprocess.run(
        [*command, "-I", "-c", OLD_CLIENT, path, *queries], capture_output=True, text=True, check=False, cwd="/"
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("version", ["1.1.3", "1.2.2", "1.4.4"])
def test_clients_of_older_versions_read_views_and_comments(tmp_path, version):
    path = tmp_path / "m.duckdb"
    write_catalog(FIXTURE_STORE, path)
    tables, rows, names, views, columns = ask_old(
        version,
        path,
        "SHOW TABLES",
        "SELECT count(*), count(value) FROM measurements JOIN sessions USING (session_id)",
        "SELECT DISTINCT configuration->>'$.network_profile.name' AS name FROM sessions ORDER BY 1",
        "SELECT comment FROM duckdb_views() WHERE view_name IN ('measurements', 'sessions') ORDER BY view_name",
        "SELECT count(*), count(comment) FROM duckdb_columns() WHERE table_name IN ('measurements', 'sessions') "
        "AND schema_name = 'main'",
    )
    assert tables == [["measurements"], ["sessions"]]
    with duckdb.connect(str(path), read_only=True) as connection:
        assert tuple(rows[0]) == connection.sql("SELECT count(*), count(value) FROM measurements").fetchall()[0]
    assert names == [["lan"], ["loopback"], ["veth"], ["wan"], ["wan-degraded"]]
    assert all(comment for (comment,) in views)
    assert columns[0][0] == columns[0][1] > 20


def test_older_clients_are_told_that_they_do_not_know_times_of_nanoseconds(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store", timestamp_unit="ns")
    write_catalog(tmp_path / "store", tmp_path / "m.duckdb")
    assert ask(tmp_path / "m.duckdb", "SELECT count(*) FROM measurements") == [(1,)]
    assert "newer version of DuckDB" in ask_old("1.4.4", tmp_path / "m.duckdb", "SHOW TABLES")


def test_nothing_but_the_two_views_is_listed(tmp_path):
    write_catalog(FIXTURE_STORE, tmp_path / "m.duckdb")
    assert ask(tmp_path / "m.duckdb", "SHOW TABLES") == [("measurements",), ("sessions",)]


def test_every_column_says_what_it_means(tmp_path):
    write_catalog(FIXTURE_STORE, tmp_path / "m.duckdb")
    comments = ask(
        tmp_path / "m.duckdb",
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'main'",
    )
    described = {(table, name): comment for table, name, comment in comments if table in {"measurements", "sessions"}}
    assert len(described) > 20
    assert all(described.values())
    assert "unit" in described["measurements", "value"]
    assert "UCUM" in described["measurements", "unit"]


def test_hostile_names_are_names(tmp_path):
    name = 'it\'s "quoted"; DROP VIEW x --'
    write_ndjson(tmp_path / "a.ndjson", [row("x'y", 1, **{name: "v"})])
    import_sessions(tmp_path / "a.ndjson", tmp_path / "st'ore")
    write_catalog(tmp_path / "st'ore", tmp_path / "m.duckdb")
    with duckdb.connect(str(tmp_path / "m.duckdb"), read_only=True) as connection:
        found = connection.sql("FROM measurements")
        assert found.columns[-1] == name
        assert found.fetchall()[0][0] == "x'y"


def test_parquet_files_in_order_need_no_store(tmp_path):
    (data,) = sorted(FIXTURE_STORE.glob("sessions/lan*-13/*.parquet"))
    shutil.copy(data, tmp_path / "a.parquet")
    write_catalog(tmp_path / "a.parquet", tmp_path / "m.duckdb")
    rows = pq.read_metadata(data).num_rows
    assert ask(tmp_path / "m.duckdb", "SELECT count(*) FROM measurements") == [(rows,)]


def test_a_store_without_sessions_or_rows(tmp_path):
    with pytest.raises(SourceError):
        write_catalog(tmp_path / "nothing", tmp_path / "m.duckdb")
    empty = pa.table({"session_id": pa.array([], pa.string())})
    pq.write_table(empty, tmp_path / "a.parquet")
    with pytest.raises(SourceError):
        write_catalog(tmp_path / "a.parquet", tmp_path / "m.duckdb")
    assert not (tmp_path / "m.duckdb").exists()


def test_what_would_have_to_be_converted_is_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    with pytest.raises(UsageError, match="import it"):
        write_catalog(tmp_path / "a.ndjson", tmp_path / "m.duckdb")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.ndjson"]


def test_only_a_duckdb_file_is_replaced_and_only_when_told_to(tmp_path):
    path = tmp_path / "m.duckdb"
    write_catalog(FIXTURE_STORE, path)
    before = path.read_bytes()
    with pytest.raises(DestinationError, match="--overwrite"):
        write_catalog(FIXTURE_STORE, path)
    assert path.read_bytes() == before
    write_catalog(FIXTURE_STORE, path, overwrite=True)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DestinationError, match="no DuckDB file"):
        write_catalog(FIXTURE_STORE, tmp_path / "mine.txt", overwrite=True)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"
    with pytest.raises(DestinationError, match="no such directory"):
        write_catalog(FIXTURE_STORE, tmp_path / "no" / "m.duckdb")


def test_the_command(tmp_path, capsys):
    assert main(["catalog", str(FIXTURE_STORE), "--to", str(tmp_path / "m.duckdb")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'm.duckdb'}: views measurements and sessions, 11 sessions\n"
    assert main(["catalog", str(FIXTURE_STORE), "--to", str(tmp_path / "m.duckdb")]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
import pipeline.notebook.catalog as catalog
catalog.create_views = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
catalog.write_catalog(sys.argv[1], "made.duckdb")
"""


def test_what_a_killed_run_left_is_removed_by_the_next_one(good_store, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, good_store], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert names_in(tmp_path) == [".made.duckdb.stage"]
    assert write_catalog(good_store, tmp_path / "made.duckdb") == 2
    assert names_in(tmp_path) == ["made.duckdb"]


def test_what_a_killed_run_left_is_listed_and_removed_as_other_stages(good_store, tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, good_store], cwd=tmp_path, check=False)
    (left,) = list_stages(tmp_path, remove=True)
    assert left.destination == str(tmp_path / "made.duckdb")
    assert names_in(tmp_path) == []


def test_one_run_at_a_time_writes_a_catalog(good_store, tmp_path):
    with file_stage(tmp_path / "made.duckdb"), pytest.raises(BusyError, match="another run is writing it"):
        write_catalog(good_store, tmp_path / "made.duckdb")
    assert names_in(tmp_path) == []


def test_a_session_that_is_replaced_meanwhile_is_that_of_the_new_rows(tmp_path, monkeypatch):
    import_sessions(write_ndjson(tmp_path / "old.ndjson", [row("s1", 0)]), tmp_path / "store")
    write_ndjson(tmp_path / "new.ndjson", [row("s1", 0), row("s1", 1)])
    create_views, left = catalog.create_views, ["new.ndjson"]

    def late(connection, scan, inventory, **options):
        if left:
            import_sessions(tmp_path / left.pop(), tmp_path / "store", if_exists="replace")
        create_views(connection, scan, inventory, **options)

    monkeypatch.setattr(catalog, "create_views", late)
    write_catalog(tmp_path / "store", tmp_path / "made.duckdb")
    assert ask(tmp_path / "made.duckdb", "SELECT count(*) FROM measurements") == [(2,)]
