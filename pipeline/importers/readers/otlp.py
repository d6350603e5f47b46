"""OTLP as JSON: documents of spans and metrics, a line each or indented, become rows of samples and of aggregates.

The compiled part cuts spans and data points out of the documents. What stands around them is small, and read here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import SourceError
from pipeline.importers.otlp_contexts import SPAN, Context, contexts_of
from pipeline.importers.otlp_rows import SCHEMA, OtlpRows, Surroundings, bad_document
from pipeline.importers.samples import parse_samples
from pipeline.native import BadDocumentError, DocumentGather

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.importers.decoded import Told
    from pipeline.native import Gathered

__all__ = ["SCHEMA", "knows", "read"]
_PATHS = parse_samples(
    "resourceSpans[].*[].spans[], resourceMetrics[].*[].metrics[].*.dataPoints[], resourceLogs[].*[].logRecords[]",
    where="OTLP",
)
_BLOCK_BYTES = 1 << 18
_CHUNK_ROWS = 8192
_CHUNK_BYTES = 4 << 20
_MOST_DOCUMENT_BYTES = 64 << 20
_NONE, _POINTS, _SPANS = range(3)


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read a file; of one that is cut off the documents that are whole.

    Raises:
        SourceError: it is no such file; the message names the line or the document.
    """
    reading = _Reading()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            yield from reading.take(block)
    if (line := reading.unfinished_line()) is not None:
        told.notes.append(f"is cut off within the document that ends in line {line}, which is left out")
        told.whole_bytes = reading.end
    told.facts, told.attribute_keys = reading.rows.facts, reading.rows.keys


class _Reading:
    """Takes blocks, and gives the rows of the documents that are complete.

    Attributes:
        end: the byte behind the last of these.
        rows: makes them.
    """

    def __init__(self) -> None:
        self.end = 0
        self._gather = DocumentGather([path.steps for path in _PATHS])
        self.rows = OtlpRows()
        self._text, self._elements = bytearray(), bytearray()
        self._counts: list[int] = []
        self._documents = self._arrays = self._passed = 0

    def take(self, block: bytes) -> Iterator[pa.RecordBatch]:
        """Take a block.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            found = self._gather.gather(block)
        except BadDocumentError as error:
            raise SourceError(f"line {error.line + 1}: {error}") from error
        self._passed += len(block)
        if found.documents:
            self.end = found.end
            yield from self._ended(found)
        else:
            self._text += found.text
            self._elements += found.elements
            self._counts += found.counts.tolist()
        if self._passed - self.end > _MOST_DOCUMENT_BYTES:
            limit = f"more than {_MOST_DOCUMENT_BYTES >> 20} MiB"
            raise SourceError(f"document {self._documents + 1} has {limit}; write each batch of telemetry as a line")

    def unfinished_line(self) -> int | None:
        """Give the line in which the file ends within a document; None where it does not.

        Raises:
            SourceError: no document is whole.
        """
        try:
            self._gather.gather(b"", is_last=True)
        except BadDocumentError as error:
            if not self._documents:
                raise SourceError(f"line {error.line + 1}: it ends early, or is no JSON") from error
            return error.line + 1
        return None

    def _ended(self, found: Gathered) -> Iterator[pa.RecordBatch]:
        """Give the rows of documents that ended in a block, and keep what is behind them."""
        end = found.text.rfind(b"\n") + 1
        text = self._text + found.text[:end]
        elements = self._elements + found.elements[: found.element_bytes]
        counts = [*self._counts, *found.counts[: found.arrays].tolist()]
        self._text = bytearray(found.text[end:])
        self._elements = bytearray(found.elements[found.element_bytes :])
        self._counts = found.counts[found.arrays :].tolist()
        contexts: list[Context | None] = [None] * len(counts)
        document_of = np.zeros(len(counts), np.int64)
        for document in json.loads(b"[" + text[:-1].replace(b"\n", b",") + b"]"):
            self._documents += 1
            try:
                for number, context in contexts_of(document):
                    contexts[number - self._arrays] = context
                    document_of[number - self._arrays] = self._documents
                    self.rows.keys.update(context.attributes)
            except ValueError as error:
                raise bad_document(self._documents, error) from error
        self._arrays += len(counts)
        yield from self._chunks(elements, np.array(counts, np.int64), contexts, document_of)

    def _chunks(
        self,
        elements: bytearray,
        counts: NDArray[np.int64],
        contexts: list[Context | None],
        document_of: NDArray[np.int64],
    ) -> Iterator[pa.RecordBatch]:
        """Give the rows of elements, a chunk of one kind at a time."""
        kinds = [_NONE if one is None else _SPANS if one.kind == SPAN else _POINTS for one in contexts]
        array_of = np.repeat(np.arange(len(counts)), counts)
        kind_of = np.array(kinds, np.int8)[array_of]
        ends = np.append(0, np.flatnonzero(np.frombuffer(elements, np.uint8) == 10) + 1)
        changes = np.append(np.flatnonzero(np.diff(kind_of)) + 1, len(kind_of))
        at = 0
        for stop in changes.tolist():
            while at < stop:
                fits = int(np.searchsorted(ends, ends[at] + _CHUNK_BYTES)) - 1
                last = min(stop, at + _CHUNK_ROWS, max(fits, at + 1))
                if kind_of[at] != _NONE:
                    around = Surroundings(contexts, array_of[at:last], document_of)
                    lines = bytearray(memoryview(elements)[ends[at] : ends[last]])
                    yield self.rows.spans(lines, around) if kind_of[at] == _SPANS else self.rows.points(lines, around)
                at = last
