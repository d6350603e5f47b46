"""Objects that `-- objects:` of an importer is for: taken apart by the compiled part, as the view `objects`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.native import JsonObjects, PathStep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.importers.samples import CutDocument

_BLOCK_BYTES = 1 << 17
_LISTS = ("keys", "figures")
_LINE = re.compile(r"(?P<keys>.*?)(?:\s+FIGURES\s+(?P<figures>.*?))?(?:\s+IN\s+(?P<path>\S+))?")
_STEP = re.compile(r"\.?([^\s.,*\"\[\]]+)|(\[\])")


@dataclass(frozen=True)
class WantedObjects:
    """What `-- objects:` of an importer says.

    Attributes:
        keys: what becomes columns of objects.
        figures: keys of what becomes lists, whatever the values are; none for all that are numbers, true or false.
        path: leads to the objects; without one an object has a text at the first of `keys`.
    """

    keys: tuple[str, ...]
    figures: tuple[str, ...] = ()
    path: tuple[PathStep, ...] = ()


def parse_objects(text: str, *, where: str) -> WantedObjects:
    """Read the line `-- objects:` of an importer.

    Args:
        text: keys with commas between them, such as `type, timestamp, id`, or `start, end FIGURES rtt, bytes IN a[]`.
        where: the importer, for errors.

    Raises:
        UsageError: a key is missing, stands twice, or is the name of another column; the path cannot be read.
    """
    found = _LINE.fullmatch(text)
    keys, figures = (_listed(found[name]) if found and found[name] else () for name in ("keys", "figures"))
    steps = list(_STEP.finditer(found["path"] or "")) if found else []
    names = [key.lower() for key in keys]
    if (
        found is None
        or not all((*keys, *figures))
        or len({*names, *_LISTS}) < len(names) + len(_LISTS)
        or len({*figures}) < len(figures)
        or "".join(step[0] for step in steps) != (found["path"] or "")
        or not keys
    ):
        raise UsageError(
            f"{where}: '-- objects: {text}' cannot be read; write keys of the objects, each once, "
            f"none of them {' or '.join(_LISTS)}, and behind FIGURES and IN keys and a path such as key[].key"
        )
    path = tuple(PathStep("any element") if step[2] else PathStep("key", step[1]) for step in steps)
    return WantedObjects(keys, figures, path)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(","))


class JsonObjectsView(EngineStream):
    """The objects of a file: a row each."""

    def __init__(
        self, plain: Path, document: CutDocument | None, wanted: WantedObjects, *, is_text: bool = False
    ) -> None:
        """Say where the objects are.

        Args:
            plain: a file of lines, each of which may hold arrays or objects of arrays or objects of them.
            document: one whose samples are such objects, or arrays or objects of them; None for lines.
            wanted: what is wanted of them, and where they lie if that is known.
            is_text: some of the lines alone are JSON objects: those that begin with a brace and hold more.
        """
        self._plain = plain
        self._is_text = is_text
        self._document = document
        self._wanted = wanted
        lists = ((name, pa.list_(pa.string())) for name in _LISTS)
        super().__init__(pa.schema([*((key, pa.string()) for key in wanted.keys), *lists]), self._rows)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        wanted = self._wanted
        levels = 2 if self._document is None else 1
        objects = JsonObjects(wanted.keys, levels, figures=wanted.figures, path=wanted.path)
        if self._document is None:
            for block, size in line_blocks(self._plain, _BLOCK_BYTES):
                yield pa.record_batch(objects.read_lines(block, size, is_text=self._is_text), schema=self.schema)
        else:
            for rows in self._document.objects(objects):
                yield pa.record_batch(rows, schema=self.schema)
