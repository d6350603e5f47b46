"""Jobs: what is new or changed is published as a whole, and nothing else; the packages say why."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
from directories import contents, descriptor, names_in, only, snapshot
from nights import JOB, add, night, told, write_job
from program import COMMAND, pipeline

from pipeline import (
    BusyError,
    JobError,
    PipelineError,
    UsageError,
    compact_store,
    delete_sessions,
    export_measurements,
    list_runs,
    run_job,
    verify_package,
)
from pipeline.package import job_note


@pytest.fixture
def place(tmp_path):
    """A store with a session a day, one over midnight, and a job that publishes days."""
    add(tmp_path, "a", "2026-11-24T16:00:00Z", "2026-11-24T17:00:00Z")
    add(tmp_path, "b", "2026-11-25T23:59:59.999999Z", "2026-11-26T00:00:00Z")
    write_job(tmp_path)
    return tmp_path


def values(package):
    lines = only(package, "measurements_*.ndjson").read_text(encoding="utf-8").splitlines()
    return [(one["session_id"], one["sequence"], one["value"]) for one in map(json.loads, lines)]


def test_each_period_is_published_once_with_the_rows_of_its_time(place):
    assert told(night(place)) == [
        ("2026-11-24", "missing", "published"),
        ("2026-11-25", "missing", "published"),
        ("2026-11-26", "missing", "published"),
    ]
    assert values(place / "published" / "2026-11-25") == [("b", 0, 1.5)]
    assert values(place / "published" / "2026-11-26") == [("b", 1, 1.5)]
    before = snapshot(place / "published")
    result = night(place)
    assert (told(result), result.exit_status) == ([], 0)
    assert snapshot(place / "published") == before
    for name in ("2026-11-24", "2026-11-25", "2026-11-26"):
        assert verify_package(place / "published" / name).problems == ()


def test_a_package_says_of_what_it_was_made_and_for_what(place):
    result = night(place)
    said = descriptor(place / "published" / "2026-11-25")
    job = said["pipeline:job"]
    assert said["pipeline:resultsVersion"] == 1
    assert {name: job[name] for name in ("name", "export", "period", "from", "to", "reason", "replaced")} == {
        "name": "nightly",
        "export": "daily",
        "period": "2026-11-25",
        "from": "2026-11-25T00:00:00.000000000Z",
        "to": "2026-11-26T00:00:00.000000000Z",
        "reason": "missing",
        "replaced": [],
    }
    assert (job["runId"], job["at"]) == (result.run_id, "2026-12-01T00:00:00.000000000Z")
    (made_of,) = job["madeOf"]
    assert (made_of["session_id"], made_of["rowCount"]) == ("b", 1)
    whole = export_measurements(place / "store", place / "whole", sessions=["b"], sync=False)
    (digested,) = descriptor(place / "whole")["resources"][0]["pipeline:sessions"]
    assert made_of["contentDigest"] == digested["contentDigest"]
    assert whole.rows == 2


CHANGES = {
    "late": lambda place: add(place, "c", "2026-11-24T01:00:00Z"),
    "replaced": lambda place: add(place, "a", "2026-11-24T16:00:00Z", value=2.5, if_exists="replace"),
    "removed": lambda place: delete_sessions(place / "store", sessions=["a"]),
    "options": lambda place: write_job(place, more='where = "value > 0"\n'),
    "program": lambda _: None,
    "damaged": lambda place: only(place / "published" / "2026-11-24", "measurements_*").write_bytes(b"short"),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_what_changed_is_published_anew_and_says_what_it_replaced(place, monkeypatch, reason):
    night(place)
    before = descriptor(place / "published" / "2026-11-24")
    CHANGES[reason](place)
    if reason == "program":
        for module in ("package.job_note", "package.descriptor", "publish.existing", "jobs.plan", "jobs.emptiness"):
            monkeypatch.setattr(f"pipeline.{module}.RESULTS_VERSION", 2)
        assert job_note.RESULTS_VERSION == 2
    every = {"options", "program"}
    days = ["2026-11-24", "2026-11-25", "2026-11-26"] if reason in every else ["2026-11-24"]
    planned = night(place, dry_run=True)
    assert told(planned) == [(day, reason, "planned") for day in days]
    result = night(place, "2026-12-02")
    assert told(result) == [(day, reason, "published") for day in days]
    (replaced,) = descriptor(place / "published" / "2026-11-24")["pipeline:job"]["replaced"]
    assert (replaced["created"], replaced["reason"], replaced["because"]) == (before["created"], "missing", reason)
    assert replaced["runId"] == before["pipeline:job"]["runId"]
    assert replaced["replacedAt"] == "2026-12-02T00:00:00.000000000Z"
    assert told(night(place, "2026-12-03")) == []


def test_a_period_that_loses_all_rows_is_replaced_by_an_empty_package(place):
    night(place)
    delete_sessions(place / "store", sessions=["a", "b"])
    assert told(night(place)) == [(day, "removed", "published") for day in ("2026-11-24", "2026-11-25", "2026-11-26")]
    assert values(place / "published" / "2026-11-24") == []
    assert told(night(place)) == []


def test_a_touched_store_and_a_compacted_one_are_no_news(place):
    night(place)
    for path in (place / "store").rglob("*"):
        path.touch()
    assert told(night(place)) == []
    compact_store(place / "store", rebuild_index=True)
    (place / "store").rename(place / "moved")
    write_job(place, JOB.replace('"store"', '"moved"'))
    assert told(night(place)) == []


def test_a_period_is_open_until_it_has_ended_and_the_grace_has_passed(place):
    write_job(place, more='grace = "2h"\n')
    result = night(place, "2026-11-26T01:59:59Z", dry_run=True)
    assert told(result) == [
        ("2026-11-24", "missing", "planned"),
        ("2026-11-25", "open", "open"),
        ("2026-11-26", "open", "open"),
    ]
    assert told(night(place, "2026-11-26T02:00:00Z")) == [
        ("2026-11-24", "missing", "published"),
        ("2026-11-25", "missing", "published"),
    ]
    # A clock that was set back makes nothing of what is published stale.
    assert told(night(place, "2026-11-24")) == []


def test_a_period_without_rows_is_not_missing_and_not_read_again(place, monkeypatch):
    add(place, "gap", "2026-11-20T12:00:00Z", "2026-11-22T12:00:00Z")
    result = night(place)
    assert ("2026-11-21", "missing", "empty") in told(result)
    assert not (place / "published" / "2026-11-21").exists()
    assert result.exit_status == 0
    monkeypatch.setattr("pipeline.jobs.run.run_export", None)  # nothing is opened
    assert told(night(place)) == []
    monkeypatch.undo()
    write_job(place, more='empty = "publish"\n')
    assert told(night(place)) == [("2026-11-21", "missing", "published")]
    assert values(place / "published" / "2026-11-21") == []


def test_what_was_published_by_hand_is_taken_over_if_it_is_the_same(place):
    times = {"since": "2026-11-24", "until": "2026-11-25"}
    export_measurements(place / "store", place / "published" / "2026-11-24", sync=False, **times)
    by_hand = contents(place / "published" / "2026-11-24")
    export_measurements(place / "store", place / "published" / "2026-11-25", sync=False)
    (place / "published" / "2026-11-26").mkdir()
    (place / "published" / "2026-11-26" / "mine.txt").write_text("mine", encoding="utf-8")
    kept = snapshot(place / "published" / "2026-11-25"), snapshot(place / "published" / "2026-11-26")
    result = night(place)
    assert told(result) == [
        ("2026-11-24", "missing", "taken over"),
        ("2026-11-25", "missing", "failed"),
        ("2026-11-26", "missing", "failed"),
    ]
    assert result.exit_status == 4
    assert not any(one.retry for one in result.periods)
    assert (snapshot(place / "published" / "2026-11-25"), snapshot(place / "published" / "2026-11-26")) == kept
    now = contents(place / "published" / "2026-11-24")
    assert {name for name in now if now[name] != by_hand[name]} == {"datapackage.json", "SHA256SUMS"}
    with pytest.raises(
        JobError, match=r"daily 2026-11-25: .*holds a package of another source .*\(and 1 more\)"
    ) as caught:
        result.require_success()
    assert caught.value.exit_status == 4


def test_the_package_of_another_job_is_left_alone(place):
    night(place)
    (place / "nightly.toml").rename(place / "other.toml")
    result = run_job(place / "other.toml", at="2026-12-01")
    assert {one.outcome for one in result.periods} == {"failed"}
    assert "is a package of export 'daily' of job 'nightly', and is left alone" in result.periods[0].error
    assert result.exit_status == 4


def test_a_period_that_fails_stops_no_other(place):
    (data,) = (place / "store" / "sessions" / "a").glob("*.parquet")
    data.write_bytes(data.read_bytes()[:-100] + b"x" * 100)
    result = night(place)
    assert told(result) == [
        ("2026-11-24", "missing", "failed"),
        ("2026-11-25", "missing", "published"),
        ("2026-11-26", "missing", "published"),
    ]
    assert (result.exit_status, result.periods[0].status) == (3, 3)
    assert names_in(place / "published") == [".nightly.daily.job", "2026-11-25", "2026-11-26"]


def test_an_export_that_cannot_be_planned_stops_no_other(place):
    broken = JOB.replace("daily", "broken").replace("published", "elsewhere").replace('source = "store"\n', "")
    write_job(place, JOB.replace("[[export]]", f"{broken}where_session = 'no_such = 1'\n[[export]]"))
    result = night(place)
    assert len(told(result)) == 3
    (problem,) = result.problems
    assert (problem.where, problem.status) == ("broken", 2)
    assert result.exit_status == 2


def test_a_range_is_published_anew_where_it_is_asked_for(place):
    night(place)
    options = {"refresh": True, "since": "2026-11-25", "until": "2026-11-26"}
    assert told(night(place, **options, dry_run=True)) == [("2026-11-25", "refresh", "planned")]
    assert told(night(place, **options)) == [("2026-11-25", "refresh", "unchanged")]
    (data,) = (place / "published" / "2026-11-25").glob("measurements*")
    data.write_bytes(data.read_bytes().replace(b"1.5", b"9.5"))  # of the same size: nothing but its hash shows it
    assert told(night(place)) == []
    assert told(night(place, **options)) == [("2026-11-25", "refresh", "published")]
    assert verify_package(place / "published" / "2026-11-25").problems == ()
    with pytest.raises(UsageError, match="--refresh publishes a range anew; say which"):
        night(place, refresh=True)


def test_a_range_alone_leaves_other_periods_for_later(place):
    assert told(night(place, since="2026-11-25T12:00:00Z", until="2026-11-26")) == [
        ("2026-11-25", "missing", "published")
    ]


@pytest.mark.parametrize(
    ("keep", "at", "left"),
    [
        ('"3d"', "2026-11-28", ["2026-11-25", "2026-11-26"]),
        ('"3d"', "2027-12-01", ["2026-11-26"]),  # never the newest
        ("2", "2027-12-01", ["2026-11-25", "2026-11-26"]),
    ],
)
def test_what_is_older_than_what_is_kept_is_removed_and_not_missed(place, keep, at, left):
    night(place)
    write_job(place, more=f"keep = {keep}\n")
    gone = sorted({"2026-11-24", "2026-11-25", "2026-11-26"} - set(left))
    assert told(night(place, at, dry_run=True)) == [(day, "expired", "planned") for day in gone]
    assert told(night(place, at)) == [(day, "expired", "removed") for day in gone]
    assert names_in(place / "published") == [".nightly.daily.job", *left]
    add(place, "late", "2026-11-24T01:00:00Z")
    assert told(night(place, at)) == []


def test_what_is_not_the_jobs_or_damaged_is_never_removed(place):
    night(place)
    write_job(place, more="keep = 1\n")
    (place / "published" / "2026-11-24" / "SHA256SUMS").unlink()
    shutil.copytree(place / "published" / "2026-11-25", place / "published" / "2026-11-01")
    (place / "published" / "2026-11-25" / "note.txt").write_text("mine", encoding="utf-8")
    result = night(place)
    assert ("2026-11-24", "expired", "removed") not in told(result)
    assert (place / "published" / "2026-11-25" / "note.txt").exists()
    assert (place / "published" / "2026-11-24").exists()


@pytest.mark.parametrize("period", ["session", "all", "week", "month", "6h"])
def test_other_periods_are_published_and_followed(place, period):
    write_job(place, JOB.replace('"day"', f'"{period}"'))
    first = {
        "session": ["a", "b"],
        "all": ["all"],
        "week": ["2026-W48"],
        "month": ["2026-11"],
        "6h": ["20261124T120000Z", "20261125T180000Z", "20261126T000000Z"],
    }[period]
    assert told(night(place)) == [(name, "missing", "published") for name in first]
    rows = sum(len(values(place / "published" / name)) for name in first)
    assert rows == 4
    delete_sessions(place / "store", sessions=["a"])
    changed = {"session": "a", "6h": "20261124T120000Z"}.get(period, first[0])
    assert told(night(place)) == [(changed, "removed", "published")]
    assert told(night(place)) == []


def test_sessions_of_unsafe_names_have_packages_of_their_own(place):
    write_job(place, JOB.replace('"day"', '"session"'))
    add(place, "../x y", "2026-11-24T10:00:00Z")
    names = [one.period for one in night(place).periods]
    assert len(set(names)) == 3
    delete_sessions(place / "store", sessions=["../x y"])
    ((name, reason, outcome),) = told(night(place))
    assert (name in names, reason, outcome) == (True, "removed", "published")
    assert told(night(place)) == []


def test_one_run_of_a_job_works_at_a_time(place):
    night(place)
    from pipeline.disk.locks import DirectoryLock  # noqa: PLC0415 - of this test alone

    lock = DirectoryLock(place / "published" / ".nightly.daily.job", held_as=place)
    with pytest.raises(BusyError, match="another run of job 'nightly' holds") as caught:
        night(place)
    assert caught.value.exit_status == 7
    assert night(place, dry_run=True).exit_status == 0
    lock.release()
    assert told(night(place)) == []


def test_a_signal_ends_a_run_soon_and_the_next_one_goes_on(place):
    rows = [f"2026-{month:02}-{day:02}T12:00:00Z" for month in range(1, 11) for day in range(1, 29)]
    for at, moment in enumerate(rows):
        add(place, f"s{at}", moment) if at % 10 == 0 else None
    job = [*COMMAND, "run", str(place / "nightly.toml"), "--at", "2026-12-01"]
    with subprocess.Popen(job, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not list((place / "published").glob("2026*")):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert "published; the next run goes on" in err.splitlines()[-1]
    done = len([name for name in names_in(place / "published") if name.startswith("2026")])
    result = night(place)
    assert len(result.periods) + done == 31
    assert told(night(place)) == []


def test_the_store_may_not_be_there_yet_where_something_is_imported(tmp_path):
    write_job(tmp_path)
    result = night(tmp_path)
    assert (result.exit_status, result.problems[0].where) == (3, "source")
    write_job(tmp_path, more='[import]\nfiles = "in/*"\n')
    assert (night(tmp_path).exit_status, names_in(tmp_path)) == (0, ["nightly.toml", "published"])


def test_the_history_is_in_the_packages(place):
    night(place)
    add(place, "c", "2026-11-24T01:00:00Z")
    result = night(place, "2026-12-02")
    told_of = [
        (one.at[:10], one.period, one.reason, one.rows, one.replaced_by) for one in list_runs(place / "published")
    ]
    assert told_of == [
        ("2026-12-01", "2026-11-24", "missing", 2, "late"),
        ("2026-12-01", "2026-11-25", "missing", 1, None),
        ("2026-12-01", "2026-11-26", "missing", 1, None),
        ("2026-12-02", "2026-11-24", "late", 3, None),
    ]
    assert list_runs(place)[-1].run == result.run_id
    assert [one.export for one in list_runs(place / "published" / "2026-11-25")] == ["daily"]


def test_statistics_and_other_formats_count_the_rows_they_were_made_of(place):
    statistics = JOB.replace("measurements", "statistics").replace("daily", "stats").replace("published", "stats")
    write_job(place, JOB + statistics.replace('source = "store"', "") + 'window = "1h"\nformat = "parquet"\n')
    night(place)
    (made_of,) = descriptor(place / "stats" / "2026-11-24")["pipeline:job"]["madeOf"]
    assert made_of["rowCount"] == 2
    assert told(night(place)) == []


def test_what_is_asked_and_does_not_exist_is_said(place):
    with pytest.raises(UsageError, match=r"--only dayly: .* did you mean 'daily'"):
        night(place, only=["dayly"])
    with pytest.raises(UsageError, match="--from is not before --to"):
        night(place, since="2026-11-25", until="2026-11-25")
    with pytest.raises(PipelineError, match="cannot be read"):
        run_job(place / "none.toml")


def test_a_job_by_the_command_line(place):
    shown = pipeline("run", "nightly.toml", "--at", "2026-12-01", "--dry-run", cwd=place)
    assert shown.status == 0, shown.err
    assert [line.split()[:4] for line in shown.out.splitlines()[2:5]] == [
        ["daily", f"2026-11-{day}", "missing", "1"] for day in (24, 25, 26)
    ]
    assert not (place / "published").exists()
    ran = pipeline("run", "nightly.toml", "--at", "2026-12-01", "--json", cwd=place)
    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert [(one["period"], one["reason"], one["outcome"], one["rows"]) for one in lines] == [
        ("2026-11-24", "missing", "published", 2),
        ("2026-11-25", "missing", "published", 1),
        ("2026-11-26", "missing", "published", 1),
    ]
    assert all(one["peak_memory_bytes"] > 10**7 and one["time"] and one["retry"] is False for one in lines)
    summary = json.loads(ran.out)
    assert {one["run"] for one in lines} == {summary["run"]}
    assert (summary["job"], summary["periods"], summary["rows"], summary["status"]) == (
        "nightly",
        {"published": 3},
        4,
        0,
    )
    again = pipeline("run", "nightly.toml", "--at", "2026-12-01", "--report-unchanged", cwd=place)
    assert (again.status, again.out.split(" in ")[0]) == (8, "nightly: nothing to do")
    listed = pipeline("runs", "published", cwd=place)
    assert len(listed.out.splitlines()) == 5
    wrong = pipeline("run", "nightly.toml", "--set", "daily.keep", cwd=place)
    assert (wrong.status, wrong.err.split(":")[0]) == (2, "pipeline")


TARGETS = """
[[target]]
name = "fast"
metric = "control_rtt"
figure = "max"
limit = "< 2 ms"
"""


def test_verdicts_on_targets_are_in_the_packages_and_missed_ones_are_6_with_everything_published(place):
    (place / "targets.toml").write_text(TARGETS, encoding="utf-8")
    add(place, "slow", "2026-11-25T12:00:00Z", value=9.0)
    write_job(place, more='[[check]]\ntargets = "targets.toml"\nof = "daily"\n')
    result = night(place)
    assert [(one.period, one.outcome, one.verdict, one.status) for one in result.periods] == [
        ("2026-11-24", "published", "pass", 0),
        ("2026-11-25", "published", "fail", 6),
        ("2026-11-26", "published", "pass", 0),
    ]
    assert result.exit_status == 6
    package = place / "published" / "2026-11-25"
    said = json.loads(only(package, "verdicts_20261125T120000Z_20261125T235959Z.json").read_text(encoding="utf-8"))
    assert (said["verdict"], [one["value"] for one in said["targets"][0]["groups"]]) == ("fail", [9.0, 1.5])
    assert verify_package(package).problems == ()
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=package, capture_output=True, check=True)
    with pytest.raises(JobError, match="daily 2026-11-25: targets: fail"):
        result.require_success()
    again = night(place)
    assert (told(again), again.exit_status) == ([], 0)
    only(package, "verdicts_*").write_text("{}", encoding="utf-8")
    assert [one.file[:8] for one in verify_package(package).problems] == ["verdicts"]
    assert told(night(place)) == [("2026-11-25", "damaged", "published")]
    (place / "targets.toml").write_text("# slower now\n" + TARGETS.replace("2 ms", "10 ms"), encoding="utf-8")
    assert [(one.reason, one.verdict) for one in night(place).periods] == [("options", "pass")] * 3
    (place / "targets.toml").write_text("# only a comment\n" + TARGETS.replace("2 ms", "10 ms"), encoding="utf-8")
    assert told(night(place)) == []


def test_a_report_is_in_each_package_where_it_is_asked_for(place):
    night(place)
    write_job(place, more="report = true\n")
    assert {one.reason for one in night(place).periods} == {"options"}
    package = place / "published" / "2026-11-25"
    page = only(package, "report_20261125T235959Z_20261125T235959Z.html").read_text(encoding="utf-8")
    assert "control_rtt" in page
    assert verify_package(package).problems == ()
    assert told(night(place)) == []


def test_the_example_is_a_job_that_runs(tmp_path):
    made = pipeline("init-job", "nightly.toml", cwd=tmp_path)
    assert made.status == 0, made.err
    again = pipeline("init-job", "nightly.toml", cwd=tmp_path)
    assert (again.status, "is there already" in again.err) == (4, True)
    add(tmp_path, "a", "2026-11-24T16:00:00Z")
    result = run_job(tmp_path / "nightly.toml", settings={"source": "store"}, at="2026-12-08")
    assert told(result) == [("2026-11-24", "missing", "published"), ("2026-W48", "missing", "published")]


@pytest.mark.parametrize("name", ["a b", "größe", "-x", "", "n" * 90, "a'b\nc", 'q"q'])
def test_the_example_runs_whatever_its_file_is_called(tmp_path, name):
    file = f"{name}.toml"
    made = pipeline("init-job", "--", file, cwd=tmp_path)
    assert (made.status, made.err) == (0, "")
    (tmp_path / "results").mkdir()
    assert told(run_job(tmp_path / file, at="2026-12-08")) == []
    if "\n" not in name:
        command = made.out.partition("would do: ")[2].replace("pipeline run ", "").replace(" --dry-run\n", "")
        assert shlex.split(command) == [f"./{file}" if name == "-x" else file]


def test_the_memory_of_a_run_is_its_own_whoever_started_it(place):
    starter = "import subprocess, sys; held = b'x' * (400 << 20); sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    job = [*COMMAND, "run", str(place / "nightly.toml"), "--at", "2026-12-01", "--json"]
    ran = subprocess.run([sys.executable, "-c", starter, *job], capture_output=True, text=True, check=True)
    peaks = [json.loads(line)["peak_memory_bytes"] for line in ran.stderr.splitlines()]
    assert len(peaks) == 3
    assert max(peaks) < 300 << 20


CHANGED = {
    "sizes that are none": {"resources": ["a", {"bytes": "x"}]},
    "no list of files": {"resources": 5},
    "options that are none": {"pipeline:options": 5},
    "a selection that is none": {"pipeline:options": {"selection": 5}},
    "no time": {"from": "yesterday"},
    "rows that are no number": {"replaced": [{"rowCount": "many", "at": 5}]},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED)
def test_a_descriptor_that_others_changed_ends_neither_the_history_nor_a_plan(tmp_path, changes):
    add(tmp_path, "a", "2026-11-24T16:00:00Z")
    add(tmp_path, "b", "2026-11-24T16:00:00Z")
    write_job(tmp_path, JOB.replace('"day"', '"session"'))
    night(tmp_path)
    path = tmp_path / "published" / "a" / "datapackage.json"
    text = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        (text["pipeline:job"] if key in text["pipeline:job"] else text)[key] = value
    path.write_text(json.dumps(text), encoding="utf-8")
    delete_sessions(tmp_path / "store", sessions=["a"])
    assert "b" in [one.period for one in list_runs(tmp_path)]
    assert pipeline("runs", tmp_path).status == 0
    night(tmp_path, dry_run=True)


def test_the_newest_session_is_the_one_that_ended_last(tmp_path):
    add(tmp_path, "long", "2026-11-24T16:00:00Z", "2026-11-24T18:00:00Z")
    add(tmp_path, "short", "2026-11-24T16:30:00Z")
    sessions = JOB.replace('"day"', '"session"')
    write_job(tmp_path, sessions)
    night(tmp_path)
    write_job(tmp_path, sessions, "keep = 1\n")
    assert told(night(tmp_path)) == [("short", "expired", "removed")]
    assert told(night(tmp_path)) == []
