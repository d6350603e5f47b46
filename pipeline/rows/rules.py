"""Checks of a batch of measurements before anything is made of it: text, times, keys and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import BadRowError
from pipeline.model.arrays import integers, is_null, is_text
from pipeline.model.columns import CORE_COLUMNS, MAX_ROW_BYTES, MAX_SESSION_ID_CHARACTERS
from pipeline.model.timestamps import MAX_SECOND, MIN_SECOND, TICKS_PER_SECOND
from pipeline.native import REQUIRED, TELL_CONSTANT, TELL_INCREASING, RowCheck, RowFacts
from pipeline.rows.batches import text_sizes

if TYPE_CHECKING:
    from pipeline.model.arrays import Integers


class RowChecker:
    """Checks the batches of one schema: every rule that holds for a row by itself."""

    def __init__(self, schema: pa.Schema) -> None:
        """Prepare for batches of a schema."""
        questions = []
        for field in schema:
            required = field.name in CORE_COLUMNS and not CORE_COLUMNS[field.name].nullable
            order = {"session_id": TELL_CONSTANT, "sequence": TELL_INCREASING}.get(field.name, 0)
            questions.append((REQUIRED if required else 0) + order)
        self._check = RowCheck(
            questions, [MAX_SESSION_ID_CHARACTERS if name == "session_id" else 0 for name in schema.names]
        )
        self._texts = [
            (at, pa.types.is_dictionary(field.type))
            for at, field in enumerate(schema)
            if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type)
        ]
        self._bytes = [0] * len(schema)

    def __call__(self, batch: pa.RecordBatch) -> RowFacts:
        """Check a batch.

        Returns:
            what was found of its order on the way: whether all rows are certainly of one session, and their
            sequence certainly increases.

        Raises:
            BadRowError: a null where none may be, text that is not UTF-8 or holds NUL, a session id that is too
                long or empty, a year outside 0001 to 9999.
        """
        for at, is_dictionary in self._texts:
            column = batch.column(at)
            data = (column.dictionary if is_dictionary else column).buffers()[2]
            self._bytes[at] = data.size if data is not None else 0
        # One compiled pass tells whether all is well; if it does not say so, each rule is looked at.
        facts = self._check(batch, self._bytes)
        if not facts.sound:
            for name in batch.schema.names:
                row, problem = _first_problem(name, batch.column(name))
                if problem:
                    raise bad_row(batch, row, name, problem)
        return facts


def first_bad_value(batch: pa.RecordBatch) -> tuple[int, str, str] | None:
    """Find a value that no file holds, in rows of any columns.

    Returns:
        its row, its column, and what is wrong with it; None where all is well.
    """
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        row, problem = _first_problem("", array)
        if problem:
            return row, name, problem
    return None


def check_rows(batch: pa.RecordBatch) -> RowFacts:
    """Check a single batch as `RowChecker` does."""
    return RowChecker(batch.schema)(batch)


def require_short_rows(batch: pa.RecordBatch) -> None:
    """Refuse a row whose texts are longer together than those of a row of text may be.

    Raises:
        BadRowError: there is one.
    """
    texts = [column.dictionary if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    if sum(column.nbytes for column in texts if is_text(column.type)) <= MAX_ROW_BYTES:
        return
    sizes = text_sizes(batch)
    row = int(sizes.argmax()) if len(sizes) else 0
    if len(sizes) and sizes[row] > MAX_ROW_BYTES:
        one = batch.slice(row, 1)
        name = max(one.schema.names, key=lambda name: int(text_sizes(one.select([name]))[0]))
        problem = f"makes its row {int(sizes[row]):,} bytes long, of {MAX_ROW_BYTES:,} that a row of texts may have"
        raise bad_row(batch, row, name, problem)


def bad_row(batch: pa.RecordBatch, row: int, column: str, problem: str) -> BadRowError:
    """Make the error that names the row of a batch."""

    def key(name: str) -> object:
        if name not in batch.schema.names:
            return None
        try:
            return batch.column(name)[row].as_py()
        except UnicodeDecodeError:
            return None

    session_id, sequence = key("session_id"), key("sequence")
    return BadRowError(
        problem,
        column=column,
        session_id=session_id if isinstance(session_id, str) else None,
        sequence=sequence if isinstance(sequence, int) else None,
    )


def _first_problem(name: str, array: pa.Array) -> tuple[int, str]:
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

    kind = array.type
    if name in CORE_COLUMNS and not CORE_COLUMNS[name].nullable and array.null_count:
        return int(is_null(array).argmax()), "is null, which it may not be"
    if pa.types.is_string(kind):
        return _first_bad_text(name, array)
    if pa.types.is_dictionary(kind):
        place, problem = _first_bad_text(name, array.dictionary)
        row = _first_true(pc.equal(array.indices, place)) if problem else 0
        return (row, problem) if row >= 0 else (0, "")
    if pa.types.is_timestamp(kind) and kind.unit == "us" and len(array):
        ticks = integers(array)
        scale = TICKS_PER_SECOND["us"]
        outside = ((ticks < MIN_SECOND * scale) | (ticks >= (MAX_SECOND + 1) * scale)) & ~is_null(array)
        if outside.any():
            return int(outside.argmax()), "lies outside the years 0001 to 9999"
    return 0, ""


def _first_bad_text(name: str, array: pa.Array) -> tuple[int, str]:
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        if not has_sound_offsets(array):
            return 0, "is damaged"
        for row, value in enumerate(array):
            try:
                value.as_py()
            except UnicodeDecodeError:
                return row, "holds bytes that are not valid UTF-8"
        return 0, "is damaged"
    if _holds_nul(array):
        return _first_true(pc.match_substring(array, "\0")), "holds the character NUL"
    if name == "session_id":
        lengths = integers(pc.utf8_length(array).cast(pa.int64()))
        wrong = np.flatnonzero((lengths == 0) | (lengths > MAX_SESSION_ID_CHARACTERS))
        if len(wrong):
            return int(wrong[0]), f"must have 1 to {MAX_SESSION_ID_CHARACTERS} characters"
    return 0, ""


def _first_true(mask: pa.Array) -> int:
    found = np.flatnonzero(np.asarray(mask.fill_null(False)))
    return int(found[0]) if len(found) else -1


def _holds_nul(array: pa.Array) -> bool:
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return False
    ends = np.frombuffer(offsets, np.int32)
    first, last = ends[array.offset], ends[array.offset + len(array)]
    return not np.frombuffer(data, np.uint8)[first:last].all()


def has_sound_offsets(array: pa.Array) -> bool:
    """Whether the texts of a string array lie within its data, so that they can be looked at."""
    _, offsets, data = array.buffers()
    wide = pa.types.is_large_string(array.type)
    if offsets is None:
        return len(array) == 0
    width = 8 if wide else 4
    ends = np.frombuffer(offsets, np.int64 if wide else np.int32, count=offsets.size // width).astype(np.int64)
    ends = ends[array.offset : array.offset + len(array) + 1]
    if len(ends) <= len(array):
        return len(array) == 0
    size = data.size if data is not None else 0
    return bool(ends[0] >= 0 and ends[-1] <= size and (ends[1:] >= ends[:-1]).all())


def first_out_of_order(sequence: Integers, last: int | None) -> int | None:
    """Find the first row whose sequence does not increase.

    Args:
        sequence: of rows of one session, one at least.
        last: the sequence before them, None where they are the first.

    Returns:
        the row, None where all increase.
    """
    if last is not None and int(sequence[0]) <= last:
        return 0
    wrong = np.flatnonzero(sequence[1:] <= sequence[:-1])
    return int(wrong[0]) + 1 if len(wrong) else None
