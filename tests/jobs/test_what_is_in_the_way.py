"""What lies where a job writes, and is not its own: it is told, left alone, and stops nothing else."""

from __future__ import annotations

import errno
import os
import shutil
import stat

import pytest
from directories import contents, snapshot
from nights import JOB, add, night, told, write_job

from pipeline import export_measurements
from pipeline.errors import DestinationError, TomlError
from pipeline.jobs.result import may_heal


@pytest.fixture
def place(tmp_path):
    """A store of two days."""
    add(tmp_path, "a", "2026-11-24T16:00:00Z")
    add(tmp_path, "b", "2026-11-25T16:00:00Z")
    write_job(tmp_path)
    return tmp_path


def test_a_file_of_metrics_that_is_no_file_is_left_as_it_is(place):
    metrics = place / "metrics"
    os.mkfifo(metrics)
    write_job(place, 'metrics = "metrics"\n' + JOB)
    result = night(place)
    assert [outcome for *_, outcome in told(result)] == ["published"] * 2
    assert result.exit_status == 4
    assert "is a FIFO, no regular file" in result.problems[0].error
    assert stat.S_ISFIFO(metrics.lstat().st_mode)


def test_a_copy_of_a_package_under_the_name_of_another_period_is_left_alone(place):
    night(place)
    copies = [place / "published" / name for name in ("2026-11-26", "2026-11-27", "copy")]
    for copy in copies:
        shutil.copytree(place / "published" / "2026-11-24", copy)
    before = [snapshot(copy) for copy in copies]
    assert told(night(place)) == []
    add(place, "c", "2026-11-26T16:00:00Z")
    result = night(place)
    assert told(result) == [("2026-11-26", "missing", "failed")]
    assert "is the package of period '2026-11-24', and is left alone" in result.periods[0].error
    write_job(place, JOB + "keep = 1\n")
    assert [period for period, reason, _ in told(night(place)) if reason == "expired"] == ["2026-11-24"]
    assert [snapshot(copy) for copy in copies] == before


def test_another_package_by_hand_is_left_alone_and_the_error_names_no_option_of_another_command(place):
    package = place / "published" / "2026-11-24"
    export_measurements(place / "store", package, since="2026-11-24", until="2026-11-25", format="csv")
    before = contents(package)
    result = night(place)
    assert told(result) == [("2026-11-24", "missing", "failed"), ("2026-11-25", "missing", "published")]
    assert "is left alone: move it away" in result.periods[0].error
    assert "--" not in result.periods[0].error
    assert contents(package) == before


@pytest.mark.parametrize("to", ["store/{period}", "store/sessions/{period}", "link/{period}/data"])
def test_a_destination_in_the_source_is_refused_before_anything_is_made_there(place, to):
    (place / "link").symlink_to(place / "store")
    before = sorted(place.rglob("*"))
    write_job(place, JOB.replace("published/{period}", to))
    with pytest.raises(TomlError, match=r"nightly.toml:7: to .* lies in the source"):
        night(place)
    assert sorted(place.rglob("*")) == before


def test_a_source_that_cannot_be_read_is_a_problem_of_the_run(place):
    shutil.rmtree(place / "store")
    (place / "store").symlink_to("store")
    result = night(place)
    assert (result.exit_status, len(result.problems)) == (3, 1)
    assert result.problems[0].where == "source"


def test_a_file_where_a_directory_has_to_be_is_nothing_that_heals(place):
    (place / "figures").write_text("mine", encoding="utf-8")
    write_job(place, 'metrics = "figures/nightly.prom"\n' + JOB)
    (problem,) = night(place).problems
    assert (problem.where, problem.status, problem.retry) == ("metrics", 4, False)
    assert "cannot be written" in problem.error


@pytest.mark.parametrize(
    ("number", "heals"),
    [
        *((number, True) for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT, errno.ESTALE)),
        *((number, False) for number in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)),
    ],
)
def test_what_the_system_refuses_heals_where_nobody_has_to_mend_it(number, heals):
    refused = OSError(number, os.strerror(number))
    told = DestinationError("nightly.prom: cannot be written")
    told.__cause__ = refused
    assert (may_heal(refused), may_heal(told)) == (heals, heals)
