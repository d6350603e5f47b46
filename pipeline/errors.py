"""The errors this package raises. Each carries an exit status and a message of one line for its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_MUCH_FURTHER = 0.1


class PipelineError(Exception):
    """Base of all errors raised on purpose; the message says what failed, where, and what to do."""

    exit_status = 1


class UsageError(PipelineError):
    """Options that do not exist, contradict each other, or cannot be read."""

    exit_status = 2


class TomlError(UsageError):
    """A file that says what to do, as targets and jobs are, cannot be read or understood.

    Attributes:
        file: the file, as it was named.
        line: where in it, from 1 on; None where that is nowhere.
    """

    def __init__(self, problem: str, *, file: str, line: int | None) -> None:
        self.file = file
        self.line = line
        super().__init__(f"{file}{'' if line is None else f':{line}'}: {problem}")


class SourceError(PipelineError):
    """The source cannot be read or holds bad data."""

    exit_status = 3


class BadRowError(SourceError):
    """One row breaks a rule of the data model.

    Attributes:
        session_id: the row's session, None where the row has none.
        sequence: the row's sequence, None where the row has none.
        column: the column that breaks the rule.
    """

    def __init__(self, problem: str, *, column: str, session_id: str | None, sequence: int | None) -> None:
        self.session_id = session_id
        self.sequence = sequence
        self.column = column
        super().__init__(f"session {session_id!r}, sequence {sequence}, column {column!r}: {problem}")


class ReplacedError(SourceError):
    """A session was replaced while it was read: nothing is damaged, but its parts do not belong together."""


class EmptyExportError(SourceError):
    """Nothing was selected, and the caller asked for that to be an error."""


class RecoveryError(SourceError):
    """Some recordings of a store cannot be recovered; they stay where they lie, and all others are sessions now.

    Its exit status is that of what they have in common, else that of a `SourceError`.

    Attributes:
        recovered: ids of the sessions that were made of the others.
        problems: what is wrong, an error for each recording that was left, which names it.
    """

    def __init__(self, store: Path, recovered: Sequence[str], problems: Sequence[PipelineError]) -> None:
        self.recovered = tuple(recovered)
        self.problems = tuple(problems)
        statuses = {problem.exit_status for problem in problems}
        self.exit_status = statuses.pop() if len(statuses) == 1 else SourceError.exit_status
        super().__init__(
            f"{store}: {len(problems)} of its recordings cannot be recovered: " + "; ".join(map(str, problems))
        )
        self.add_note(f"recovered were: {', '.join(recovered) or 'none'}")


class DestinationError(PipelineError):
    """The destination cannot be written, or holds something that is not ours to replace."""

    exit_status = 4


class VerificationError(PipelineError):
    """What was written is not what it should be."""

    exit_status = 5


class BusyError(DestinationError):
    """Another run holds the destination."""

    exit_status = 7


class ClusterError(PipelineError):
    """A cluster cannot be reached, is lost, or gave a task up; the same command may well work later."""

    exit_status = 10


def suggest(wanted: str, choices: Iterable[str], *, noun: str) -> str:
    """Say which choices are near, or which there are: the part of a message after "unknown ...".

    Args:
        wanted: what was asked for.
        choices: what exists.
        noun: what a choice is called, in the plural.
    """
    known = list(choices)
    near = [choice for choice in known if wanted and wanted.lower() in choice.lower()][:3]
    near = near or _nearest(wanted, known)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(map(repr, known[:8])) + (", ..." if len(known) > 8 else "")
    return f"{noun}: {shown or 'none'}"


def _nearest(wanted: str, known: Sequence[str]) -> list[str]:
    """Find the names that look like it, the nearest first, and none that is much further off than that."""
    import difflib  # noqa: PLC0415 - only needed here

    found = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    likeness = [difflib.SequenceMatcher(None, one, wanted).ratio() for one in found]
    return [one for one, ratio in zip(found, likeness, strict=True) if ratio > likeness[0] - _MUCH_FURTHER]
