"""Standard streams that are closed, full, or without a reader: the outcome of the work decides the status."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from directories import contents, names_in
from machine import needs_strace
from program import COMMAND
from samples import row, write_ndjson
from streams import STREAMS, run

from pipeline import export_measurements, verify_package

REPORT_LOST, CLOSED_PIPE, CANNOT_BE_WRITTEN = 9, 141, 4


@dataclass(frozen=True)
class Case:
    """A command, and what is true of it when standard output can be written.

    Attributes:
        words: the command.
        done: what it says is done when its report cannot be written; None where the output is what was asked for.
        made: what lies in its directory then.
        status: of its outcome.
        says: its line on standard error.
        writes: something on standard output.
    """

    words: str
    done: str | None = None
    made: tuple[str, ...] = ()
    status: int = 0
    says: str = ""
    writes: bool = True


EXPORT = Case("export store --to new --no-sync", "the package is published", ("new",))
OTHERS = [
    Case("export store --to package", "the package is there already"),
    Case("export store --to new --no-sync --quiet", made=("new",), writes=False),
    Case("import a.ndjson --to new", "1 session imported", ("new",)),
    Case("catalog store --to new.duckdb", "the file is written", ("new.duckdb",)),
    Case("verify package --quick", "the package is complete and undamaged"),
    Case("recover store", "0 sessions recovered"),
    Case("export store --to - --quiet"),
    Case("sessions store --format json"),
    Case("query store SELECT(1) --format csv"),
    Case("--version"),
    Case("export --help"),
    Case("verify damaged --quick", status=5, says="damaged: "),
    Case("sessions nowhere", status=3, says="nowhere: does not exist", writes=False),
    Case("export store", status=2, says="--to", writes=False),
]
CASES = [
    *((EXPORT, name) for name in STREAMS),
    *((case, name) for case in OTHERS for name in ("output closed", "output without a reader", "all closed")),
]


@pytest.fixture(scope="module")
def directory(good_store, tmp_path_factory):
    made = tmp_path_factory.mktemp("streams")
    shutil.copytree(good_store, made / "store")
    write_ndjson(made / "a.ndjson", [row()])
    export_measurements(made / "store", made / "package", sync=False)
    shutil.copytree(made / "package", made / "damaged")
    data = next((made / "damaged").glob("*.ndjson"))
    data.write_bytes(data.read_bytes().replace(b"robot", b"rodot", 1))
    return made


def expected(case, streams):
    if case.status or not streams.output_fails or not case.writes:
        return case.status
    if streams.is_pipe:
        return CLOSED_PIPE
    return CANNOT_BE_WRITTEN if case.done is None else REPORT_LOST


@pytest.mark.parametrize(("case", "name"), CASES, ids=lambda one: one if isinstance(one, str) else one.words)
def test_the_outcome_decides_the_status_whatever_the_streams_are(directory, tmp_path, case, name):
    streams = STREAMS[name]
    at = shutil.copytree(directory, tmp_path / "at")
    before = names_in(at)
    result = run([*COMMAND, *case.words.split()], streams, cwd=at)
    assert result.status == expected(case, streams), result
    # What was done is there as a whole, and nothing else.
    assert names_in(at) == sorted([*before, *case.made])
    if case is EXPORT:
        assert not verify_package(at / "new").problems
    lines = result.err.splitlines()
    if streams.errors_are_lost:
        assert lines == []
    elif case.status:
        assert len(lines) == 1
        assert case.says in lines[0]
    elif streams.output_fails and case.writes and (case.done or not streams.is_pipe):
        assert len(lines) == 1
        assert lines[0].startswith("pipeline: standard output: ")
        assert case.done is None or lines[0].endswith(f"; {case.done}")
    else:
        assert lines == []


def test_a_closed_standard_error_puts_no_error_on_standard_output(directory):
    result = run([*COMMAND, "sessions", "nowhere"], STREAMS["errors closed"], cwd=directory)
    assert (result.status, result.out) == (3, "")


@needs_strace
@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_standard_stream(directory, tmp_path, streams):
    """Else what a library writes to standard error would land in the data."""
    at = shutil.copytree(directory, tmp_path / "at")
    trace = tmp_path / "trace"
    words = ["strace", "-f", "-e", "trace=openat", "-o", str(trace), *COMMAND, "export", "store", "--to", "new"]
    subprocess.run(["bash", "-c", f'exec "$@" {streams}', "bash", *words], cwd=at, check=False)
    opened = set(re.findall(r'"([^"]*)", O_(?:WRONLY|RDWR).* = [012]$', trace.read_text(), re.MULTILINE))
    assert opened <= {"/dev/null"}
    assert contents(at / "new").keys() == contents(at / "package").keys()
