"""Objects that `-- objects:` of an importer is for: taken apart by the compiled part, as the view `objects`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.importers.blocks import line_blocks
from pipeline.native import JsonObjects
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.importers.samples import CutDocument

_BLOCK_BYTES = 1 << 17
_LISTS = ("keys", "figures")


def parse_objects(text: str, *, where: str) -> tuple[str, ...]:
    """Read the line `-- objects:` of an importer.

    Args:
        text: keys with commas between them, such as `type, timestamp, id`.
        where: the importer, for errors.

    Raises:
        UsageError: a key is missing, stands twice, or is the name of another column.
    """
    keys = tuple(key.strip() for key in text.split(","))
    names = [key.lower() for key in keys]
    if not all(keys) or len({*names, *_LISTS}) < len(names) + len(_LISTS):
        raise UsageError(
            f"{where}: '-- objects: {text}' cannot be read; write keys of the objects, each once, "
            f"none of them {' or '.join(_LISTS)}"
        )
    return keys


class JsonObjectsView:
    """The objects of a file, which the engine may read any number of times: a row each."""

    def __init__(self, plain: Path, document: CutDocument | None, keys: Sequence[str]) -> None:
        """Say where the objects are.

        Args:
            plain: a file of lines, each of which may hold arrays or objects of arrays or objects of them.
            document: one whose samples are such objects, or arrays or objects of them; None for lines.
            keys: what becomes columns of them; an object has a text at the first one.
        """
        self._plain = plain
        self._document = document
        self._keys = keys
        self._schema = pa.schema(
            [*((key, pa.string()) for key in keys), *((name, pa.list_(pa.string())) for name in _LISTS)]
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Begin to read."""
        return pa.RecordBatchReader.from_batches(self._schema, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with ScannedAhead(self._read()) as ahead:
            yield from ahead

    def _read(self) -> Iterator[pa.RecordBatch]:
        if self._document is None:
            objects = JsonObjects(self._keys, 2)
            for block, size in line_blocks(self._plain, _BLOCK_BYTES):
                yield pa.record_batch(objects.read_lines(block, size), schema=self._schema)
        else:
            objects = JsonObjects(self._keys, 1)
            for texts in self._document.texts():
                yield pa.record_batch(objects.read_texts(texts), schema=self._schema)
