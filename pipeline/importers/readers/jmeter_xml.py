"""JMeter's JTL as XML: a row a sample, in the order in which they begin; samples within others know whose they are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import from_numbers, from_strings
from pipeline.native import XmlForm, XmlRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.importers.decoded import Told

# Attributes of a sample by column, of the forms 1.1 and newer, and of the first one.
_ATTRIBUTES = {
    "t": ("t", "time"),
    "it": ("it",),
    "lt": ("lt",),
    "ct": ("ct",),
    "ts": ("ts", "timeStamp"),
    "by": ("by",),
    "sby": ("sby",),
    "ng": ("ng",),
    "na": ("na",),
    "sc": ("sc",),
    "s": ("s", "success"),
    "lb": ("lb", "label"),
    "rc": ("rc", "responseCode"),
    "rm": ("rm", "responseMessage"),
    "tn": ("tn", "threadName"),
    "dt": ("dt", "dataType"),
}
_NUMBERS = ("t", "it", "lt", "ct", "ts", "by", "sby", "ng", "na", "sc")
_TEXTS = ("failure_message", "url", "parent", "more")
_COLUMNS = (*_ATTRIBUTES, *_TEXTS)
SCHEMA = pa.schema([*(pa.field(name, pa.string()) for name in _COLUMNS), pa.field("depth", pa.int64())])
_KNOWN = {name for names in _ATTRIBUTES.values() for name in names}
_SAMPLES = {"httpSample", "sample", "sampleResult"}
_OF_TEXT = {"failureMessage": "failure_message", "java.net.URL": "url"}
_OF_ASSERTIONS = {"assertionResult", "name", "failure", "error"}
_FORM = XmlForm(
    rows=_SAMPLES,
    attributes=_ATTRIBUTES,
    texts=_OF_TEXT,
    known=_OF_ASSERTIONS,
    numbers=_NUMBERS,
    needed=("t",),
    label="lb",
    parent="parent",
    more="more",
)
# A comment, what is no markup, an instruction; the end of an element; its beginning.
_TAG = re.compile(
    rb"<(?:!--.*?--|!\[CDATA\[.*?\]\]|\?.*?\?|(/)[^<>]*|"
    rb"([A-Za-z_:\x80-\xff][^<>\"']*(?:(?:\"[^\"<]*\"|'[^'<]*')[^<>\"']*)*))>",
    re.DOTALL,
)
_BEGIN = re.compile(rb"\s*(?:<\?xml[^<>]*\?>)?\s*<testResults[^<>]*>")
_NUMBER = re.compile(r"-?\d+")
_DECLARED_UTF_16 = re.compile(rb"<\?xml[^>]*encoding=[\"']utf-16", re.IGNORECASE)
_DECLARED_OTHER = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-(8|16)[\"'])", re.IGNORECASE)
_BLOCK_BYTES = 1 << 18
_FEW_ROWS = 64
_MOST_LEFT = 256
_BATCH_ROWS = 4096
_MOST_DEPTH = 100
_MOST_WITHIN = 100_000
_MOST_TEXT = 10_000


class _Sample:
    __slots__ = ("attributes", "depth", "line", "parent", "texts")

    def __init__(self, attributes: dict[str, str], depth: int, parent: str | None, line: int) -> None:
        self.attributes = attributes
        self.depth = depth
        self.parent = parent
        self.line = line
        self.texts: dict[str, str] = {}


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read a file; of one that is cut off the samples that are whole.

    Raises:
        SourceError: it is no such file; the message names the line.
    """
    with path.open("rb", buffering=0) as file:
        block = file.read(_BLOCK_BYTES)
        # What was UTF-16 has been written out as UTF-8.
        parsing = _Parsing(told, "utf-8" if _DECLARED_UTF_16.match(block.lstrip()) else None)
        quick = None if _DECLARED_OTHER.match(block.lstrip()) else XmlRows(_FORM, _COLUMNS)
        begin = _BEGIN.match(block)
        at = begin.end() if begin is not None else 0
        parsing.feed(block[:at])
        left = 1
        while block:
            if quick is not None and parsing.is_between:
                size, lines = quick.read(block, at)
                at += size
                parsing.feed(b"\n" * lines)
                rows = pa.record_batch(quick.columns(), schema=SCHEMA)
                # Where few are known in a row, more are left to the parser before others are looked at.
                left = 1 if len(rows) > _FEW_ROWS else min(2 * left, _MOST_LEFT)
                if len(rows):
                    yield from parsing.take(1)
                    yield rows
                for name, count in quick.unused().items():
                    told.note_unused(name, count)
                end = _end_of_elements(block, at, left)
            else:
                quick = None
                end = len(block)
            parsing.feed(block[at:end])
            yield from parsing.take(_BATCH_ROWS)
            if end == at or quick is None:
                more = file.read(_BLOCK_BYTES)
                if end == at and (not more or len(block) - at > _BLOCK_BYTES):
                    quick = None  # it is cut off, has no sound form, or is long
                    parsing.feed(block[at:])
                    end = len(block)
                block, at = block[end:] + more, 0
            else:
                at = end
    parsing.end()
    yield from parsing.take(1)


