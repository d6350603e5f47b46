"""Lines of text that an importer names the forms of: taken apart by the compiled part, in one look at each line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError
from pipeline.importers.blocks import line_blocks
from pipeline.model.arrays import from_integers, from_places, from_strings
from pipeline.native import LineForms, LinePart
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_BLOCK_BYTES = 1 << 17
_KINDS = ("WORD", "PHRASE", "NAME", "INTEGER", "DECIMAL", "SECONDS", "WORDS")
_TYPES = {"integer": pa.int64(), "seconds": pa.int64(), "words": pa.list_(pa.string())}
_PART = re.compile(r"\{( |([A-Za-z_]\w*)(?: (\S+))?)\}|([^{}]+)")
_OWN = {"line_number", "line", "form"}
_LINES = [("line_number", pa.int64()), ("line", pa.string())]


@dataclass(frozen=True)
class LineForm:
    """A form that lines may have.

    Attributes:
        name: in the column `form`.
        parts: it is made of.
    """

    name: str
    parts: tuple[LinePart, ...]


def parse_forms(lines: Sequence[str], *, where: str) -> tuple[LineForm, ...]:
    """Read the lines `-- form:` of an importer.

    Args:
        lines: each a name and a form, such as `answer = [{epoch_ns SECONDS}] {_ INTEGER} bytes from {host}: ...`.
        where: the importer, for errors.

    Raises:
        UsageError: one cannot be read, or a field has several types.
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
    return tuple(forms)


def _parts(text: str) -> Iterator[LinePart | None]:
    at = 0
    while at < len(text) and (found := _PART.match(text, at)):
        at = found.end()
        whole, name, kind, literal = found.groups()
        column = "" if name == "_" else name
        if literal is not None:
            yield LinePart("text", literal)
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


class FormedLines:
    """The lines of a file, which the engine may read any number of times.

    Attributes:
        records: all lines: number, the line where it is of no form, the name of the form, its fields.
        others: the lines that are of no form.
        forms: how many lines there are of each form.
    """

    def __init__(self, path: Path, forms: Sequence[LineForm]) -> None:
        """Name the file; it is opened when it is read."""
        self._path = path
        self._names = [form.name for form in forms]
        self._forms = [form.parts for form in forms]
        self._counts: list[int] | None = None
        columns = LineForms(self._forms).columns
        fields = [(name, _TYPES.get(kind, pa.string())) for name, kind in columns.items()]
        named = ("form", pa.dictionary(pa.int32(), pa.string()))
        self.records = _Stream(
            pa.schema([*_LINES, named, *fields]), lambda schema: self._read(schema, others_alone=False)
        )
        self.others = _Stream(pa.schema(_LINES), lambda schema: self._read(schema, others_alone=True))
        self.forms = _Stream(pa.schema([("form", pa.string()), ("lines", pa.int64())]), self._counted)

    def _read(self, schema: pa.Schema, *, others_alone: bool) -> Iterator[pa.RecordBatch]:
        forms = LineForms(self._forms)
        names = from_strings(self._names)
        number = 1
        for block, size in line_blocks(self._path, _BLOCK_BYTES):
            count, arrays = forms.read(block, size, number, others_alone=others_alone)
            number += count
            try:
                arrays[1].validate(full=True)
            except pa.ArrowInvalid as error:
                raise SourceError("is not valid UTF-8") from error
            if not others_alone:
                codes = np.frombuffer(arrays[2].buffers()[1], np.int32)
                arrays[2] = from_places(np.maximum(codes, 0), names, codes < 0)
            if len(arrays[0]):
                yield pa.record_batch(arrays, schema=schema)
        self._counts = forms.counts()

    def _counted(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        if self._counts is None:
            for _ in self._read(self.others.schema, others_alone=True):
                pass
        yield pa.record_batch([from_strings(self._names), from_integers(self._counts or [], pa.int64())], schema=schema)


class _Stream:
    """A view that the engine may read any number of times."""

    def __init__(self, schema: pa.Schema, read: Callable[[pa.Schema], Iterator[pa.RecordBatch]]) -> None:
        self.schema = schema
        self._read = read

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Open the file."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with ScannedAhead(self._read(self.schema)) as ahead:
            yield from ahead
