"""A spool: rows of the model in temporary Parquet files, for sources that cannot be read where they lie."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disk.temporary import temporary_errors
from pipeline.model.arrays import distinct_texts_of
from pipeline.model.columns import plain_schema
from pipeline.rows.batches import BATCH_BYTES, as_table
from pipeline.rows.normalise import conform_to
from pipeline.runtime.progress import phase
from pipeline.scan.scan import DEFAULT_BATCH_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


_ROW_GROUP_ROWS = 16_384
SORTED = ("sorting", "keeping sorted rows", "checking")
"""Phases that follow where rows are out of order."""


class Spool:
    """Writes batches to files of one schema each; use it in a `with` statement.

    Attributes:
        files: the files, in the order of their rows, complete when the `with` statement ends.
        sessions: by file, the sessions of its rows.
    """

    def __init__(self, directory: Path) -> None:
        with temporary_errors(directory):
            directory.mkdir(parents=True)
        self._directory = directory
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._waiting: list[pa.RecordBatch] = []  # small ones: to describe a row group takes as much as 100 rows
        self._waiting_rows = self._waiting_bytes = 0
        self.files: list[Path] = []
        self.sessions: dict[Path, set[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._seal()

    def _seal(self) -> None:
        """End the file that is being written: rows that follow lie in another."""
        if self._writer is not None:
            with temporary_errors(self._directory):
                self._write_waiting(self._writer)
                self._writer.close()
            self._writer = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; columns that hold no typed value are left to be filled with nulls by the reader."""
        if not batch.num_rows:
            return
        typed = [f.name for f in batch.schema if not pa.types.is_null(f.type)]
        batch = batch.select(typed)
        if self._writer is None or not plain_schema(batch.schema).equals(self._schema):
            self._seal()
            self._schema = plain_schema(batch.schema)
            self.files.append(self._directory / f"{len(self.files):06}.parquet")
            with temporary_errors(self._directory):
                self._writer = _open_writer(self.files[-1], batch.schema)
        self.sessions.setdefault(self.files[-1], set()).update(distinct_texts_of(batch.column("session_id")))
        self._waiting.append(_held_as(batch, self._writer.schema))
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= _ROW_GROUP_ROWS or self._waiting_bytes >= BATCH_BYTES:
            with temporary_errors(self._directory):
                self._write_waiting(self._writer)

    def _write_waiting(self, writer: pq.ParquetWriter) -> None:
        waiting, self._waiting, self._waiting_rows, self._waiting_bytes = self._waiting, [], 0, 0
        if len(waiting) == 1:
            writer.write_batch(waiting[0])
        elif waiting:
            writer.write_table(as_table(waiting, writer.schema))


def _held_as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Make dictionaries of texts, or write them out, as the first batch had them."""
    if batch.schema.equals(schema):
        return batch
    columns = [
        column
        if column.type == field.type
        else column.dictionary_decode()
        if pa.types.is_dictionary(column.type)
        else column.dictionary_encode()
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        schema,
        compression="lz4",
        # What is written to be read a moment later is not tried for dictionaries of numbers, nor described.
        use_dictionary=[field.name for field in plain_schema(schema) if pa.types.is_string(field.type)],
        column_encoding={
            field.name: "DELTA_BINARY_PACKED"
            for field in schema
            if pa.types.is_int64(field.type) or pa.types.is_timestamp(field.type)
        },
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,  # what is written as a dictionary is read as texts
    )


def sort_files(
    files: Sequence[Path],
    directory: Path,
    schema: pa.Schema,
    recorded_starts: Mapping[str, int],
    *,
    default_start: int | None,
    memory_limit: str | None,
    threads: int | None,
) -> list[Path]:
    """Sort rows by session start, session id and sequence, out of core.

    Args:
        files: Parquet files of rows of the model.
        directory: where to put the sorted files.
        schema: schema of all rows together.
        recorded_starts: start by session id where a record says it.
        default_start: of other sessions; where it is None, they start at their first row.
        memory_limit: as DuckDB writes it, such as `1GB`.
        threads: how many to use.
    """
    from pipeline.runtime.duckdb import connect_engine, engine_errors, quote_literal  # noqa: PLC0415 - sorting needs DuckDB

    with (
        ExitStack() as sorting,
        Spool(directory) as spool,
        engine_errors(memory_limit),
        connect_engine(temporary_directory=directory, memory_limit=memory_limit, threads=threads) as connection,
    ):
        sorting.enter_context(phase("sorting"))
        # They trust what a file says of its least and greatest values, and change values beyond.
        connection.execute("SET disabled_optimizers = 'statistics_propagation,compressed_materialization'")
        names = ", ".join(quote_literal(str(path)) for path in files)
        connection.execute(
            f"CREATE VIEW source_rows AS FROM read_parquet([{names}], union_by_name = true, hive_partitioning = false)"
        )
        connection.execute("CREATE TABLE starts (session_id VARCHAR PRIMARY KEY, start BIGINT)")
        epoch = "epoch_ns" if schema.field("timestamp").type.unit == "ns" else "epoch_us"
        first = f"arg_min({epoch}(timestamp), sequence)" if default_start is None else str(default_start)
        connection.execute(f"INSERT INTO starts SELECT session_id, {first} FROM source_rows GROUP BY session_id")
        for session_id, start in recorded_starts.items():
            connection.execute("UPDATE starts SET start = ? WHERE session_id = ?", [start, session_id])
        rows = connection.sql(
            "SELECT source_rows.* FROM source_rows JOIN starts USING (session_id) "
            "ORDER BY starts.start, session_id, sequence"
        )
        # The engine gives nothing before all is sorted.
        reader = rows.to_arrow_reader(DEFAULT_BATCH_SIZE)
        begun = next(reader, None)
        sorting.close()
        with phase("keeping sorted rows", sum(pq.read_metadata(path).num_rows for path in files)) as keeping:
            for batch in chain([] if begun is None else [begun], reader):
                spool.write(conform_to(batch, schema))
                keeping.add(batch.num_rows)
    return spool.files
