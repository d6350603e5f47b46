"""The metrics file: what Prometheus' own parser, promtool and node_exporter read of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import urllib.request

import pytest
from nights import JOB, add, night, write_job

METRICS = 'metrics = "prom/nightly.prom"' + JOB
SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')


@pytest.fixture
def place(tmp_path):
    add(tmp_path, "a", "2026-11-24T16:00:00Z", "2026-11-24T17:00:00Z")
    write_job(tmp_path, METRICS)
    return tmp_path


def samples(place):
    """Each sample by its name and labels, read as the format's grammar says."""
    found, kinds = {}, {}
    for line in (place / "prom" / "nightly.prom").read_text(encoding="utf-8").splitlines():
        if line.startswith("# TYPE "):
            kinds[line.split()[2]] = line.split()[3]
        elif not line.startswith("#"):
            name, labels, number = SAMPLE.fullmatch(line).groups()
            assert (name, labels) not in found, "the collector drops a file with a sample twice"
            assert kinds[name] == "gauge"
            found[name, labels] = float(number)
    return found


def test_metrics_say_what_the_last_run_did(place):
    before = time.time()
    night(place)
    found = samples(place)
    own = 'job_name="nightly"'
    assert before <= found["pipeline_job_last_success_timestamp_seconds", own] <= time.time()
    assert found["pipeline_job_exit_status", own] == 0
    assert found["pipeline_job_rows", f'{own},export="daily"'] == 2
    assert found["pipeline_job_periods", f'{own},export="daily",outcome="published"'] == 1
    assert found["pipeline_job_periods", f'{own},export="daily",outcome="failed"'] == 0
    assert found["pipeline_job_peak_memory_bytes", own] > 10**7


@pytest.mark.parametrize(
    ("lies_there", "says"),
    [
        ("[Unit]\n", "holds no metrics of a job, and is left as it is"),
        ('# HELP pipeline_job_a a\npipeline_job_a{job_name="hourly"} 1\n', 'holds the metrics of job "hourly"'),
        (None, "is a symbolic link"),
    ],
)
def test_what_is_no_file_of_metrics_of_the_job_is_left_as_it_is(place, lies_there, says):
    metrics = place / "prom" / "nightly.prom"
    night(place)
    if lies_there is None:
        metrics.rename(place / "elsewhere")
        metrics.symlink_to(place / "elsewhere")
    else:
        metrics.write_text(lies_there)
    before = metrics.read_bytes()
    result = night(place)
    assert (result.exit_status, metrics.is_symlink(), metrics.read_bytes()) == (4, lies_there is None, before)
    assert says in result.problems[0].error
    metrics.unlink()
    metrics.touch()
    assert night(place).exit_status == 0


def test_the_time_of_the_last_success_outlives_runs_that_fail(place):
    night(place)
    success = samples(place)["pipeline_job_last_success_timestamp_seconds", 'job_name="nightly"']
    add(place, "b", "2026-11-25T16:00:00Z")
    (data,) = (place / "store" / "sessions" / "b").glob("*.parquet")
    data.write_bytes(b"no Parquet")
    assert night(place).exit_status == 3
    found = samples(place)
    assert found["pipeline_job_last_success_timestamp_seconds", 'job_name="nightly"'] == success
    assert found["pipeline_job_last_run_timestamp_seconds", 'job_name="nightly"'] > success
    assert found["pipeline_job_exit_status", 'job_name="nightly"'] == 3


def test_metrics_that_cannot_be_written_are_a_problem_of_the_run(place):
    (place / "prom").write_text("a file", encoding="utf-8")
    result = night(place)
    (problem,) = result.problems
    assert (problem.where, problem.status, result.exit_status) == ("metrics", 4, 4)
    assert len(result.periods) == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_file(place):
    night(place)
    text = (place / "prom" / "nightly.prom").read_bytes()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    twice = subprocess.run(["promtool", "check", "metrics"], input=text + text, capture_output=True, check=False)
    assert twice.returncode != 0, "the oracle finds a fault"


@pytest.mark.skipif(shutil.which("prometheus-node-exporter") is None, reason="node_exporter is not installed")
def test_node_exporter_shows_the_file(place, tmp_path_factory):
    night(place)
    port = 19_100 + hash(str(place)) % 1_000
    command = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults"]
    command += ["--collector.textfile", f"--collector.textfile.directory={place / 'prom'}"]
    log = tmp_path_factory.mktemp("log") / "log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            shown = _page(f"http://127.0.0.1:{port}/metrics")
        finally:
            process.terminate()
    assert 'pipeline_job_rows{export="daily",job_name="nightly"} 2' in shown
    assert re.search(r"^node_textfile_scrape_error 0$", shown, re.MULTILINE)


def _page(address):
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as page:  # noqa: S310 - on loopback
                return page.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
