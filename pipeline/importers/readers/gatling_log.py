"""Gatling's simulation.log as a binary, of 3.12 and newer: a record a request, group, user or error, big-endian.

A text is its length, its bytes and a byte that tells Latin-1 from UTF-16; one that may come again is a new number and
the text at first, and minus that number afterwards. Times are milliseconds since the start of the run, which the first
record gives with the version, the simulation and its scenarios.
"""

from __future__ import annotations

import re
from functools import cache
from struct import Struct, error
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.model.arrays import from_numbers, from_places, from_strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

    from pipeline.importers.decoded import Told

_TEXTS = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        *(pa.field(name, _TEXTS) for name in ("kind", "groups", "name", "status", "message", "scenario")),
        *(pa.field(name, pa.int64()) for name in ("start_ms", "end_ms", "cumulated_ms")),
    ]
)
_RUN, _REQUEST, _USER, _GROUP, _ERROR = range(5)
_ASSERTION = 5
_FIXED = ("RUN", "REQUEST", "USER", "GROUP", "ERROR", "ASSERTION", "KO", "OK", "")
_KO, _OK, _EMPTY = range(6, 9)
_LEFT = {_USER, _ASSERTION}
"""Places of texts; those of the file come behind them."""
_NOTHING = -1
_NO_TIME = -(2**63)
_INT, _LONG = Struct(">i"), Struct(">q")
_USER_RECORD, _GROUP_END = Struct(">iBi"), Struct(">iiiB")
_BATCH_ROWS = 16_384
_BLOCK_BYTES = 1 << 20
_MOST_TEXT_BYTES = 1 << 20
_MOST_HELD_BYTES = 64 << 20
_MOST_RECORD_BYTES = 16 << 20
_MOST_ELEMENTS = 10_000
_MOST_FAST_GROUPS = 8
_CODINGS = ("latin-1", "utf-16-le")
_VERSION = re.compile(rb"\d+\.\d+[\w.+-]*")
_Row = tuple[int, int, int, int, int, int, int, int, int]
"""A record, as the columns of the schema: places of texts, then times."""


class _EndOfBlockError(Exception):
    """The bytes at hand end within a record."""


