"""Runs this program and its peers in turn, each in a fresh process, and prints medians and ratios.

`python benchmarks [--rows N] [--runs N] [--tasks ndjson,csv,...] [--directory DIR]`
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from cost import measure_cost
from job_planning import measure_job_planning
from many_files import measure_files
from many_groups import measure_groups
from many_sessions import measure_sessions
from measuring import FAST, HERE, OWN, Run, checked, machine, make_store, medians, remove, run, version

TASKS = ("ndjson", "csv", "ndjson-gzip", "ndjson-zstd", "parquet", "statistics", "k6")
TEXTS = ("import-ndjson", "import-csv")
DOCUMENTS = ("pytest", "hyperfine")
PEERS = ("polars", "duckdb", "datafusion", "chdb")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="Measure this program against its peers.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--tasks",
        default=",".join(TASKS),
        help="these; cost and planning, which no peer takes part in; groups; sessions; files; import-ndjson and -csv; "
        "pytest, hyperfine",
    )
    parser.add_argument("--directory", type=Path, help="where the files go; a temporary directory by default")
    options = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("measurement-export-pipeline", "pyarrow", *PEERS))
    print(f"{options.rows:,} rows, medians of {options.runs} runs in turn; {machine()}; {versions}\n")
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        place = Path(directory)
        store = make_store(place, options.rows)
        plain = place / "plain.parquet"
        checked([sys.executable, str(HERE / "generate.py"), str(plain), str(options.rows)])
        for task in options.tasks.split(","):
            if task == "cost":
                measure_cost(store, place / "out", options.runs)
            elif task == "groups":
                measure_groups(place, options.rows, options.runs)
            elif task == "sessions":
                measure_sessions(place, options.runs, options.rows // 100)
            elif task == "planning":
                measure_job_planning(place, options.runs)
            elif task == "files":
                measure_files(place, options.runs)
            elif task == "k6":
                lines = place / "k6.json"
                checked([sys.executable, str(HERE / "k6_lines.py"), str(lines), str(options.rows)])
                _measure(task, place, _import_commands(lines, place / "out"), options.runs)
                lines.unlink()
            elif task in TEXTS:
                text = place / f"measurements.{task.partition('-')[2]}"
                shape = ["--format", task.partition("-")[2], *FAST, "--quiet"]
                checked([*OWN, "export", str(store), "--to", str(place / "out"), *shape])
                next((place / "out").glob(f"measurements*{text.suffix}")).rename(text)
                _measure(task, place, _text_commands(text, place / "out"), options.runs)
                text.unlink()
            elif task in DOCUMENTS:
                document = place / "document.json"
                checked([sys.executable, str(HERE / "sample_documents.py"), str(document), str(options.rows), task])
                _measure(task, place, _document_commands(task, document, place / "out"), options.runs)
                document.unlink()
            else:
                _measure(task, place, _commands(task, store, plain, place / "out"), options.runs)


def _measure(task: str, place: Path, commands: dict[str, list[str]], runs: int) -> None:
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    rows: dict[str, int] = {}
    names = list(commands)
    for turn in range(runs):
        # Whoever follows one that took much memory has it harder: that is another one each time.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            remove(place / "out")
            done = run(commands[name])
            if done is not None:
                measured[name].append(done)
                if name not in rows:
                    rows[name] = _count(task, place / "out")
    remove(place / "out")
    found = {name: runs for name, runs in measured.items() if runs}
    wrong = {name: count for name, count in rows.items() if count != rows["pipeline"]}
    if wrong:
        raise SystemExit(f"{task}: rows differ: {rows}")
    ours = medians(found["pipeline"]).seconds
    print(f"{task}: {rows['pipeline']:,} rows in each output")
    print(f"  {'engine':<18} {'seconds':>8} {'min':>7} {'max':>7} {'CPU s':>7} {'peak MB':>8} {'times ours':>11}")
    for name, each in sorted(found.items(), key=lambda item: medians(item[1]).seconds):
        seconds, middle = [one.seconds for one in each], medians(each)
        print(
            f"  {name:<18} {middle.seconds:8.2f} {min(seconds):7.2f} {max(seconds):7.2f} {middle.cpu_seconds:7.2f} "
            f"{middle.peak_megabytes:8.0f} {middle.seconds / ours:11.2f}"
        )
    print(flush=True)


def _commands(task: str, store: Path, plain: Path, out: Path) -> dict[str, list[str]]:
    """Export a store, and the same rows from a plain file as another program wrote it, which peers read too."""
    kind, _, compression = task.partition("-")
    command, kind = ("statistics", "ndjson") if task == "statistics" else ("export", kind)
    shape = ["--to", str(out), "--quiet", "--format", kind, *(["--compression", compression] if compression else [])]
    own = [*OWN, command, str(store), *shape]
    commands = {
        "pipeline": [*own, *FAST],
        "pipeline, hashed": [*own, "--no-sync"],
        "pipeline, synced": own,
        "pipeline, file": [*OWN, command, str(plain), *shape, *FAST],
        "file, hashed": [*OWN, command, str(plain), *shape, "--no-sync"],
    }
    peer = [sys.executable, str(HERE / "peers.py")]
    return commands | {name: [*peer, name, task, str(plain), str(out)] for name in PEERS}


def _text_commands(text: Path, out: Path) -> dict[str, list[str]]:
    """Import text of measurements; it is hashed and synced always. DuckDB finds the types."""
    return {
        "pipeline": [*OWN, "import", str(text), "--to", str(out), "--quiet"],
        "duckdb": [sys.executable, str(HERE / "peers.py"), "duckdb", f"import{text.suffix}", str(text), str(out)],
    }


def _import_commands(lines: Path, out: Path) -> dict[str, list[str]]:
    """Import a file of k6; it is hashed and synced always. DuckDB is told the types, or finds them."""
    peer = [sys.executable, str(HERE / "peers.py"), "duckdb"]
    return {
        "pipeline": [*OWN, "import", str(lines), "--to", str(out), "--quiet"],
        "duckdb": [*peer, "k6", str(lines), str(out)],
        "duckdb, typed": [*peer, "k6-typed", str(lines), str(out)],
    }


def _document_commands(task: str, document: Path, out: Path) -> dict[str, list[str]]:
    """Import a document of samples; DuckDB is told the types."""
    return {
        "pipeline": [*OWN, "import", str(document), "--to", str(out), "--quiet"],
        "duckdb, typed": [sys.executable, str(HERE / "peers.py"), "duckdb", task, str(document), str(out)],
    }


def _count(task: str, out: Path) -> int:
    """Count the rows of an output with DuckDB; of ours, those of its one table."""
    done = subprocess.run(
        [sys.executable, str(HERE / "count.py"), task, str(out)], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


if __name__ == "__main__":
    main()
