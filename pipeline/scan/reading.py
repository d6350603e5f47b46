"""What the readers of all file formats share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.model.columns import TimestampUnit

BATCH_BYTES = 8_000_000
"""Size of a batch at which it ends, however few rows it has; one row may be larger."""


@dataclass
class Reading:
    """How to read a file, and what was left out on the way.

    Attributes:
        batch_size: rows of a batch, at most.
        zone: zone of times in text that name none.
        unit: timestamp unit of times in text.
        skip_bad: leave out records that cannot be read.
        skipped: how many were left out.
        drops: which times of the batch that was read last lost digits below the unit; None where none can.
        text_types: type name by attribute column, for formats in which everything is text.
        number_columns: attribute columns known to hold fractions, for formats that write NaN as a string.
        ambiguous_columns: those that held nothing but such strings so far, and so were taken for text.
    """

    batch_size: int
    zone: tzinfo | None = None
    unit: TimestampUnit = "us"
    skip_bad: bool = False
    skipped: int = 0
    drops: NDArray[np.bool_] | None = None
    text_types: Mapping[str, str] = field(default_factory=dict)
    number_columns: set[str] = field(default_factory=set)
    ambiguous_columns: set[str] = field(default_factory=set)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """Make a batch without rows, which shows a schema."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Say of which file an error speaks."""
    import zlib  # noqa: PLC0415 - for the name of its error

    try:
        yield
    except SourceError as error:
        error.args = (f"{path}: {error}",)
        raise
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        text = str(error).strip() or type(error).__name__
        reason = getattr(error, "strerror", None) or text.splitlines()[0]
        if getattr(error, "errno", None):  # the system's, and nothing that is wrong with the file
            raise SourceError(f"{path}: cannot be read ({reason})") from error
        raise SourceError(f"{path}: cannot be read, it is damaged or of another format ({reason})") from error
