"""Runs commands on hostile input, each in a process of its own, and judges how they end.

A server process loads the engines once and forks for each command, so that a crash ends that one alone, and its time
and memory are its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from injection import require

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SECONDS = 60
MAX_ADDRESS_SPACE = 6 << 30
MAX_RESIDENT_BYTES = 800 << 20
"""Of a process that starts with some 200 MB, those of the engines."""
MAX_PAGE_BYTES = 2 << 30
"""pyarrow makes room for what the header of a Parquet page says, before it sees that the page is smaller."""
FAULT = "fault of the program"

_SERVER = """
import json, os, resource, signal, sys, traceback

class WithoutPandas:
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ImportError(name)

sys.meta_path.insert(0, WithoutPandas)
import duckdb, pyarrow.csv, pyarrow.parquet
import pipeline.api, pipeline.importing, pipeline.importers.rows, pipeline.notebook, pipeline.sources.plain
import pipeline.store
from pipeline.cli import main

for line in sys.stdin:
    job = json.loads(line)
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.chdir(job["cwd"])
            os.environ["TMPDIR"] = job["tmp"]
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.alarm(job["seconds"])
            status = main(job["arguments"])
        except SystemExit as ending:
            status = ending.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status, usage = os.wait4(pid, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024]), flush=True)
"""


@dataclass
class Ending:
    """How a command ended.

    Attributes:
        status: its exit status, negative where a signal ended it.
        out: its standard output.
        err: its standard error.
        resident: the most memory it had, in bytes.
    """

    status: int
    out: str
    err: str
    resident: int


class Commands:
    """Runs commands; use it in a `with` statement."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def run(self, arguments: list[str], *, cwd: Path, tmp: Path) -> Ending:
        """Run a command in a directory, its temporary files in another."""
        out, err = self._directory / "out", self._directory / "err"
        job = {"arguments": arguments, "cwd": str(cwd), "tmp": str(tmp), "out": str(out), "err": str(err)}
        job |= {"memory": MAX_ADDRESS_SPACE, "seconds": MAX_SECONDS}
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        status, resident = json.loads(self._server.stdout.readline())
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
        return Ending(status, *texts, resident)


@dataclass
class HostileInput:
    """One input and what is done with it.

    Attributes:
        name: says what it is.
        files: bytes by name, of all files.
        arguments: of the command; it runs in the directory of the files.
        named: what an error names: the file at fault.
        refusals: exit statuses that refuse it.
        oracles: other readers of the rows, any of which may be right; each gives them from the directory. None where
            it may not be accepted.
    """

    name: str
    files: dict[str, bytes]
    arguments: list[str]
    named: str = ""
    refusals: tuple[int, ...] = (3,)
    oracles: list[Callable[[Path], list[dict[str, Any]]]] | None = field(default=None)


def judge(commands: Commands, case: HostileInput, directory: Path) -> str:
    """Run a command on an input.

    Args:
        commands: runs it.
        case: the input.
        directory: a new directory.

    Returns:
        "accepted" or "refused".

    Raises:
        WrongOutcomeError: it crashed, hung, took too much memory, said too much or too little, left something, or gave
            other rows than the other readers.
    """
    work, tmp = directory / "work", directory / "tmp"
    for made in (work, tmp):
        made.mkdir(parents=True)
    for name, data in case.files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    ending = commands.run(case.arguments, cwd=work, tmp=tmp)
    shown = f"{case.name}: {' '.join(case.arguments)}: status {ending.status}: {ending.err[-1500:]}"
    require(ending.status >= 0, f"ended by a signal: {shown}")
    require("Traceback" not in ending.err and FAULT not in ending.err, shown)
    allowed = MAX_RESIDENT_BYTES + MAX_PAGE_BYTES * any(name.endswith(".parquet") for name in case.files)
    require(ending.resident < allowed, f"{ending.resident:,} bytes of memory: {shown}")
    require(not list(tmp.iterdir()), f"left temporary files: {shown}")
    if ending.status == 0:
        require(case.oracles is not None, f"accepted: {shown}")
        found = _rows_written(work, ending)
        if found is not None:
            _require_one_of(found, case, work, shown)
        return "accepted"
    require(ending.status in case.refusals, shown)
    require(ending.err.count("\n") == 1 and ending.err.startswith("pipeline: "), f"is not one line: {shown}")
    require(case.named in ending.err, f"does not name {case.named}: {shown}")
    require(len(ending.err.encode()) < 4000, f"is too long a line: {shown}")
    require(ending.out == "", f"wrote to standard output: {shown}")
    left = {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    require(left == case.files, f"left {sorted(left.keys() ^ case.files.keys())}: {shown}")
    directories = {str(path.relative_to(work)) for path in work.rglob("*") if path.is_dir()}
    wanted = {str(above) for name in case.files for above in Path(name).parents} - {"."}
    require(directories == wanted, f"left {sorted(directories - wanted)}: {shown}")
    return "refused"


def _rows_written(work: Path, ending: Ending) -> list[dict[str, Any]] | None:
    """Rows of the NDJSON that a command published or printed, None where it is none."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(work.glob("out/measurements_*.ndjson"))]
    if ending.out.startswith("{"):
        texts.append(ending.out)
    if not texts:
        return None
    return [json.loads(line) for text in texts for line in text.split("\n") if line]


def _require_one_of(found: list[dict[str, Any]], case: HostileInput, work: Path, shown: str) -> None:
    wanted = comparable(found)
    reasons = []
    for oracle in case.oracles or []:
        try:
            rows = comparable(oracle(work))
        except Exception as error:  # noqa: BLE001 - a reader of others may fail in any way
            reasons.append(f"{type(error).__name__} {str(error)[:80]}")
            continue
        if rows == wanted:
            return
        different = next((pair for pair in zip(wanted, rows, strict=False) if pair[0] != pair[1]), None)
        reasons.append(f"{len(wanted)} rows for {len(rows)}, the first that differ {different}"[:600])
    require(not case.oracles, f"other rows than other readers give: {reasons}: {shown}")


def comparable(rows: list[dict[str, Any]]) -> list[tuple[tuple[str, str], ...]]:
    """Rows as texts that compare, in any order: without nulls and empty texts, numbers by their value."""
    return sorted(tuple(sorted((name, text) for name, v in row.items() if (text := _text(name, v)))) for row in rows)


def _text(name: str, value: object) -> str:  # noqa: PLR0911 - a form for each type
    import datetime as dt  # noqa: PLC0415 - no need elsewhere

    if value is None or value == "":
        return ""
    if name == "timestamp" and isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat() if value.year > 1 else value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(value, value)
    if isinstance(value, int) and abs(value) >= 2**53:
        return str(value)
    if isinstance(value, int | float):
        return repr(float(value)).removesuffix(".0")
    return str(value)
