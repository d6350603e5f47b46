"""Imports changed result files of harnesses by the thousand: the same numbers, a refusal, or a word of what changed.

python faults/changed_results.py --help
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq
from injection import WrongOutcomeError, require
from judging import FAULT, Commands, Ending
from result_files import MAX_BYTES, NUMBER, ROOT, ResultFile, changes, result_files

from pipeline import list_harnesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from result_files import Change

MAX_RESIDENT_BYTES = 400_000_000
"""Of files up to 1 MB, twice as much of larger ones; the engines take 200 MB of it."""
_TOGETHER = 10
"""Imports of one process: to start one takes as long as the work."""
OPTIONS = ["--timezone", "UTC", "--started-at", "2026-11-24T09:00:00Z"]
OF_LOGS = ["--assume", "unit=ns"]
_KNOWN = list_harnesses()
IMPORTERS = tuple(one["importer"] for one in _KNOWN)
OF_TEXT = {one["importer"] for one in _KNOWN if one["format"] in {"lines", "binary"}} - {"iperf3-stream"}

OF_RECORDS = {"gatling-binary"}
"""Binary, of records without a last one: cut off between two, a file is as whole as any."""

# What each change may come to.
SAME, TOLD, REFUSED, FEWER, MULTIPLIED = "the same numbers", "told", "refused", "fewer, told", "multiplied"
LEFT = "lies in what is left on purpose"
OTHER = "other numbers, which a file without a checksum cannot tell"
OUTCOMES = {
    "header dropped": {SAME, REFUSED},
    "column added": {TOLD, REFUSED},
    "field added": {REFUSED, TOLD},
    "column moved": {SAME, REFUSED},
    "name changed": {TOLD, REFUSED, LEFT},
    "number added": {TOLD, REFUSED, LEFT},
    "keys in another order": {SAME},
    "version changed": {SAME, TOLD, REFUSED},
    "samples multiplied": {MULTIPLIED},
    "byte changed": {SAME, OTHER, REFUSED},
    "line added": {TOLD, REFUSED},
    "other line ends": {SAME},
    "truncated": {REFUSED, FEWER, SAME},
}


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        numbers: how often each metric, value and unit is there.
        names: columns of the rows, and what stands in those of text.
        record: of the session.
        said: what the command said.
    """

    numbers: Counter[tuple[Any, ...]]
    names: frozenset[str]
    record: dict[str, Any]
    said: str

    @property
    def importer(self) -> str:
        """Its importer; empty where the file is one of measurements."""
        return self.record.get("origin", {}).get("importer_name", "")


