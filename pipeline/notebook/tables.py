"""Tables of notebooks, DuckDB's, Polars', pandas' or Arrow's, as packages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa

from pipeline.arguments import check_arguments
from pipeline.errors import SourceError, UsageError
from pipeline.export.table import TableOptions, run_table
from pipeline.scan.scan import DEFAULT_BATCH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.export.result import ExportResult


class ArrowStream(Protocol):
    """What gives its rows as Arrow batches: DuckDB relations, data frames and Arrow tables do."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the rows through the Arrow C stream interface."""


def export_table(
    table: ArrowStream,
    to: str | Path,
    *,
    format: Literal["csv", "ndjson", "parquet", "arrow"] = "csv",  # noqa: A002 - the option's name
    compression: Literal["none", "gzip", "zstd"] | None = None,
    package_metadata: str | Path | None = None,
    overwrite: bool = False,
    sync: bool = True,
    hashed: bool = True,
    verify: bool = False,
    discard_stage: bool = False,
    keep_stage: bool = False,
) -> ExportResult:
    """Export a table of any columns as one package, its rows in the order in which they come.

    Texts, integers, floats, booleans and times with a zone become the types of the data model without loss; any other
    type is an error that says how to cast it. A package that is there already is the same where rows, order and options
    are.

    Args:
        table: a DuckDB relation, which is read as it is written; a Polars or pandas DataFrame, or an Arrow table. In
            pandas NaN means that a value is missing, so it becomes null; its index is left out, and must have no name.
        to: the directory to publish.
        format: `csv`, `ndjson`, `parquet` or `arrow`.
        compression: `none`, `gzip` or `zstd`; the format's default where None.
        package_metadata: JSON file with title, licenses and the like, which the descriptor gets.
        overwrite: replace a package that an export wrote.
        sync: wait until the disk has the package.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        discard_stage: remove what an interrupted export to the same directory left, without a warning.
        keep_stage: refuse where an interrupted export to the same directory left something.

    Raises:
        UsageError: it is no table, a column has a type that no package holds, or an option has a wrong type.
        SourceError: a value does not fit, or its rows cannot be read.
        DestinationError: the destination cannot be written, or holds something else.
    """
    check_arguments(locals())
    if format not in {"csv", "ndjson", "parquet", "arrow"}:
        raise UsageError(f"format must be 'csv', 'ndjson', 'parquet' or 'arrow', not {format!r}")
    options = TableOptions(
        to=to,
        format=format,
        compression=compression,
        package_metadata=package_metadata,
        overwrite=overwrite,
        sync=sync,
        hashed=hashed,
        verify=verify,
        discard_stage=discard_stage,
        keep_stage=keep_stage,
    )
    with _reading_errors():
        reader = _reader(table)
        return run_table(reader.schema, reader, options)


def _reader(table: Any) -> pa.RecordBatchReader:  # noqa: ANN401 - whatever a caller has
    kind = type(table)
    library = kind.__module__.split(".")[0].lstrip("_")
    if library == "pandas" and kind.__name__ == "DataFrame":
        return _of_pandas(table)
    if library == "duckdb" and hasattr(table, "to_arrow_reader") and hasattr(table, "project"):
        reader: pa.RecordBatchReader = table.to_arrow_reader(DEFAULT_BATCH_SIZE)
        return reader
    # A series is a stream as well, and has neither.
    if hasattr(table, "__arrow_c_stream__") and (hasattr(table, "columns") or hasattr(table, "schema")):
        return pa.RecordBatchReader.from_stream(table)
    hint = "; collect() it first" if kind.__name__ == "LazyFrame" else ""
    raise UsageError(
        "table must be a DuckDB relation, a Polars or pandas DataFrame or an Arrow table, "
        f"not an object of type {kind.__name__}{hint}"
    )


def _of_pandas(frame: Any) -> pa.RecordBatchReader:  # noqa: ANN401 - pandas is no dependency
    named = [name for name in frame.index.names if name is not None]
    if named:
        raise UsageError(f"table has the index {named[0]!r}; reset_index() makes it a column")
    for name in frame.columns:
        if not isinstance(name, str):
            raise UsageError(f"table has a column {name!r}; names of columns must be texts")
    return pa.Table.from_pandas(frame, preserve_index=False).to_reader(DEFAULT_BATCH_SIZE)


@contextmanager
def _reading_errors() -> Iterator[None]:
    """Say that it is the table that cannot be read."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise SourceError(f"the table cannot be read ({str(error).splitlines()[0]})") from error
    except Exception as error:
        if type(error).__module__.split(".")[0].lstrip("_") not in {"duckdb", "polars"}:
            raise
        raise SourceError(f"the table cannot be read ({str(error).splitlines()[0]})") from error
