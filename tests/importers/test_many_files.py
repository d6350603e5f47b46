"""Many files of harnesses in one import."""

from __future__ import annotations

from directories import names_in
from harness_files import k6_point, write_k6
from samples import rows_of

from pipeline import import_sessions

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
