"""The table of the sessions of a store, which becomes its index: what their records say, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_bools, from_integers, from_strings
from pipeline.model.columns import REPEATED_TEXT, plain_schema
from pipeline.model.sessions_table import json_texts, sessions_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

REPEATED = ["metrics", "metric_facts", "directory", "record_sha256", "files", "columns"]
"""Columns whose texts are mostly those of the session before."""
CODED = [*REPEATED, "harness_name", "harness_version", "configuration", "attributes", "origin"]
"""Columns that are held, and written, as dictionaries."""


class Place(NamedTuple):
    """Where a session lies.

    Attributes:
        directory: name of the directory.
        record_sha256: of the file of its record, or of the records of its pack.
        files: SHA-256 by name of the files of rows, as the record has them; None where it names none.
        first_row: of the session in the file of its pack; None where it has a directory of its own.
        is_sealed: its record has a checksum.
    """

    directory: str
    record_sha256: str
    files: dict[str, str | None] | None
    first_row: int | None
    is_sealed: bool


def make_table(found: Sequence[tuple[Session, Place]], unit: TimestampUnit) -> pa.Table:
    """Make the table of sessions, in the order in which they are given."""
    table = sessions_table([session for session, _ in found], unit, for_sql=True)
    places = [place for _, place in found]
    for name, column in (
        ("directory", from_strings([place.directory for place in places])),
        ("record_sha256", from_strings([place.record_sha256 for place in places])),
        ("files", from_strings(json_texts([place.files for place in places]))),
        ("first_row", from_integers([place.first_row for place in places], pa.int64())),
        ("is_sealed", from_bools(np.array([place.is_sealed for place in places], np.bool_))),
        ("columns", from_strings(json_texts([session.columns for session, _ in found]))),
    ):
        table = table.append_column(name, column)
    return table


def coded(table: pa.Table) -> pa.Table:
    """Give a table with the columns of `CODED` as dictionaries, which loads Arrow's functions: not for a small one."""
    wanted = pa.schema([field.with_type(REPEATED_TEXT) if field.name in CODED else field for field in table.schema])
    return table if wanted.equals(table.schema) else table.cast(wanted)


def written_out(table: pa.Table) -> pa.Table:
    """Give a table with texts in the place of dictionaries."""
    plain = plain_schema(table.schema)
    return table if plain.equals(table.schema) else table.cast(plain)


def compressed(table: pa.Table) -> pa.Buffer:
    """Hold a table in a fraction of its memory."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()


def decompressed(held: pa.Buffer) -> pa.Table:
    """Give what `compressed` holds."""
    return pa.ipc.open_stream(held).read_all()