class Importing:
    """Imports files in processes apart from this one; use it in a `with` statement."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._commands = Commands(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._commands.__exit__(*exc_info)

    def run(self, cases: Sequence[tuple[ResultFile, bytes]], *more: str) -> list[Ran]:
        """Import files that hold other bytes, one after the other."""
        shutil.rmtree(self._directory / "cases", ignore_errors=True)
        tmp = self._directory / "cases" / "tmp"
        tmp.mkdir(parents=True)
        places = [tmp.with_name(f"case-{at}") for at in range(len(cases))]
        commands = []
        for place, (file, data) in zip(places, cases, strict=True):
            place.mkdir()
            # What belongs to it lies beside it.
            for companion in file.path.parent.glob("benchmarks.json"):
                shutil.copy(companion, place)
            (place / file.path.name).write_bytes(data)
            options = [*OPTIONS, *more, *(OF_LOGS if file.path.match("fio/*.log") else [])]
            commands.append(["import", file.path.name, "--to", "store", "--quiet", *options])
        endings = self._commands.run_each(commands, cwds=places, tmp=tmp)
        largest = max(len(data) for _, data in cases)
        return [Ran(place, largest, ending) for place, ending in zip(places, endings, strict=True)]


class Ran(NamedTuple):
    """An import that has run.

    Attributes:
        place: where it ran.
        size: of the largest file that its process imported.
        ending: how it ended.
    """

    place: Path
    size: int
    ending: Ending

    def imported(self) -> Imported | None:
        """Give what came of it, None where the file was refused.

        Raises:
            WrongOutcomeError: it ended as no import may.
        """
        ending = self.ending
        shown = f"status {ending.status}: {ending.err[-800:]}"
        require(ending.status >= 0, f"ended by a signal: {shown}")
        require("Traceback" not in ending.err and FAULT not in ending.err, shown)
        most = MAX_RESIDENT_BYTES * (1 if self.size <= MAX_BYTES else 2)
        require(ending.resident < most, f"{ending.resident:,} bytes of memory: {shown}")
        require(not list(self.place.with_name("tmp").iterdir()), f"left temporary files: {shown}")
        if ending.status:
            lines = ending.err.count("\n")
            require(ending.status in {2, 3} and lines == 1 and len(ending.err) < 2000, f"is no refusal: {shown}")
            require(not (self.place / "store").exists(), f"left a store: {shown}")
            return None
        return _imported(self.place / "store", ending.err)


def _imported(store: Path, said: str) -> Imported:
    numbers: Counter[tuple[Any, ...]] = Counter()
    names: set[str] = set()
    records = []
    for directory in sorted((store / "sessions").iterdir()):
        records.append(json.loads((directory / "session.json").read_bytes()))
        for path in directory.glob("*.parquet"):
            table = pq.read_table(path)
            names.update(table.column_names)
            for column in table.columns:
                if column.type == pa.string():
                    names.update(text for text in column.unique().to_pylist() if text)
            found = zip(*(table.column(name).to_pylist() for name in ("metric", "value", "unit")), strict=True)
            numbers.update((metric, repr(value), unit) for metric, value, unit in found)
    return Imported(numbers, frozenset(names), records[0] if records else {}, said)


def outcome(change: Change, before: Imported, after: Imported | None) -> str:  # noqa: PLR0911 - one for each outcome
    """Say what a change came to.

    Raises:
        WrongOutcomeError: numbers are others, and nobody says why.
    """
    if after is None:
        return REFUSED
    others = after.numbers - before.numbers
    if change.kind == "samples multiplied":
        _require_multiplied(change, before, after)
        return MULTIPLIED
    if change.name:
        if after.numbers == before.numbers and (_is_left(change, after) or _is_id(change, before, after)):
            return LEFT
        _require_told(change, before, after)
        return TOLD
    if change.kind == "line added":
        require(after.numbers == before.numbers, f"changes other numbers: {list(others)[:3]}")
        require(_left_out(after) > _left_out(before), "nobody says that a line is no record")
        return TOLD
    if after.numbers == before.numbers:
        return SAME
    if change.kind == "byte changed":
        return OTHER
    if change.kind == "truncated":
        is_told = "cut off" in after.said or "has no end" in after.said  # as one of whole records that lacks its last
        # The last one may be shorter; what has no answer then was lost, as far as the file says.
        known = {one: count for one, count in others.items() if one[1] != "None"}
        require(sum(known.values()) <= is_told, f"other numbers: {list(known)[:3]}")
        is_whole = after.importer in OF_RECORDS or _ends_whole(change.data)
        require(is_told or is_whole, "nobody says that it is cut off")
        return FEWER
    require("version" in after.said, f"other numbers: {list(others)[:3]}")
    return TOLD


def _left_out(imported: Imported) -> int:
    return sum(imported.record.get("origin", {}).get("ignored", {}).values())


def _ends_whole(data: bytes) -> bool:
    """Whether a file that was cut off ends with a whole line, or with all of one but its end: nobody can tell."""
    if data.endswith((b"\n", b"\r")):
        return True
    try:
        return isinstance(json.loads(data.splitlines()[-1]), dict)
    except ValueError:
        return False


def _require_told(change: Change, before: Imported, after: Imported) -> None:
    is_told = change.name in f"{after.said} {json.dumps(after.record)} {sorted(after.names)}"
    require(is_told, "nobody says that a name is another")
    if change.kind != "name changed":
        known = {metric for metric, *_ in before.numbers}
        # Of an object of counts, such as those of status codes, the name of one more is an attribute.
        one_more = {repr(NUMBER)} if change.kind == "number added" and change.name in after.names else set()
        changed = [one for one in after.numbers - before.numbers if one[0] in known and one[1] not in one_more]
        require(not changed and not before.numbers - after.numbers, f"changes other numbers: {changed[:3]}")


def _is_left(change: Change, after: Imported) -> bool:
    """Whether the record counts what lies there as a whole, such as `disk_util[].**`."""
    path = ".".join(change.path)
    for name in after.record.get("origin", {}).get("ignored", {}):
        pattern = re.escape(re.sub(r"\[\d*\]|\"", "", name).lstrip(".")).replace(r"\*\*", ".*").replace(r"\*", "[^.]*")
        # A name without a star is that of a value, below which the path may lie.
        if re.fullmatch(f"{pattern}(\\..*)?" if "*" in name else f"{pattern}\\..*", path):
            return True
    return False


def _is_id(change: Change, before: Imported, after: Imported) -> bool:
    """Whether a name is the id of what holds no numbers, such as a report of texts: these are told without it."""
    told = [
        {key: value for key, value in one.record.get("origin", {}).items() if key not in {"bytes", "sha256"}}
        for one in (before, after)
    ]
    return change.is_of_object and told[0] == told[1] and before.names == after.names


def _require_multiplied(change: Change, before: Imported, after: Imported) -> None:
    samples = {name for name, facts in before.record.get("metric_facts", {}).items() if not facts["is_aggregate"]}
    wanted = {one: count * change.times for one, count in before.numbers.items() if one[0] in samples}
    found = {one: count for one, count in after.numbers.items() if one[0] in samples}
    require(found == wanted, f"{sum(found.values())} samples for {sum(wanted.values())}")


def run_importer(
    name: str, number: int, seed: int, keep: Path | None = None, only: int | None = None, own: Sequence[Path] = ()
) -> Counter[str]:
    """Change the files of an importer, and count what came of it."""
    outcomes: Counter[str] = Counter()
    draw = random.Random(f"{seed} {name}")  # noqa: S311 - repeatable on purpose
    with tempfile.TemporaryDirectory(prefix="changed-") as directory, Importing(Path(directory)) as importing:
        files = _files_of(name, importing, own)
        if not files:
            return Counter({"no file": 1})
        numbered = enumerate(_changes(files, name, number, draw))
        chosen = ((at, one) for at, one in numbered if only in {None, at})
        while some := list(islice(chosen, _TOGETHER)):
            ran = importing.run([(file, change.data) for _, (file, _, change) in some], "--from", name)
            for (at, (file, before, change)), one in zip(some, ran, strict=True):
                try:
                    after = one.imported()
                    came = outcome(change, before, after)
                    require(came in OUTCOMES[change.kind], f"is {came}: {after.said[-300:] if after else ''}")
                    outcomes[f"{change.kind}: {came}"] += 1
                except WrongOutcomeError as error:
                    shown = f"{name} #{at}, {file.path.name}, {change.kind}: {error}"
                    if keep is None:
                        raise WrongOutcomeError(shown) from error
                    outcomes["wrong"] += 1
                    print(f"WRONG {shown}", flush=True)
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{name}-{at}{file.path.suffix}").write_bytes(change.data)
    return outcomes


def _files_of(name: str, importing: Importing, own: Sequence[Path]) -> list[tuple[ResultFile, Imported]]:
    """Find the files that an importer knows, and what they give as they are."""
    files = [
        file
        for file in result_files(OF_TEXT & {name}, own)
        if file.path in own or name.partition("-")[0] in str(file.path.relative_to(ROOT.parent))
    ]
    befores = [one.imported() for one in importing.run([(file, file.data) for file in files])] if files else []
    pairs = zip(files, befores, strict=True)
    return [(file, before) for file, before in pairs if before is not None and before.importer == name]


def _changes(
    files: list[tuple[ResultFile, Imported]], name: str, number: int, draw: random.Random
) -> Iterator[tuple[ResultFile, Imported, Change]]:
    """Change files, a number of times in all; what one has too few changes for is left to those behind it."""
    made = 0
    for place, (file, before) in enumerate(files):
        share = (number - made) // (len(files) - place)
        for change in changes(file, name, share, draw):
            made += 1
            yield file, before, change


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the importers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("importers", nargs="*", choices=[[], *IMPORTERS], help="default: all")
    parser.add_argument("--number", type=int, default=1000, help="changes for each importer")
    parser.add_argument("--only", type=int, help="the one of this number")
    parser.add_argument("--keep", type=Path, help="go on after what goes wrong, and keep it here")
    parser.add_argument("--files", type=Path, nargs="+", default=[], help="of your own, beside the real ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    total: Counter[str] = Counter()
    given = (options.number, options.seed, options.keep, options.only, options.files)
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {name: pool.submit(run_importer, name, *given) for name in options.importers or IMPORTERS}
        for name, future in running.items():
            outcomes = future.result()
            total += outcomes
            print(f"{name:<18} {sum(outcomes.values()):>6,}  wrong {outcomes['wrong']}", flush=True)
    for came, count in sorted(total.items()):
        print(f"{came:<42} {count:>7,}")
    print(f"{sum(total.values()):,} changes, {total['wrong'] or 'none'} wrong, {time.monotonic() - started:.0f} s")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
