"""A process that is forked while a recorder is open: the recording stays that of the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from recordings import columns_of

from pipeline import list_sessions, recover_sessions
from pipeline.store.writer import StoreWriter

SCRIPT = """
import multiprocessing, os, pickle, signal, sys, threading, time
import pipeline

def in_child(session):
    try:
        session.record("m", 99.0)
    except pipeline.UsageError as error:
        os.write(1, f"{error}\\n".encode())

def fork(session, leave):
    child = os.fork()
    if child == 0:
        in_child(session)
        leave()
        return False
    assert os.waitpid(child, 0)[1] == 0
    return True

with pipeline.record_session(sys.argv[1], session_id="s", batch_rows=4, flush_seconds=0.05) as session:
    session.record("m", 1.0)
    WORK
    session.record("m", 2.0)
"""
SAYS = "record: this recorder belongs to the process that made it; record a session of its own in each process"
WORK = {
    "leaves by os._exit": "fork(session, lambda: os._exit(0))",
    "leaves by sys.exit": "fork(session, sys.exit)",
    "leaves by the end of the block": "is_parent = fork(session, lambda: None)\n    if is_parent:",
    "is one of multiprocessing": """
    process = multiprocessing.get_context("fork").Process(target=in_child, args=[session])
    process.start()
    process.join()
    assert process.exitcode == 0""",
    "records a session of its own": """
    child = os.fork()
    if child == 0:
        in_child(session)
        with pipeline.record_session(sys.argv[1], session_id="own") as own:
            own.record("m", 3.0)
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0""",
}


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("how", WORK)
def test_a_child_gets_a_plain_error_and_the_session_of_the_parent_is_complete(tmp_path, how):
    script = SCRIPT.replace("WORK", WORK[how])
    if WORK[how].endswith(":"):
        script = script.replace('    session.record("m", 2.0)', '        session.record("m", 2.0)')
    ran = run(script, tmp_path / "store")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{SAYS}\n"
    assert columns_of(tmp_path / "store", "s")["value"] == [1.0, 2.0]
    sessions = {
        session["session_id"]: session["origin"]["is_complete"] for session in list_sessions(tmp_path / "store")
    }
    assert sessions == {"s": True} | ({"own": True} if "own" in how else {})


def test_children_that_are_forked_while_threads_record_hang_nowhere(tmp_path):
    work = """
    def work():
        for number in range(3000):
            session.record("n", number, **{f"a{number % 50}": number})

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        fork(session, sys.exit)
    for thread in threads:
        thread.join()"""
    ran = run(SCRIPT.replace("WORK", work).replace("batch_rows=4", "batch_rows=200"), tmp_path / "store")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{SAYS}\n" * 40
    assert len(columns_of(tmp_path / "store", "s")["value"]) == 9002


def test_a_recorder_is_not_sent_to_another_process(tmp_path):
    work = """
    try:
        pickle.dumps(session)
    except pipeline.UsageError as error:
        print(error)"""
    assert run(SCRIPT.replace("WORK", work), tmp_path / "store").stdout == f"{SAYS}\n"


KILLED = {
    "records": "kill_with_a_child()",
    "holds the store": """
    from pathlib import Path
    from pipeline.store.writer import StoreWriter
    with StoreWriter(Path(sys.argv[1]), None):
        kill_with_a_child()""",
}
WITH_A_CHILD = """
def kill_with_a_child():
    while not os.path.getsize(f"{sys.argv[1]}/recordings/s/batches"):
        time.sleep(0.01)
    time.sleep(0.1)
    reader, writer = os.pipe()
    child = os.fork()
    os.write(writer, b"x")
    if child == 0:
        time.sleep(600)
    os.read(reader, 1), os.read(reader, 1)  # the child is there
    os.write(1, f"{child}\\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", KILLED)
def test_what_a_killed_process_held_is_free_though_a_child_of_it_lives(tmp_path, when):
    script = SCRIPT.replace("\nwith ", WITH_A_CHILD + "\nwith ", 1).replace("WORK", KILLED[when])
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "store")], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        try:
            assert parent.wait(60) == -signal.SIGKILL
            StoreWriter(tmp_path / "store", None).close()
            assert recover_sessions(tmp_path / "store") == ["s"]
        finally:
            os.kill(child, signal.SIGKILL)
    assert columns_of(tmp_path / "store", "s")["value"] == [1.0]
