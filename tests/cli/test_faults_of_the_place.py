"""What a place, its names or the system's limits do to a command is told in a line, and no fault of the program."""

from __future__ import annotations

import errno
import io
import json
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from directories import descriptor, names_in, only
from machine import needs_root
from program import COMMAND
from samples import row, write_ndjson

from pipeline import cli

BYTES = b"a\xff".decode(errors="surrogateescape")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
needs_setpriv = pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
SHOWN = "a\N{REPLACEMENT CHARACTER}"


def run(*words, cwd, **options):
    return subprocess.run([*COMMAND, *words], cwd=cwd, capture_output=True, check=False, **options)


def one_line(ended):
    text = ended.stderr.decode()
    assert text.count("\n") == 1
    assert "fault of the program" not in text
    return text


def directory(path):
    path.mkdir()


def dangling(path):
    path.symlink_to("nowhere")


def looping(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [directory, dangling, looping])
@pytest.mark.parametrize("words", ["sessions store", "export store --to out", "import a.ndjson --to store"])
def test_a_store_whose_file_cannot_be_read_is_named(tmp_path, good_store, make, words):
    shutil.copytree(good_store, tmp_path / "store")
    write_ndjson(tmp_path / "a.ndjson", [row("new")])
    (tmp_path / "store" / "store.json").unlink()
    make(tmp_path / "store" / "store.json")
    ended = run(*words.split(), cwd=tmp_path)
    assert (ended.returncode, one_line(ended).count("store.json: cannot be read (")) == (3, 1)
    assert names_in(tmp_path) == ["a.ndjson", "store"]
    assert len(names_in(tmp_path / "store" / "sessions")) == 2


def test_a_store_that_may_not_be_searched_is_named(good_store, monkeypatch, capsys):
    """Root may search everything, so the system's answer is made up."""
    original = Path.lstat

    def refused(path):
        if path.name == "store.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr("pathlib.Path.lstat", refused)
    assert cli.main(["sessions", str(good_store)]) == 3
    assert capsys.readouterr().err == f"pipeline: {good_store}: cannot be read (Permission denied)\n"


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.ndjson.gz"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch, capsys, name):
    (tmp_path / name).write_bytes(b"x")
    original = io.open

    def refused(file, *arguments, **options):
        if str(file).endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return original(file, *arguments, **options)

    monkeypatch.setattr("io.open", refused)
    monkeypatch.setattr("builtins.open", refused)
    assert cli.main(["sessions", str(tmp_path / name)]) == 3
    assert capsys.readouterr().err == f"pipeline: {tmp_path / name}: cannot be read (Permission denied)\n"


def test_names_that_are_no_utf_8_are_published_as_utf_8(tmp_path, good_store):
    shutil.copytree(good_store, tmp_path / BYTES)
    ended = run("export", ".", "--to", f"../{BYTES}-out", "--json", cwd=tmp_path / BYTES)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.decode())["to"] == f"../{BYTES}-out"
    assert descriptor(tmp_path / f"{BYTES}-out")["pipeline:source"]["name"] == SHOWN
    assert run("verify", f"{BYTES}-out", cwd=tmp_path).returncode == 0
    refused = run("sessions", BYTES, cwd=tmp_path)
    assert (refused.returncode, "its name is no UTF-8" in one_line(refused)) == (3, True)


