"""Jobs publish the same packages on a cluster; what a run left is listed and removed."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress

import pytest
from directories import names_in
from program import pipeline
from project import FIXTURE_STORE
from spark_stores import assert_same_package

from pipeline import run_job
from pipeline.errors import TomlError
from pipeline.publish.work_directory import remove_work

JOB = """
source = "{source}"

[[export]]
name = "raw"
kind = "measurements"
period = "session"
to = "raw/{{period}}"
scope = "per-session"
format = "parquet"
{engine}
[[export]]
name = "figures"
kind = "statistics"
period = "day"
to = "figures/{{period}}"
window = "1m"
empty = "publish"
{engine}
"""
ENGINE = 'engine = "spark"\nmaster = "{url}"\nrows_per_task = 4000\n'


def write_job(directory, engine, more=""):
    directory.mkdir()
    (directory / "job.toml").write_text(JOB.format(source=FIXTURE_STORE, engine=engine) + more)
    return directory / "job.toml"


def test_a_job_runs_on_a_cluster(tmp_path, sail):
    here = run_job(write_job(tmp_path / "here", ""))
    there = run_job(write_job(tmp_path / "there", ENGINE.format(url=sail.url)))
    assert len(there.periods) == len(here.periods) > 10
    for kind in ("raw", "figures"):
        assert names_in(tmp_path / "there" / kind) == names_in(tmp_path / "here" / kind)
        for period in (name for name in names_in(tmp_path / "here" / kind) if not name.startswith(".")):
            assert_same_package(tmp_path / "here" / kind / period, tmp_path / "there" / kind / period)
    again = run_job(tmp_path / "there" / "job.toml")
    assert (again.exit_status, again.periods) == (0, ())


@pytest.mark.parametrize(
    ("engine", "more", "says"),
    [
        ('engine = "spark"\n', "", "engine spark: say where its server is"),
        ('master = "sc://a:1"\n', "", "master is of a cluster"),
        ('engine = "flink"\n', "", "engine"),
        (ENGINE.format(url="sc://a:1"), '[[check]]\ntargets = "t.toml"\nof = "raw"\n', "has the engine spark"),
    ],
)
def test_what_a_job_cannot_do_is_told_before_it_runs(tmp_path, engine, more, says):
    with pytest.raises(TomlError) as raised:
        run_job(write_job(tmp_path / "job", engine, more))
    assert says in str(raised.value)


def test_work_directories_that_were_left_are_listed_and_removed(tmp_path):
    left = tmp_path / ".out.work-0123456789ab"
    left.mkdir()
    (left / "0a1b2c3d-plan-0").write_bytes(b"12345")
    listed = json.loads(pipeline("stages", tmp_path, "--json").out)
    assert [(one["destination"], one["stage"], one["bytes"]) for one in listed] == [
        (str(tmp_path / "out"), str(left), 5)
    ]
    assert pipeline("stages", tmp_path / "out", "--remove").out.startswith(f"{tmp_path / 'out'}: removed (0 finished")
    assert names_in(tmp_path) == []


def test_a_work_directory_goes_though_tasks_go_on_to_write_into_it(tmp_path):
    left = tmp_path / ".out.work-0123456789ab"
    left.mkdir()

    def write():
        with suppress(FileNotFoundError):
            for number in range(100_000):
                (left / f"measurements.{number}-0123456789ab").touch()

    writer = threading.Thread(target=write)
    writer.start()
    while len(names_in(left)) < 100:
        time.sleep(0.01)
    assert remove_work(left)
    writer.join()
    assert names_in(tmp_path) == []


def test_the_command_tells_what_it_tells_without_a_cluster(tmp_path, generated, sail):
    options = ["--scope", "per-session", "--format", "csv"]
    done = pipeline(
        "export", generated, "-o", tmp_path / "out", *options, "--engine", "spark", "--master", sail.url, "--json"
    )
    here = pipeline("export", generated, "-o", tmp_path / "here", *options, "--json")
    assert (done.status, done.err) == (0, "")
    found, expected = json.loads(done.out), json.loads(here.out)
    for one in (found, expected):
        for name in ("time", "to", "seconds"):
            del one[name]
    assert found == expected


def test_the_command_tells_of_a_cluster_in_a_line(tmp_path, generated):
    done = pipeline(
        "statistics", generated, "-o", tmp_path / "out", "--engine", "spark", "--master", "sc://127.0.0.1:1"
    )
    assert done.status == 10
    assert done.err == (
        "pipeline: sc://127.0.0.1:1: no server answers at 127.0.0.1 port 1 (Connection refused); start it, or name "
        "another --master; nothing was published\n"
    )
