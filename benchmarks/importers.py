"""Imports result files of harnesses, each in a fresh process, against DuckDB, which copies the same rows to Parquet."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from harness_files import NAMES
from harness_queries import QUERIES
from measuring import HERE, OWN, Run, checked, machine, medians, remove, run, version

FILE_NAMES = {"fio-log": "lat_clat.1.log", "criterion": "sample.json"}
OPTIONS = {"fio-log": ("--assume", "unit=ns")}
MOST_MEGABYTES = 250
MOST_AGGREGATES = 100  # beside the samples, which DuckDB does not copy


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Measure imports of result files of harnesses.")
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--of", nargs="*", choices=[*NAMES], default=[*NAMES])
    parser.add_argument("--files", type=Path, help="where the files are kept, and found again")
    options = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow"))
    print(f"{options.samples:,} samples, medians of {options.runs} runs in turn; {machine()}; {versions}")
    print(f"{'':<18} {'':>6} {'pipeline':>24} {'DuckDB':>24} {'times DuckDB':>14}")
    head = f"{'CPU s':>7} {'seconds':>8} {'peak MB':>8}"
    print(f"{'file of':<18} {'MB':>6} {head} {head} {'CPU':>6} {'seconds':>8}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        kept = options.files or Path(directory)
        for name in options.of:
            path = kept / name.replace(" ", "_") / FILE_NAMES.get(name, "result.txt")
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                # What this process once held would count as the peak of those that it starts.
                checked([sys.executable, str(HERE / "harness_files.py"), str(path), str(options.samples), name])
            _measure(name, path, Path(directory), options.runs)
            if options.files is None:
                path.unlink()


def _measure(name: str, path: Path, place: Path, runs: int) -> None:
    store, target = place / "store", place / "copy.parquet"
    started = ("--started-at", "2026-11-24T09:00:00Z")
    commands = {"own": [*OWN, "import", str(path), "--to", str(store), "--quiet", *started, *OPTIONS.get(name, ())]}
    if name in QUERIES:
        commands["peer"] = [sys.executable, str(HERE / "harness_queries.py"), name, str(path), str(target)]
    measured: dict[str, list[Run]] = {each: [] for each in commands}
    for _ in range(runs):
        for each, command in commands.items():
            remove(store if each == "own" else target)
            done = run(command)
            if done is None:
                raise SystemExit(f"{name}: failed: {' '.join(command)}")
            measured[each].append(done)
    rows = {_count(store / "sessions/*/*.parquet"), *([_count(target)] if "peer" in measured else [])}
    if max(rows) - min(rows) > MOST_AGGREGATES:
        raise SystemExit(f"{name}: rows differ: {rows}")
    remove(store)
    remove(target)
    own = medians(measured["own"])
    line = f"{name:<18} {path.stat().st_size / 1e6:6.0f} {_told(own)}"
    if "peer" in measured:
        peer = medians(measured["peer"])
        line += f" {_told(peer)} {own.cpu_seconds / peer.cpu_seconds:6.2f} {own.seconds / peer.seconds:8.2f}"
    flags = "  above 250 MB" if own.peak_megabytes > MOST_MEGABYTES else ""
    print(line + flags, flush=True)


def _told(one: Run) -> str:
    return f"{one.cpu_seconds:7.2f} {one.seconds:8.2f} {one.peak_megabytes:8.0f}"


def _count(where: Path) -> int:
    """Count rows of Parquet, in another process."""
    query = f"import duckdb; print(duckdb.execute(\"SELECT count(*) FROM '{where}'\").fetchone()[0])"
    done = subprocess.run([sys.executable, "-c", query], check=False, capture_output=True, text=True)
    return int(done.stdout or -1)


if __name__ == "__main__":
    main()
