"""Messages name what the user named, by its name, and say what is wrong with it: permission is permission."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from samples import row, write_ndjson

from pipeline.cli import main

WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Of root, over modes."""

CASES = [
    ("export store --to shut/x", 4, "shut/x: cannot be written (Permission denied)"),
    ("statistics store --to closed/x", 4, "closed/x: cannot be written (Permission denied)"),
    ("export store --to unreadable", 4, "unreadable: cannot be read (Permission denied)"),
    ("export store --to file/x", 4, "file/x: cannot be written (Not a directory)"),
    ("export store --to file", 4, "file: is a file; --to names a directory"),
    ("export store --to out --package-metadata secret", 3, "secret: cannot be read (Permission denied)"),
    ("query store SELECT_1 --to shut/x.csv", 4, "shut/x.csv: cannot be written (Permission denied)"),
    ("query store SELECT_1 --to closed/x.csv", 4, "closed/x.csv: cannot be written (Permission denied)"),
    ("query store SELECT_1 --to file/x.csv", 4, "file: is no directory; choose another --to"),
    ("query store SELECT_1 --to none/x.csv", 4, "none: no such directory; create it, or choose another --to"),
    ("query store --file secret", 3, "secret: cannot be read (Permission denied)"),
    ("catalog store --to shut/x.duckdb", 4, "shut/x.duckdb: cannot be written (Permission denied)"),
    ("catalog store --to closed/x.duckdb", 4, "closed/x.duckdb: cannot be written (Permission denied)"),
    ("catalog store --to file/x.duckdb", 4, "file: is no directory; choose another --to"),
    ("import a.ndjson --to shut", 4, "shut: cannot be written (Permission denied)"),
    ("import a.ndjson --to shut/x", 4, "shut/x: cannot be written (Permission denied)"),
    ("import a.ndjson --to closed/x", 4, "closed/x: cannot be written (Permission denied)"),
    ("import a.ndjson --to file", 4, "file: is a file; name a new directory"),
    ("import a.ndjson --to file/x", 4, "file/x: cannot be written (Not a directory)"),
    ("import secret --to new", 3, "secret: cannot be read (Permission denied)"),
    ("sessions shut", 3, "shut: cannot be read (Permission denied)"),
    ("export shut --to out", 3, "shut: cannot be read (Permission denied)"),
    ("delete shut --session x --yes", 3, "shut: cannot be read (Permission denied)"),
    ("delete none --session x --yes", 3, "none: does not exist"),
    ("compact none", 3, "none: does not exist"),
    ("recover none", 3, "none: does not exist"),
    ("recover shut", 3, "shut: cannot be read (Permission denied)"),
    ("verify none", 3, "none: does not exist"),
    ("verify file", 3, "file: is no directory; name the directory of a package"),
    ("verify shut", 3, "shut: cannot be read (Permission denied)"),
    ("verify sessionless", 3, "sessionless/sessions: cannot be read (Permission denied)"),
    ("stages shut", 4, "shut: cannot be read (Permission denied)"),
]
RUN = """
import contextlib, io, json, sys
from pipeline.cli import main
told = []
for command in json.load(sys.stdin):
    with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(io.StringIO()):
        status = main([word.replace("_", " ") for word in command.split()])
    told.append((command, status, err.getvalue()))
print(json.dumps(told))
"""


def test_a_failure_is_told_by_the_name_that_the_user_gave(tmp_path, good_store):
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may do everything, and setpriv is not installed")
    for name in ("store", "sessionless"):
        shutil.copytree(good_store, tmp_path / name)
    write_ndjson(tmp_path / "a.ndjson", [row("new")])
    (tmp_path / "file").write_text("x")
    (tmp_path / "secret").write_text("SELECT 1")
    assert main(["export", str(good_store), "--to", str(tmp_path / "unreadable"), "-q"]) == 0
    for name in ("shut", "closed"):
        (tmp_path / name).mkdir()
    modes = {"shut": 0, "closed": 0o500, "secret": 0, "sessionless/sessions": 0, "unreadable/datapackage.json": 0}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    try:
        ended = subprocess.run(
            [*(WITHOUT_RIGHTS if os.geteuid() == 0 else []), sys.executable, "-c", RUN],
            input=json.dumps([command for command, _, _ in CASES]).encode(),
            stdout=subprocess.PIPE,
            cwd=tmp_path,
            check=True,
        )
    finally:
        for name in modes:
            (tmp_path / name).chmod(0o700)
    assert [tuple(one) for one in json.loads(ended.stdout)] == [
        (command, status, f"pipeline: {line}\n") for command, status, line in CASES
    ]
