"""Finds the records of a file that an importer cannot read, by trying blocks of them and halving what fails.

Records that cannot be read mostly look alike, and unlike the others. Where all of them are wanted, what is halved is in
the order of its forms, so that they lie together. Whatever is told of a record was tried; forms say in which order.
"""

from __future__ import annotations

import json
import re
import string
from typing import TYPE_CHECKING

from pipeline.disk.strict_json import no_json
from pipeline.errors import BadRowError, SourceError
from pipeline.importers.connection import one_line
from pipeline.runtime.signals import is_interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_BLOCK_RECORDS = 16_384
_BLOCK_BYTES = 16_000_000
_SIGNS = bytes.maketrans((string.digits + string.ascii_letters).encode(), b"0" * 10 + b"a" * 52)
_RUNS = [(sign * length, sign) for sign in (b"0", b"a") for length in (64, 16, 4, 2, 2)]
_NO_JSON = "is no JSON"
"""What the compiled part says of a line, of which Python says more."""
_INTERRUPTED = re.compile(r"(Python exception|^Invalid Input Error: reading the .* failed): KeyboardInterrupt")
"""What Arrow and the engine make of one that is raised where they call Python."""
Record = tuple[int, bytes]
"""Number of its first line, and its bytes with the line end."""


class Sifter:
    """Tells good records from bad ones.

    Attributes:
        bad: line and reason of every bad record in their order, or of the first one alone.
        good_count: how many were good, a header line aside.
    """

    def __init__(
        self, kind: str, attempt: Callable[[Path], None], scratch: Path, *, has_header: bool, stand_alone: bool
    ) -> None:
        """Set how records are tried.

        Args:
            kind: `ndjson`, `csv` or `lines`.
            attempt: reads a file as the importer does, and raises what goes wrong.
            scratch: a file to write blocks to.
            has_header: the first record is no record but names the columns.
            stand_alone: whether one can be read says nothing of another; else those tried together follow each other.
        """
        self._kind = kind
        self._attempt = attempt
        self._scratch = scratch
        self._has_header = has_header
        self._stand_alone = stand_alone
        self._forms: dict[int, bytes] = {}
        self._good_forms: set[bytes] = set()
        self._bad_forms: set[bytes] = set()
        self._first: bytes = b""
        self._one_suffices = False
        self.bad: list[tuple[int, str]] = []
        self.good_count = 0

    def sift(self, plain: Path, good: Path | None) -> None:
        """Try all records.

        Args:
            plain: the file.
            good: where to write the good records; None stops at the first bad one.
        """
        self._one_suffices = good is None
        with plain.open("rb") as file, (good or self._scratch.with_suffix(".unused")).open("wb") as out:
            records = _records(file, self._kind)
            line = 1
            if self._has_header:
                # Without the header line no record can be read.
                number, self._first = next(records, (1, b""))
                out.write(self._first)
                if (error := self._problem([])) is not None:
                    self.bad.append((number, self._reason((number, self._first), error)))
                    return
            for block in _blocks(records):
                good_ones = self._good_of(block)
                self.good_count += len(good_ones)
                out.writelines(self._laid_out(good_ones, line))
                line = good_ones[-1][0] + 1 if good_ones else line
                if self.bad and good is None:
                    return

    def _good_of(self, block: Sequence[Record]) -> list[Record]:
        error = self._problem(block)
        if error is None:
            return list(block)
        before = len(self.bad)
        if self._stand_alone and not self._one_suffices:
            self._forms = {number: _form(text) for number, text in block}
            block = sorted(block, key=lambda record: self._forms[record[0]])
        good = sorted(self._good_of_bad(block, error))
        self.bad[before:] = sorted(self.bad[before:])
        self._forms = {}
        return good

    def _good_of_bad(self, block: Sequence[Record], error: Exception) -> list[Record]:
        """Give the good ones of a block that failed with an error."""
        if len(block) == 1:
            self.bad.append((block[0][0], self._reason(block[0], error)))
            self._bad_forms |= self._forms_of(block)
            return []
        if self._is_of_bad_form(block):
            return self._good_of_bad_form(block)
        middle = len(block) // 2
        before = len(self.bad)
        first = self._tried(block[:middle])
        if self.bad and self._one_suffices:
            return first
        # Where nothing in the first half is bad, something in the second is.
        return [*first, *self._tried(block[middle:], known_bad=error if len(self.bad) == before else None)]

    def _good_of_bad_form(self, block: Sequence[Record]) -> list[Record]:
        """Try one by one, as long as all are bad: what comes behind a good one is halved."""
        for at, record in enumerate(block, start=1):
            if good := self._tried([record]):
                return [*good, *self._tried(block[at:])] if at < len(block) else good
        return []

    def _tried(self, block: Sequence[Record], *, known_bad: Exception | None = None) -> list[Record]:
        error = known_bad if len(block) > 1 and known_bad is not None else self._problem(block)
        if error is not None:
            return self._good_of_bad(block, error)
        self._good_forms |= self._forms_of(block)
        return list(block)

    def _forms_of(self, block: Sequence[Record]) -> set[bytes]:
        return {self._forms[number] for number, _ in block} if self._forms else set()

    def _is_of_bad_form(self, block: Sequence[Record]) -> bool:
        """Whether all are of a form of which some were bad, and none was good."""
        if not self._forms or self._forms[block[0][0]] != self._forms[block[-1][0]]:  # they are in the order of forms
            return False
        form = self._forms[block[0][0]]
        return form in self._bad_forms and form not in self._good_forms

    def _problem(self, block: Sequence[Record]) -> Exception | None:
        import duckdb  # noqa: PLC0415 - files of measurements need none of it

        self._scratch.write_bytes(b"".join([self._first, *self._laid_out(sorted(block), 1)]))
        try:
            self._attempt(self._scratch)
        except (duckdb.Error, SourceError) as error:
            if _comes_of_interruption(error):
                raise KeyboardInterrupt from error  # which says nothing of the records
            return error
        return None

    def _laid_out(self, records: Sequence[Record], line: int) -> Iterator[bytes]:
        """Write records one after the other; lines of text, whose numbers may be asked for, each where it stood.

        Args:
            records: in their order.
            line: where the first is written.
        """
        for number, record in records:
            if self._kind == "lines":
                yield b"\n" * (number - line)
                line = number + 1
            yield record

    def _reason(self, record: Record, error: Exception) -> str:
        _, text = record
        is_json = self._kind == "ndjson" or str(error) == _NO_JSON
        if is_json and (fault := _json_fault(text, error)) is not None:
            return fault
        if isinstance(error, BadRowError):
            return "column " + str(error).split(", column ", 1)[-1]
        if isinstance(error, SourceError):
            return str(error)
        return _csv_reason(text, error) if self._kind == "csv" else one_line(error)


