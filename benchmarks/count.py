"""Counts the rows of an output: `python benchmarks/count.py TASK OUTPUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb


def count(task: str, out: Path) -> int:
    """Count rows with DuckDB; of a package of ours, those of its one table."""
    kind, _, compression = ("ndjson" if task == "statistics" else task).partition("-")
    if task in {"k6", "pytest", "hyperfine"} or task.startswith("import"):
        found = duckdb.execute(
            "SELECT count(*) FROM read_parquet(?)", [str(out / "sessions/*/*.parquet") if out.is_dir() else str(out)]
        ).fetchone()
        return int(found[0]) if found else 0
    files = [path for path in out.iterdir() if not path.name.startswith("sessions_")] if out.is_dir() else [out]
    files = [path for path in files if path.name not in {"datapackage.json", "SHA256SUMS"}]
    names = ", ".join("'" + str(path) + "'" for path in files)
    if kind == "parquet":
        query = f"SELECT count(*) FROM read_parquet([{names}])"
    else:
        # Every line, whatever is in it.
        query = (
            f"SELECT count(*) FROM read_csv([{names}], header = false, auto_detect = false, "
            f"columns = {{'line': 'VARCHAR'}}, delim = '\\x01', quote = '', escape = ''"
            + (f", compression = '{compression}')" if compression else ")")
        )
    found = duckdb.execute(query).fetchone()
    lines = int(found[0]) if found else 0
    return lines - (len(files) if kind == "csv" else 0)


if __name__ == "__main__":
    print(count(sys.argv[1], Path(sys.argv[2])))
