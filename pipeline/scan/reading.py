"""What the readers of all file formats share."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import tzinfo
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.model.columns import TimestampUnit

TimeBounds: TypeAlias = "tuple[int | None, int | None]"
"""A range of time in ticks, from the first up to the second and without it; None where it has no end."""
MAX_UNPACKED_BYTES = 96 << 20
"""What one page, or one batch of Arrow, may unpack to; what is at hand at once of all columns, twice as much."""
InThread: TypeAlias = "Callable[[Iterator[Any]], AbstractContextManager[Iterator[Any]]]"
"""Lets an iterator run in a thread of its own while its context lasts: `runtime/threads.py` has one."""
_MAX_TIMES_FILE = 64
"""Or so many times the size of the file, where that is more."""
MAX_BATCH_BYTES = 64 << 20
"""What the rows of one batch may take, as long as a row takes less."""


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
        ahead: reads row groups of a store in a thread, one ahead of the one that is decoded; None where it must not.
        beside: decodes half of the columns in a thread; None where no core is idle.
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
    ahead: InThread | None = None
    beside: InThread | None = None


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """Make a batch without rows, which shows a schema."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def require_unpackable(what: str, unpacked: int, file_bytes: int, limit: int = MAX_UNPACKED_BYTES) -> None:
    """Refuse what would take too much memory.

    Args:
        what: how to call it.
        unpacked: bytes that it unpacks to.
        file_bytes: size of the file.
        limit: bytes that it may unpack to, be the file as small as it is.

    Raises:
        SourceError: it is too much.
    """
    allowed = max(limit, _MAX_TIMES_FILE * file_bytes)
    if unpacked > allowed:
        raise SourceError(
            f"{what} unpacks to {unpacked:,} bytes, of {allowed:,} that may be read at once; "
            "write the file again with smaller pages or batches, and long texts as files of their own"
        )


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
