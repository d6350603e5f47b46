"""What goes wrong on a cluster is told in a line, and what may heal is tried again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from directories import measurement_files, names_in
from sail import sail_server
from spark_stores import assert_same_package

from pipeline import (
    BadRowError,
    DestinationError,
    PipelineError,
    SourceError,
    UsageError,
    VerificationError,
    export_measurements,
    export_statistics,
)
from pipeline.errors import ClusterError
from pipeline.spark import tasks
from pipeline.spark.client import connected
from pipeline.spark.tasks import tasks_on

pytestmark = pytest.mark.filterwarnings("ignore:.RETRIES_EXCEEDED")  # a thread of the client tells it late


def run(url, work, plans, entry, **options):
    with connected(url) as session:
        return sorted(tasks_on(session, work, plans, f"cluster_entries:{entry}", **options))


def test_tasks_give_answers_and_leave_nothing_but_what_they_name(tmp_path, sail):
    answers = run(sail.url, tmp_path, iter("abc"), "echo", shared={"of": "all"})
    assert [answer.value["plan"] for answer in answers] == ["a", "b", "c"]
    assert {answer.value["shared"]["of"] for answer in answers} == {"all"}
    assert len({answer.value["attempt"] for answer in answers}) == 3
    assert run(sail.url, tmp_path, [], "echo") == []


def test_what_may_heal_is_tried_again(tmp_path, sail):
    (answer,) = run(sail.url, tmp_path, [tmp_path / "failed"], "fail_once")
    assert (tmp_path / "failed").exists()
    assert answer.value


@pytest.mark.parametrize(
    ("entry", "kind", "status"), [("bad_row", BadRowError, 3), ("unverified", VerificationError, 5)]
)
def test_errors_of_ours_come_back_as_they_were(tmp_path, sail, entry, kind, status):
    with pytest.raises(PipelineError) as raised:
        run(sail.url, tmp_path, ["is odd", "is odd"], entry)
    assert type(raised.value) is kind
    assert raised.value.exit_status == status
    assert "is odd" in str(raised.value)
    if kind is BadRowError:
        assert (raised.value.session_id, raised.value.sequence, raised.value.column) == ("s", 7, "value")


def test_what_fails_again_and_again_is_told_in_a_line(tmp_path, sail):
    with pytest.raises(ClusterError, match=r"^sc://\S+: the job failed there \(ZeroDivisionError: [^\n]*\)$"):
        run(sail.url, tmp_path, [1], "break_off")


@pytest.mark.parametrize("name", ["measurement-export-pipeline", "pyarrow", "zstandard", "isal", "tzdata"])
def test_other_versions_on_workers_are_refused_before_anything_is_done(tmp_path, sail, monkeypatch, name):
    versions = {**tasks.versions_here(), name: "0.0.7"}
    monkeypatch.setattr(tasks, "versions_here", lambda: versions)
    with pytest.raises(UsageError, match=rf"^the worker {socket.gethostname()} has {name} \S+, not 0\.0\.7 as here: "):
        run(sail.url, tmp_path, [tmp_path / "touched"], "fail_once")
    assert not (tmp_path / "touched").exists()


def test_a_worker_that_does_not_see_the_work_directory_says_so(tmp_path, sail, monkeypatch):
    write = tasks._write_plans

    def elsewhere(_, *rest):
        (tmp_path / "elsewhere").mkdir()
        return write(tmp_path / "elsewhere", *rest)

    monkeypatch.setattr(tasks, "_write_plans", elsewhere)
    with pytest.raises(PipelineError, match="does not see it; source and destination must lie where all workers see"):
        run(sail.url, tmp_path, [1], "echo")


def test_no_server_and_no_client_are_told(tmp_path, generated, sail, monkeypatch):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(ClusterError, match=rf"^sc://127.0.0.1:{port}: no server answers at 127.0.0.1 port {port} "):
            export(generated, tmp_path / "out", f"sc://127.0.0.1:{port}")
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", None)
    with pytest.raises(
        UsageError, match=r"^--engine spark needs the client of Spark Connect .*pip install '\.\[cluster\]'"
    ):
        export(generated, tmp_path / "out", sail.url)
    assert names_in(tmp_path) == []


def export(store, to, url, **options):
    chosen = {"scope": "per-session", "engine": "spark", "master": url, "rows_per_task": 2_500, **options}
    return export_measurements(store, to, **chosen)


def test_a_server_that_is_killed_is_told_and_the_finished_files_stay(tmp_path, generated, sail):
    export_measurements(generated, tmp_path / "here", scope="per-session")
    (tmp_path / "log").mkdir()
    began = []
    with sail_server(tmp_path / "log") as other:

        def kill(done, total, _):
            if done >= total // 2 and not began:
                other.process.kill()
                other.process.wait()
                began.append(time.monotonic())

        with pytest.raises(ClusterError, match=r"^sc://\S+: the server is gone") as raised:
            export(generated, tmp_path / "out", other.url, on_progress=kill, rows_per_task=500)
    assert time.monotonic() - began[0] < 60
    assert raised.value.__notes__ == ["nothing was published; the same command continues where it stopped"]
    assert names_in(tmp_path) == [".out.stage", "here", "log"]
    left = []
    export(generated, tmp_path / "out", sail.url, on_progress=lambda _, total, __: left.append(total))
    assert 0 < left[0] <= 10_500
    assert_same_package(tmp_path / "here", tmp_path / "out")


def test_damage_is_told_as_it_is_here(tmp_path, generated, sail):
    shutil.copytree(generated, tmp_path / "store")
    damaged = measurement_files(tmp_path / "store")[7]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    told = []
    for options in ({"engine": "local", "master": None, "rows_per_task": None}, {}):
        with pytest.raises(SourceError) as raised:
            export(tmp_path / "store", tmp_path / "out", sail.url, **options)
        told.append(str(raised.value))
    assert told[0] == told[1]
    assert str(damaged) in told[0]
    with pytest.raises(SourceError, match="its SHA-256 is not that"):
        export_statistics(tmp_path / "store", tmp_path / "out", engine="spark", master=sail.url)
    assert names_in(tmp_path) == ["store"]


def test_a_session_that_is_replaced_meanwhile_is_told(tmp_path, generated, sail, monkeypatch):
    shutil.copytree(generated, tmp_path / "store")
    write = tasks._write_plans

    def moved(*rest):
        count = write(*rest)
        directory = measurement_files(tmp_path / "store")[3].parent
        directory.rename(directory.with_name("elsewhere"))
        return count

    monkeypatch.setattr(tasks, "_write_plans", moved)
    with pytest.raises(SourceError, match="was replaced while it was read; run it again"):
        export(tmp_path / "store", tmp_path / "out", sail.url)


KILLED = """
import os, sys
from pipeline import export_measurements
sys.path.insert(0, {spark!r})
def kill(done, total, written):
    if done >= 7_500:
        os.kill(os.getpid(), 9)
