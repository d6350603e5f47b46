"""One signal ends a command wherever it waits: soon, with its status, and with a line that says what became of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import COMMAND

from pipeline import export_measurements, verify_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 10.0
"""Two are enough on a quiet machine; without a second signal it would be for ever."""
NOTHING = "pipeline: interrupted; nothing was published\n"


def fill(descriptor):
    """Write until a pipe takes no more."""
    os.set_blocking(descriptor, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(descriptor, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(descriptor, True)


@contextmanager
def full_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    fill(writer)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


def waits_in_call(name: str) -> Callable[[int, Path], bool]:
    """A process of which a thread sleeps in this function of the kernel, a part of whose name is given."""

    def waits(process: int, _at: Path) -> bool:
        found = []
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):  # the thread has ended
                found.append((task / "wchan").read_text(encoding="utf-8"))
        return any(name in one for one in found)

    return waits


def has_package(_process: int, at: Path) -> bool:
    return (at / "new" / "SHA256SUMS").exists()


def has_computed(process: int, _at: Path) -> bool:
    """Two seconds of computing are more than loading takes."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > 2


@dataclass(frozen=True)
class Waiting:
    """A command that waits.

    Attributes:
        words: the command; {fifo} is a pipe with a name, ~ a space within a word.
        has_come: whether it waits.
        says: what it says when it ends; None where nobody can read it.
        blocked: the stream that is a full pipe.
        silent: somebody holds the pipe open for writing, and writes nothing.
    """

    words: str
    has_come: Callable[[int, Path], bool]
    says: str | None = NOTHING
    blocked: str = ""
    silent: bool = False


WAITS = {
    "for a pipe to be opened": Waiting(
        "export {store} --to new --package-metadata {fifo}", waits_in_call("wait_for_partner")
    ),
    "for a pipe's content": Waiting(
        "export {store} --to new --package-metadata {fifo}", waits_in_call("pipe_read"), silent=True
    ),
    "for a query": Waiting(
        "query {store} SELECT~count(*)~FROM~range(1000000000000)", has_computed, "pipeline: interrupted\n"
    ),
    "for the reader of rows": Waiting("export {store} --to -", waits_in_call("pipe_write"), NOTHING, "stdout"),
    "for the reader of Parquet": Waiting(
        "export {store} --to - --format parquet", waits_in_call("pipe_write"), NOTHING, "stdout"
    ),
    "for the reader of a query": Waiting(
        "query {store} FROM~range(1000000) --format csv",
        waits_in_call("pipe_write"),
        "pipeline: interrupted\n",
        "stdout",
    ),
    "for the reader of the report": Waiting(
        "export {store} --to new --no-sync",
        has_package,
        "pipeline: interrupted; the package is published\n",
        "stdout",
    ),
    "for the reader of warnings": Waiting(
        "export {store} --to new --no-sync --metric unknown", waits_in_call("pipe_write"), None, "stderr"
    ),
    "for the reader of an error": Waiting("export nowhere --to new", waits_in_call("pipe_write"), None, "stderr"),
}


def end(directory: Path, store: Path, waiting: Waiting, number: int) -> tuple[int, str, float]:
    """Start a command, send a signal when it waits, and give its status, what it said, and the seconds it took."""
    fifo = directory / "fifo"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR) if waiting.silent else None
    words = [word.replace("~", " ") for word in waiting.words.format(store=store, fifo=fifo).split()]
    with full_pipe() as full:
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} | (
            {waiting.blocked: full} if waiting.blocked else {}
        )
        # A hangup that is ignored where the tests run would be ignored by the command too.
        command = ["env", "--default-signal=HUP", *COMMAND, *words]
        with subprocess.Popen(command, cwd=directory, text=True, **streams) as process:
            try:
                deadline = time.monotonic() + 60
                while not waiting.has_come(process.pid, directory):
                    assert process.poll() is None, process.stderr and process.stderr.read()
                    assert time.monotonic() < deadline, "it does not come to wait"
                    time.sleep(0.02)
                time.sleep(0.1)
                sent = time.monotonic()
                process.send_signal(number)
                _, said = process.communicate(timeout=30)
                took = time.monotonic() - sent
            finally:
                process.kill()
    if held is not None:
        os.close(held)
    return process.returncode, said, took


@pytest.mark.parametrize("name", WAITS)
def test_one_signal_ends_a_command_wherever_it_waits(tmp_path, fixture_store, name):
    waiting = WAITS[name]
    status, said, took = end(tmp_path, fixture_store, waiting, signal.SIGTERM)
    assert (status, said) == (143, waiting.says)
    assert took < SECONDS
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("query {store} FROM~measurements", "pipeline: interrupted\n"),
        ("export {store} --to new", NOTHING),
        ("export {store} --to new --threads 1", NOTHING),
    ],
)
def test_one_signal_ends_the_hash_of_a_large_file(tmp_path, fixture_store, words, says):
    """It takes minutes, in threads that no signal reaches."""
    store = shutil.copytree(fixture_store, tmp_path / "store")
    for path in store.glob("sessions/*/*.parquet"):
        data = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(1 << 38)  # the hole takes no room
            file.write(data[-8 - int.from_bytes(data[-8:-4], "little") :])
    status, said, took = end(tmp_path, store, Waiting(words, has_computed), signal.SIGTERM)
    assert (status, said) == (143, says)
    assert took < SECONDS


def test_a_hangup_ends_a_command_as_a_termination_does(tmp_path, fixture_store):
    waiting = WAITS["for a pipe to be opened"]
    assert end(tmp_path, fixture_store, waiting, signal.SIGHUP)[:2] == (129, NOTHING)


def test_a_signal_that_comes_while_another_is_told_adds_nothing(tmp_path):
    script = """
import os, signal
import pipeline.cli as cli

def interrupted(*_):
    os.kill(os.getpid(), signal.SIGINT)

def told(one, kind):
    os.kill(os.getpid(), signal.SIGTERM)
    return isinstance(one, kind)

cli.build_parser = interrupted
cli.isinstance = told  # what is asked first when a command has ended
raise SystemExit(cli.main(["sessions", "nowhere"]))
"""
    command = [COMMAND[0], "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (143, "pipeline: interrupted\n")


def test_a_command_outlives_its_terminal_where_nohup_says_so(tmp_path, fixture_store):
    words = ["nohup", *COMMAND, "export", fixture_store, "--to", "-"]
    reader, writer = os.pipe()
    with subprocess.Popen(words, cwd=tmp_path, stdout=writer, stderr=subprocess.DEVNULL) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            begun = file.read(1)
            process.send_signal(signal.SIGHUP)
            rest = file.read()
    assert process.returncode == 0
    assert (begun + rest).count(b"\n") == 24_553


def test_a_pipe_is_no_source_and_says_what_to_do(tmp_path):
    (tmp_path / "a.ndjson").write_text("{}\n", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.ndjson")
    for source in ("pipe.ndjson", "/dev/stdin", "<(cat a.ndjson)"):
        script = f"cat a.ndjson | {' '.join(COMMAND)} sessions {source}"
        ended = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr.count("\n")) == (3, 1)
        assert "is a pipe; a source is read more than once, so write it to a file first" in ended.stderr


def test_an_interruption_after_the_package_is_published_says_that_it_is(tmp_path, fixture_store, monkeypatch):
    """While temporary files are removed, which may be many."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.disk.temporary._remove", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        export_measurements(fixture_store, tmp_path / "out", sync=False)
    assert raised.value.__notes__ == ["the package is published"]
    assert not verify_package(tmp_path / "out", quick=True).problems
