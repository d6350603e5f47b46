"""Records of the first version have no checksum: what they say is compared with the footers of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import SourceError
from pipeline.scan.reading import reading_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow.parquet as pq

    from pipeline.model.session import Session
    from pipeline.scan.data_file import DataFile


def require_footers(session: Session, files: Sequence[DataFile]) -> None:
    """Require that the footers of files say of a session what its record says: rows, times, first and last metric.

    Raises:
        SourceError: they do not, or cannot be read.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to load, and rarely needed here

    count = 0
    times: list[int] = []
    metrics: list[bytes] = []
    for file in files:
        with reading_errors(file.path):
            footer = pq.read_metadata(file.opened_as)
        count += footer.num_rows
        times += _bounds(footer, "timestamp")
        metrics += _bounds(footer, "metric")
    first, last = (min(times), max(times)) if times else (session.first_timestamp, session.last_timestamp)
    names = sorted(name.encode() for name in session.metrics)
    recorded = (session.measurement_count, session.first_timestamp, session.last_timestamp)
    if (count, first, last) != recorded or (metrics and [min(metrics), max(metrics)] != [*names[:1], *names[-1:]]):
        raise SourceError(
            f"{files[0].path.parent}: its record says other rows, times or metrics than its files; it is damaged"
        )


def _bounds(footer: pq.FileMetaData, column: str) -> Iterator[Any]:
    """Least and greatest value of a column in each row group, where the footer says them."""
    at = footer.schema.names.index(column)
    for group in range(footer.num_row_groups):
        statistics = footer.row_group(group).column(at).statistics
        if statistics is not None and statistics.has_min_max:
            yield statistics.min_raw
            yield statistics.max_raw
