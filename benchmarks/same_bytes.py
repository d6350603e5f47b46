"""Proves that two checkouts give the same bytes: runs the same commands in both, and compares all that they write.

`python benchmarks/same_bytes.py OTHER`: this checkout against another; each runs in its own environment, `.venv`.

The inputs are made once, of `data/fixtures` by this checkout, and read by both. Files, standard output, messages and
exit statuses are compared byte for byte. Left out are only clocks and versions:

- in `datapackage.json`, the versions of the program and its engines; `created` is set to the same in both
- in `SHA256SUMS`, the hash of `datapackage.json`
- in what is printed, how long it took
- `catalog.duckdb`, which DuckDB never writes the same way twice; what it shows is compared

An xlsx file says that it was created in 2000. A session's record holds no time of its import; where a harness file
has no times, the start is when it was last modified, which is the same for both as they read the same file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import HERE, checked

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = ("none", "gzip", "zstd")
COMPRESSIONS = {
    "ndjson": TEXT,
    "json": TEXT,
    "csv": TEXT,
    "parquet": TEXT,
    "arrow": ("none", "zstd"),
    "influx": TEXT,
    "xlsx": ("none",),
}
ONLY_TABLE = {"influx": "export"}
SCOPES = ("cross-session", "per-session")
LISTS = ("table", "csv", "json", "ndjson")
COMMANDS = ("import", "sessions", "export", "statistics", "query", "catalog", "verify", "stages", "recover")
NO_HARNESS = {"asv/benchmarks.json"}
"""Files that are refused."""

# Sources, as seen from the directory that a case runs in.
INPUTS = "../../inputs"
STORE = f"{INPUTS}/store"
SOURCES = {
    "Parquet": f"'{INPUTS}/parquet/meas*.parquet'",
    "CSV": f"'{INPUTS}/csv/meas*.csv'",
    "NDJSON": f"'{INPUTS}/ndjson/meas*.ndjson'",
    "Arrow": f"'{INPUTS}/arrow/meas*.arrow'",
    "gzip, with records": f"{INPUTS}/recorded/rows.csv.gz",
    "DuckDB": f"{INPUTS}/rows.duckdb",
}
SQL = "SELECT *, value / 3 AS third, timestamp::DATE AS day FROM measurements WHERE metric = 'jitter' ORDER BY ALL"
CATALOG = (
    "import duckdb; catalog = duckdb.connect('catalog.duckdb', read_only=True);"
    "print(catalog.sql('SELECT table_name, column_name, data_type, comment FROM duckdb_columns()').fetchall());"
    "print(catalog.sql('FROM sessions').fetchall(), catalog.sql('FROM measurements').fetchall())"
)

# By name: commands, each run after the one before.
SELECTIONS = {
    "session and metric": [f"export {STORE} --to out --session wan-20261124T180727Z-16 --metric jitter --metric x"],
    "since and until": [f"export {STORE} --to out --since 2026-11-24T18:07:30Z --until 2026-11-24T18:09:00.5Z"],
    "days of a timezone": [f"export {STORE} --to out --since 2026-11-25 --until 2026-11-26 --timezone Asia/Dhaka"],
    "where": [f"export {STORE} --to out --format csv --where \"value > 100 AND channel = 'video'\""],
    "where of sessions": [
        f"export {STORE} --to out --where-session \"configuration->>'$.network_profile.name' LIKE 'wan%'\""
    ],
    "columns": [f"export {STORE} --to out --format parquet --columns value,metric,timestamp,session_id"],
    "exclude": [f"export {STORE} --to out --format csv --exclude unit,robot_id"],
    "redact": [
        f"export {STORE} --to out --format json --redact configuration.network_profile.robot_address",
        f"export {STORE} --to parquet --format parquet --redact configuration.kernel",
    ],
    "columns of statistics": [f"statistics {STORE} --to out --columns session_id,metric,p99,mean"],
    "selected statistics": [f"statistics {STORE} --to out --where 'value < 50' --since 2026-11-24T18:07:00Z"],
    "nothing selected": [
        *(f"export {STORE} --to {name} --until 2020-01-01 --format {name}" for name in ("csv", "json", "parquet")),
        *(f"statistics {STORE} --to s-{name} --until 2020-01-01 --format {name}" for name in ("csv", "arrow", "xlsx")),
    ],
}
STATISTICS = {
    "windows of seconds": [f"statistics {STORE} --to out --window 10s"],
    "windows of minutes": [f"statistics {STORE} --to out --window 1m --scope cross-session --format parquet"],
    "windows of days": [f"statistics {STORE} --to out --window 1d --timezone America/New_York"],
    "quantiles": [f"statistics {STORE} --to out --quantile 0.999 --quantile 0.0001 --quantile 1"],
    "lost are infinite": [f"statistics {STORE} --to out --lost infinite --scope cross-session"],
    "by": [f"statistics {STORE} --to out --scope cross-session --by network_profile --by channel --format json"],
    "little memory": [f"statistics {STORE} --to out --window 1s --memory-limit 1MB --threads 1 --batch-size 500"],
}
PACKAGES = {
    "rows per file": [
        f"export {STORE} --to out --rows-per-file 5000 --format csv",
        f"export {STORE} --to each --rows-per-file 1500 --format arrow --scope per-session",
        f"statistics {STORE} --to statistics --rows-per-file 50",
    ],
    "spreadsheet": [
        f"export {STORE} --to out --format csv --spreadsheet",
        f"statistics {STORE} --to s --spreadsheet --locale de",
    ],
    "package metadata": [f"export {STORE} --to out --package-metadata {INPUTS}/package.json"],
    "with statistics": [
        f"export {STORE} --to out --with-statistics --format parquet",
        f"export {STORE} --to each --with-statistics --scope per-session --compression gzip",
    ],
    "no hash": [f"export {STORE} --to out --no-hash"],
    "verified, reported as JSON": [f"export {STORE} --to out --verify --json", f"statistics {STORE} --to s --json"],
    "repeated, overwritten": [
        f"statistics {STORE} --to out",
        f"statistics {STORE} --to out",
        f"statistics {STORE} --to out --lost infinite --overwrite",
    ],
    "verify": [f"verify {INPUTS}/{name} {how}" for name in ("csv", "parquet") for how in ("", "--quick", "--json")],
    "stages": [f"export {STORE} --to out --quiet", "stages ."],
}
OUTPUTS = {
    "measurements to standard output": [
        f"export {STORE} --to - --format {name} --compression {compression}"
        for name, compression in (("ndjson", "none"), ("csv", "gzip"), ("json", "zstd"), ("parquet", "zstd"))
    ],
    "statistics to standard output": [
        f"statistics {STORE} --to - --format {name}" for name in ("csv", "json", "arrow", "xlsx")
    ],
    "catalog": [f"catalog {STORE} --to catalog.duckdb", f"python {shlex.quote(CATALOG)}"],
}
IMPORTS = {
    "import rows into nanoseconds": [f"import {SOURCES['NDJSON']} --to store --timestamp-unit ns"],
    "import, skip and replace": [
        f"import {SOURCES['gzip, with records']} --to store",
        f"import {SOURCES['Parquet']} --to store --if-exists skip --json",
        f"import {SOURCES['CSV']} --to store --if-exists replace",
        "sessions store --format ndjson",
    ],
    "import mapped columns": [
        f"import {INPUTS}/own.csv --to a --map offset=when:s --map value=rtt:ms --started-at 2026-11-24T09:00:00Z",
        f"import {INPUTS}/own.csv --to b --map time=when:s --map value=rtt:ms --map value=cpu:%",
    ],
    "recover": [f"import {INPUTS}/own.csv --to store --map time=when:s --map value=rtt:ms", "recover store"],
}
ERRORS = {
    "no such source": [f"export {STORE[:-1]} --to out"],
    "no such option": [f"export {STORE} --to out --formt csv"],
    "no such column in a condition": [f"export {STORE} --to out --where 'valu > 1'"],
    "no such column": [f"export {STORE} --to out --columns session_id,valeu"],
    "no such session": [f"statistics {STORE} --to out --session lan"],
    "no such path to redact": [f"export {STORE} --to out --redact configuration.secret"],
    "a file as a destination": [f"export {STORE} --to out.csv"],
    "a locale without the variant for it": [f"export {STORE} --to out --format csv --locale de"],
    "nothing, which fails": [f"export {STORE} --to out --until 2020-01-01 --fail-if-empty"],
    "other options": [f"statistics {STORE} --to out", f"statistics {STORE} --to out --window 1m"],
    "a damaged package": [f"verify {INPUTS}/damaged"],
    "no SELECT": [f"query {STORE} 'DROP VIEW measurements'"],
}
LEFT_OUT = (
    (re.compile(r"datapackage\.json"), re.compile(rb'"pipeline:(program|engines)": \{[^}]*\}')),
    (re.compile(r"SHA256SUMS"), re.compile(rb"^[0-9a-f]{64}(?=  datapackage\.json$)", re.MULTILINE)),
    (
        re.compile(r"\d+\.(out|err)"),
        re.compile(rb'\bin (\d+ min )?\d+(\.\d+)? s\b|"seconds": ?[\d.e-]+|"time":"[^"]+"'),
    ),
    (re.compile(r"catalog\.duckdb"), re.compile(rb".*", re.DOTALL)),
)
"""By the name of a file: what of it is a clock or a version."""
DERIVED = re.compile(r"datapackage\.json|SHA256SUMS|\d+\.out")
"""Names of files that differ because others do; they are told last."""
SHOWN = 3
CREATED = "1795543200"
DESCRIBE = """
import json, platform
from importlib.metadata import version
import pipeline
names = ("duckdb", "pyarrow", "numpy", "isal", "zstandard", "xlsxwriter")
print(json.dumps([pipeline.__file__, {"python": platform.python_version()} | {n: version(n) for n in names}]))
"""
MAKE_DATABASE = """
import duckdb, sys
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute(f"CREATE TABLE measurements AS SELECT * FROM '{sys.argv[2]}'")
"""


@dataclass(frozen=True)
class Case:
    """Commands that run one after the other.

    Attributes:
        name: says what they do.
        commands: words as a shell has them; `python` first runs Python, anything else the program.
        fails: the last one must fail; all others must succeed.
    """

    name: str
    commands: list[str]
    fails: bool = False


@dataclass(frozen=True)
class Checkout:
    """A checkout with an environment of its own."""

    path: Path

    def run(self, words: list[str], cwd: Path) -> subprocess.CompletedProcess[bytes]:
        """Run the program, or Python, in its environment."""
        program = words if words[0] == "python" else ["python", "-m", "pipeline", *words]
        environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
        return subprocess.run(
            [str(self.path / ".venv" / "bin" / program[0]), *(["-c"] if words[0] == "python" else []), *program[1:]],
            cwd=cwd,
            env=environment | {"SOURCE_DATE_EPOCH": CREATED},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    def succeed(self, *words: str | Path, cwd: Path) -> bytes:
        """Run what must succeed, and give what it prints."""
        done = self.run(list(map(str, words)), cwd)
        if done.returncode:
            raise SystemExit(f"{self.path}: {shlex.join(map(str, words))}: {done.stderr.decode()}")
        return done.stdout

    def versions(self) -> dict[str, str]:
        """Check that it is installed, and itself; give the versions of its engines."""
        if not (self.path / ".venv" / "bin" / "python").exists():
            raise SystemExit(f"{self.path}: has no environment; run 'uv sync' there first")
        done = self.run(["python", DESCRIBE], self.path.parent)
        module, versions = json.loads(done.stdout or '["nothing", {}]')
        if not Path(module).resolve().is_relative_to(self.path):
            raise SystemExit(
                f"{self.path}: its environment runs {module}, not this checkout; run 'uv sync' there first"
            )
        return dict(versions)


def main() -> None:
    """Compare two checkouts."""
    parser = argparse.ArgumentParser(description="Prove that two checkouts give the same bytes.")
    parser.add_argument("other", type=Path, help="a checkout, after `uv sync` in it")
    parser.add_argument("this", type=Path, nargs="?", default=HERE.parent, help="the one it is compared with: this")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose names hold this")
    parser.add_argument("--directory", type=Path, help="keep what was written here; it is created")
    options = parser.parse_args()
    pair = [Checkout(options.this.resolve()), Checkout(options.other.resolve())]
    if pair[0] == pair[1]:
        raise SystemExit(f"{pair[0].path}: name another checkout than this one")
    versions = [checkout.versions() for checkout in pair]
    for checkout, found in zip(pair, versions, strict=True):
        print(f"{checkout.path}: {', '.join(f'{name} {number}' for name, number in found.items())}")
    if versions[0] != versions[1]:
        print("the versions differ, and so may what the engines write; 'uv sync --upgrade' in both makes them equal")
    if options.directory:
        options.directory.mkdir(parents=True)
        sys.exit(compare(pair, options.directory.resolve(), options.only))
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as directory:
        sys.exit(compare(pair, Path(directory).resolve(), options.only))


def compare(pair: list[Checkout], place: Path, only: str) -> int:
    """Run the cases in both checkouts and print what came of each; 1 if anything differs."""
    started = time.monotonic()
    make_inputs(pair[0], place / "inputs")
    chosen = [case for case in cases(place / "inputs" / "harness") if only in case.name]
    files = size = different = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, (count, length, verdict) in zip(chosen, pool.map(partial(judge, pair, place), chosen), strict=True):
            print(f"{case.name:<44} {count:>3} files {length:>11,} bytes  {verdict}", flush=True)
            files, size, different = files + count, size + length, different + (verdict != "same")
    print(
        f"{len(chosen)} cases, {files:,} files, {size:,} bytes in {time.monotonic() - started:.0f} s: "
        f"{len(chosen) - different} the same, {different} different"
    )
    return int(different > 0 or not chosen)


def make_inputs(checkout: Checkout, inputs: Path) -> None:
    """Make the sources that both checkouts read."""
    fixtures = checkout.path / "data" / "fixtures"
    store = shutil.copytree(fixtures / "teleoperation", inputs / "store")
    shutil.copytree(fixtures / "harness", inputs / "harness")  # with the times of their last change
    for name in ("parquet", "csv", "ndjson", "arrow"):
        checkout.succeed("export", store, "--to", name, "--format", name, "--scope", "per-session", cwd=inputs)
    shutil.copytree(inputs / "csv", inputs / "damaged")
    with next((inputs / "damaged").glob("sessions_*")).open("ab") as file:
        file.write(b"\n")
    recorded = inputs / "recorded"
    recorded.mkdir()
    rows = checkout.succeed("export", store, "--to", "-", "--format", "csv", "--compression", "gzip", cwd=inputs)
    (recorded / "rows.csv.gz").write_bytes(rows)
    (recorded / "rows.session.json").write_bytes(checkout.succeed("sessions", store, "--format", "json", cwd=inputs))
    checked([sys.executable, "-c", MAKE_DATABASE, str(inputs / "rows.duckdb"), str(inputs / "parquet" / "*.parquet")])
    (inputs / "own.csv").write_text("when;rtt;cpu;robot\n0.25;12.5;40;r7\n0.5;;41;r7\n", encoding="utf-8")
    (inputs / "package.json").write_text('{"title": "Größen", "keywords": ["a", "b"]}\n', encoding="utf-8")


def cases(harness: Path) -> Iterator[Case]:
    """List all cases."""
    for name, compressions in COMPRESSIONS.items():
        for command in ("export", "statistics"):
            if ONLY_TABLE.get(name, command) == command:
                for scope in SCOPES:
                    shape = f"--format {name} --scope {scope}"
                    made = [f"{command} {STORE} --to {c} {shape} --compression {c}" for c in compressions]
                    yield Case(f"{command} {name} {scope}", made)
    for table in (SELECTIONS, STATISTICS, PACKAGES, OUTPUTS, IMPORTS):
        for name, commands in table.items():
            yield Case(name, commands)
    for name, source in SOURCES.items():
        commands = [f"export {source} --to out --format json", f"statistics {source} --to s", f"sessions {source}"]
        yield Case(f"source {name}", [*commands, f"query {source} {shlex.quote(SQL)} --format csv"])
    yield Case("sessions", [f"sessions {STORE} --format {name}" for name in LISTS])
    yield Case("query", [f"query {STORE} {shlex.quote(SQL)} --format {name}" for name in LISTS])
    for path in sorted(path for path in harness.rglob("*") if path.is_file() and path.suffix != ".md"):
        name = path.relative_to(harness).as_posix()
        command = f"import {INPUTS}/harness/{name} --to store --timezone Europe/Berlin"
        yield Case(f"import {name}", [command], fails=name in NO_HARNESS)
    yield Case("help", ["--help", *(f"{command} --help" for command in COMMANDS)])
    for name, commands in ERRORS.items():
        yield Case(f"error: {name}", commands, fails=True)


def judge(pair: list[Checkout], place: Path, case: Case) -> tuple[int, int, str]:
    """Run a case in both checkouts; give the number and bytes of files, and `same` or what differs."""
    slug = re.sub(r"\W+", "-", case.name)
    written: list[dict[str, bytes]] = []
    for name, checkout in zip(("this", "other"), pair, strict=True):
        directory = place / name / slug
        directory.mkdir(parents=True)
        statuses = [run_command(checkout, line, directory, at) for at, line in enumerate(case.commands, 1)]
        if any(statuses[:-1]) or (statuses[-1] != 0) != case.fails:
            printed = "".join(path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.err")))
            return 0, 0, f"is no such case: exit statuses {statuses} in {checkout.path}: {printed}"
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        written.append({str(path.relative_to(directory)): path.read_bytes() for path in files})
    found = list(differences(*written))
    more = [f"{len(found) - SHOWN} more files"] if len(found) > SHOWN else []
    return len(written[0]), sum(map(len, written[0].values())), "; ".join([*found[:SHOWN], *more]) or "same"


def run_command(checkout: Checkout, line: str, directory: Path, at: int) -> int:
    """Run a command; its output becomes files beside those that it writes."""
    words = shlex.split(line)
    done = checkout.run([*words, *(["--no-sync"] if words[0] in {"export", "statistics"} else [])], directory)
    printed = "data" if "--to -" in line else "out"
    for kind, data in ((printed, done.stdout), ("err", done.stderr), ("status", str(done.returncode).encode())):
        (directory / f"{at}.{kind}").write_bytes(data)
    return done.returncode


def differences(this: dict[str, bytes], other: dict[str, bytes]) -> Iterator[str]:
    """Say what differs: files that one has alone, and where others begin to differ."""
    for name in sorted(this.keys() | other.keys(), key=lambda name: (bool(DERIVED.fullmatch(Path(name).name)), name)):
        if name not in this or name not in other:
            yield f"{name} is only in {'this' if name in this else 'the other'}"
            continue
        one, two = (compared(name, files[name]) for files in (this, other))
        if one != two:
            pairs = enumerate(zip(one, two, strict=False))
            at = next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))
            yield f"{name} differs at byte {at:,} ({one[at : at + 20]!r}, {two[at : at + 20]!r})"


def compared(name: str, data: bytes) -> bytes:
    """Leave out clocks and versions."""
    for names, clock in LEFT_OUT:
        if names.fullmatch(Path(name).name):
            data = clock.sub(b"", data)
    return data


if __name__ == "__main__":
    main()
