"""Finding one's way on the command line: near names, help, completion."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import pipeline
from project import FIXTURE_STORE

from pipeline.cli import load_commands, main


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["exprot", "x"], "no command 'exprot'; did you mean 'export'?"),
        (["session", "x"], "no command 'session'; did you mean 'sessions'?"),
        (["--hlep"], "no option --hlep; did you mean '--help'?"),
        (["export", "x", "--fromat", "csv"], "export: no option --fromat; did you mean '--format'?"),
        (["export", "x", "--fromat=csv", "--to", "y"], "export: no option --fromat; did you mean '--format'?"),
        # Though something that is required is missing, too.
        (["query", "--overwite"], "query: no option --overwite; did you mean '--overwrite'?"),
        (["statistics", "x", "-o", "y", "--lost", "infinit"], "argument --lost: 'infinit': did you mean 'infinite'?"),
        (["export", "x", "--to", "y", "--scope", "sesion"], "'sesion': did you mean 'per-session' or 'cross-session'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(capsys, words, says):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pipeline: ")
    assert err.count("\n") == 1
    assert says in err


def test_a_value_that_looks_like_an_option_is_one_behind_an_equals_sign(capsys):
    store = str(FIXTURE_STORE)
    assert main(["sessions", store, "--where-session=--session_id = 'x'"]) == 2
    assert "no option" not in capsys.readouterr().err
    assert main(["query", store, "SELECT 1 -- one", "--format", "csv"]) == 0
    assert main(["query", store, "-- one\nSELECT 1 AS a", "--format", "csv"]) == 0


def test_sources_may_stand_behind_options(capsys):
    (first, second) = sorted(FIXTURE_STORE.glob("sessions/wan-2*/*.parquet"))[:2]
    assert main(["query", str(first), "--format", "csv", str(second), "SELECT count(*) AS n FROM sessions"]) == 0
    assert capsys.readouterr().out == "n\n2\n"


def test_short_options_are_those_that_they_shorten(tmp_path, capsys):
    assert main(["export", str(FIXTURE_STORE), "-q", "-o", str(tmp_path / "out"), "--no-sync"]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out" / "datapackage.json").is_file()


def test_help_is_a_command_too(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["query", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert main(["help", "query"]) == 0
    assert capsys.readouterr().out == shown
    assert main(["help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"    {command.name}" in listed for command in load_commands())
    assert main(["help", "qurey"]) == 2
    assert "did you mean 'query'?" in capsys.readouterr().err


# What bash does when Tab is pressed behind the last of the words.
COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
function=$(complete -p pipeline | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function pipeline "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """Complete words in bash, in a directory with a store and a file."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    at = tmp_path_factory.mktemp("bash")
    (at / "script").write_text(pipeline("completion", "bash").out, encoding="utf-8")
    (at / "here").mkdir()
    (at / "here" / "store").mkdir()
    (at / "here" / "rows.csv").touch()

    def complete(*words):
        ran = subprocess.run(
            ["bash", "-c", COMPLETE, "bash", at / "script", "pipeline", *words],
            capture_output=True,
            text=True,
            cwd=at / "here",
            check=True,
        )
        return set(ran.stdout.split())

    return complete


COMPLETED = [
    (["st"], ["statistics", "stages"]),
    (["export", "--sc"], ["--scope"]),
    (["export", "store", "--scope", ""], ["per-session", "cross-session"]),
    (["statistics", "store", "--format", "p"], ["parquet"]),
    (["query", "--for"], ["--format"]),
    (["query", "ro"], ["rows.csv"]),
    (["export", "st"], ["store"]),
    (["export", "--to", "st"], ["store"]),
    (["import", "rows.csv", "--to", "s"], ["store"]),
    (["verify", "--qu"], ["--quick", "--quiet"]),
    (["help", "exp"], ["export"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
]


@pytest.mark.parametrize(("words", "found"), COMPLETED, ids=" ".join)
def test_bash_completes_commands_options_choices_and_files(bash, words, found):
    assert {word.rstrip("/") for word in bash(*words)} == set(found)


def test_bash_completes_every_command_and_every_option(bash):
    assert bash("") >= {command.name for command in load_commands()}
    shown = pipeline("export", "--help").out
    assert all(option in shown for option in bash("export", "--"))
    assert {"--metric", "--where-session", "--to", "--help"} <= bash("export", "--")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_of_every_command(shell):
    text = pipeline("completion", shell).out
    assert all(command.name in text for command in load_commands())
    assert "where-session" in text


@pytest.fixture
def here(tmp_path):
    """A directory with a store and a file."""
    (tmp_path / "here" / "store").mkdir(parents=True)
    (tmp_path / "here" / "rows.csv").touch()
    return tmp_path / "here"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands_options_choices_and_files(here):
    (here.parent / "script").write_text(pipeline("completion", "fish").out, encoding="utf-8")
    asked = "".join(f"complete -C 'pipeline {' '.join(words)}'; echo ---\n" for words, _ in COMPLETED)
    ran = subprocess.run(
        ["fish", "--no-config", "-c", f"set -p PATH {Path(sys.executable).parent}\nsource ../script\n{asked}"],
        capture_output=True,
        text=True,
        cwd=here,
        env=os.environ | {"HOME": str(here.parent)},
        check=True,
    )
    answers = [{line.split("\t")[0].rstrip("/") for line in one.splitlines()} for one in ran.stdout.split("---\n")]
    assert ran.stderr == ""
    assert answers[:-1] == [set(found) for _, found in COMPLETED]


# What zsh has found is listed by a widget, as somebody presses the keys for it.
# The prompt says that the editor takes keys; the terminal would echo what is written before.
ZSH = """PS1=REA\\DY; unset zle_bracketed_paste; fpath=(.. $fpath); autoload -Uz compinit; compinit -u -D; stty -echo
setopt no_list_ambiguous no_always_last_prompt; LISTMAX=10000; bindkey '^T' list-choices
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_commands_options_choices_and_files(here):
    (here.parent / "_pipeline").write_text(pipeline("completion", "zsh").out, encoding="utf-8")
    leader, follower = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=here,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(here.parent)},
        start_new_session=True,
    )
    os.close(follower)

    def until(mark):
        while mark not in came:
            assert select.select([leader], [], [], 20)[0], came.decode()
            came.extend(os.read(leader, 65536))
        end = came.index(mark) + len(mark)
        text = came[:end].decode()
        del came[:end]
        return text

    came = bytearray()
    try:
        os.write(leader, ZSH.encode())
        for words, found in COMPLETED:
            until(b"READY")
            line = " ".join(["pipeline", *words])
            os.write(leader, f"{line}\x14\x15echo DO''NE\n".encode())
            listed = until(b"DONE").replace(line, "").split("echo DO")[0]
            names = {name.rstrip("/") for name in re.findall(r"[^\s\x1b\x07]+", re.sub(r"-- .*", "", listed))}
            assert set(found) <= names, listed
            others = {"export", "--scope", "--format", "--to", "rows.csv", "store", "bash", "stages"} - set(found)
            assert not others & names, listed
    finally:
        shell.kill()
        shell.wait()
        os.close(leader)
