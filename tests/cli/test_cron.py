"""What cron runs: the line of the README as it stands there, in cron's own environment; and the log that it writes."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from directories import names_in
from program import pipeline
from project import ROOT
from samples import row, write_ndjson

from pipeline import export_measurements, import_sessions, verify_package
from pipeline.cli import main

DIRECTORY, PROGRAM = "/srv/measurements", "/srv/pipeline/.venv/bin/pipeline"
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = re.search(r"^```crontab\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]

JOB = re.search(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]


def as_cron_runs(line, home):
    """Run a line of a crontab as cron(8) does: no locale, no terminal, and a percent sign ends the command."""
    command = re.fullmatch(r"(?:\S+\s+){5}(.*)", line)[1]
    command, *given = re.split(r"(?<!\\)%", command)
    environment = [f"HOME={home}", "LOGNAME=somebody", "SHELL=/bin/sh", "PATH=/usr/bin:/bin"]
    return subprocess.run(
        ["/usr/bin/env", "-i", *environment, "sh", "-c", command.replace("\\%", "%")],
        input="\n".join(given).encode(),
        capture_output=True,
        cwd=home,
        check=False,
    )


def logged(path):
    """The log as JSON, a line each, in the order of their times."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    times = [dt.datetime.fromisoformat(line["time"]) for line in lines]
    assert times == sorted(times)
    assert all(time.utcoffset() == dt.timedelta(0) for time in times)
    assert dt.datetime.now(dt.UTC) - times[0] < dt.timedelta(minutes=5)
    return lines


@pytest.fixture
def place(tmp_path):
    """A directory of measurements of today and yesterday, in Berlin, with a space in its name."""
    directory = tmp_path / "all measurements"
    directory.mkdir()
    today = dt.datetime.now(ZoneInfo("Europe/Berlin")).replace(hour=12, minute=0, second=0, microsecond=0)
    rows = [
        row(f"s{days}", 0, timestamp=(today - dt.timedelta(days=days)).astimezone(dt.UTC).isoformat())
        for days in range(3)
    ]
    import_sessions(write_ndjson(tmp_path / "rows.ndjson", rows), directory / "STORE")
    return directory


@pytest.mark.parametrize("line", LINES.splitlines())
def test_the_line_of_the_readme_runs_as_it_stands(line, place, tmp_path):
    assert line.count(DIRECTORY) == line.count(PROGRAM) == 1
    program = Path(sys.executable).parent / "pipeline"
    line = line.replace(DIRECTORY, shlex.quote(str(place))).replace(PROGRAM, shlex.quote(str(program)))
    log = place / "nightly.log"
    (place / "nightly.toml").write_text(JOB, encoding="utf-8")

    def run():
        done = as_cron_runs(line, tmp_path)
        assert (done.stdout, done.stderr) == (b"", b""), "cron would send a mail"
        return done.returncode

    assert run() == 0
    *published, summary = logged(log)
    today = dt.datetime.now(ZoneInfo("Europe/Berlin")).date()
    days = [str(today - dt.timedelta(days=ago)) for ago in (2, 1)]
    assert [(one["period"], one["reason"], one["outcome"], one["rows"]) for one in published] == [
        (day, "missing", "published", 1) for day in days
    ]
    assert (summary["periods"], summary["status"]) == ({"published": 2}, 0)
    package = place / "statistics" / days[1]
    assert verify_package(package).problems == ()

    assert run() == 0
    (summary,) = logged(log)[3:]
    assert (summary["periods"], summary["status"]) == ({}, 0)

    for path in package.iterdir():
        path.unlink()
    package.rmdir()

    def stop(done, *_):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_measurements(place / "STORE", package, scope="per-session", batch_size=1, threads=1, on_progress=stop)
    assert run() == 0
    again, summary = logged(log)[4:]
    assert "held what an interrupted run left" in again["warnings"][0]
    assert (again["period"], again["outcome"]) == (days[1], "published")
    assert names_in(place) == ["STORE", "nightly.log", "nightly.toml", "statistics"]

    (place / "STORE").rename(place / "moved")
    assert run() == 3
    problem, summary = logged(log)[6:]
    assert (problem["where"], problem["status"], summary["status"]) == ("source", 3, 3)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["export", "nowhere", "--to", "x", "--json"], 3),
        (["export", "nowhere", "--to", "x", "--json", "--quiet"], 3),
        (["export", "nowhere", "--json", "--form", "csv"], 2),
        (["verify", "nowhere", "--json"], 3),
        (["compact", "nowhere", "--json"], 3),
        (["stages", "s3://bucket", "--json"], 2),
        (["import", "a\nb", "--to", "x", "--json"], 3),
        (["delete", "nowhere", "--session", "x", "--yes", "--json"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_error_is_one_line_of_json(words, status, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == status
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert said.out == ""
    told = json.loads(line)
    assert (list(told), told["status"]) == (["time", "status", "error"], status)
    assert main([word for word in words if word != "--json"]) == status
    assert capsys.readouterr().err == f"pipeline: {told['error']}\n"


def test_each_report_is_one_line_of_json(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_ndjson(tmp_path / "rows.ndjson", [row("s1", 0), row("s2", 0)])
    for command in (
        "import rows.ndjson --to STORE",
        "export STORE --to out",
        "statistics STORE --to figures",
        "verify out",
        "verify STORE",
        "compact STORE --dry-run",
        "delete STORE --session s1 --dry-run",
    ):
        assert main([*command.split(), "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert next(iter(json.loads(line))) == "time"
    assert main(["stages", ".", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert main(["export", "STORE", "--to", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().err)["to"] == "-"


def test_damage_is_reported_and_is_an_error(tmp_path):
    export_measurements(write_ndjson(tmp_path / "rows.ndjson", [row("s1", 0)]), tmp_path / "out")
    next((tmp_path / "out").glob("measurements_*")).write_text("", encoding="utf-8")
    done = pipeline("verify", tmp_path / "out", "--json")
    assert done.status == 5
    assert len(json.loads(done.out)["problems"]) == 1
    assert json.loads(done.err)["status"] == 5