def knows(head: bytes) -> bool:
    """Whether a file begins with the record of a run: 0, and the version as a text."""
    size = int.from_bytes(head[1:5], "big")
    end = 5 + size
    return head[:1] == b"\0" and size < 64 < len(head) and head[end] == 0 and bool(_VERSION.fullmatch(head[5:end]))


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read a file; of one that is cut off what is whole.

    Raises:
        SourceError: it is no such file; the message names the byte.
    """
    with path.open("rb", buffering=0) as file:
        log = _Log(file)
        rows: list[_Row] = []
        for row in log.rows():
            if row[0] in _LEFT:
                told.note_unused(_FIXED[row[0]])
                continue
            rows.append(row)
            if len(rows) == _BATCH_ROWS:
                yield log.batch(rows)
                rows = []
        yield log.batch(rows)
    if log.is_cut_off:
        told.notes.append(f"is cut off within the record at byte {log.place:,}, which is left out")


class _Log:
    """Records one after the other.

    Attributes:
        is_cut_off: whether the file ends within a record, once it was read to the end.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.is_cut_off = False
        self._file = file
        self._block = b""
        self._at = self._passed = 0
        self._texts = list(_FIXED)
        self._held_bytes = 0
        self._place_of = {0: _EMPTY}
        """Places of texts, by minus the number that the file gives them."""
        self._place_of_groups: dict[tuple[int, ...], int] = {(): _NOTHING}
        self._scenarios: list[int] = []
        self._start = 0

    @property
    def place(self) -> int:
        """The byte at which the next record begins."""
        return self._passed + self._at

    def rows(self) -> Iterator[_Row]:
        """Give all records."""
        first = self._read(self._run)
        if first is None:
            raise SourceError("is cut off within its first record")
        yield from first
        while (records := self._read(self._record)) is not None:
            yield from records

    def batch(self, rows: list[_Row]) -> pa.RecordBatch:
        """Make a batch of records."""
        columns = np.array(rows, np.int64).reshape(-1, len(SCHEMA)).T
        arrays = []
        for column, field in zip(columns, SCHEMA, strict=True):
            if pa.types.is_dictionary(field.type):
                used, places = np.unique(column, return_inverse=True)
                texts = from_strings([self._texts[place] for place in used])
                arrays.append(from_places(places, texts, np.less(column, 0)))
            else:
                arrays.append(from_numbers(np.ascontiguousarray(column), field.type, np.equal(column, _NO_TIME)))
        return pa.record_batch(arrays, schema=SCHEMA)

    def _read(self, take: Callable[[], list[_Row]]) -> list[_Row] | None:
        """Read a record, with more bytes where it needs them; None at the end of the file."""
        while True:
            start = self._at
            try:
                return take()
            except _EndOfBlockError:
                self._at = start
                if len(self._block) - start > _MOST_RECORD_BYTES:
                    self._fail(f"is longer than {_MOST_RECORD_BYTES >> 20} MiB")
                more = self._file.read(_BLOCK_BYTES)
                self._block = self._block[start:] + more
                self._passed += start
                self._at = 0
                if not more:
                    self.is_cut_off = bool(self._block)
                    return None

    def _run(self) -> list[_Row]:
        if self._byte() != _RUN:
            raise SourceError("byte 0: is no record of a run")
        version, simulation = self._place(self._text()), self._place(self._text())
        (self._start,) = self._unpack(_LONG)
        description = self._place(self._text())
        self._scenarios = [self._place(self._text()) for _ in range(self._count("scenarios"))]
        assertions = self._count("assertions")
        for _ in range(assertions):
            self._take(self._size("an assertion"))
        run = (_RUN, _NOTHING, simulation, _NOTHING, description, version, self._start, _NO_TIME, _NO_TIME)
        nothing = (_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NO_TIME, _NO_TIME, _NO_TIME)
        return [run, *[(_ASSERTION, *nothing)] * assertions]

    def _record(self) -> list[_Row]:
        """Read a record, or all requests up to the next other one whose texts came before."""
        kind = self._byte()
        if kind == _REQUEST:
            self._at -= 1
            return self._known_requests() or [self._request()]
        if kind == _USER:
            number, _, ms = self._unpack(_USER_RECORD)
            if not 0 <= number < len(self._scenarios):
                self._fail(f"names scenario {number} of {len(self._scenarios)}")
            at = self._start + ms
            return [(_USER, _NOTHING, _NOTHING, _NOTHING, _NOTHING, self._scenarios[number], at, _NO_TIME, _NO_TIME)]
        if kind == _GROUP:
            groups = self._groups()
            start, end, cumulated, is_ok = self._unpack(_GROUP_END)
            times = (self._start + start, self._start + end, cumulated)
            return [(_GROUP, groups, _NOTHING, self._status(is_ok), _NOTHING, _NOTHING, *times)]
        if kind == _ERROR:
            message = self._cached()
            at = self._start + self._unpack(_INT)[0]
            return [(_ERROR, _NOTHING, _NOTHING, _NOTHING, message, _NOTHING, at, _NO_TIME, _NO_TIME)]
        raise SourceError(f"near byte {self.place - 1:,}: the record here is of the kind {kind}, which is not known")

    def _known_requests(self) -> list[_Row]:
        """Read requests as long as all their texts came before: most do, and this is quicker."""
        block, at, start_of_run = self._block, self._at, self._start
        place_of, place_of_groups = self._place_of, self._place_of_groups
        rows: list[_Row] = []
        try:
            while block[at] == _REQUEST and len(rows) < _BATCH_ROWS:
                groups = int.from_bytes(block[at + 1 : at + 5], "big")
                if groups > _MOST_FAST_GROUPS:
                    break
                form = _request_of(groups)
                *named, name, start, end, is_ok, message = form.unpack_from(block, at + 5)
                if is_ok > 1 or self._is_unmatched(start, end):
                    break
                held = (place_of_groups[tuple(named)], place_of[name], _OK if is_ok else _KO, place_of[message])
                rows.append((_REQUEST, *held, _NOTHING, start_of_run + start, start_of_run + end, _NO_TIME))
                at += 5 + form.size
        except (IndexError, KeyError, error):
            pass  # the block ends, or a text is new
        self._at = at
        return rows

    def _request(self) -> _Row:
        self._at += 1
        groups, name = self._groups(), self._cached()
        start, end = self._unpack(_INT)[0], self._unpack(_INT)[0]
        status = self._status(self._byte())
        ended = _NO_TIME if self._is_unmatched(start, end) else self._start + end
        return (_REQUEST, groups, name, status, self._cached(), _NOTHING, self._start + start, ended, _NO_TIME)

    def _is_unmatched(self, start: int, end: int) -> bool:
        """Whether a message came that nobody had asked for: its end is 32 bits of the least of times."""
        return end < start and (end + self._start) & 0xFFFFFFFF == 0

    def _groups(self) -> int:
        """Read groups; give the place of their names with commas between them."""
        numbers = []
        for _ in range(self._count("groups")):
            before = self._at
            self._cached()
            numbers.append(-abs(_INT.unpack_from(self._block, before)[0]))
        key = tuple(numbers)
        if key not in self._place_of_groups:
            self._place_of_groups[key] = self._place(",".join(self._texts[self._place_of[number]] for number in key))
        return self._place_of_groups[key]

    def _status(self, is_ok: int) -> int:
        if is_ok > 1:
            self._fail("has neither OK nor KO where that must be")
        return _OK if is_ok else _KO

    def _cached(self) -> int:
        """Read a text that came before, or comes again; give its place."""
        (number,) = self._unpack(_INT)
        if number > 0:
            text = self._text()
            if -number not in self._place_of or self._texts[self._place_of[-number]] != text:
                self._place_of[-number] = self._place(text)
        elif number not in self._place_of:
            self._fail(f"names text {-number}, which did not come before")
        return self._place_of[-abs(number)]

    def _place(self, text: str) -> int:
        self._held_bytes += len(text) + 100
        if self._held_bytes > _MOST_HELD_BYTES:
            self._fail(f"is behind more than {_MOST_HELD_BYTES >> 20} MiB of different texts")
        self._texts.append(text)
        return len(self._texts) - 1

    def _text(self) -> str:
        size = self._size("a text")
        if not size:
            return ""
        data = self._take(size)
        coding = self._byte()
        if coding >= len(_CODINGS):
            self._fail(f"has a text in coding {coding}, which is not known")
        return data.decode(_CODINGS[coding], "replace")

    def _size(self, of: str) -> int:
        (size,) = self._unpack(_INT)
        if not 0 <= size <= _MOST_TEXT_BYTES:
            self._fail(f"says that {of} has {size:,} bytes")
        return size

    def _count(self, of: str) -> int:
        (count,) = self._unpack(_INT)
        if not 0 <= count <= _MOST_ELEMENTS:
            self._fail(f"says that it has {count:,} {of}")
        return count

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._block):
            raise _EndOfBlockError
        data = self._block[self._at : end]
        self._at = end
        return data

    def _unpack(self, form: Struct) -> tuple[int, ...]:
        end = self._at + form.size
        if end > len(self._block):
            raise _EndOfBlockError
        found = form.unpack_from(self._block, self._at)
        self._at = end
        return found

    def _fail(self, reason: str) -> NoReturn:
        raise SourceError(f"near byte {self.place:,}: the record here {reason}")


@cache
def _request_of(groups: int) -> Struct:
    """What follows the number of groups in a request whose texts all came before."""
    return Struct(f">{groups}iiiiBi")
