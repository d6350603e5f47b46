"""Runs tools that registries offer, imports their fresh files, and compares every sample with a plain reading.

It installs packages of PyPI and npm into directories of their own; programs of the system are run where they are
installed. Files of tools that are known and not read have to be refused, and what the refusal says to do is done.

python faults/fresh_results.py --help
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advice import follow
from fresh_tools import TOOLS
from injection import WrongOutcomeError, require
from loopback import serving

from pipeline import SourceError, connect, import_sessions, list_sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fresh_readings import Sample
    from fresh_tools import Tool, Written

STARTED = "2026-01-01T00:00:00Z"
_MISSING = "No matching distribution found"


class NotOfferedError(Exception):
    """A tool cannot be had here."""


def run_tool(name: str, directory: Path, programs: Path | None = None) -> Iterator[str]:
    """Run a tool, import what it wrote, and say what came of each file.

    Args:
        name: of the tool.
        directory: where to run it, which is not there yet.
        programs: the directory of its programs, where it is installed already.

    Raises:
        NotOfferedError: it cannot be had here; the message says why.
        WrongOutcomeError: the tool failed, or a sample is another.
    """
    tool = TOOLS[name]
    directory.mkdir()
    filled = _installed(tool, directory) if programs is None else {"python": sys.executable, "bin": str(programs)}
    with serving() as url:
        filled["url"] = url
        for file, content in tool.files.items():
            is_script = file.endswith(".sh")
            (directory / file).write_text(content.replace("{url}", url) if is_script else content, encoding="utf-8")
        printed = _run([part.format_map(filled) for part in tool.command], directory)
    for written in tool.written:
        path = directory / written.file
        if not path.exists():
            path.write_text(printed, encoding="utf-8")
        check = refused if written.refusal else compared
        try:
            yield check(written, path, directory / f"store-{written.file}")
        except (WrongOutcomeError, SourceError) as error:
            raise WrongOutcomeError(f"{written.file}: {error}") from error


def _installed(tool: Tool, directory: Path) -> dict[str, str]:
    """Install what a tool needs, and say where it lies."""
    if tool.program and shutil.which(tool.program) is None:
        raise NotOfferedError(f"{tool.program} is not installed (apt-get install {tool.debian or tool.program})")
    if tool.option:
        told = subprocess.run([tool.program, "--help"], capture_output=True, text=True, check=False)
        if tool.option not in told.stdout + told.stderr:
            raise NotOfferedError(f"{tool.program} here has no {tool.option}")
    if tool.modules:
        if shutil.which("npm") is None:
            raise NotOfferedError("npm is not installed")
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        _run(["npm", "install", *quiet, "--prefix", ".", *tool.modules], directory)
        return {"python": sys.executable, "bin": str(directory / "node_modules" / ".bin")}
    if not tool.packages:
        return {"python": sys.executable, "bin": "/usr/bin"}
    venv.create(directory / "env", with_pip=True)
    programs = directory / "env" / "bin"
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *tool.packages]
    try:
        _run(pip, directory)
    except WrongOutcomeError as error:
        if _MISSING in str(error):
            raise NotOfferedError(f"{' '.join(tool.packages)} is not offered") from error
        raise
    return {"python": str(programs / "python"), "bin": str(programs)}


def _run(command: Sequence[str], directory: Path) -> str:
    environment = {**os.environ, "TZ": "UTC", "K6_NO_USAGE_REPORT": "true", "ARTILLERY_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    said = f"{done.stdout[-500:]}{done.stderr[-500:]}"
    require(done.returncode == 0, f"{' '.join(command)}: status {done.returncode}: {said}")
    return done.stdout


def compared(written: Written, path: Path, store: Path) -> str:
    """Import a file, and say what was compared.

    Raises:
        WrongOutcomeError: another importer knows it, or a value is another.
    """
    options: dict[str, Any] = dict(written.options)
    report = import_sessions(path, store, timezone="UTC", started_at=STARTED, **options)
    names = {session["origin"]["importer_name"] for session in list_sessions(store)}
    require(names == {written.importer}, f"is known as {names}")
    version = next(session["harness"]["version"] for session in list_sessions(store))
    told = _samples_are_the_same(written.read, path, store)
    newer = [text for text in report.warnings if "than those that were tried" in text]
    return f"{version or ''} {told}{'; ' + newer[0].partition(': ')[2] if newer else ''}".strip()


def refused(written: Written, path: Path, store: Path) -> str:
    """Import a file that is not read, and do what its refusal says.

    Raises:
        WrongOutcomeError: it is imported, or refused otherwise, or what is to be done gives other values.
    """
    try:
        import_sessions(path, store, started_at=STARTED)
    except SourceError as error:
        told = str(error)
    else:
        raise WrongOutcomeError("is imported")
    require(written.refusal in told, f"is refused, and not as {written.refusal}: {told}")
    if not written.advised:
        return "is refused as it should be"
    if shutil.which("jq") is None:
        return "is refused as it should be; jq, which the refusal names, is not installed"
    follow(told, path, path.with_name("advised.ndjson"), store)
    return f"is refused; what the refusal says to do gives {_samples_are_the_same(written.read, path, store)}"


def _samples_are_the_same(read: Callable[[Path], Iterator[Sample]] | None, path: Path, store: Path) -> str:
    """Compare all values of the metrics that the plain reading has; say of the most frequent what its figures are."""
    assert read is not None, "who is compared is read"  # noqa: S101 - the tools say so
    expected = Counter((metric, unit, None if value is None else float(value)) for metric, unit, value in read(path))
    wanted = {metric for metric, *_ in expected}
    with connect(store) as connection:
        rows = connection.sql("SELECT metric, unit, value FROM measurements").fetchall()
    found = Counter((metric, unit, value) for metric, unit, value in rows if metric in wanted)
    others = [*(found - expected), *(expected - found)]
    require(bool(expected) and not others, f"{len(others)} samples differ, such as {others[:4]}")
    values: dict[str, list[float | None]] = defaultdict(list)
    for metric, _, value in found.elements():
        values[metric].append(value)
    most = max(values, key=lambda metric: len(values[metric]))
    known = [value for value in values[most] if value is not None]
    lost = len(values[most]) - len(known)
    figures = f"{min(known):.6g} to {max(known):.6g}, sum {sum(known):.6g}" if known else "no value"
    return (
        f"{sum(found.values()):,} values of {len(values)} metrics; "
        f"{most}: {len(known):,}{f' and {lost} lost' if lost else ''}, {figures}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tools."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", nargs="*", choices=[[], *TOOLS], help="default: all")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="fresh-") as directory:
        for name in options.tools or TOOLS:
            place = Path(directory) / name
            try:
                for came in run_tool(name, place):
                    print(f"{name:<18} {came}", flush=True)
                    counts["files"] += 1
                counts["tools"] += 1
            except NotOfferedError as error:
                print(f"{name:<18} not run: {error}", flush=True)
                counts["not run"] += 1
            except WrongOutcomeError as error:
                print(f"{name:<18} WRONG {error}", flush=True)
                counts["wrong"] += 1
            shutil.rmtree(place, ignore_errors=True)
    print(f"{counts['files']} files of {counts['tools']} tools, {counts['not run']} not run, {counts['wrong']} wrong")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
