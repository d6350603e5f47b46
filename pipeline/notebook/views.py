"""DuckDB connections on a source, for notebooks and for SQL from the command line."""

from __future__ import annotations

import atexit
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipeline.arguments import check_arguments
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import SourceError
from pipeline.model.columns import CORE_COLUMNS, UNTYPED, measurements_schema
from pipeline.model.sessions_table import JSON_COLUMNS
from pipeline.notebook.comments import comment_views
from pipeline.runtime.duckdb import connect_engine, lock_down, quote_identifier, quote_literal
from pipeline.scan.data_file import replaced
from pipeline.sources.open import Source, open_for_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pipeline.scan.inventory import Inventory
    from pipeline.scan.scan import Scan

_BEHIND = "pipeline_rows"
"""Schema of the tables that views stand on, which `SHOW TABLES` does not list."""
_SQL_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN"}


def connect(source: Source, *, timezone: str | None = None, verify: bool = True) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection in memory with the views `measurements` and `sessions` of a source.

    The views are ordinary and lazy: rows are read when a query runs, `cursor()` sees them too. Sources that DuckDB
    cannot read as they are (CSV, NDJSON, Arrow, DuckDB files, Parquet of other types or out of order) are converted
    once, into temporary files that live as long as the process. So long the files of a store are held open, as many
    as half of what the process may open: its sessions stay those of this moment, though they are replaced. Where a
    file that is not held is gone, the engine's error says to connect again.

    Args:
        source: a store, files, globs or a DuckDB file.
        timezone: IANA name of the zone of times that name none.
        verify: compare the files of a store with their SHA-256 first, for DuckDB verifies nothing: it reads a flipped
            bit as another value. It takes the time to read the store once, some 0.1 s for 10 million rows.

    Raises:
        SourceError: the source cannot be read, is damaged, or holds bad data.
    """
    check_arguments(locals())
    with ExitStack() as resources:
        inventory, scan = resources.enter_context(open_for_engine(source, timezone=timezone, verify=verify))
        spilled = resources.enter_context(temporary_directory())
        connection = connect_engine(temporary_directory=spilled / "sorting", for_users=True)
        create_views(connection, scan, inventory)
        comment_views(connection, scan)
        # A cursor may outlive the connection it was made of, so only the end of the process is late enough.
        atexit.register(resources.pop_all().close)
    return connection


@contextmanager
def connect_locked(
    source: Source,
    *,
    timezone: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    verify: bool = True,
    sessions: Collection[str] | None = None,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Scan, Sequence[str]]]:
    """Open a connection like `connect` whose SQL can read nothing but the source and change nothing.

    Files go by their names, for the engine allows no others: one that was held open and replaced has none.

    Args:
        source: as in `connect`.
        timezone: as in `connect`.
        memory_limit: of the engine.
        threads: of the same.
        verify: as in `connect`.
        sessions: ids of those whose rows the SQL asks for, all by default; the view may lack those of others.

    Yields:
        the connection, what it reads, and what its reader should know, a sentence each.
    """
    with (
        open_for_engine(
            source,
            timezone=timezone,
            memory_limit=memory_limit,
            threads=threads,
            verify=verify,
            hold=False,
            sessions=sessions,
        ) as (inventory, scan),
        connect_engine(memory_limit=memory_limit, threads=threads) as connection,
    ):
        create_views(connection, scan, inventory)
        lock_down(connection, [file.path.absolute() for file in scan.files])
        yield connection, scan, inventory.warnings


def source_problem(error: Exception, scan: Scan) -> SourceError:
    """Say what an error of the engine means that comes from the files of a source.

    Raises:
        ReplacedError: a session was replaced meanwhile; nothing is damaged.
    """
    line = str(error).splitlines()[0]
    for file in scan.files:
        if not file.opened_as.exists() and file.look_again is not None and file.look_again() != file:
            raise replaced(file.path.parent) from error
        line = line.replace(str(file.opened_as), str(file.path))
    return SourceError(f"{scan.name}: cannot be read ({line})")


def create_views(
    connection: duckdb.DuckDBPyConnection, scan: Scan, inventory: Inventory, *, for_old_clients: bool = False
) -> None:
    """Create the views `measurements`, of the sessions that are open, and `sessions`, of all of a source.

    Args:
        connection: where they are created.
        scan: the sessions that are open.
        inventory: all sessions.
        for_old_clients: the views are read by DuckDB before 2.0, too, which refuses an option that is new.
    """
    connection.execute(f"CREATE SCHEMA {_BEHIND}")
    columns = [quote_identifier(name) for name in CORE_COLUMNS]
    held = {name for name in inventory.typed_columns if scan.attributes.get(name, UNTYPED) != UNTYPED}
    columns += [
        f"{quote_identifier(name) if name in held else 'NULL'}::{_SQL_TYPES.get(kind, 'VARCHAR')} "
        f"AS {quote_identifier(name)}"
        for name, kind in inventory.attributes.items()
    ]
    paths = ", ".join(quote_literal(str(file.opened_as.absolute())) for file in scan.files)
    if scan.files:
        # DuckDB 2.0 takes what others wrote as least and greatest to count NaN, which they leave out.
        nan = "" if for_old_clients else ", can_have_nan = true"
        rows = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false{nan})"
    else:
        schema = measurements_schema(scan.timestamp_unit, inventory.attributes)
        # A table that is empty would load pandas, where it is installed.
        connection.register("no_rows", pa.RecordBatchReader.from_batches(schema, []))
        connection.execute(f"CREATE TABLE {_BEHIND}.measurements AS FROM no_rows")
        connection.unregister("no_rows")
        rows = f"{_BEHIND}.measurements"
    try:
        connection.execute(f"CREATE VIEW measurements AS SELECT {', '.join(columns)} FROM {rows}")
    except duckdb.Error as error:
        raise source_problem(error, scan) from error
    connection.register("session_records", inventory.table_reader())
    typed = ", ".join(f"{name}::JSON AS {name}" for name in JSON_COLUMNS)
    connection.execute(f"CREATE TABLE {_BEHIND}.sessions AS SELECT * REPLACE ({typed}) FROM session_records")
    connection.unregister("session_records")
    connection.execute(f"CREATE VIEW sessions AS FROM {_BEHIND}.sessions")
