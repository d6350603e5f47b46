"""A DuckDB file of views over a source, which any DuckDB client opens."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb

from pipeline.disk.directories import rename_new, sync_directory
from pipeline.disk.files import writing_errors
from pipeline.disk.local_path import local_path
from pipeline.errors import DestinationError, ReplacedError, UsageError
from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.sessions_table import SQL_SESSION_DESCRIPTIONS
from pipeline.notebook.views import create_views
from pipeline.publish.file_stage import file_stage
from pipeline.runtime.duckdb import quote_identifier, quote_literal
from pipeline.sources.open import ATTEMPTS, Source, open_for_engine
from pipeline.store.reading import require_outside_stores

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.scan.scan import Scan

_MAGIC = b"DUCK"
_MAGIC_OFFSET = 8  # behind a checksum
_VALUE = "The measured value, in the unit that the column unit names; null where the sample was lost"


def write_catalog(source: Source, to: str | Path, *, overwrite: bool = False) -> int:
    """Write a DuckDB file with the views `measurements` and `sessions` of a source, their columns commented.

    The rows stay where they are: the views name the source's Parquet files by their absolute paths. The sessions are
    those of the moment. The files are verified now; who opens the catalog later verifies nothing.

    Args:
        source: a store, or Parquet files whose rows are in order.
        to: the file.
        overwrite: replace a DuckDB file that is there.

    Returns:
        how many sessions it shows.

    Where a session is replaced meanwhile, it begins anew.

    Raises:
        SourceError: the source cannot be read or holds bad data.
        UsageError: the source has no Parquet files that DuckDB could read as they are, or one of both is a URL.
        DestinationError: the file is there already, or cannot be written.
    """
    target = local_path(to)
    _check_target(target, overwrite=overwrite)
    for _ in range(ATTEMPTS - 1):
        with suppress(ReplacedError):
            return _write(source, target, overwrite=overwrite)
    return _write(source, target, overwrite=overwrite)


def _write(source: Source, target: Path, *, overwrite: bool) -> int:
    with (
        open_for_engine(source, hold=False) as scan,
        writing_errors(target),
        file_stage(target) as made,
    ):
        if any(file.is_temporary for file in scan.files):
            raise UsageError(
                f"{scan.name}: DuckDB cannot read it as it is; import it ('pipeline import ... --to STORE'), "
                "and make the catalog of the store"
            )
        try:
            with duckdb.connect(str(made)) as connection:
                create_views(connection, scan)
                _comment(connection, scan)
        except duckdb.Error as error:
            raise DestinationError(f"{target}: cannot be written ({str(error).splitlines()[0]})") from error
        with made.open("rb") as file:
            os.fsync(file.fileno())
        if overwrite:
            made.replace(target)
        else:
            rename_new(made, target)
        sync_directory(target.parent)
        return len(scan.sessions)


def _check_target(target: Path, *, overwrite: bool) -> None:
    require_outside_stores(target)
    if not target.parent.is_dir():
        raise DestinationError(f"{target.parent}: no such directory; create it, or choose another --to")
    if not target.exists() and not target.is_symlink():
        return
    if not overwrite:
        raise DestinationError(f"{target}: exists already; --overwrite replaces it, or choose another --to")
    with writing_errors(target):
        if target.is_file() and not target.is_symlink():
            with target.open("rb") as file:
                if file.read(_MAGIC_OFFSET + len(_MAGIC))[_MAGIC_OFFSET:] == _MAGIC:
                    return
    raise DestinationError(f"{target}: is no DuckDB file, and is left as it is; choose another --to")


def _comment(connection: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    columns = {name: column.description for name, column in CORE_COLUMNS.items()} | {"value": _VALUE}
    columns |= {name: f"Attribute of the measurement ({kind})" for name, kind in scan.attributes.items()}
    for view, comment, described in (
        ("measurements", f"Measurements of {scan.name}, a row each", columns),
        (
            "sessions",
            f"Sessions of {scan.name}: their records, and figures of their measurements",
            SQL_SESSION_DESCRIPTIONS,
        ),
    ):
        connection.execute(f"COMMENT ON VIEW {view} IS {quote_literal(comment)}")
        for name, text in described.items():
            connection.execute(f"COMMENT ON COLUMN {view}.{quote_identifier(name)} IS {quote_literal(text)}")
