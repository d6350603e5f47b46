"""A DuckDB file of views over a source, which any DuckDB client opens."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb

from pipeline.arguments import check_arguments
from pipeline.disk.local_path import local_path
from pipeline.errors import DestinationError, ReplacedError, UsageError
from pipeline.notebook.comments import comment_views
from pipeline.notebook.views import create_views
from pipeline.publish.file_stage import published_file, require_place
from pipeline.runtime.duckdb import quote_literal
from pipeline.scan.inventory import ATTEMPTS
from pipeline.sources.open import Source, open_for_engine
from pipeline.store.reading import require_outside_stores

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"DUCK"
_MAGIC_OFFSET = 8  # behind a checksum
_STORAGE_VERSIONS = {"us": "v1.0.0", "ns": "latest"}
"""Of the file, by unit of times: the oldest that DuckDB writes, so that clients of years open it; views gain nothing by
a newer one. Only new clients know times of nanoseconds, and older ones are told so when they open the file."""


def write_catalog(source: Source, to: str | Path, *, overwrite: bool = False) -> int:
    """Write a DuckDB file with the views `measurements` and `sessions` of a source, for DuckDB 1.1 and newer.

    The rows stay where they are: the views name the source's Parquet files by their absolute paths. The sessions are
    those of the moment. The files are verified now; who opens the catalog later verifies nothing. Clients before 2.0
    know no times of nanoseconds, and cannot open the catalog of a store that has them.

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
    check_arguments(locals())
    target = local_path(to)
    _check_target(target, overwrite=overwrite)
    for _ in range(ATTEMPTS - 1):
        with suppress(ReplacedError):
            return _write(source, target, overwrite=overwrite)
    return _write(source, target, overwrite=overwrite)


def _write(source: Source, target: Path, *, overwrite: bool) -> int:
    with (
        open_for_engine(source, hold=False) as (inventory, scan),
        published_file(target, overwrite=overwrite) as made,
    ):
        if any(file.is_temporary for file in scan.files):
            raise UsageError(
                f"{scan.name}: DuckDB cannot read it as it is; import it ('pipeline import ... --to STORE'), "
                "and make the catalog of the store"
            )
        try:
            with duckdb.connect() as connection:
                version = _STORAGE_VERSIONS[scan.timestamp_unit]
                connection.execute(f"ATTACH {quote_literal(str(made))} AS made (STORAGE_VERSION '{version}')")
                connection.execute("USE made")
                create_views(connection, scan, inventory, for_old_clients=scan.timestamp_unit == "us")
                comment_views(connection, scan)
                connection.execute("USE memory")
                connection.execute("DETACH made")  # which writes all of it into the file
        except duckdb.Error as error:
            reason = (
                str(error).splitlines()[0].replace(str(made.absolute()), str(target)).replace(str(made), str(target))
            )
            raise DestinationError(f"{target}: cannot be written ({reason})") from error
        with made.open("rb") as file:
            os.fsync(file.fileno())
    return len(scan.sessions)


def _check_target(target: Path, *, overwrite: bool) -> None:
    require_outside_stores(target)
    require_place(target, overwrite=overwrite, is_ours=_is_database, noun="DuckDB file")


def _is_database(head: bytes) -> bool:
    return head[_MAGIC_OFFSET:].startswith(_MAGIC)
