"""Exports that are interrupted or killed publish nothing and say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from directories import contents, names_in, snapshot
from program import COMMAND

from pipeline import export_measurements


def start(*arguments, **options):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for_stage(directory):
    """Wait until a stage holds some rows."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for path in Path(directory).glob(".*.stage/package/*"):
            if path.stat().st_size > 0:
                return
        time.sleep(0.01)
    raise AssertionError("no stage came")


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replacing"])
def test_an_interrupted_export_leaves_nothing_and_says_so(long_source, source, tmp_path, existing):
    out = tmp_path / "out"
    out.mkdir()
    if existing:
        export_measurements(source, out / "package", sync=False)
    before = snapshot(out)
    with start("export", long_source, "--to", out / "package", "--overwrite", "--compression", "gzip") as process:
        wait_for_stage(out)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "pipeline: interrupted; nothing was published\n")
    assert snapshot(out) == before
    assert names_in(out) == (["package"] if existing else [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["query", "{source}", "SELECT count(*) FROM range(100000000000)"], ""),
        (["statistics", "{source}", "--to", "{out}/package", "--window", "1s"], "; nothing was published"),
        (["export", "{source}", "--to", "{out}/package", "--with-statistics"], "; nothing was published"),
        (["import", "{source}", "--to", "{out}/store"], "; nothing was imported"),
    ],
    ids=["query", "statistics", "export", "import"],
)
@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_whatever_works_can_be_interrupted(long_source, tmp_path, arguments, told, seconds):
    (tmp_path / "out").mkdir()
    filled = [word.format(source=long_source, out=tmp_path / "out") for word in arguments]
    with start(*filled, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    # A fast machine may be done before, a slow one not have begun; then nothing was interrupted.
    if process.returncode == -signal.SIGINT:
        assert not list((tmp_path / "out").iterdir())
    elif process.returncode != 0:
        if list(tmp_path.glob("out/store/sessions/*")):  # the first session was in
            told = "; 1 session was imported before; the same command with --if-exists skip imports the others"
        assert (process.returncode, err) == (130, f"pipeline: interrupted{told}\n")
        assert not (tmp_path / "out" / "package").exists()
        assert not list(tmp_path.glob("out/.*"))
        assert not list(tmp_path.glob("out/store/staging/*"))
    assert not list(tmp_path.glob("pipeline-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_killed_export_publishes_nothing_and_the_next_one_works(long_source, source, tmp_path, number):
    with start("export", long_source, "--to", tmp_path / "package", "--compression", "gzip") as process:
        wait_for_stage(tmp_path)
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert not (tmp_path / "package").exists()
    assert export_measurements(source, tmp_path / "package").rows == 60
    assert contents(tmp_path / "package").keys() >= {"datapackage.json", "SHA256SUMS"}


IN_A_FINALISER = """
import os, signal, time
from pipeline.cli import _Signals

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

signals = _Signals()
try:
    Finalised()
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted", signals.received)
signals.ignore()
"""


def test_a_signal_that_comes_in_a_finaliser_is_not_lost():
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FINALISER], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == (f"interrupted {signal.SIGTERM.value}\n", "")
