"""What an importer reads of its files, and what it leaves: the lines `-- reads:` and `-- leaves:` of its head."""

from __future__ import annotations

import itertools
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import UsageError
from pipeline.native import PathStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.importers.samples import SamplePath

_STEP = re.compile(r'\.?(?:"((?:[^"\\]|\\.)+)"|(\*\*?)|([^\s.,*"\[\]]+))|\[(\d*)\]')
_KINDS = re.compile(r"\s+(NUMBERS|FIGURES)\b")
_UNLESS = re.compile(r"\s+UNLESS\s+([^\s,]+)")
_BETWEEN = re.compile(r"\s*(,\s*|$)")
_MAX_STEPS = 100


class Reads(NamedTuple):
    """Names of a file that an importer knows.

    Attributes:
        paths: of JSON, each with its use: `read`, `numbers` or `figures` (those alone are), or `left`.
        columns: of CSV, with its use; `*` stands for any text.
        conditional: further paths, each with its use and the path that the first document must not have.
    """

    paths: tuple[tuple[tuple[PathStep, ...], str], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    conditional: tuple[tuple[tuple[PathStep, ...], str, tuple[PathStep, ...]], ...] = ()

    def of_file(self, first: Callable[[], Any]) -> Reads:
        """Say what is read of a file: of the shapes that an importer knows, the one that it has.

        Args:
            first: gives its first document or line.
        """
        if not self.conditional:
            return self
        value = first()
        further = tuple((steps, use) for steps, use, unless in self.conditional if not _has(value, unless))
        return Reads(paths=(*self.paths, *further), columns=self.columns)

    def lead_into(self, samples: Sequence[SamplePath]) -> bool:
        """Say whether paths lead into elements of arrays of samples, and do not leave it at the whole of them."""
        return any(
            len(steps) > len(path.steps) and steps[: len(path.steps)] == path.steps
            for steps, _ in self.paths
            for path in samples
        )

    def use_of_column(self, name: str) -> str:
        """Say what is done with a column; `ignored` where nothing is said."""
        found = (use for pattern, use in self.columns if fnmatchcase(name.lower(), pattern.lower()))
        return next(found, "ignored")

    def left_columns(self, names: Iterable[str]) -> list[str]:
        """Give the names of the columns that are left on purpose."""
        return [name for name in names if self.use_of_column(name) == "left"]

    def use_of_keys(self, keys: Sequence[str]) -> str:
        """Say what is done with the value that some keys lead to; `ignored` where nothing is said."""
        return next((use for steps, use in self.paths if _leads_to(steps, keys)), "ignored")


def parse_reads(reads: Sequence[str], leaves: Sequence[str], *, is_csv: bool, where: str) -> Reads | None:
    """Read the lines of an importer; None where there are none.

    Args:
        reads: what is read, each line with commas: `jobs[].read|write.iops, "global options".**, * NUMBERS`; of CSV
            columns.
        leaves: what is left out on purpose.
        is_csv: columns are named, not paths.
        where: the importer, for errors.

    Raises:
        UsageError: one cannot be read.
    """
    if not reads and not leaves:
        return None
    lines = [*(("reads", "read", line) for line in reads), *(("leaves", "left", line) for line in leaves)]
    if is_csv:
        named = [(name.strip(), use, head, line) for head, use, line in lines for name in line.split(",")]
        for name, _, head, line in named:
            if not name:
                raise UsageError(f"{where}: '-- {head}: {line}' names a column without a name")
        return Reads(columns=tuple((name, use) for name, use, _, _ in named))
    paths = [path for head, use, line in lines for path in _parse(line, use, f"{where}: '-- {head}:")]
    return Reads(
        paths=tuple((steps, use) for steps, use, unless in paths if unless is None),
        conditional=tuple((steps, use, unless) for steps, use, unless in paths if unless is not None),
    )


def _parse(text: str, use: str, where: str) -> list[tuple[tuple[PathStep, ...], str, tuple[PathStep, ...] | None]]:
    paths: list[tuple[tuple[PathStep, ...], str, tuple[PathStep, ...] | None]] = []
    at = 0
    while True:
        steps: list[list[PathStep]] = []
        while (found := _STEP.match(text, at)) and (not steps or steps[-1][0].kind != "below"):
            quoted, any_key, key, number = found.groups()
            if number is None and found[0].startswith(".") is not bool(steps):
                break
            at = found.end()
            steps.append(_step(quoted, any_key, key, number))
        kinds = _KINDS.match(text, at) if use == "read" else None
        at = kinds.end() if kinds else at
        unless = None
        if found := _UNLESS.match(text, at):
            ((unless, *_),) = _parse(found[1], "read", where)
            at = found.end()
        between = _BETWEEN.match(text, at)
        if not steps or len(steps) > _MAX_STEPS or between is None:
            raise UsageError(f"{where} cannot read {text[at:].strip() or text!r}'; write key[].key, key.* or key.**")
        paths += [(each, kinds[1].lower() if kinds else use, unless) for each in itertools.product(*steps)]
        at = between.end()
        if not between[1]:
            return paths
        if at == len(text):
            raise UsageError(f"{where} {text}' ends with a comma")


def _step(quoted: str | None, any_key: str | None, key: str | None, number: str | None) -> list[PathStep]:
    """Give what may stand at one place of a path: keys without quotes may be several."""
    if any_key is not None:
        return [PathStep("below" if any_key == "**" else "any key")]
    if number is not None:
        return [PathStep("element", number=int(number)) if number else PathStep("any element")]
    if quoted is not None:
        return [PathStep("key", re.sub(r"\\(.)", r"\1", quoted))]
    return [PathStep("key", one) for one in (key or "").split("|")]


def _has(value: Any, steps: Sequence[PathStep]) -> bool:  # noqa: ANN401 - any JSON
    """Say whether a path leads to something, of arrays in their first element."""
    for step in steps:
        if step.kind == "key":
            if not isinstance(value, dict) or step.key not in value:
                return False
            value = value[step.key]
        elif not isinstance(value, list) or not value:
            return False
        else:
            value = value[0]
    return True


def _leads_to(steps: Sequence[PathStep], keys: Sequence[str]) -> bool:
    """Say whether a path leads to some keys, or on from there: the compiled part tells no more of lines."""
    for step, key in zip(steps, keys, strict=False):
        if step.kind == "below":
            return True
        if step.kind != "any key" and step != PathStep("key", key):
            return False
    return len(steps) >= len(keys) or (bool(steps) and steps[-1].kind == "below")