def _comes_of_interruption(error: BaseException | None) -> bool:
    import duckdb  # noqa: PLC0415 - files of measurements need none of it

    if is_interruption(error):
        return True
    while error is not None:
        if isinstance(error, duckdb.InterruptException) or _INTERRUPTED.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _form(record: bytes) -> bytes:
    """Give what a record looks like: all digits are alike, all letters, and runs of them that are not too long."""
    form = record.translate(_SIGNS)
    for run, sign in _RUNS:
        form = form.replace(run, sign)
    return form


def _json_fault(text: bytes, error: Exception) -> str | None:
    """Say what is no JSON in a line, or not what every importer takes; None where it is what its importer says."""
    try:
        value = json.loads(text)
    except UnicodeDecodeError:
        return "is not valid UTF-8"
    except (ValueError, RecursionError) as problem:
        reason = no_json(problem) if isinstance(problem, json.JSONDecodeError) else f"is no JSON ({problem})"
        return reason + ("" if text.endswith(b"\n") else "; the file may be cut off")
    # An importer may take other values too, and say itself what is wrong with this one.
    return "is no JSON object" if not isinstance(value, dict) and isinstance(error, BadRowError) else None


def _csv_reason(text: bytes, error: Exception) -> str:
    message = str(error)
    try:
        text.decode()
    except UnicodeDecodeError:
        return "is not valid UTF-8"
    for line in message.splitlines():
        if line.startswith(("Expected Number of Columns", "Value with unterminated quote")):
            return line.strip()
    return one_line(error)


def _records(file: Iterator[bytes], kind: str) -> Iterator[Record]:
    """Cut a file into records; a line end within quotes ends no record of CSV."""
    pending: list[bytes] = []
    start = quotes = 0
    for number, line in enumerate(file, start=1):
        if kind != "csv":
            if not line.isspace():
                yield number, line
            continue
        if not pending and not line.strip():
            continue
        start = start if pending else number
        pending.append(line)
        quotes += line.count(b'"')
        # A quote that is never closed must not swallow the file.
        if quotes % 2 == 0 or len(pending) == 1000:
            yield start, b"".join(pending)
            pending, quotes = [], 0
    if pending:
        yield start, b"".join(pending)


def _blocks(records: Iterator[Record]) -> Iterator[list[Record]]:
    block: list[Record] = []
    size = 0
    for record in records:
        block.append(record)
        size += len(record[1])
        if len(block) == _BLOCK_RECORDS or size >= _BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
