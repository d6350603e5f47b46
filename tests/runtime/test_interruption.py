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
from program import COMMAND, pipeline

from pipeline import compact_store, export_measurements, import_sessions


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
        # Without hashes nothing is kept to be continued, though the first file be finished.
        (["export", "{source}", "--to", "{out}/package", "--with-statistics", "--no-hash"], "; nothing was published"),
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


WHILE_LOADING = """
import os, signal, sys

def interrupt():
    os.kill(os.getpid(), signal.{name})
    for _ in range(1000):
        pass
"""
IN_A_TEXT_THAT_IS_EXECUTED = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.importers.run":
            exec("interrupt()")  # as `dataclasses` does for each class

sys.meta_path.insert(0, Finder())
"""
IN_THE_TYPES_OF_THE_ENGINE = """
import enum

make = enum.EnumType._create_

def make_interrupted(*given, **options):
    if "duckdb" in sys.modules:
        interrupt()
    return make(*given, **options)

enum.EnumType._create_ = make_interrupted
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "where",
    [IN_A_TEXT_THAT_IS_EXECUTED, IN_THE_TYPES_OF_THE_ENGINE],
    ids=["a text that is executed", "the types of the engine"],
)
def test_a_signal_that_comes_while_modules_are_loaded_ends_as_any_other(tmp_path, name, where):
    (tmp_path / "sitecustomize.py").write_text(WHILE_LOADING.format(name=name) + where, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("metric_name,timestamp,metric_value\nvus,1795543196,1\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = pipeline("import", "rows.csv", "--to", "store", cwd=tmp_path, env={"PYTHONPATH": path})
    status = 128 + signal.Signals[name]
    assert (done.status, done.err) == (status, "pipeline: interrupted; nothing was imported\n")
    assert not (tmp_path / "store").exists()


BEFORE_THE_COMMAND_LINE = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in the background of a shell

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.cli":
            interrupt()

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("command", [COMMAND, [str(Path(sys.executable).with_name("pipeline"))]], ids=["-m", "script"])
def test_a_signal_that_comes_before_the_command_line_ends_it_without_a_word(tmp_path, command):
    (tmp_path / "sitecustomize.py").write_text(WHILE_LOADING.format(name="SIGINT") + BEFORE_THE_COMMAND_LINE)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def _interrupt(*_given, **_options):
    raise KeyboardInterrupt


def test_an_interruption_while_the_store_is_let_go_says_what_was_imported(tmp_path, monkeypatch):
    rows = "session_id,sequence,timestamp,metric,value\n1,0,2026-11-24T16:00:00Z,m,1.0\n"
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    monkeypatch.setattr("pipeline.store.writer.keep_index", _interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        import_sessions(tmp_path / "rows.csv", to=tmp_path / "store")
    told = "1 session was imported before; the same command with --if-exists skip imports the others"
    assert caught.value.__notes__ == [told]


def test_an_interruption_while_a_compacted_store_is_let_go_says_that_it_was_compacted(tmp_path, monkeypatch):
    for first in (0, 50):  # too few to be packed as they come
        rows = "".join(f"s{number},0,2026-11-24T16:00:00Z,m,1.0\n" for number in range(first, first + 50))
        (tmp_path / "rows.csv").write_text(f"session_id,sequence,timestamp,metric,value\n{rows}", encoding="utf-8")
        import_sessions(tmp_path / "rows.csv", to=tmp_path / "store")
    monkeypatch.setattr("pipeline.store.writer.keep_index", _interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        compact_store(tmp_path / "store")
    assert caught.value.__notes__ == ["the store was compacted before"]
