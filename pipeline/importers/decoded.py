"""Files that SQL cannot read as the view `records`: what a reader in Python makes of them, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import pyarrow as pa

from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.model.metric_facts import MetricFacts

_READERS = "pipeline.importers.readers"
NAMES = ("gatling_log", "histogram_log", "jmeter_xml", "mcap", "mtr_raw", "otlp", "rtcstats", "webrtc_internals")
"""The readers, files of `readers/`."""
_MOST_NAMES = 1000


@dataclass
class Told:
    """What a reader tells of a file beside its records.

    Attributes:
        notes: what the reader of its measurements should know.
        unused: names of what it did not use, and how often each is there.
        unread: keys that lead to what it did not use, how many values are there, and how many numbers in them, which
            a warning tells.
        facts: what the file says of its metrics.
        attribute_keys: of all objects in the column `attributes`, whose values become text; None where nobody says it.
        whole_bytes: how much of a file of JSON that is cut off is whole; None for all of it.
    """

    notes: list[str] = field(default_factory=list)
    unused: dict[str, int] = field(default_factory=dict)
    unread: list[tuple[Sequence[str], int, int]] = field(default_factory=list)
    facts: Mapping[str, MetricFacts] = field(default_factory=dict)
    attribute_keys: Collection[str] | None = None
    whole_bytes: int | None = None

    def note_unused(self, name: str, count: int = 1) -> None:
        """Count what is not used; beyond many names together."""
        if name not in self.unused and len(self.unused) >= _MOST_NAMES:
            name = "..."
        self.unused[name] = self.unused.get(name, 0) + count


class Reader(Protocol):
    """A module that reads files of one kind; its memory follows a batch, whatever the file says of its sizes."""

    SCHEMA: pa.Schema

    def read(self, path: Path, told: Told) -> Iterator[pa.RecordBatch]:
        """Read a file.

        Args:
            path: the file, as UTF-8 or as its bytes.
            told: takes what is to be told of it, once it was read to the end.

        Raises:
            SourceError: it cannot be read; the message names the line or the byte.
        """
        ...

    def knows(self, head: bytes) -> bool:
        """Whether a binary file begins so; asked of binaries alone."""
        ...


def load_reader(name: str) -> Reader:
    """Load a reader, by its name."""
    return cast("Reader", import_module(f"{_READERS}.{name}"))


class Decoded:
    """What a reader makes of a file, which the engine may read any number of times.

    Attributes:
        told: what is to be told of it, once it was read to the end.
    """

    def __init__(self, name: str, path: Path) -> None:
        """Name the reader and the file; it is opened when it is read."""
        self._reader = load_reader(name)
        self._path = path
        self.told = Told()

    def attribute_keys(self) -> Collection[str] | None:
        """List the keys of attributes in the whole file, which is read for them; None where its reader knows none."""
        if self.told.attribute_keys is None:
            for _ in self._batches():
                pass
        return self.told.attribute_keys

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Open the file."""
        batches = self._batches()
        return pa.RecordBatchReader.from_batches(self._reader.SCHEMA, batches).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        told = Told()
        with ScannedAhead(self._reader.read(self._path, told)) as ahead:
            yield from ahead
        self.told = told
