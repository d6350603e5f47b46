"""Measures this program alone, each run in a fresh process.

`python benchmarks/alone.py limit`: where the time of an NDJSON export goes, against what the machine can do at all.
`python benchmarks/alone.py size`: time and memory of 1, 10 and 100 million rows.
`python benchmarks/alone.py long`: memory of 4 GB of texts of 1 MB each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measuring import FAST, HERE, OWN, Run, checked, machine, make_store, medians, remove, run, version

SIZES = (1_000_000, 10_000_000, 100_000_000)
TASKS = {
    "NDJSON": ("export", "--format", "ndjson"),
    "CSV": ("export", "--format", "csv"),
    "Parquet": ("export", "--format", "parquet"),
    "statistics": ("statistics", "--format", "ndjson"),
}
LONG_TEXTS = 4_000


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Measure this program alone.")
    parser.add_argument("what", choices=["limit", "size", "long"])
    parser.add_argument("--rows", type=int, default=SIZES[1], help="for `limit`")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="for `size`: no more rows than these")
    parser.add_argument("--synced", action="store_true", help="for `size`: with hash and flush, as by default")
    parser.add_argument("--tasks", nargs="*", choices=[*TASKS], default=[*TASKS], help="for `size`")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where the files go; a temporary directory by default")
    options = parser.parse_args()
    print(f"medians of {options.runs} runs; {machine()}; pyarrow {version('pyarrow')}\n", flush=True)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        place = Path(directory)
        if options.what == "limit":
            limit(place, options.rows, options.runs)
        elif options.what == "size":
            tasks = {name: [*TASKS[name], *([] if options.synced else FAST)] for name in options.tasks}
            size(place, [rows for rows in SIZES if rows <= options.largest], tasks, options.runs)
        else:
            long_texts(place, options.runs)


def limit(place: Path, rows: int, runs: int) -> None:
    """Take the parts of an export by themselves, and what any program would have to do."""
    store, out = make_store(place, rows), place / "out"
    own = [*OWN, "export", str(store), "--to", str(out), "--quiet", "--format", "ndjson"]
    checked([*own, *FAST])
    text = next(out.glob("*.ndjson")).rename(place / "text.ndjson")
    part = [sys.executable, str(HERE / "parts.py")]
    commands = {
        "cat, the same bytes": ["sh", "-c", f"cat '{text}' > '{out}'"],
        "SHA-256, the same bytes": [*part, "hash", str(text)],
        "start, no rows": [*part, "start", str(store)],
        "scan alone": [*part, "scan", str(store)],
        "scan, digest": [*part, "digest", str(store)],
        "scan, encode": [*part, "encode", str(store)],
        "export": [*own, *FAST],
        "export, hashed": [*own, "--no-sync"],
    }
    print(f"{rows:,} rows, {text.stat().st_size / 1e9:.2f} GB of NDJSON")
    _table(commands, out, runs)


def size(place: Path, sizes: list[int], tasks: dict[str, list[str]], runs: int) -> None:
    """Take the time and memory of sources of several sizes."""
    out = place / "out"
    for rows in sizes:
        store = make_store(place, rows)
        commands = {
            name: [*OWN, command, str(store), "--to", str(out), "--quiet", *how]
            for name, (command, *how) in tasks.items()
        }
        print(f"{rows:,} rows")
        _table(commands, out, runs)
        remove(store)


def long_texts(place: Path, runs: int) -> None:
    """Take the memory of importing and exporting texts of 1 MB each."""
    source, store, out = place / "long.parquet", place / "store", place / "out"
    checked([sys.executable, str(HERE / "generate.py"), str(source), str(LONG_TEXTS), "long"])
    checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
    commands = {"import": [*OWN, "import", str(source), "--to", str(out), "--quiet"]} | {
        name: [*OWN, "export", str(store), "--to", str(out), "--quiet", "--format", name, *FAST]
        for name in ("ndjson", "json", "csv", "parquet", "arrow")
    }
    print(f"{LONG_TEXTS:,} rows with a text of 1 MB each")
    _table(commands, out, runs)


def _table(commands: dict[str, list[str]], out: Path, runs: int) -> None:
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            remove(out)
            done = run(command)
            if done is None:
                raise SystemExit(f"{name} failed: {' '.join(command)}")
            measured[name].append(done)
    remove(out)
    print(f"  {'':<26} {'seconds':>8} {'min':>7} {'max':>7} {'CPU s':>7} {'peak MB':>8}")
    for name, each in measured.items():
        seconds, middle = [one.seconds for one in each], medians(each)
        print(
            f"  {name:<26} {middle.seconds:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} {middle.cpu_seconds:7.2f} "
            f"{middle.peak_megabytes:8.0f}"
        )
    print(flush=True)


if __name__ == "__main__":
    main()
