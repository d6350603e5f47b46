"""Libraries are loaded in a thread while Python does something else, and commands do so."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is loaded")

LOADS = """
import sys, time
from pathlib import Path
from pipeline.native import load_ahead

is_begun = load_ahead()
until = time.monotonic() + 60
while is_begun and time.monotonic() < until and "/_parquet." not in Path("/proc/self/maps").read_text():
    time.sleep(0.01)
print(is_begun, "/_parquet." in Path("/proc/self/maps").read_text(), {"numpy", "pyarrow"} & sys.modules.keys())
"""


def output(code, **options):
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, **options)
    return done.stdout.strip()


def test_libraries_are_loaded_without_their_modules():
    assert output(LOADS) == "True True set()"


def test_the_modules_work_with_them():
    used = "import numpy, pyarrow.parquet; print(pyarrow.array(numpy.arange(3)).sum())"
    assert output(f"{LOADS}\n{used}").splitlines()[1] == "3"
    assert output(f"from pipeline.native import load_ahead; load_ahead(); {used}") == "3"


def test_nothing_is_loaded_where_addresses_are_limited():
    limit = 4 << 30
    found = output(LOADS, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert found == "False False set()"


@pytest.mark.parametrize("end", ["pass", "load_ahead()", "sys.exit(0)", "threading.Timer(0.01, print).start()"])
def test_a_process_may_end_at_once(end):
    code = f"import sys, threading; from pipeline.native import load_ahead; print(load_ahead()); {end}"
    for _ in range(10):  # at another moment each time
        assert output(code, timeout=60) == "True"


def test_commands_that_read_rows_begin_so():
    code = """
import pipeline.native
pipeline.native.load_ahead = lambda: print("begun")
from pipeline.cli import main
main({words})
"""
    assert output(code.replace("{words}", "['statistics', 'nowhere', '--to', 'x']")) == "begun"
    assert "begun" not in output(code.replace("{words}", "['harnesses']"))
