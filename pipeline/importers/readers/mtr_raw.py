"""mtr --raw: probes that were sent, and answers to them by their numbers, which begin again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.formed_lines import LinesTakenApart, parse_forms
from pipeline.importers.values import exact_floats, floats_of_integers
from pipeline.model.arrays import from_numbers, from_places, from_strings, integers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.importers.decoded import Told
    from pipeline.importers.formed_lines import LineForm
    from pipeline.model.arrays import Integers

_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [("hop", pa.int64()), ("number", pa.int64()), ("value", pa.float64()), ("host", _TEXT), ("name", _TEXT)]
)
"""An answer, or a probe without one, which has no value; hops count from 1."""

_SENT, _ANSWER, _UNNUMBERED, _OTHER = 0, 1, 2, -1
_LINES = (
    "sent = x {hop INTEGER} {number INTEGER}",
    "answer = p {hop INTEGER} {value INTEGER} {number INTEGER}",
    "unnumbered = p {hop INTEGER} {value INTEGER}",
)
_WHOLE = parse_forms(_LINES, where="mtr_raw")
_NUMBERED = parse_forms([re.sub("hop|value", "_", line) for line in _LINES], where="mtr_raw")
"""The same, of whose fields the number alone is wanted."""
_BLANKS = r"[ \t\f\r]*"
_PROBE = re.compile(
    rf"x (\d{{1,18}}) (\d{{1,18}}){_BLANKS}|p (\d{{1,18}}) ([^ \t\f\r]+)(?: (\d{{1,18}}))?{_BLANKS}", re.ASCII
)
_BEGINS_PROBE = re.compile(rf"[xp]( |{_BLANKS}$)")
_HOP = re.compile(r"([hd]) (\d{1,18}) ([^ \t\f\r][^ ]*)", re.ASCII)
_BROKEN = "is no whole line of a probe, the file may be cut off"
_BLOCK_BYTES = 1 << 18
_NUMBERS = 1 << 16  # a probe's has 16 bits
_PAGE_BITS = 12
_PAGE = 1 << _PAGE_BITS
_EMPTY = np.zeros(_PAGE // 8, np.uint8)
_NEAR = 64


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read the file: first what was answered, and the names of hops, then its probes.

    Raises:
        SourceError: a line is no whole one, or an answer's time is no number.
    """
    hops = _Hops()
    turns, answered = _answered(_blocks(path, _NUMBERED, hops, told), None)
    if not turns.knew_least:
        turns, answered = _answered(_blocks(path, _NUMBERED), turns.least)
    if (least := turns.least) is None:
        told.notes.append("has no lines `x` of probes that were sent, as mtr before 0.88: what was lost is not known")
    if hops.ambiguous:
        at = ", ".join(str(hop + 1) for hop in hops.ambiguous)
        told.notes.append(f"had answers of several addresses at hops {at}; which one answered is not known")
    turns = _Turns(least)
    for lines in _blocks(path, _WHOLE):
        is_lost, is_unnumbered = lines.kinds == _SENT, lines.kinds == _UNNUMBERED
        if least is not None and is_unnumbered.any():
            raise SourceError(_BROKEN)
        is_lost[is_lost] = ~answered.have(turns.keys(lines)[is_lost])
        rows = is_lost | (lines.kinds > _SENT)
        hop = lines.hops[rows]
        yield pa.record_batch(
            [
                from_numbers(hop + 1, pa.int64()),
                from_numbers(lines.numbers[rows], pa.int64(), is_unnumbered[rows]),
                from_numbers(lines.values[rows], pa.float64(), is_lost[rows]),
                *hops.columns(hop),
            ],
            schema=SCHEMA,
        )


def _answered(blocks: Iterator[_Lines], least: int | None) -> tuple[_Turns, _Keys]:
    """Find the keys of all probes that were answered; the least number that was sent may be known."""
    turns, answered = _Turns(least), _Keys()
    for lines in blocks:
        answered.add(turns.keys(lines)[lines.kinds == _ANSWER])
    return turns, answered


class _Lines(NamedTuple):
    """Lines of a block that hold something.

    Attributes:
        places: their numbers in the file, from 1.
        kinds: one of `_SENT`, `_ANSWER`, `_UNNUMBERED`, `_OTHER`.
        hops: of probes, from 0.
        numbers: of probes that have one.
        values: of answers, in microseconds.
    """

    places: Integers
    kinds: NDArray[np.int32]
    hops: Integers
    numbers: Integers
    values: NDArray[np.float64]


def _blocks(
    path: Path, forms: Sequence[LineForm], names: _Hops | None = None, told: Told | None = None
) -> Iterator[_Lines]:
    """Give the lines; of those that are no probes the names of hops are kept, the others counted."""
    apart = LinesTakenApart(path, forms, _BLOCK_BYTES)
    columns = list(apart.columns)
    for places, texts, codes, *fields in apart.blocks():
        kinds = np.frombuffer(codes.buffers()[1], np.int32)
        held = {name: integers(field) for name, field in zip(columns, fields, strict=True)}
        nothing = np.empty(len(kinds), np.int64)
        values = _floats(fields[columns.index("value")]) if "value" in held else np.empty(len(kinds))
        lines = _Lines(integers(places), kinds, held.get("hop", nothing), held["number"], values)
        others = np.flatnonzero(kinds == _OTHER).tolist()
        if others:  # they are put into copies: what Arrow holds cannot be changed
            copies = (lines.kinds.copy(), lines.hops.copy(), lines.numbers.copy(), lines.values.copy())
            lines = _Lines(lines.places, *copies)
        for row in others:
            text = texts[row].as_py()
            if not _put_probe(text, lines, row) and names is not None and told is not None and not names.add(text):
                told.note_unused("m (labels of MPLS)" if text.startswith("m") else "other lines")
        yield lines


