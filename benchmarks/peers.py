"""What other engines do for the same job, one function per engine; each runs in a process of its own.

Run as `python benchmarks/peers.py ENGINE TASK SOURCE TARGET`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# By task: the key of the entries, their type, and what is selected of one.
DOCUMENTS = {
    "pytest": (
        "benchmarks",
        "STRUCT(fullname VARCHAR, stats STRUCT(data DOUBLE[]))",
        "one.fullname, unnest(one.stats.data) AS value, unnest(range(len(one.stats.data))) AS round",
    ),
    "hyperfine": (
        "results",
        "STRUCT(command VARCHAR, times DOUBLE[], exit_codes INTEGER[])",
        "one.command, unnest(one.times) AS value, unnest(one.exit_codes) AS code, unnest(range(len(one.times))) AS run",
    ),
}
QUANTILES = "0.25, 0.5, 0.75, 0.9, 0.95, 0.99"


def polars(task: str, source: str, target: str) -> None:
    """Sink lazily."""
    import polars as pl  # noqa: PLC0415 - the engine of this process

    frame = pl.scan_parquet(source)
    if task.startswith("ndjson"):
        compression = {"ndjson": "uncompressed", "ndjson-gzip": "gzip", "ndjson-zstd": "zstd"}[task]
        frame.sink_ndjson(target, compression=compression, check_extension=False)
    elif task == "csv":
        frame.sink_csv(target)
    elif task == "parquet":
        frame.sink_parquet(target, compression="zstd")
    else:
        raise SystemExit(2)


_OF_SESSIONS = {
    "partition": "COPY (FROM '{source}') TO '{target}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY session_id)",
    "partition-json": "COPY (FROM '{source}') TO '{target}' (FORMAT json, PARTITION_BY session_id)",
    "one": "SELECT count(*), avg(value) FROM '{source}' WHERE session_id = '{target}'",
}


def duckdb(task: str, source: str, target: str) -> None:
    """Copy, or aggregate with quantile_cont in memory."""
    import duckdb as engine  # noqa: PLC0415 - the engine of this process

    copies = {
        "ndjson": "FORMAT json",
        "ndjson-gzip": "FORMAT json, COMPRESSION gzip",
        "ndjson-zstd": "FORMAT json, COMPRESSION zstd",
        "csv": "FORMAT csv",
        "parquet": "FORMAT parquet, COMPRESSION zstd",
    }
    if task in copies:
        engine.execute(f"COPY (FROM '{source}') TO '{target}' ({copies[task]})")
        return
    if task in _OF_SESSIONS:
        engine.execute(_OF_SESSIONS[task].format(source=source, target=target))
        return
    if task.startswith("import"):
        reader = {"import.ndjson": "read_ndjson", "import.csv": "read_csv"}[task]
        engine.execute(f"COPY (FROM {reader}('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        return
    if task == "files":
        engine.execute(f"COPY (FROM '{source}') TO '{target}' (FORMAT json, PARTITION_BY (session_id))")
        return
    if task.startswith("k6"):
        fields = "{type: 'VARCHAR', metric: 'VARCHAR', data: 'STRUCT(time TIMESTAMPTZ, value DOUBLE, tags JSON)'}"
        typed = f", format = 'newline_delimited', columns = {fields}" if task == "k6-typed" else ""
        engine.execute(
            f"""COPY (SELECT metric, data.value AS value, data.time AS timestamp, data.tags AS tags
                FROM read_json('{source}'{typed}) WHERE type IS DISTINCT FROM 'Metric')
                TO '{target}' (FORMAT parquet, COMPRESSION zstd)"""
        )
        return
    if task in DOCUMENTS:
        key, fields, values = DOCUMENTS[task]
        engine.execute(
            f"""COPY (SELECT {values} FROM (SELECT unnest({key}) AS one FROM read_json('{source}',
                columns = {{{key}: '{fields}[]'}}, maximum_object_size = {Path(source).stat().st_size + 1})))
                TO '{target}' (FORMAT parquet, COMPRESSION zstd)"""
        )
        return
    keys = "session_id, metric, unit" + (", device" if task == "groups" else "")
    engine.execute(
        f"""COPY (SELECT {keys}, count(value), count(*) - count(value), avg(value), stddev(value),
            min(value), quantile_cont(value, [{QUANTILES}]), max(value), sum(value),
            arg_min(value, (timestamp, sequence)), arg_max(value, (timestamp, sequence)),
            min(timestamp), max(timestamp)
            FROM '{source}' GROUP BY {keys} ORDER BY {keys}) TO '{target}' (FORMAT json)"""
    )


def datafusion(task: str, source: str, target: str) -> None:
    """Write a data frame."""
    import datafusion as engine  # noqa: PLC0415 - the engine of this process

    frame = engine.SessionContext().read_parquet(source)
    if task == "ndjson":
        frame.write_json(target)
    elif task == "csv":
        frame.write_csv(target, with_header=True)
    else:
        raise SystemExit(2)


def chdb(task: str, source: str, target: str) -> None:
    """Select into a file."""
    import chdb as engine  # noqa: PLC0415 - the engine of this process

    formats = {
        "ndjson": "JSONEachRow",
        "csv": "CSVWithNames",
        "ndjson-gzip": "JSONEachRow",
        "ndjson-zstd": "JSONEachRow",
    }
    if task not in formats:
        raise SystemExit(2)
    compression = {"ndjson-gzip": " COMPRESSION 'gzip'", "ndjson-zstd": " COMPRESSION 'zstd'"}.get(task, "")
    engine.query(f"SELECT * FROM file('{source}', Parquet) INTO OUTFILE '{target}'{compression} FORMAT {formats[task]}")


ENGINES: dict[str, Callable[[str, str, str], None]] = {
    "polars": polars,
    "duckdb": duckdb,
    "datafusion": datafusion,
    "chdb": chdb,
}

if __name__ == "__main__":
    ENGINES[sys.argv[1]](*sys.argv[2:5])