export_measurements({store!r}, {to!r}, scope={scope!r}, engine="spark", master={url!r}, rows_per_task=2_500,
                    on_progress=kill, rows_per_file={rows_per_file})
"""


def export_until_killed(store, to, url, **options):
    code = KILLED.format(spark=str(Path(__file__).parent), store=str(store), to=str(to), url=url, **options)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9


@pytest.mark.parametrize(("rows_per_file", "engine"), [(None, "spark"), (150, "spark"), (150, "local")])
def test_the_job_of_a_killed_driver_is_continued(tmp_path, generated, sail, rows_per_file, engine):
    options = {"scope": "per-session", "rows_per_file": rows_per_file}
    export_measurements(generated, tmp_path / "here", **options)
    export_until_killed(generated, tmp_path / "out", sail.url, scope="per-session", rows_per_file=rows_per_file)
    stage, work, here = names_in(tmp_path)
    assert (stage, here) == (".out.stage", "here")
    assert work.startswith(".out.work-")
    # The power failed before the last record was whole: of a session that is split, a part is not there.
    journal = tmp_path / ".out.stage" / "journal"
    journal.write_bytes(journal.read_bytes()[:-9])
    done = []
    if engine == "spark":
        options |= {"engine": "spark", "master": sail.url, "rows_per_task": 500}
    export_measurements(generated, tmp_path / "out", **options, on_progress=lambda *one: done.append(one[1]))
    if engine == "spark":
        assert done[0] == 20_000 - 7_500 + 500
    assert_same_package(tmp_path / "here", tmp_path / "out")
    if engine == "spark":
        assert names_in(tmp_path) == ["here", "out"]


def test_a_file_over_all_sessions_of_a_killed_driver_is_begun_again(tmp_path, generated, sail):
    export_measurements(generated, tmp_path / "here")
    export_until_killed(generated, tmp_path / "out", sail.url, scope="cross-session", rows_per_file=None)
    export(generated, tmp_path / "out", sail.url, scope="cross-session")
    assert_same_package(tmp_path / "here", tmp_path / "out")
    assert names_in(tmp_path) == ["here", "out"]


def test_an_interruption_cancels_the_tasks_and_is_continued(tmp_path, generated, sail):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(generated, tmp_path / "out", sail.url, on_progress=interrupt)
    assert names_in(tmp_path) == [".out.stage"]
    export(generated, tmp_path / "out", sail.url)
    export_measurements(generated, tmp_path / "here", scope="per-session")
    assert_same_package(tmp_path / "here", tmp_path / "out")


@pytest.mark.parametrize("rows_per_file", [None, 150])
def test_what_was_begun_here_is_continued_on_a_cluster(tmp_path, generated, sail, rows_per_file):
    def interrupt(done, *_):
        if done > 9_000:
            raise KeyboardInterrupt

    options = {"scope": "per-session", "rows_per_file": rows_per_file}
    with pytest.raises(KeyboardInterrupt):
        export_measurements(generated, tmp_path / "out", **options, on_progress=interrupt)
    left = []
    export(generated, tmp_path / "out", sail.url, **options, on_progress=lambda *one: left.append(one[1]))
    assert left[0] < 20_000 or rows_per_file
    export_measurements(generated, tmp_path / "here", **options)
    assert_same_package(tmp_path / "here", tmp_path / "out")


@pytest.fixture
def interruptible():
    """Let SIGINT interrupt, which a process in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_tasks_that_wait_are_cancelled_with_the_driver(tmp_path, sail):
    (tmp_path / "seen").mkdir()
    (tmp_path / "work").mkdir()

    def interrupt():
        while not names_in(tmp_path / "seen"):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run(sail.url, tmp_path / "work", [(tmp_path / "seen", 1.0)] * 12, "wait")
    time.sleep(2.5)
    begun = len(names_in(tmp_path / "seen"))
    time.sleep(1.5)
    assert len(names_in(tmp_path / "seen")) == begun <= 4


