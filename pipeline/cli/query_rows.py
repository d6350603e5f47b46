"""What `pipeline query` does with the rows of a query: a table for people, text, or a file."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.cli.output import counted
from pipeline.cli.streams import write_bytes
from pipeline.cli.table import print_table
from pipeline.disk.files import new_file, require_parent, standard_output
from pipeline.disk.local_path import local_path
from pipeline.errors import DestinationError, UsageError
from pipeline.model.timestamps import format_timestamp
from pipeline.publish.file_stage import published_file
from pipeline.store.reading import require_outside_stores
from pipeline.writers.formats import FORMATS
from pipeline.writers.text import encode_csv, encode_csv_header, encode_json_rows, encode_ndjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.disk.files import CountingFile
    from pipeline.disk.sink import Sink

SHOWN_ROWS = 100
"""Of a result, in a table."""
STANDARD_OUTPUT = "-"
_BINARY = {"parquet", "arrow"}


def check_target(to: str, format: str, *, overwrite: bool) -> None:  # noqa: A002 - the option's name
    """Find out before anything is read whether a result can be written.

    Raises:
        UsageError: it would be bytes on a terminal, or the destination is a URL.
        DestinationError: something is there already that is not replaced, or nothing can be.
    """
    if to == STANDARD_OUTPUT:
        if format in _BINARY and sys.stdout.isatty():
            raise UsageError(f"--format {format} would write bytes to the terminal; say --to FILE")
        return
    target = local_path(to)
    require_outside_stores(target)
    require_parent(target)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise DestinationError(f"{target}: is no regular file, and is left as it is; choose another --to")
    if target.exists() and not overwrite:
        raise DestinationError(f"{target}: exists already; --overwrite replaces it, or choose another --to")


def first_rows(batches: Iterator[pa.RecordBatch]) -> tuple[list[list[str]], int]:
    """Read all rows, and keep the texts of the first ones for a table for people.

    Returns:
        these, and how many rows there are.
    """
    shown: list[list[str]] = []
    total = 0
    for batch in batches:
        total += batch.num_rows
        columns = map(_texts, batch.slice(0, SHOWN_ROWS - len(shown)).columns)
        shown += [list(row) for row in zip(*columns, strict=True)]
    return shown, total


def print_rows(names: Sequence[str], shown: list[list[str]], total: int) -> None:
    """Print the first rows as a table for people, and how many there are where those are not all."""
    hidden = total - len(shown)
    notes = [f"... the first {len(shown)} of {counted(total, 'row')}; --to FILE, or another --format, has all"]
    print_table(names, shown, notes if hidden else [])


def write_rows(
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    to: str,
    format: str,  # noqa: A002 - the option's name
    *,
    overwrite: bool,
) -> int:
    """Write all rows to a file, which appears whole or not at all, or to standard output.

    Returns:
        how many there are.
    """
    rows = 0

    def passed() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield batch

    if to == STANDARD_OUTPUT and format not in _BINARY:
        write_bytes(_encoded(schema, passed(), format))
        return rows
    with _target(to, overwrite=overwrite) as out:
        if format in _BINARY:
            _write_binary(pa.RecordBatchReader.from_batches(schema, passed()), out, format)
        else:
            for text in _encoded(schema, passed(), format):
                out.write(text)
    return rows


@contextmanager
def _target(to: str, *, overwrite: bool) -> Iterator[CountingFile]:
    if to == STANDARD_OUTPUT:
        with standard_output() as out:
            yield out
        return
    target = Path(to)
    with published_file(target, overwrite=overwrite) as made, new_file(made, to, sync=True, hashed=False) as out:
        yield out


def _write_binary(reader: pa.RecordBatchReader, out: Sink, format: str) -> None:  # noqa: A002 - the option's name
    chosen = FORMATS[format]
    chosen.load()(
        reader,
        out,
        table="query",
        metadata=lambda: {"table": "query"},
        compression=chosen.compressions[0],
        spreadsheet=None,
        timezone=None,
        ahead=True,
    )


def _encoded(schema: pa.Schema, batches: Iterator[pa.RecordBatch], format: str) -> Iterator[bytes]:  # noqa: A002 - the option's name
    if format == "csv":
        yield encode_csv_header(schema)
        yield from map(encode_csv, batches)
    elif format == "ndjson":
        yield from map(encode_ndjson, batches)
    else:
        separator = b"[\n"
        for batch in batches:
            if batch.num_rows:
                yield separator
                yield encode_json_rows(batch)
                separator = b",\n"
        yield b"\n]\n" if separator == b",\n" else b"[]\n"


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_timestamp(column.type):
        unit = column.type.unit
        return ["" if t is None else format_timestamp(t, unit) for t in column.view(pa.int64()).to_pylist()]
    return [_cell(value) for value in column.to_pylist()]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