def _put_probe(text: str, lines: _Lines, row: int) -> bool:
    """Read a probe that is written otherwise; False where a line is none."""
    found = _PROBE.fullmatch(text)
    if found is None:
        if _BEGINS_PROBE.match(text):
            raise SourceError(_BROKEN)
        return False
    hop, number, answered_hop, value, answered = found.groups()
    lines.kinds[row] = _SENT if hop else _ANSWER if answered else _UNNUMBERED
    lines.hops[row] = int(hop or answered_hop)
    lines.numbers[row] = int(number or answered or 0)
    lines.values[row] = _floats(from_strings([value]))[0]
    return True


def _floats(values: pa.Array) -> NDArray[np.float64]:
    """Give integers, or texts, as float64; what stands for a null is anything."""
    try:
        floats = floats_of_integers(values) if pa.types.is_int64(values.type) else exact_floats(values)
    except ValueError as error:
        raise SourceError(f"column 'value': {error.args[0]}") from error
    return integers(floats).view(np.float64)


class _Turns:
    """Tells probes of one number apart, by how often the numbers have begun again.

    Attributes:
        least: the least number that was sent, None before one was.
        knew_least: whether keys were made of no other.
    """

    def __init__(self, least: int | None) -> None:
        """Begin with the first line; `least` is known from before, None where it is not."""
        self.least = least
        self._used: set[int] = set()
        self._turn = 0
        self._begin = 0
        self._last = -1

    @property
    def knew_least(self) -> bool:
        return self._used <= {self.least}

    def keys(self, lines: _Lines) -> Integers:
        """Give keys that a probe and its answer share, of the next lines."""
        rows = np.flatnonzero(lines.kinds == _SENT)
        begins = rows[:0]
        if len(rows):
            sent = lines.numbers[rows]
            begins = rows[sent < np.concatenate([[self._last], sent[:-1]])]
            self._last = int(sent[-1])
            self.least = int(sent.min()) if self.least is None else min(self.least, int(sent.min()))
        counts = np.searchsorted(begins, np.arange(len(lines.kinds)), side="right") if len(begins) else 0
        turns = self._turn + counts
        if self.least is not None and self._turn + len(begins):
            self._used.add(self.least)
            places = np.concatenate([[self._begin], lines.places[begins]])
            # One behind a beginning that is larger than what was sent since is of the turn before.
            turns = turns - ((turns > 0) & (lines.numbers - self.least > lines.places - places[counts]))
            self._turn, self._begin = self._turn + len(begins), int(places[-1])
        return turns * _NUMBERS + lines.numbers


class _Keys:
    """A set of keys: a bit each, in pages."""

    def __init__(self) -> None:
        self._pages: dict[int, NDArray[np.uint8]] = {}

    def add(self, keys: Integers) -> None:
        """Add keys."""
        for first, count, rows in _near(keys):
            bits = np.zeros(count * _PAGE, np.bool_)
            bits[keys[rows] - first * _PAGE] = True
            for page, packed in enumerate(np.packbits(bits).reshape(count, -1), start=first):
                if packed.any():
                    self._pages[page] = packed | self._pages.get(page, _EMPTY)

    def have(self, keys: Integers) -> NDArray[np.bool_]:
        """Tell which keys are there."""
        found = np.zeros(len(keys), np.bool_)
        for first, count, rows in _near(keys):
            packed = np.concatenate([self._pages.get(page, _EMPTY) for page in range(first, first + count)])
            found[rows] = np.unpackbits(packed)[keys[rows] - first * _PAGE]
        return found


def _near(keys: Integers) -> Iterator[tuple[int, int, Integers]]:
    """Give the places of keys that are near each other, their first page, and how many pages they span."""
    rows = np.arange(len(keys))
    while len(rows):
        pages = keys[rows] >> _PAGE_BITS
        first = int(pages.min())
        is_near = pages < first + _NEAR
        yield first, int(pages[is_near].max()) - first + 1, rows[is_near]
        rows = rows[~is_near]


class _Hops:
    """Addresses and names of hops, as lines `h` and `d` tell them."""

    def __init__(self) -> None:
        self._words: dict[str, dict[int, set[str]]] = {"h": {}, "d": {}}

    def add(self, text: str) -> bool:
        """Keep what a line tells; False where it is of another kind."""
        found = _HOP.match(text)
        if found is not None:
            kind, hop, word = found.groups()
            self._words[kind].setdefault(int(hop), set()).add(word)
        return found is not None

    @property
    def ambiguous(self) -> list[int]:
        """The hops that had several addresses."""
        return sorted(hop for hop, words in self._words["h"].items() if len(words) > 1)

    def columns(self, hops: Integers) -> list[pa.DictionaryArray]:
        """Give addresses and names of hops, null where none was told."""
        columns = []
        for words in self._words.values():
            known = np.array(sorted(words), np.int64)
            texts = from_strings([" ".join(sorted(words[hop])) for hop in known.tolist()] or [""])
            places = np.minimum(np.searchsorted(known, hops), max(len(known) - 1, 0))
            absent = known[places] != hops if len(known) else np.ones(len(hops), np.bool_)
            columns.append(from_places(places, texts, absent))
        return columns
