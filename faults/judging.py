"""Runs commands on hostile input, each in a process of its own, and judges how they end.

A process that has loaded the engines forks for each command, so that a crash ends that one alone, and its time and
memory are its own.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from injection import require
from starter import Starter

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SECONDS = 60
MAX_ADDRESS_SPACE = 6 << 30
MAX_RESIDENT_BYTES = 800 << 20
"""Of a process that starts with some 200 MB, those of the engines."""
FAULT = "fault of the program"
_CRASHED = 70

# The engines and what the commands import where they use it, loaded once for all.
_MODULES = (
    "duckdb",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pipeline.api",
    "pipeline.cli",
    "pipeline.importers.run",
    "pipeline.importers.measurements",
    "pipeline.notebook.views",
    "pipeline.sources.plain",
    "pipeline.store.writer",
)


class _WithoutPandas:
    """Finds nothing: pandas is none of our dependencies, and the engines would load it where it is installed."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name == "pandas":
            raise ImportError(name)


def prepare() -> None:
    """Load what the commands need."""
    sys.meta_path.insert(0, _WithoutPandas)
    for module in _MODULES:
        importlib.import_module(module)


def run_in_limits(arguments: list[str], cwd: str, tmp: str, out: str, main: str = "pipeline.cli:main") -> int:
    """Run a command in a process of its own: in a directory, with limits of time and memory.

    Args:
        arguments: its words.
        cwd: the directory in which it runs.
        tmp: where its temporary files go.
        out: the file that its standard output is.
        main: what takes the words and gives the status, `module:name`.

    Returns:
        its exit status.
    """
    try:
        os.chdir(cwd)
        os.environ["TMPDIR"] = tmp
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 1)
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(MAX_SECONDS)
        module, _, name = main.partition(":")
        return getattr(importlib.import_module(module), name)(arguments)
    except SystemExit as ending:
        return ending.code
    except BaseException:  # noqa: BLE001 - it is judged by what it says
        traceback.print_exc()
        return _CRASHED
    finally:
        sys.stdout.flush()


def run_each_in_limits(commands: list[list[str]], cwds: list[str], tmp: str) -> int:
    """Run commands one after the other in one process, each in a directory of its own with limits of time.

    Beside each directory lies what its command says on standard error, `DIRECTORY.err`, and its status behind it, in
    `DIRECTORY.status`, so that it is known which one a crash ended.
    """
    for arguments, cwd in zip(commands, cwds, strict=True):
        os.dup2(os.open(f"{cwd}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
        status = run_in_limits(arguments, cwd, tmp, f"{cwd}.out")
        signal.alarm(0)
        sys.stderr.flush()
        Path(f"{cwd}.status").write_text(str(status), encoding="ascii")
    return 0


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
        self._out = directory / "out"
        self._starter = Starter(directory / "errors", prepare="judging:prepare", environment={})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._starter.__exit__(*exc_info)

    def run(self, arguments: list[str], *, cwd: Path, tmp: Path) -> Ending:
        """Run a command in a directory, its temporary files in another."""
        self._starter.start("judging:run_in_limits", [arguments, str(cwd), str(tmp), str(self._out)], traced=False)
        status, said, resident = self._starter.wait()
        return Ending(status, self._out.read_text(encoding="utf-8", errors="replace"), said, resident)

    def run_each(self, commands: list[list[str]], *, cwds: list[Path], tmp: Path) -> list[Ending]:
        """Run commands in one process, which takes half of the time; one that ends it runs again by itself.

        Returns:
            how each ended; the memory is the most of all.
        """
        places = [str(cwd) for cwd in cwds]
        self._starter.start("judging:run_each_in_limits", [commands, places, str(tmp)], traced=False)
        status, _, resident = self._starter.wait()
        if status:
            return [self.run(command, cwd=cwd, tmp=tmp) for command, cwd in zip(commands, cwds, strict=True)]
        return [
            Ending(
                int(Path(f"{place}.status").read_text(encoding="ascii")),
                Path(f"{place}.out").read_text(encoding="utf-8", errors="replace"),
                Path(f"{place}.err").read_text(encoding="utf-8", errors="replace"),
                resident,
            )
            for place in places
        ]


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
    require(ending.resident < MAX_RESIDENT_BYTES, f"{ending.resident:,} bytes of memory: {shown}")
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