def test_what_lies_in_a_work_directory_and_is_not_ours_stays(tmp_path, generated, sail):
    left = tmp_path / ".out.work-0123456789ab"
    left.mkdir()
    (left / "0a1b2c3d-plan-12").touch()
    (left / "mine").touch()
    export(generated, tmp_path / "out", sail.url)
    assert names_in(left) == ["mine"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scope": "cross-session", "compression": "zstd"}, "is compressed as one stream; add --scope per-session"),
        ({"scope": "cross-session", "format": "parquet"}, "a file of parquet over all sessions is written at once"),
        ({"scope": "cross-session", "rows_per_file": 10}, "files over all sessions that end after 10 rows"),
        ({"scope": "cross-session", "format": "csv", "spreadsheet": True}, "that end after 1,048,575 rows"),
        ({"format": "xlsx"}, "--format xlsx holds 10,000,000 rows in all"),
        ({"to": "-"}, "--to - "),
        ({"to": "-", "scope": "cross-session"}, "name a directory that workers see"),
        ({"report": True}, "--report: all rows are read here"),
        ({"master": None}, "--engine spark: say where its server is"),
        ({"master": "spark://host:7077"}, "give the address of a Spark Connect server"),
        ({"master": "sc://host:0"}, "give the address of a Spark Connect server"),
        ({"engine": "local"}, "--master is of a cluster; add --engine spark"),
        ({"engine": "local", "master": None}, "--rows-per-task is of a cluster"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_with_the_way_round(tmp_path, generated, options, says):
    chosen = {"to": tmp_path / "out", **options}
    with pytest.raises(UsageError) as raised:
        export(generated, chosen.pop("to"), chosen.pop("master", "sc://127.0.0.1:1"), **chosen)
    assert says in str(raised.value)
    assert names_in(tmp_path) == []


def test_sources_that_are_no_stores_are_refused(tmp_path, source):
    with pytest.raises(UsageError, match=r"source\.ndjson is none: bring it into one with `pipeline import`"):
        export(source, tmp_path / "out", "sc://127.0.0.1:1")


def test_a_destination_that_cannot_be_written_is_told(tmp_path, generated, sail):
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError):
        export(generated, tmp_path / "file" / "out", sail.url)
