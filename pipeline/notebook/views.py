"""DuckDB connections on a source, for notebooks and for SQL from the command line."""

from __future__ import annotations

import atexit
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import duckdb

from pipeline.disk.temporary import temporary_directory
from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS, UNTYPED
from pipeline.model.sessions_table import JSON_COLUMNS, sessions_table
from pipeline.runtime.duckdb import connect_engine, lock_down, quote_identifier, quote_literal
from pipeline.scan.data_file import check_files
from pipeline.sources.open import Source, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.scan.scan import Scan

_SQL_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN"}


def connect(source: Source, *, timezone: str | None = None, verify: bool = True) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection in memory with the views `measurements` and `sessions` of a source.

    The views are ordinary and lazy: rows are read when a query runs, `cursor()` sees them too. Sources that DuckDB
    cannot read as they are (CSV, NDJSON, Arrow, DuckDB files, Parquet of other types or out of order) are converted
    once, into temporary files that live as long as the process.

    Args:
        source: a store, files, globs or a DuckDB file.
        timezone: IANA name of the zone of times that name none.
        verify: compare the files of a store with their SHA-256 first, for DuckDB verifies nothing: it reads a flipped
            bit as another value. It takes the time to read the store once, some 0.1 s for 10 million rows.

    Raises:
        SourceError: the source cannot be read, is damaged, or holds bad data.
    """
    # A cursor may outlive the connection it was made of, so only the end of the process is late enough.
    resources = ExitStack()
    atexit.register(resources.close)
    scan = resources.enter_context(open_source(source, timezone=timezone))
    if verify:
        check_files(scan.files)
    spilled = resources.enter_context(temporary_directory())
    connection = connect_engine(temporary_directory=spilled / "sorting", for_users=True)
    create_views(connection, scan)
    return connection


@contextmanager
def connect_locked(
    source: Source,
    *,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    verify: bool = True,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection like `connect` whose SQL can read nothing but the source and change nothing."""
    with (
        open_source(source, timezone=timezone, memory_limit=memory_limit, threads=threads) as scan,
        connect_engine(memory_limit=memory_limit, threads=threads) as connection,
    ):
        if verify:
            check_files(scan.files)
        create_views(connection, scan)
        lock_down(connection, [file.path.absolute() for file in scan.files])
        yield connection


def create_views(connection: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    """Create the views `measurements` and `sessions` of a scan."""
    columns = [quote_identifier(name) for name in CORE_COLUMNS]
    # What is null in all rows may stand in no file.
    held = {name for session in scan.sessions for name, kind in session.columns.items() if kind != UNTYPED}
    columns += [
        f"{quote_identifier(name) if name in held else 'NULL'}::{_SQL_TYPES.get(kind, 'VARCHAR')} "
        f"AS {quote_identifier(name)}"
        for name, kind in scan.attributes.items()
    ]
    paths = ", ".join(quote_literal(str(file.path.absolute())) for file in scan.files)
    if scan.files:
        rows = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
    else:
        connection.register("no_rows", scan.schema.empty_table())
        connection.execute("CREATE TABLE no_measurements AS FROM no_rows")
        connection.unregister("no_rows")
        rows = "no_measurements"
    try:
        connection.execute(f"CREATE VIEW measurements AS SELECT {', '.join(columns)} FROM {rows}")
    except duckdb.Error as error:
        raise SourceError(f"{scan.name}: cannot be read ({str(error).splitlines()[0]})") from error
    connection.register("session_records", sessions_table(scan.sessions, scan.timestamp_unit))
    typed = ", ".join(f"{name}::JSON AS {name}" for name in JSON_COLUMNS)
    connection.execute(f"CREATE TABLE session_rows AS SELECT * REPLACE ({typed}) FROM session_records")
    connection.unregister("session_records")
    connection.execute("CREATE VIEW sessions AS FROM session_rows")
