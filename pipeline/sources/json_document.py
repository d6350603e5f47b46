"""JSON documents of measurements, as exports write them: their rows as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.scan.reading import reading_errors
from pipeline.sources.text_files import open_decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_lines(document: Path) -> Iterator[bytes]:
    """Give the rows of a document as NDJSON, a line each.

    Args:
        document: what an export wrote; its name says whether it is compressed.

    Raises:
        SourceError: it is no such document, or ends too early.
    """
    with reading_errors(document), open_decompressed(document) as file:
        file.readline()  # the metadata
        if file.readline() != b'"measurements":[\n':
            raise SourceError("is no document of measurements as an export writes it")
        for line in file:
            if line == b"]}\n":
                return
            yield line.removesuffix(b"\n").removesuffix(b",") + b"\n"
        raise SourceError("ends within its rows")
