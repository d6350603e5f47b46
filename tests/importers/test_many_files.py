"""Many files of harnesses in one import."""

from __future__ import annotations

from directories import names_in
from harness_files import k6_point, write_k6
from project import HARNESS_FILES
from samples import rows_of

from pipeline import import_sessions
from pipeline.cli import main
from pipeline.importers import connection

SESSIONS = 80
QUERY = "SELECT value FROM measurements WHERE metric = 'http_req_duration' ORDER BY session_id"


def test_many_harness_files_of_an_import_share_a_directory(tmp_path):
    files = [
        write_k6(
            tmp_path / f"run{number:03}.json",
            [k6_point(value=float(number), time=f"2026-11-24T16:{number % 60:02}:00Z")],
        )
        for number in range(SESSIONS)
    ]
    result = import_sessions(files, tmp_path / "store")
    assert len(result.imported) == SESSIONS
    assert [name.split("-")[0] for name in names_in(tmp_path / "store" / "sessions")] == ["pack"]
    assert rows_of(tmp_path / "store", QUERY) == [(float(number),) for number in range(SESSIONS)]
    assert import_sessions(files, tmp_path / "store", if_exists="skip").unchanged == result.imported
    write_k6(files[3], [k6_point(value=-1.0)])
    import_sessions(files[3], tmp_path / "store", if_exists="replace", session_id=result.imported[3])
    assert rows_of(tmp_path / "store", QUERY)[3] == (-1.0,)
    assert names_in(tmp_path / "store" / "staging") == []


def test_small_files_are_read_by_few_engines(tmp_path, monkeypatch):
    opened = []
    connect = connection.connect_engine

    def counted(**options):
        opened.append(options)
        return connect(**options)

    monkeypatch.setattr(connection, "connect_engine", counted)
    files = []
    for name in ("hyperfine/two-commands.json", "iperf3/tcp-1stream.json", "jmeter/jmeter-2.13.jtl"):
        data = (HARNESS_FILES / name).read_bytes()
        for number in range(8):
            files.append(tmp_path / f"{number}-{name.replace('/', '-')}")
            files[-1].write_bytes(data + b"\n" * number)  # a file by itself
    result = import_sessions(files, tmp_path / "store")
    assert len(result.imported) == len(files)
    assert len(opened) <= 6
    (tmp_path / "alone").mkdir()
    for file in files[::8]:
        import_sessions(file, tmp_path / "alone" / file.name)
        alone = rows_of(
            tmp_path / "alone" / file.name, "SELECT metric, value, unit FROM measurements ORDER BY sequence"
        )
        sessions = [one for one, of in zip(result.imported, files, strict=True) if of.name[2:] == file.name[2:]]
        for session_id in sessions:
            query = f"SELECT metric, value, unit FROM measurements WHERE session_id = '{session_id}' ORDER BY sequence"
            assert rows_of(tmp_path / "store", query) == alone


def test_what_is_said_of_many_files_is_said_once(tmp_path, capsys):
    data = (HARNESS_FILES / "hyperfine/two-commands.json").read_bytes()
    files = [tmp_path / f"run{number}.json" for number in range(6)]
    for number, file in enumerate(files):
        file.write_bytes(data + b"\n" * number)
    for count, told in ((6, "run0.json and 5 more files: nothing says when"), (3, "run2.json: nothing says when")):
        assert main(["import", *map(str, files[:count]), "--to", str(tmp_path / f"store{count}"), "--quiet"]) == 0
        err = capsys.readouterr().err
        assert told in err
        assert err.count("nothing says when it started") == (1 if count == 6 else 3)
