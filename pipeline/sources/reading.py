"""What the readers of all file formats share."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo
    from pathlib import Path


@dataclass
class Reading:
    """How to read a file, and what was left out on the way.

    Attributes:
        batch_size: rows of a batch, at most.
        zone: zone of times in text that name none.
        skip_bad: leave out records that cannot be read.
        skipped: how many were left out.
        text_types: type name by attribute column, for formats in which everything is text.
    """

    batch_size: int
    zone: tzinfo | None = None
    skip_bad: bool = False
    skipped: int = 0
    text_types: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; the names `.gz` and `.zst` say that it is compressed."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield cast("IO[bytes]", file)
    elif path.suffix == ".zst":
        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


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
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise SourceError(f"{path}: cannot be read, it is damaged or of another format ({reason})") from error
