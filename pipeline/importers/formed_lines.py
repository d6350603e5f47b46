"""Lines of text that an importer names the forms of: taken apart by the compiled part, in one look at each line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.model.arrays import (
    from_integers,
    from_numbers,
    from_places,
    from_strings,
    integers,
    is_null,
    text_lengths,
)
from pipeline.native import LineForms, LinePart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BLOCK_BYTES = 1 << 17
_MAX_KEPT_LINES = 1_000
_MAX_KEPT_BYTES = 1 << 16
_KINDS = (
    *("WORD", "PHRASE", "NAME", "FIELD", "INTEGER", "DECIMAL", "SECONDS", "NANOSECONDS", "JSON", "NUMBER", "WHOLE"),
    "WORDS",
)
_IN_JSON = {"json": "x", "number": "0", "whole": "0", "seconds": "00.0"}
"""What may stand in JSON, as one that it may be; where it must stand within quotes, one that is no JSON without."""
_TYPES = {
    **dict.fromkeys(("integer", "seconds", "nanoseconds", "whole"), pa.int64()),
    "number": pa.float64(),
    "words": pa.list_(pa.string()),
}
_PART = r"\{( |([A-Za-z_]\w*)(?: ([^\s{}]+))?)\}|((?:[^{}]|\{\{|\}\})+)"
_OWN = {"line_number", "line", "form"}
_LINES = [("line_number", pa.int64()), ("line", pa.string())]


class LineForm(NamedTuple):
    """A form that lines may have.

    Attributes:
        name: in the column `form`.
        parts: it is made of.
    """

    name: str
    parts: tuple[LinePart, ...]

    @property
    def example(self) -> str:
        """A line of this form, of JSON."""
        return "".join(part.text if part.kind == "text" else _IN_JSON.get(part.kind, "") for part in self.parts)

    @property
    def is_json(self) -> bool:
        """Whether each line of this form is a JSON object, and all have the same keys."""
        if not all(part.kind == "text" or part.kind in _IN_JSON for part in self.parts):
            return False
        try:
            return isinstance(json.loads(self.example), dict)
        except ValueError:
            return False


def parse_forms(lines: Sequence[str], *, is_json: bool = False, where: str) -> tuple[LineForm, ...]:
    """Read the lines `-- form:` of an importer.

    Args:
        lines: each a name and a form, such as `answer = [{epoch_ns SECONDS}] {_ INTEGER} bytes from {host}: ...`.
        is_json: the lines of its files are JSON objects.
        where: the importer, for errors.

    Raises:
        UsageError: one cannot be read, a field has several types, or a form is none of JSON where it must be.
    """
    forms = []
    types: dict[str, pa.DataType] = {}
    for line in lines:
        name, is_one, text = (part.strip() for part in line.partition("="))
        found = list(_parts(text))
        parts = [part for part in found if part is not None]
        columns = [part.column for part in parts if part.column]
        if (
            not is_one
            or not name.isidentifier()
            or len(parts) < len(found)
            or "words" in [one.kind for one in parts[:-1]]
        ):
            raise UsageError(
                f"{where}: '-- form: {line}' cannot be read; write NAME = text {{field}} {{field INTEGER}}"
            )
        for part in parts:
            kind = _TYPES.get(part.kind, pa.string())
            if part.column and (part.column in _OWN or columns.count(part.column) > 1):
                raise UsageError(
                    f"{where}: '-- form: {line}' has a field {part.column!r} again, or one that all lines have"
                )
            if part.column and types.setdefault(part.column, kind) != kind:
                raise UsageError(
                    f"{where}: '-- form: {line}': its field {part.column!r} is of another type in another form"
                )
        forms.append(LineForm(name, tuple(parts)))
        if is_json and not forms[-1].is_json:
            raise UsageError(
                f"{where}: '-- form: {line}' is no JSON object; its fields may be JSON and SECONDS within quotes, "
                "NUMBER and WHOLE"
            )
    return tuple(forms)


def _parts(text: str) -> Iterator[LinePart | None]:
    at = 0
    part = re.compile(_PART)
    while at < len(text) and (found := part.match(text, at)):
        at = found.end()
        whole, name, kind, literal = found.groups()
        column = "" if name == "_" else name
        if literal is not None:
            yield LinePart("text", literal.replace("{{", "{").replace("}}", "}"))
        elif whole == " ":
            yield LinePart("blanks")
        elif kind is None or kind in _KINDS:
            yield LinePart((kind or "WORD").lower(), column=column)
        elif kind.endswith("*") and len(kind) > 1:
            yield LinePart("word", kind[:-1], column)
        else:
            yield None
    if at < len(text) or not text:
        yield None


class LinesTakenApart:
    """The lines of a file, taken apart block by block.

    Attributes:
        columns: kind by name, of all fields of the forms.
        counts: how many lines there are of each form; None before all were read.
    """

    def __init__(self, path: Path, forms: Sequence[LineForm], block_bytes: int = _BLOCK_BYTES) -> None:
        """Name the file; it is opened when it is read."""
        self._path = path
        self._forms = [form.parts for form in forms]
        self._block_bytes = block_bytes
        self.columns = LineForms(self._forms).columns
        self.counts: list[int] | None = None

    def blocks(self, *, others_alone: bool = False) -> Iterator[list[pa.Array]]:
        """Give the lines of a block at a time, as `LineForms.read` does.

        Raises:
            SourceError: a line that is of no form is no UTF-8.
        """
        forms = LineForms(self._forms)
        number = 1
        for block, size in line_blocks(self._path, self._block_bytes):
            count, arrays = forms.read(block, size, number, others_alone=others_alone)
            number += count
            try:
                arrays[1].validate(full=True)
            except pa.ArrowInvalid as error:
                raise SourceError("is not valid UTF-8") from error
            yield arrays
        self.counts = forms.counts()


class FormedLines:
    """The lines of a file, which the engine may read any number of times; few that are of no form are kept.

    Attributes:
        records: all lines: number, the line where it is of no form, the name of the form, its fields.
        others: the lines that are of no form.
        forms: how many lines there are of each form.
    """

    def __init__(self, path: Path, forms: Sequence[LineForm]) -> None:
        """Name the file; it is opened when it is read."""
        self._names = [form.name for form in forms]
        # Whole lines are for functions of JSON, which hold all that they are given at once, taken apart.
        self._lines = LinesTakenApart(path, forms, 2 * _BLOCK_BYTES if forms else _BLOCK_BYTES)
        self._kept: list[pa.RecordBatch] | None = None
        fields = [(name, _TYPES.get(kind, pa.string())) for name, kind in self._lines.columns.items()]
        named = ("form", pa.dictionary(pa.int32(), pa.string()))
        self.records = EngineStream(pa.schema([*_LINES, named, *fields]), lambda: self._read(others_alone=False))
        self.others = EngineStream(pa.schema(_LINES), lambda: self._read(others_alone=True))
        self.forms = EngineStream(pa.schema([("form", pa.string()), ("lines", pa.int64())]), self._counted)

    def _read(self, *, others_alone: bool) -> Iterator[pa.RecordBatch]:
        if others_alone and self._kept is not None:
            yield from self._kept
            return
        schema = (self.others if others_alone else self.records).schema
        names = from_strings(self._names)
        kept: _FewLines | None = _FewLines() if self._names else None
        for arrays in self._lines.blocks(others_alone=others_alone):
            if kept is not None and not kept.add(arrays[0], arrays[1]):
                kept = None
            if not others_alone:
                codes = np.frombuffer(arrays[2].buffers()[1], np.int32)
                arrays[2] = from_places(np.maximum(codes, 0), names, codes < 0)
            if len(arrays[0]):
                yield pa.record_batch(arrays, schema=schema)
        if kept is not None:
            self._kept = kept.batches

    def _counted(self) -> Iterator[pa.RecordBatch]:
        if self._lines.counts is None:
            for _ in self._read(others_alone=True):
                pass
        counts = from_integers(self._lines.counts or [], pa.int64())
        yield pa.record_batch([from_strings(self._names), counts], schema=self.forms.schema)


class _FewLines:
    """Lines that are of no form, as long as they are few."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []
        self._lines = self._bytes = 0

    def add(self, numbers: pa.Array, lines: pa.Array) -> bool:
        """Keep those of a block that are no nulls; False where they are too many."""
        if len(lines) == lines.null_count:
            return True
        self._lines += len(lines) - lines.null_count
        self._bytes += int(text_lengths(lines).sum())
        if self._lines > _MAX_KEPT_LINES or self._bytes > _MAX_KEPT_BYTES:
            return False
        rows = np.flatnonzero(~is_null(lines))
        texts = from_strings([lines[row].as_py() for row in rows.tolist()])
        columns = [from_numbers(integers(numbers)[rows], pa.int64()), texts]
        self.batches.append(pa.record_batch(columns, schema=pa.schema(_LINES)))
        return True