def _end_of_elements(block: bytes, at: int, most: int) -> int:
    """Find where the last of some elements ends, from a place on that is in no element; itself where none does."""
    end, depth = at, 0
    while most and (start := block.find(b"<", at)) >= 0 and (tag := _TAG.match(block, start)) is not None:
        at = tag.end()
        if tag[1]:
            depth -= 1
        elif tag[2] is not None and not tag[2].endswith(b"/"):
            depth += 1
        if depth < 0:
            break
        if depth == 0:
            end = at
            most -= 1
    return end


class _Parsing:
    """A parser, and the samples that are whole.

    Attributes:
        is_between: whether it stands in the outermost element, and in no other.
    """

    def __init__(self, told: Told, encoding: str | None) -> None:
        self._done: list[_Sample] = []
        self._depth = 0
        self._told = told
        self._open: list[_Sample] = []
        self._within: list[_Sample] = []
        self._text: list[str] | None = None
        self._is_root_known = False
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser

    @property
    def is_between(self) -> bool:
        return self._depth == 1

    def take(self, least: int) -> Iterator[pa.RecordBatch]:
        """Give the samples that are whole, with all that are within them, a batch after the other of so many."""
        while len(self._done) >= least:
            yield _batch(self._done[:_BATCH_ROWS])
            del self._done[:_BATCH_ROWS]

    def feed(self, block: bytes) -> None:
        try:
            self._parser.Parse(block, False)
        except expat.ExpatError as error:
            raise SourceError(f"line {error.lineno}: is no XML ({expat.ErrorString(error.code)})") from error
        except (LookupError, ValueError) as error:  # of an encoding that Python lacks, or that has several bytes
            raise SourceError(f"line {self._parser.CurrentLineNumber}: cannot be decoded ({error})") from error

    def end(self) -> None:
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            left = f", and the sample of line {self._within[0].line} is left out" if self._within else ""
            self._told.notes.append(f"is cut off in line {error.lineno}: the end of testResults is not there{left}")

    def _refuse(self, *_: object) -> None:
        raise SourceError(f"line {self._parser.CurrentLineNumber}: has a document type, which JMeter never writes")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if not self._is_root_known:
            if tag != "testResults":
                raise SourceError(f"line {self._parser.CurrentLineNumber}: begins with {tag:.40}, not with testResults")
            self._is_root_known = True
            self._note(tag, attributes.keys() - {"version"})
        elif tag in _SAMPLES:
            depth = len(self._open)
            if depth > _MOST_DEPTH or len(self._within) > _MOST_WITHIN:
                reason = f"more than {_MOST_WITHIN:,} samples within one, or more than {_MOST_DEPTH} levels of them"
                raise SourceError(f"line {self._parser.CurrentLineNumber}: has {reason}")
            parent = self._label(self._open[-1]) if depth else None
            sample = _Sample(attributes, depth, parent, self._parser.CurrentLineNumber)
            self._open.append(sample)
            self._within.append(sample)
        elif tag in _OF_TEXT:
            self._note(tag, attributes)
            self._text = []
            self._parser.CharacterDataHandler = self._text.append
        elif tag in _OF_ASSERTIONS:
            self._note(tag, attributes)
        else:
            self._told.note_unused(tag)

    def _note(self, tag: str, attributes: Iterable[str]) -> None:
        """Tell of attributes of what is no sample, of which none is used."""
        for name in sorted(attributes):
            self._told.note_unused(f"{tag}.{name}")

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag in _SAMPLES and self._open:
            self._open.pop()
            if not self._open:
                self._done += self._within
                self._within = []
        elif tag in _OF_TEXT and self._text is not None:
            self._parser.CharacterDataHandler = None
            if self._open:
                text = "".join(self._text).strip()[:_MOST_TEXT]
                # Of several assertions the first that says something.
                if text:
                    self._open[-1].texts.setdefault(_OF_TEXT[tag], text)
            self._text = None

    @staticmethod
    def _label(sample: _Sample) -> str | None:
        return sample.attributes.get("lb", sample.attributes.get("label"))


def _batch(samples: list[_Sample]) -> pa.RecordBatch:
    columns: list[pa.Array] = []
    for name, names in _ATTRIBUTES.items():
        texts: list[str | None] = [one.attributes.get(names[0]) for one in samples]
        if len(names) > 1:
            texts = [
                one.attributes.get(names[1]) if text is None else text for one, text in zip(samples, texts, strict=True)
            ]
        if name in _NUMBERS:
            texts = [_number(text, name, one) for one, text in zip(samples, texts, strict=True)]
        columns.append(from_strings(texts))
    columns += [from_strings([one.texts.get(name) for one in samples]) for name in ("failure_message", "url")]
    columns.append(from_strings([one.parent for one in samples]))
    columns.append(from_strings([_more(one.attributes) for one in samples]))
    columns.append(from_numbers(np.array([one.depth for one in samples], np.int64), pa.int64()))
    return pa.record_batch(columns, schema=SCHEMA)


def _number(text: str | None, name: str, sample: _Sample) -> str | None:
    if not text:
        if name == "t":
            raise SourceError(f"line {sample.line}: the sample has no time t")
        return None
    if not text.isdecimal() and not _NUMBER.fullmatch(text):
        raise SourceError(f"line {sample.line}: {name} of the sample, {text!r:.40}, is no number")
    return text


def _more(attributes: dict[str, str]) -> str | None:
    """Give further attributes, such as variables of users, as JSON."""
    if attributes.keys() <= _KNOWN:
        return None
    return json.dumps({name: text for name, text in attributes.items() if name not in _KNOWN}, ensure_ascii=False)
