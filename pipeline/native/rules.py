"""Facts of the rows of record batches: whether they keep the rules, and their order."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.native.library import ArrowBatch

REQUIRED, TELL_CONSTANT, TELL_INCREASING = 1, 2, 4
_SOUND, _CONSTANT, _INCREASING = 1, 2, 4


class RowFacts(NamedTuple):
    """What is certain of a batch.

    Attributes:
        sound: no row breaks a rule.
        constant: the columns asked hold one text.
        increasing: the columns asked go up from row to row.
    """

    sound: bool
    constant: bool
    increasing: bool


class RowCheck:
    """Looks at the rows of batches of one schema."""

    def __init__(self, questions: Sequence[int], max_characters: Sequence[int]) -> None:
        """Say what is asked.

        Args:
            questions: for each column, the sum of what is asked: `REQUIRED`, `TELL_CONSTANT`, `TELL_INCREASING`.
            max_characters: for each column, the most characters of a text that must not be empty, or 0.
        """
        self._questions = (ctypes.c_int32 * len(questions))(*questions)
        self._max_characters = (ctypes.c_int32 * len(questions))(*max_characters)
        self._bytes = ctypes.c_int64 * len(questions)

    def __call__(self, batch: ArrowBatch, text_bytes: Sequence[int]) -> RowFacts:
        """Look at a batch.

        Args:
            batch: the rows.
            text_bytes: for each column, the bytes of the data of its texts, or of its dictionary's.
        """
        exported = Exported(batch)
        facts = LIBRARY.pipeline_check_rows(
            exported.schema, exported.array, self._questions, self._max_characters, self._bytes(*text_bytes)
        )
        return RowFacts(bool(facts & _SOUND), bool(facts & _CONSTANT), bool(facts & _INCREASING))