def test_files_whose_names_are_no_utf_8_become_sessions(tmp_path):
    (tmp_path / f"{BYTES}.csv").write_text("took\n1.5\n", encoding="utf-8")
    ended = run("import", f"{BYTES}.csv", "--to", "store", "--map", "value=took:ms", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode().splitlines()[0] == SHOWN
    record = json.loads(only(tmp_path / "store" / "sessions", "*").joinpath("session.json").read_text(encoding="utf-8"))
    assert record["origin"]["file"] == f"{SHOWN}.csv"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (f"sessions {BYTES}", 3),
        (f"verify {BYTES}", 3),
        ("sessions nowhere", 3),
        (f"export store --to out --metric {BYTES}", 2),
        (f"export store --to out --session {BYTES}", 3),
        (f"export store --to out --where metric='{BYTES}'", 2),
        (f"export store --to out --{BYTES}", 2),
        (f"{BYTES}", 2),
    ],
    ids=ascii,
)
def test_bytes_that_are_no_utf_8_are_told_in_a_line(tmp_path, good_store, words, status):
    shutil.copytree(good_store, tmp_path / "store")
    (tmp_path / f"{BYTES}-beside").mkdir()
    before = names_in(tmp_path)
    ended = run(*words.split(), cwd=tmp_path)
    assert ended.returncode == status, ended.stderr
    one_line(ended)
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("megabytes", [80, 150])  # a library of this size is loaded
def test_too_little_memory_is_told_in_a_line(tmp_path, good_store, megabytes):
    limit = megabytes << 20
    ended = run(
        *["export", str(good_store), "--to", "out"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert ended.returncode in {0, 1}
    if ended.returncode:
        assert "the machine or a limit gives no more; nothing was published" in one_line(ended)
        assert names_in(tmp_path) == []


def as_another_user(capabilities):
    """The words that run a command as nobody, who can read what root can, for the program lies anywhere."""
    return [*NOBODY, f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]


@needs_root
@needs_setpriv
@pytest.mark.parametrize(
    "words", ["export {store} --to out/new", "import {store}/../a.ndjson --to out/new", "catalog {store} --to out/new"]
)
def test_a_umask_that_takes_everything_is_an_error_that_leaves_nothing(tmp_path, good_store, words):
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    command = [*as_another_user("+dac_read_search"), *COMMAND, *words.format(store=good_store).split()]
    script = 'umask 777; exec "$@"'
    ended = subprocess.run(["bash", "-c", script, "bash", *command], cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, one_line(ended).count("cannot be written (Permission denied)")) == (4, 1)
    assert names_in(tmp_path / "out") == []


@needs_root
@needs_setpriv
@pytest.mark.parametrize("words", ["export {store} --to out", "query {store} SELECT(1)", "verify {store}"])
def test_no_thread_to_be_had_is_told_in_a_line(tmp_path, good_store, words):
    """For another user than root, whom no limit holds."""
    limited = [*as_another_user("+dac_read_search,+dac_override"), "prlimit", "--nproc=1"]
    assert subprocess.run([*limited, *COMMAND, "--version"], capture_output=True, check=False).returncode == 0
    command = [*limited, *COMMAND, *words.format(store=good_store).split()]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    # An engine's allocator may say it, too.
    told = [line for line in ended.stderr.splitlines() if "jemalloc" not in line]
    if words.startswith("verify"):
        assert (ended.returncode, told) == (0, [])  # it needs none
    else:
        assert (ended.returncode, len(told)) == (1, 1)
        assert "can't start new thread: the machine or a limit gives no more" in told[0]
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (RuntimeError("can't start new thread"), 1, "can't start new thread: the machine or a limit gives no more"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "Cannot allocate memory: the machine or a limit"),
        (ImportError("x.so: failed to map segment from shared object"), 1, "the machine or a limit gives no more"),
        (OSError(errno.EMFILE, "Too many open files", "a"), 4, "a: Too many open files; nothing was published"),
        (OSError(errno.EIO, "Input/output error"), 4, "the system: Input/output error; nothing was published"),
    ],
    ids=str,
)
def test_what_the_system_refuses_is_no_fault_of_the_program(monkeypatch, capsys, error, status, line):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr("pipeline.api.export_measurements", refused)
    assert cli.main(["export", "x", "--to", "y"]) == status
    told = capsys.readouterr().err
    assert line in told
    assert "fault of the program" not in told


def test_a_command_that_needs_no_thread_starts_none(monkeypatch, capsys):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refused)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code in {0, None}
    assert capsys.readouterr().out.startswith("pipeline ")
